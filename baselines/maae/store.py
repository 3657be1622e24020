"""A trained network on disk: ATTRIBUTE.safetensors, weights in float16, and ATTRIBUTE.json, which says what they are. Nothing is executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from baselines.maae.network import Generator
from baselines.maae.training import Trainer, TrainSettings
from packs.files import write_atomically
from packs.weights import halved

KIND, FORMAT = "maae", 1


@dataclass(frozen=True)
class Trained:
    """The network of one attribute, frozen; how it was trained, and for how many steps."""

    generator: Generator
    settings: TrainSettings
    steps: int


def save_trained(trainer: Trainer, folder: Path) -> Path:
    """Write the averaged generator; the JSON comes last, so that where it is, all is. Raises OSError."""
    name, state = trainer.settings.attribute, trainer.average.values
    path = folder / f"{name}.safetensors"
    write_atomically(path, save({key: halved(value).clone() for key, value in state.items()}))
    about = {"kind": KIND, "format": FORMAT, "steps": trainer.step, "settings": trainer.settings.to_dict()}
    write_atomically(folder / f"{name}.json", (json.dumps(about, indent=1) + "\n").encode())
    return path


def load_trained(path: Path, device: torch.device | str = "cpu") -> Trained:
    """The network that a JSON file tells of. Raises ValueError, which names the file, for anything else."""
    about = read_about(path)
    weights = path.with_suffix(".safetensors")
    try:
        settings = TrainSettings.from_dict(about["settings"])
        with torch.random.fork_rng(devices=[]):  # what a new layer draws must not change anyone's seed
            generator = Generator(settings.network)
        generator.load_state_dict({key: value.float() for key, value in load_file(weights).items()})
    except FileNotFoundError:
        raise ValueError(f"{path} tells of weights, and {weights} is missing") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{weights} does not fit {path.name}: {str(error).splitlines()[-1].strip()}") from error
    generator = generator.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return Trained(generator, settings, int(about["steps"]))


def load_folder(folder: Path, device: torch.device | str = "cpu") -> Mapping[str, Trained]:
    """All networks in a folder by attribute. Raises ValueError where there is none."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; accepted: one that baselines.maae.train wrote")
    found = [path for path in sorted(folder.glob("*.json")) if is_about(path)]
    if not found:
        raise ValueError(f"{folder} holds no trained network of M-AAE; accepted: one that baselines.maae.train wrote")
    return {trained.settings.attribute: trained for trained in (load_trained(path, device) for path in found)}


def is_about(path: Path) -> bool:
    """Whether a JSON file tells of a network of ours, and not of something else that lies beside it."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("kind") == KIND
    except (ValueError, AttributeError):
        return False


def read_about(path: Path) -> dict:
    if not is_about(path):
        raise ValueError(f"{path} does not tell of a network of M-AAE")
    about = json.loads(path.read_text(encoding="utf-8"))
    if about.get("format") != FORMAT:
        raise ValueError(f"{path} has format {about.get('format')!r}; accepted: {FORMAT}")
    return about
