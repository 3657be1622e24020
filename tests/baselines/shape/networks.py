"""Untrained networks of shape control, small enough for a test, as a pack ships them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines import ship
from baselines.maskgan.bundle import save_bundle
from baselines.maskgan.config import preset
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.donors import Donors
from baselines.maskgan.editor import Painter
from baselines.semantic_vae.model import SemanticVAE, SemanticVAEConfig, save_model

CLASSES = (0, 1, 4, 12, 13, 17)
CONFIG = SemanticVAEConfig(size=16, grid=4, encoder_size=8, hidden=16, lstm_width=8, feed_forward=16, widths=(16, 8, 8))


def untrained_vae() -> SemanticVAE:
    """One whose masks follow its codes, and hold nothing but a few classes: those of the toy parsers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = SemanticVAE(CONFIG).eval().requires_grad_(False)
        for weights in model.decoder.parameters():
            weights += 0.3 * torch.randn_like(weights)
        model.decoder.last.bias[list(CLASSES)] += 100
    return model


def untrained_painter() -> Painter:
    config = preset("tiny", 64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return Painter(DenseMappingNetwork(config).eval().requires_grad_(False), config)


def ship_semantic_vae(folder: Path, aside: Path) -> None:
    """Put one into the pack in a folder; `aside`: where its file lies first."""
    save_model(aside / "model.safetensors", untrained_vae())
    ship.main(["semantic-vae", str(aside / "model.safetensors"), "--pack", str(folder)])


def ship_maskgan(folder: Path, aside: Path) -> None:
    donors = Donors(np.zeros((1, 64, 64), np.uint8), np.ones((1, 1), bool), ("Smiling",))
    save_bundle(aside / "maskgan.safetensors", untrained_painter(), donors)
    words = ["maskgan", str(aside / "maskgan.safetensors"), "--pack", str(folder)]
    ship.main([*words, "--kind", "maskgan", "--title", "MaskGAN"])
