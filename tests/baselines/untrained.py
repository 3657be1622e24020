"""Every editor that a pack can ship, untrained and small enough for a test, put into a pack as the command does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines import ship
from baselines.maae.network import Generator, NetworkConfig
from baselines.maae.store import Trained, save_networks
from baselines.maae.training import TrainSettings
from baselines.maskgan.bundle import save_bundle
from baselines.maskgan.donors import Donors
from baselines.secgan.config import SecganConfig
from baselines.secgan.networks import rgb_generator
from baselines.secgan.weights import save_generator
from tests.baselines.shape.networks import ship_semantic_vae, untrained_painter

SERVED = "Bangs"  # by all of them


def secgan_file(folder: Path, method: str) -> Path:
    config = SecganConfig(size=64, width=1 / 16, method=method)
    return save_generator(rgb_generator(config), config, folder / f"{method}.safetensors")


def maae_file(folder: Path) -> Path:
    """The networks of M-AAE as `baselines.maae.export` joins them."""
    settings = TrainSettings(SERVED, network=NetworkConfig(size=40, width=4), batch_size=4, steps=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        generator = Generator(settings.network).eval().requires_grad_(False)
    return save_networks({SERVED: Trained(generator, settings, 4)}, folder / "maae.safetensors")


def maskgan_file(folder: Path) -> Path:
    donors = Donors(np.full((1, 64, 64), 17, np.uint8), np.ones((1, 1), bool), (SERVED,))
    save_bundle(folder / "maskgan.safetensors", untrained_painter(), donors)
    return folder / "maskgan.safetensors"


def ship_all(folder: Path, aside: Path) -> None:
    """Put all of them into the pack in `folder`; `aside`: where their files lie first."""
    found = {"secgan": secgan_file(aside, "secgan"), "secgan-baseline": secgan_file(aside, "baseline"), "maskgan": maskgan_file(aside),
             "maae": maae_file(aside)}
    for name, path in found.items():
        ship.main([name, str(path), "--pack", str(folder)])
    ship_semantic_vae(folder, aside)
