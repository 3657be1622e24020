"""What an attribute's network does to held-out pictures, in figures (paper, figures 5 and 6, table 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baselines.maae.data import Material
from baselines.maae.editor import MaaeEditor
from baselines.maae.losses import judged_as, l1, mask_loss
from baselines.maae.network import Discriminator
from packs import metrics
from packs.attributes import ATTRIBUTES, others
from packs.frechet import Moments, frechet_between
from portraits.classifier import AttributeClassifier

BATCH = 16
STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # strengths in units of delta: -5 to 5 as published


@dataclass(frozen=True)
class Bench:
    """The judges, which are none of the networks that were trained here but for `discriminator` (table 2's fidelity).

    look: pictures -> features [N, F] of the Fréchet distance. discriminator: of the attribute's own training, or None.
    """

    material: Material
    classifier: AttributeClassifier
    look: Callable[[Tensor], Tensor]
    discriminator: Discriminator | None = None


@torch.no_grad()
def measure(editor: MaaeEditor, attribute: str, bench: Bench, indices: np.ndarray) -> dict:
    """Figures of an attribute's network on the pictures of `indices`, each edited to the side where it is not, at full strength.

    target_rate, side_effect_rate, avoidable_side_effect_rate, identity: as `evaluation` defines them, by the classifier.
    background_change: mean absolute change where the background is, in [0, 2]. tone_change: of the mean colour, in [0, 2].
    reconstruction: mean absolute error at strength 0. fid: of the edited to the pictures that they come from. fidelity: the mean of the
    network's own discriminator on the edited, in [0, 1] (table 2). by_strength: share that the classifier sees the attribute in.
    Raises ValueError for fewer than 2 pictures.
    """
    if len(indices) < 2:
        raise ValueError(f"there are {len(indices)} held-out pictures; accepted: at least 2")
    tally = _Tally(editor, attribute, bench)
    for start in range(0, len(indices), BATCH):
        tally.add(indices[start : start + BATCH])
    return tally.report()


class _Tally:
    """What was seen so far; a figure is the mean of its values, NaN left out."""

    def __init__(self, editor: MaaeEditor, attribute: str, bench: Bench) -> None:
        self.editor, self.attribute, self.bench, self.index = editor, attribute, bench, ATTRIBUTES.index(attribute)
        self.delta = editor.networks[attribute].settings.network.delta
        self.values: dict[str, list[Tensor]] = {}
        self.before, self.after = Moments(), Moments()
        self.features: list[tuple[Tensor, Tensor]] = []

    def add(self, indices: np.ndarray) -> None:
        images, background = self.bench.material.look(indices)
        having = torch.from_numpy(self.bench.material.faces.labels[indices, self.bench.material.faces.attributes.index(self.attribute)])
        by_strength = {share: self.editor.at(images, self.attribute, share * self.delta).clamp(-1, 1) for share in STEPS}
        edited = torch.where(having.to(images.device).view(-1, 1, 1, 1), by_strength[-1.0], by_strength[1.0])
        self._seen(images, edited, having.to(images.device))
        for share, pictures in by_strength.items():
            self._keep(f"at {share * self.delta:g}", (self.bench.classifier(pictures)[:, self.index] > 0).float())
        self._keep("background_change", mask_loss(images, edited, background) / background.flatten(1).mean(1))  # NaN without background
        self._keep("tone_change", (edited - images).mean((2, 3)).abs().mean(1))
        self._keep("reconstruction", l1(by_strength[0.0], images))
        if self.bench.discriminator is not None:
            logits = judged_as(self.bench.discriminator.to(images.device)(edited), 1 - having.long().to(images.device))
            self._keep("fidelity", logits.float().sigmoid().flatten(1).mean(1))
        self.before.add(self.bench.look(images))
        self.after.add(self.bench.look(edited))

    def report(self) -> dict:
        found = {name: metrics.mean(torch.cat(values)) for name, values in self.values.items()}
        before, after = (torch.cat(rows) for rows in zip(*self.features))
        at = {name.removeprefix("at "): found.pop(name) for name in list(found) if name.startswith("at ")}
        return {"pictures": self.before.count, **found, "identity": metrics.mean(metrics.identity(before, after, before.mean(0))),
                "fid": frechet_between(self.before, self.after), "fidelity": found.get("fidelity"), "by_strength": at}

    def _seen(self, before: Tensor, after: Tensor, having: Tensor) -> None:
        """By the classifier; a picture that it already saw on the other side cannot count for the target."""
        classifier = self.bench.classifier
        features = [classifier.features(images) for images in (before, after)]
        self.features.append((features[0], features[1]))
        was, now = (classifier.head(rows) > 0 for rows in features)
        for value in (False, True):
            rows = having != value  # these were edited towards it
            self._keep("target_rate", metrics.target_rate(was[rows][:, self.index], now[rows][:, self.index], value))
        for name, avoidable in (("side_effect_rate", False), ("avoidable_side_effect_rate", True)):
            self._keep(name, metrics.side_effect_rate(was, now, others(self.attribute, avoidable).to(was.device)))

    def _keep(self, name: str, values: Tensor) -> None:
        self.values.setdefault(name, []).append(values.cpu())


def means(found: list[dict]) -> Iterator[tuple[str, float | None]]:
    """(name, mean) of every figure that is a number, over attributes; None where none has it."""
    for name in found[0]:
        values = [line[name] for line in found if isinstance(line[name], (int, float))]
        if name not in ("pictures", "by_strength"):
            yield name, sum(values) / len(values) if values else None
