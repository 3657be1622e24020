"""Weights and outputs of the reference implementations; see tests/golden/README.md."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.ops import setup_filter

GOLDEN = Path(__file__).parents[1] / "golden"


def arrays(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"{name}.npz") as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive}


def reference(name: str, source: str = "nvlabs") -> dict:
    """The config and the shapes of the reference's own parameters."""
    return json.loads((GOLDEN / f"stylegan2_{source}_shapes.json").read_text())[name]


def fill(module: nn.Module) -> nn.Module:
    """Give every tensor the value that its name stands for in the golden files."""
    generator = isinstance(module, Generator)
    state = module.state_dict()
    for name, tensor in state.items():
        if not name.endswith("resample_filter"):
            state[name] = _value(name, tensor.shape, generator)
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


def _draw(name: str, shape: Sequence[int]) -> Tensor:
    draw = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(shape))
    return torch.from_numpy(np.asarray(draw, dtype=np.float32))


def _value(name: str, shape: torch.Size, generator: bool) -> Tensor:
    value = _draw(name, shape)
    if generator and name.endswith("affine.bias"):
        return 1 + 0.1 * value
    small = (".bias", "w_avg", "noise_strength") if generator else (".bias",)
    return 0.1 * value if name.endswith(small) else value


def rosinality(name: str) -> dict[str, Tensor]:
    """The state dict of rosinality's generator, in its own names."""
    state = {}
    for key, shape in reference(name, "rosinality")["shapes"].items():
        if key.endswith(".kernel"):
            state[key] = 4 * setup_filter()
        elif key.endswith("modulation.bias"):
            state[key] = 1 + 0.1 * _draw(key, shape)
        else:
            state[key] = _draw(key, shape) * (0.1 if key.endswith((".bias", "noise.weight")) else 1)
    return state


def generator(name: str) -> Generator:
    config = reference(name)["config"]
    return fill(Generator(GeneratorConfig(
        resolution=config["res"], z_dim=config["z"], w_dim=config["w"], num_mapping_layers=config["ml"],
        channel_base=config["cb"], channel_max=config["cm"])))


def discriminator(name: str) -> Discriminator:
    config = reference(name)["config"]
    return fill(Discriminator(DiscriminatorConfig(
        resolution=config["res"], channel_base=config["cb"], channel_max=config["cm"])))


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest difference, in standard deviations of what is expected."""
    return float((actual - expected).abs().max() / expected.std())


def center(image: Tensor, like: Tensor) -> Tensor:
    """The middle of the first picture of a batch [N, 3, R, R], as large as `like` [1, 3, r, r]."""
    margin, size = (image.shape[-1] - like.shape[-1]) // 2, like.shape[-1]
    return image[:1, :, margin:margin + size, margin:margin + size]
