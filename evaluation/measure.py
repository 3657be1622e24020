"""Looks at samples before and after an editor, and says what it did: the same code for every editor."""

from __future__ import annotations

from collections import Counter
from typing import Callable, Iterable, Sequence

import torch
from torch import Tensor

from evaluation.editor import Editor, Request, Samples
from packs import metrics
from packs.pack import Pack
from packs.seen import Seen, look
from portraits.scene import ATTRIBUTES
from portraits.side_effects import others
from segmentation.parts import PartLike, label_mask

BATCH = 8
NAMES = ("target_rate", "side_effect_rate", "avoidable_side_effect_rate", "localization", "identity", "clip_gain")


class Judge:
    """The pack's classifier, parser and CLIP, looking at held-out samples; these are looked at once, before any edit."""

    def __init__(self, pack: Pack, samples: Samples, encode_image: Callable[[Tensor], Tensor], centre: Tensor | None = None) -> None:
        """encode_image: images [N, 3, R, R] in [-1, 1] -> embeddings [N, E] of unit length. centre: [F], the mean feature that
        identity is measured from, where the samples are too few to have one of their own."""
        self.pack, self.samples, self.encode_image = pack, samples, encode_image
        self.before = self.look(batch.images for batch in samples.split(BATCH))
        self.centre = self.before.features.mean(dim=0) if centre is None and self.before.features is not None else centre
        self.radius = metrics.dilation_radius(samples.images.shape[-1])

    def look(self, batches: Iterable[Tensor]) -> Seen:
        """All that is measured of pictures, a batch at a time: each [n, 3, R, R], looked at within [-1, 1]."""
        return look(self.pack, self.encode_image, batches)

    def edit(self, editor: Editor, request: Request) -> Seen:
        """What the judges see after the editor's edit."""
        return self.look(editor.edit(batch, request) for batch in self.samples.split(BATCH))

    def target_rate(self, editor: Editor, request: Request) -> float | None:
        """The target rate alone, which a search for the strength needs often: no parser, no CLIP. None if it cannot be told."""
        if self.pack.classifier is None:
            return None
        index = ATTRIBUTES.index(request.attribute)
        with torch.no_grad():
            after = torch.cat([self.pack.classifier(editor.edit(batch, request).float().clamp(-1, 1))[:, index] > 0
                               for batch in self.samples.split(BATCH)])
        return metrics.mean(metrics.target_rate(self.before.attributes[:, index], after, request.value))

    def measure(self, after: Seen, request: Request, part: PartLike, text: Tensor) -> dict:
        """Every metric of an edit: {name: mean over the samples that count, or None if none does}.

        A request whose attribute is "", as no attribute says what its words ask for, has neither target rate nor side effects.
        part: where the edit should stay, by name or weight. text: the prompt's CLIP embedding [E].
        """
        values = self._by_classifier(after, request)
        values["localization"] = metrics.localization(self.before.images, after.images, self._mask(self.before, part),
                                                      self._mask(after, part), self.radius)
        values["clip_gain"] = metrics.clip_gain(self.before.embeddings, after.embeddings, text)
        return {name: metrics.mean(values[name]) if name in values else None for name in NAMES}

    def eligible(self, request: Request) -> int | None:
        """How many samples were not as asked before the edit."""
        if self.before.attributes is None or not request.attribute:
            return None
        return int((self.before.attributes[:, ATTRIBUTES.index(request.attribute)] != request.value).sum())

    def most_changed(self, after: Seen, request: Request, count: int = 5) -> dict[str, float]:
        """The other attributes that flip most often, with the share of samples in which they do."""
        if after.attributes is None:
            return {}
        flips = (self.before.attributes != after.attributes).float().mean(dim=0) * others(request.attribute).to(after.images.device)
        ranked = Counter({name: round(share, 4) for name, share in zip(ATTRIBUTES, flips.tolist()) if share > 0})
        return dict(ranked.most_common(count))

    def _by_classifier(self, after: Seen, request: Request) -> dict[str, Tensor]:
        """The metrics that ask the classifier; none where the pack has none."""
        before = self.before
        if before.attributes is None:
            return {}
        values = {"identity": metrics.identity(before.features, after.features, self.centre)}
        if not request.attribute:
            return values
        index, device = ATTRIBUTES.index(request.attribute), before.attributes.device
        changed = {name: metrics.side_effect_rate(before.attributes, after.attributes, others(request.attribute, avoidable).to(device))
                   for name, avoidable in (("side_effect_rate", False), ("avoidable_side_effect_rate", True))}
        return {**values, "target_rate": metrics.target_rate(before.attributes[:, index], after.attributes[:, index], request.value), **changed}

    @staticmethod
    def _mask(seen: Seen, part: PartLike) -> Tensor:
        return label_mask(seen.labels, part).unsqueeze(1)


def means(lines: Sequence[dict], names: Iterable[str]) -> dict[str, float | None]:
    """{name: mean over the lines that have a number there, or None}."""
    found = {name: [line[name] for line in lines if line.get(name) is not None] for name in names}
    return {name: sum(values) / len(values) if values else None for name, values in found.items()}
