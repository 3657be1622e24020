"""Every attribute of every picture turned round, and what a classifier then sees: the measures of SeCGAN's tables, for any editor.

SeCGAN (Sun et al. 2021), section 4.4: each test picture is edited 13 times, each time with one of 13 attributes reversed.
TARR is the share of edits after which an external classifier sees the attribute as asked, by attribute and as their mean.
(ss)FID is measured between the pictures and the edits of one attribute, and averaged over the 13; the Inception Score over all
edits, in 10 subsets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluation.editor import Editor, Request, Samples
from evaluation.features import Eyes, Looks
from evaluation.scores import InceptionScore
from packs.attributes import asking
from packs.frechet import Moments, frechet_between

REVERSED = ("Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Mustache",
            "No_Beard", "Pale_Skin", "Young")
"""The 13 attributes of section 4.1 by CelebA's names, in CelebA's order."""

Batch = tuple[Samples, Tensor]
"""Pictures and their labels, bool [N, 13], in the order of `REVERSED`."""


@dataclass(frozen=True, eq=False)
class Recogniser:
    """The external classifier: pictures [N, 3, H, W] in [-1, 1] -> bool [N, 13], in the order of `REVERSED`; `name` for the table."""

    name: str
    look: Callable[[Tensor], Tensor]

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        return self.look(images.float().clamp(-1, 1)).cpu()


def reverse(editor: Editor, samples: Samples, labels: Tensor, attribute: str) -> Tensor:
    """Each picture with the attribute turned round, [N, 3, R, R]. labels: bool [N], whether it is there now."""
    images = torch.empty_like(samples.images)
    for there in (False, True):
        rows = (labels == there).nonzero()[:, 0].to(samples.images.device)
        if len(rows):
            images[rows] = editor.edit(samples.pick(rows), Request(asking(attribute, not there), attribute, not there)).to(images)
    return images


class Reversals:
    """What was seen so far, picture by picture; `report` says what it comes to."""

    def __init__(self, editor: Editor, recogniser: Recogniser, looks: Looks) -> None:
        self.editor, self.recogniser, self.looks = editor, recogniser, looks
        self.count, self._inception = 0, InceptionScore()
        self._hits, self._untouched = torch.zeros(len(REVERSED)), torch.zeros(len(REVERSED))
        self._real = {name: Moments() for name in ("fid", "ssfid")}
        self._edited = {name: [Moments() for _ in REVERSED] for name in self._real}

    def add(self, samples: Samples, labels: Tensor) -> None:
        """Edit a batch 13 times. labels: bool [N, 13]. Raises ValueError for another shape, and what the editor raises."""
        if tuple(labels.shape) != (len(samples), len(REVERSED)):
            raise ValueError(f"labels have shape {list(labels.shape)}; accepted: [{len(samples)}, {len(REVERSED)}]")
        labels = labels.bool().cpu()
        self.count += len(samples)
        self._untouched += (self.recogniser(samples.images) != labels).sum(dim=0)
        self._see(self._real, samples.images)
        for index, attribute in enumerate(REVERSED):
            images = reverse(self.editor, samples, labels[:, index], attribute)
            self._hits[index] += int((self.recogniser(images)[:, index] != labels[:, index]).sum())
            self._see({name: found[index] for name, found in self._edited.items()}, images)
            if self.looks.inception_score is not None:
                self._inception.add(self.looks.inception_score(images))

    def _see(self, moments: dict[str, Moments], images: Tensor) -> None:
        """One look serves both distances where they look with the same eyes."""
        fid = self.looks.fid(images)
        moments["fid"].add(fid)
        moments["ssfid"].add(fid if self.looks.ssfid is self.looks.fid else self.looks.ssfid(images))

    def report(self) -> dict:
        """The fields of contracts.md; shares in [0, 1]. `untouched`: the TARR of an editor that does nothing, which is how often the
        classifier and the labels disagree. Raises ValueError for fewer than 2 pictures."""
        if self.count < 2:
            raise ValueError(f"{self.count} pictures were edited; accepted: at least 2")
        rates, untouched = ((values / self.count).tolist() for values in (self._hits, self._untouched))
        distances = {name: [frechet_between(self._real[name], edited) for edited in found] for name, found in self._edited.items()}
        return {"pictures": self.count, "tarr": sum(rates) / len(rates), "tarr_by_attribute": dict(zip(REVERSED, rates)),
                "untouched": sum(untouched) / len(untouched), **{name: sum(found) / len(found) for name, found in distances.items()},
                **{f"{name}_by_attribute": dict(zip(REVERSED, found)) for name, found in distances.items()},
                "inception_score": None if self.looks.inception_score is None else self._inception.score(),
                "features": {"tarr": self.recogniser.name, **self.looks.names}}


def evaluate_reversals(editor: Editor, batches: Iterable[Batch], recogniser: Recogniser, looks: Looks,
                       progress: Callable[[int], None] | None = None) -> dict:
    """`Reversals.report` of all batches. progress: told the pictures done, after each batch."""
    found = Reversals(editor, recogniser, looks)
    for samples, labels in batches:
        found.add(samples, labels)
        if progress is not None:
            progress(found.count)
    return {"editor": editor.name, **found.report()}
