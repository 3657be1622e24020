"""How far an editor takes pictures from what pictures look like: FID between samples and the same samples after an edit.

An editor that does nothing has 0, and one that does just what is asked has what the asked change comes to, so editors are
compared at the same target rate. The distance depends on the number of pictures and on what looks at them: only figures of the
same samples and the same features compare, and on few pictures, fewer than there are features, it is no more than a rank.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from evaluation.editor import Editor, Request, Samples
from evaluation.features import Eyes
from evaluation.measure import BATCH
from packs.frechet import Moments, frechet_between

FEWEST = 2  # pictures that have a covariance


class Distance:
    """The samples are looked at once. Raises ValueError for fewer than `FEWEST`."""

    def __init__(self, samples: Samples, eyes: Eyes) -> None:
        if len(samples) < FEWEST:
            raise ValueError(f"there are {len(samples)} pictures; accepted for FID: at least {FEWEST}")
        self.samples, self.eyes = samples, eyes
        self._before = self._look(batch.images for batch in samples.split(BATCH))

    @property
    def described(self) -> dict:
        """What figures must share to be compared."""
        return {"pictures": len(self.samples), "features": self.eyes.name}

    def after(self, editor: Editor, request: Request) -> float:
        """FID after an editor's edit of all samples."""
        with torch.no_grad():
            return self.between(editor.edit(batch, request) for batch in self.samples.split(BATCH))

    def between(self, batches: Iterable[Tensor]) -> float:
        """FID of the samples and of other pictures, each batch [n, 3, R, R] in [-1, 1]."""
        return frechet_between(self._before, self._look(batches))

    def _look(self, batches: Iterable[Tensor]) -> Moments:
        moments = Moments()
        for images in batches:
            moments.add(self.eyes(images))
        return moments
