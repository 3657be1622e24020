"""A generator in a file: safetensors, with the run's settings as JSON in the header. Reading one can run nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from baselines.secgan.config import SecganConfig
from baselines.secgan.networks import rgb_generator, semantic_generator
from packs.files import write_atomically
from packs.weights import halved, read_safetensors

FORMAT = "eclipsed-secgan-generator"
MAKERS: dict[str, Callable[[SecganConfig], nn.Module]] = {"rgb": rgb_generator, "semantic": semantic_generator}


def save_generator(generator: nn.Module, config: SecganConfig, path: Path, branch: str = "rgb") -> Path:
    """Write weights (maps and matrices in float16) and settings, all of it or nothing. Raises OSError."""
    tensors = {name: halved(tensor).clone() for name, tensor in generator.state_dict().items()}
    write_atomically(path, save(tensors, {"format": FORMAT, "branch": branch, "config": json.dumps(config.to_dict())}))
    return path


def load_generator(path: Path | str, device: torch.device | str = "cpu", branch: str = "rgb") -> tuple[nn.Module, SecganConfig]:
    """The generator of a file, frozen, float32, in evaluation mode, and the settings of its run.

    Raises OSError where the file cannot be read, ValueError where it is no such file, damaged or of another branch.
    """
    header, state = read_safetensors(path)
    if header.get("format") != FORMAT or header.get("branch") != branch:
        raise ValueError(f"{path} holds no {branch} generator of SeCGAN; accepted are files that `python -m baselines.secgan.train` wrote")
    try:
        config = SecganConfig.from_dict(json.loads(header["config"]))
        with torch.device("meta"):  # settings that do not fit the weights shall cost no memory
            generator = MAKERS[branch](config)
        generator.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in state.items()}, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged: its weights do not fit its settings ({error})") from None
    return generator.to(device).eval().requires_grad_(False), config
