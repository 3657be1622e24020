"""How well a picture was found again: what an inversion is measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lelsd.features import FeatureDistance
from packs import metrics
from stylegan2.generate import samples

if TYPE_CHECKING:
    from packs.pack import Pack

SAMPLES, BATCH = 64, 8  # of the generator, for the mean face that identity is measured from


class Likeness:
    """Target and found picture -> their differences, by name. Made once a pack."""

    def __init__(self, pack: "Pack", feature_distance: FeatureDistance | None = None, seed: int = 0) -> None:
        """seed: the first of the samples that identity is measured against."""
        self.pack, self.feature_distance = pack, feature_distance or FeatureDistance(pack)
        self.centre = None if pack.classifier is None else self._centre(seed)

    @torch.no_grad()
    def __call__(self, target: Tensor, found: Tensor) -> dict[str, Tensor]:
        """target, found: [N, 3, R, R], looked at within [-1, 1].

        Returns: feature_distance [N]; pixel_error [N], the mean absolute difference in [0, 2]; identity [N], as
            `metrics.identity`, not there for a pack without a classifier.
        """
        target, found = target.float().clamp(-1, 1), found.float().clamp(-1, 1)
        measured = {"feature_distance": self.feature_distance(found, target), "pixel_error": (found - target).abs().mean(dim=(1, 2, 3))}
        if self.centre is not None:
            classifier = self.pack.classifier
            measured["identity"] = metrics.identity(classifier.features(target), classifier.features(found), self.centre)
        return measured

    @torch.no_grad()
    def _centre(self, seed: int) -> Tensor:
        """The classifier's mean feature, [F], of samples of the generator."""
        seeds = [(seed + i) % 2**32 for i in range(SAMPLES)]
        drawn = samples(self.pack.generator, seeds, self.pack.truncation, batch_size=BATCH)
        return torch.cat([self.pack.classifier.features(image[None].float().clamp(-1, 1)) for _, image in drawn]).mean(dim=0)


def means(measured: dict[str, Tensor]) -> dict[str, float | None]:
    """The mean of each over the pictures; identity None where nobody could tell."""
    return {name: metrics.mean(measured[name]) if name in measured else None for name in ("feature_distance", "identity", "pixel_error")}
