"""What the stages learn from: pictures and masks of a data set, in an order that follows from the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import torch
from torch import Tensor

from baselines.data.faces import Faces
from portraits import processes
from portraits.pictures import Pictures, ahead
from portraits.training import pick_indices

OTHERS = 7919  # added to the seed, it gives the order in which masks of others come

Batch = tuple[Tensor, Tensor, Tensor | None]


class Material:
    """Pictures and masks at `size` pixels, on the device. Raises ValueError for faces without masks."""

    def __init__(self, faces: Faces, size: int, device: torch.device | str = "cpu"):
        if faces.masks is None:
            raise ValueError(f"MaskGAN learns from masks, and {faces.name} has none; accepted: CelebAMask-HQ, or portraits")
        self.faces, self.size, self.device = faces, size, torch.device(device)
        self.pictures = Pictures(faces.images, faces.masks, self.device)
        self.train_indices = faces.train_indices
        self.held_out = np.concatenate([faces.validation_indices, faces.test_indices])

    def read(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures [B, 3, S, S] in [-1, 1] and masks uint8 [B, S, S]."""
        return self.pictures.batch(indices, self.size)

    def batches(self, batch_size: int, seed: int, step: int, references: bool) -> Iterator[Batch]:
        """This process's share of the batches from `step` on: pictures, masks and, if wanted, masks of other pictures.

        batch_size: of all processes together. Raises ValueError for one that cannot be shared out, or is too large.
        """
        if batch_size % processes.count():
            raise ValueError(f"batch size is {batch_size}; accepted: multiples of the {processes.count()} processes")
        share = slice(processes.rank(), None, processes.count())

        def pick(at: int) -> tuple[np.ndarray, np.ndarray | None]:
            others = pick_indices(self, batch_size, seed + OTHERS, at)[share] if references else None
            return pick_indices(self, batch_size, seed, at)[share], others

        def read(key: tuple[np.ndarray, np.ndarray | None]) -> Batch:
            images, masks = self.read(key[0])
            return images, masks, None if key[1] is None else self.read(key[1])[1]

        return ahead(read, map(pick, count(step)))
