"""Trained networks on disk: NAME.safetensors, float16 where that costs nothing visible, and NAME.json, which says what they are.

Both are read as data: nothing in them can run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.mask_vae import MaskVAE
from packs.files import write_atomically
from packs.weights import halved, read_safetensors

FORMAT = "maskgan 1"
KINDS: dict[str, type[nn.Module]] = {"dense": DenseMappingNetwork, "maskvae": MaskVAE}


def save_network(path: Path, kind: str, network: nn.Module, config: MaskGANConfig, about: Mapping[str, Any]) -> None:
    """Write `path` (.json) and the tensors beside it, which come first, so that a description always has its tensors.

    kind: of `KINDS`. about: JSON-able, how it was trained. Raises OSError.
    """
    tensors = {name: halved(value).clone() for name, value in network.state_dict().items()}
    write_atomically(path.with_suffix(".safetensors"), save(tensors))
    description = {"format": FORMAT, "kind": kind, "config": config.to_dict(), "about": dict(about)}
    write_atomically(path, (json.dumps(description, indent=1) + "\n").encode())


def load_network(path: Path, kind: str, device: torch.device | str = "cpu") -> tuple[nn.Module, MaskGANConfig, dict]:
    """The network of a description (.json), frozen, in float32 on the device; its config and what is told about it.

    Raises ValueError, which names the file, for one that is damaged or of another kind; OSError.
    """
    description = read_description(path)
    if description["kind"] != kind:
        raise ValueError(f"{path} describes a network of kind {description['kind']!r}; accepted: {kind!r}")
    config, weights = MaskGANConfig.from_dict(description["config"]), path.with_suffix(".safetensors")
    return build_network(kind, config, read_safetensors(weights)[1], weights, device), config, description["about"]


def build_network(kind: str, config: MaskGANConfig, tensors: Mapping[str, Tensor], path: Path,
                  device: torch.device | str = "cpu") -> nn.Module:
    """A network with these weights, frozen, in float32 on the device. Raises ValueError, which names `path`, if they are not its."""
    with torch.random.fork_rng(devices=[]):  # what a constructor draws is thrown away
        network = KINDS[kind](config)
    state = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit its description: {str(error).splitlines()[-1].strip()}") from error
    return network.to(device).eval().requires_grad_(False)


def read_description(path: Path) -> dict:
    """The JSON of `save_network`. Raises ValueError for another file, OSError."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it is not JSON ({error})") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT or not isinstance(description.get("config"), dict):
        raise ValueError(f"{path} does not describe a network of MaskGAN; accepted: a file of baselines.maskgan.train")
    return {"kind": None, "about": {}, **description}
