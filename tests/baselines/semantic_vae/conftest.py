"""Masks and networks that are small enough to train in a second."""

import numpy as np
import pytest
import torch

from baselines.semantic_vae.masks import Masks
from baselines.semantic_vae.model import SemanticVAEConfig

TINY = {"size": 16, "grid": 4, "encoder_size": 8, "hidden": 16, "lstm_width": 8, "feed_forward": 16, "widths": (16, 8, 8)}


class ToyMasks:
    """Faces of three classes: background, skin in an oval that moves, hair above it."""

    def __init__(self, count: int = 24, size: int = 16):
        self.labels = toy_labels(count, size)
        self.train_indices, self.held_out_indices = np.arange(count - 4), np.arange(count - 4, count)

    def read(self, indices):
        return self.labels[torch.from_numpy(np.asarray(indices))]

    def batches(self, indices, size: int = 3):
        return Masks.batches(self, indices, size)


def toy_labels(count: int, size: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(7)
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    labels = torch.zeros(count, size, size, dtype=torch.uint8)
    for label in labels:
        y, x = size / 2 + (torch.rand(2, generator=rng) - 0.5) * size / 4
        face = ((rows - y) ** 2 + (columns - x) ** 2) < (size / 3) ** 2
        label[face] = 1
        label[face & (rows < y - size / 8)] = 17
    return labels


@pytest.fixture
def config() -> SemanticVAEConfig:
    return SemanticVAEConfig(**TINY)


@pytest.fixture
def masks() -> ToyMasks:
    return ToyMasks()
