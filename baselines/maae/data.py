"""Faces as M-AAE learns from them: with an attribute or without, and where their background is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baselines.data.attributes import index_of
from baselines.data.faces import Faces
from baselines.maae.training import Batch
from portraits.pictures import Pictures
from segmentation.parts import label_mask

KEPT = "background"  # part of `segmentation.parts` that an edit must leave alone

Parser = Callable[[Tensor], Tensor]  # pictures [N, 3, S, S] -> logits [N, 19, S, S]


@dataclass(frozen=True)
class Material:
    """Pictures of `size` pixels on their device; masks are the data set's, or a parser's where it has none (the paper's FCN)."""

    faces: Faces
    pictures: Pictures
    size: int
    parser: Parser | None

    @classmethod
    def of(cls, faces: Faces, size: int, device: torch.device, parser: Parser | None = None) -> "Material":
        """Raises ValueError for faces without masks where no parser is given."""
        if faces.masks is None and parser is None:
            raise ValueError(f"the {faces.name} faces have no masks; accepted without masks: a pack whose parser knows such faces")
        return cls(faces, Pictures(faces.images, faces.masks, device), size, None if faces.masks is not None else parser)

    def sides(self, attribute: str, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of some indices those without and those with the attribute. Raises ValueError for an unknown attribute."""
        having = self.faces.labels[indices, index_of(attribute, self.faces.attributes)]
        return indices[~having], indices[having]

    def read(self, indices: np.ndarray) -> Batch:
        """A batch whose first half is without the attribute, [2n]."""
        images, background = self.look(indices)
        side = torch.arange(len(indices), device=images.device) // (len(indices) // 2)
        return Batch(images, background, side)

    def look(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures [N, 3, S, S] in [-1, 1] and their background [N, 1, S, S], 1 where it is."""
        if self.parser is None:
            images, labels = self.pictures.batch(indices, self.size)
        else:
            images = self.pictures.only(indices, self.size)
            with torch.no_grad():
                labels = self.parser(images).argmax(1)
        return images, label_mask(labels, KEPT)[:, None].float()
