"""A drawn data set of a handful of faces, and networks small enough for a test."""

from __future__ import annotations

import pytest
import torch

from baselines.maskgan.config import preset
from baselines.maskgan.material import Material
from baselines.maskgan.train import open_data
from portraits.dataset import build_cache


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder of a cache of 40 faces at 64 pixels, half of them held out."""
    folder = tmp_path_factory.mktemp("maskgan") / "cache"
    build_cache(folder, seed=5, count=40, size=64, workers=1)
    return folder


@pytest.fixture(scope="session")
def material(data):
    return Material(open_data(data, 64), 64)


@pytest.fixture
def config():
    return preset("tiny", 64)


@pytest.fixture
def faces():
    """Two pictures [2, 3, 64, 64] and their masks uint8 [2, 64, 64]: a square of one class on background."""
    rng = torch.Generator().manual_seed(1)
    masks = torch.zeros(2, 64, 64, dtype=torch.uint8)
    masks[0, 16:48, 16:48], masks[1, 8:40, 20:60] = 1, 17
    images = torch.where(masks[:, None] > 0, 0.5, -0.5).expand(-1, 3, -1, -1) + 0.1 * torch.randn(2, 3, 64, 64, generator=rng)
    return images, masks
