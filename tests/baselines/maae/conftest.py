"""Small drawn faces, and small networks that learn from them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from baselines.data.faces import Faces, open_faces
from baselines.maae.data import Material
from baselines.maae.identity import classifier_features
from baselines.maae.network import NetworkConfig
from baselines.maae.training import Features, TrainSettings
from packs.pack import Pack
from portraits.dataset import build_cache

SIZE = 40


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 48 portraits of 40 pixels."""
    folder = tmp_path_factory.mktemp("maae") / "cache"
    build_cache(folder, seed=3, count=48, size=SIZE, workers=1)
    return folder


@pytest.fixture(scope="session")
def faces(cache: Path) -> Faces:
    return open_faces(cache, SIZE, ("Male",))


@pytest.fixture(scope="session")
def material(faces: Faces) -> Material:
    return Material.of(faces, SIZE, torch.device("cpu"))


@pytest.fixture(scope="session")
def features(tiny_models: Pack) -> Features:
    return classifier_features(tiny_models.classifier)


def settings(**changed) -> TrainSettings:
    return TrainSettings("Male", **{"network": NetworkConfig(size=SIZE, width=4), "batch_size": 4, "steps": 4, **changed})


@pytest.fixture(scope="session")
def make_settings():
    """`make_settings(steps=2)`: of a small training."""
    return settings
