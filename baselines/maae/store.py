"""Trained networks in a file: safetensors, weights in float16, with each attribute's settings as JSON in the header. Reading runs nothing.

A run has a file for each attribute; a pack has one for all, which `python -m baselines.maae.export` joins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from baselines.maae.network import Generator
from baselines.maae.training import Trainer, TrainSettings
from packs.files import write_atomically
from packs.weights import halved, read_safetensors

FORMAT = "eclipsed-maae"


@dataclass(frozen=True)
class Trained:
    """The network of one attribute, frozen; how it was trained, and for how many steps.

    keep_detail: an edit lays the change over the picture, x + G(x, strength) - G(x, 0), so that what is not rebuilt is not lost.
    Not in the paper; for networks whose training was too short to rebuild well.
    """

    generator: Generator
    settings: TrainSettings
    steps: int
    keep_detail: bool = False

    @classmethod
    def of(cls, trainer: Trainer) -> "Trained":
        """What a training came to: the averaged weights."""
        return cls(trainer.averaged(), trainer.settings, trainer.step)


def save_networks(networks: Mapping[str, Trained], path: Path) -> Path:
    """Write networks by attribute, all of it or nothing. Raises OSError."""
    tensors = {f"{name}/{key}": halved(value).clone()
               for name, trained in networks.items() for key, value in trained.generator.state_dict().items()}
    about = {name: {"steps": trained.steps, "settings": trained.settings.to_dict(), "keep_detail": trained.keep_detail}
             for name, trained in networks.items()}
    write_atomically(path, save(tensors, {"format": FORMAT, "networks": json.dumps(about)}))
    return path


def load_networks(path: Path, device: torch.device | str = "cpu") -> dict[str, Trained]:
    """The networks of a file, or of all such files in a run's folder, by attribute.

    Raises OSError where it cannot be read, ValueError, which names the file, where it is damaged or holds something else.
    """
    networks: dict[str, Trained] = {}
    for file in sorted(path.glob("*.safetensors")) if path.is_dir() else [path]:
        header, tensors = read_safetensors(file)
        if header.get("format") == FORMAT:
            networks |= _networks(file, header, tensors, device)
    if not networks:
        raise ValueError(f"{path} holds no network of M-AAE; accepted: a folder or file that `python -m baselines.maae.train` wrote")
    return networks


def _networks(path: Path, header: Mapping[str, str], tensors: Mapping[str, Tensor], device: torch.device | str) -> dict[str, Trained]:
    try:
        return {name: _network(about, name, tensors, device) for name, about in json.loads(header["networks"]).items()}
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[-1].strip()
        raise ValueError(f"{path} is damaged: its weights do not fit its settings ({reason})") from error


def _network(about: dict, name: str, tensors: Mapping[str, Tensor], device: torch.device | str) -> Trained:
    settings = TrainSettings.from_dict(about["settings"])
    with torch.random.fork_rng(devices=[]):  # what a new layer draws must not change anyone's seed
        generator = Generator(settings.network)
    own = f"{name}/"
    generator.load_state_dict({key.removeprefix(own): value.float() for key, value in tensors.items() if key.startswith(own)})
    generator = generator.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return Trained(generator, settings, int(about["steps"]), about.get("keep_detail") is True)
