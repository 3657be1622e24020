"""How unlike two pictures look: the distance of their feature maps in the pack's CLIP.

Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric", equation 1, without its learned
weights: vectors of unit length at every place, squared differences, the mean over places and depths. It is LPIPS in kind, not in
value: two packs' figures do not compare.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lelsd.clip_guide import ClipGuide

if TYPE_CHECKING:
    from packs.pack import Pack

DEPTHS = 5  # a ResNet's stem and stages; as many blocks of a transformer, evenly spread


class FeatureDistance:
    """Pictures twice -> [N], 0 where they are the same, at most 4; differentiable in both."""

    def __init__(self, pack: "Pack", guide: ClipGuide | None = None) -> None:
        """guide: the pack's, where there is one already."""
        self.guide = guide or ClipGuide(pack)
        visual = self.guide.model.visual
        blocks = len(visual.transformer.resblocks) if hasattr(visual, "transformer") else DEPTHS
        self.indices = sorted({round((i + 1) * blocks / DEPTHS) - 1 for i in range(DEPTHS)} - {-1})

    def __call__(self, images: Tensor, others: Tensor) -> Tensor:
        """images, others: [N, 3, H, W] in [-1, 1]."""
        return self._between(self.maps(images), self.maps(others))

    def to(self, target: Tensor) -> Callable[[Tensor], Tensor]:
        """The distance from `target` [N, 3, H, W] alone, whose features are computed once."""
        with torch.no_grad():
            wanted = self.maps(target)
        return lambda images: self._between(self.maps(images), wanted)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Features of unit length at several depths, each [N, C, h, w]."""
        seen = self.guide.model.visual.forward_intermediates(self.guide.prepared(images), indices=self.indices, intermediates_only=True)
        return [F.normalize(features.float(), dim=1, eps=1e-6) for features in seen["image_intermediates"]]

    @staticmethod
    def _between(maps: list[Tensor], others: list[Tensor]) -> Tensor:
        levels = [(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(maps, others, strict=True)]
        return torch.stack(levels).mean(dim=0)
