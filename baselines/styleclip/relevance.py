"""What each channel of StyleSpace does to a picture as CLIP sees it: the part of global directions that knows no prompt.

Section 6 of the paper, "Channelwise relevance": in about 100 pictures, each channel alone is set to 5 standard deviations
below and above its mean, and CLIP's move from the one to the other, averaged, is the channel's direction in CLIP's space.
As published: convolutions up to 128 pixels only, no toRGB. It takes hours for a large generator, once; every finished
layer is kept in a file, so that a measurement that was stopped goes on.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import Tensor

from lelsd.clip_guide import ClipGuide
from lelsd.objective import HELD_OUT, sample_noise
from packs import cli
from packs.files import write_atomically
from stylegan2.style_space import StyleLayer, num_styles, style_layers, styles

if TYPE_CHECKING:
    from packs.pack import Pack


@dataclass(frozen=True)
class RelevanceConfig:
    """Section 6 and the published code. pictures: each channel is tried on. deviations: how far it is moved to either side.

    resolution: of the highest convolution looked at. statistics: latents that means and deviations are measured on.
    """

    pictures: int = 100
    deviations: float = 5.0
    resolution: int = 128
    statistics: int = 10_000
    at_once: int = 8  # channels

    def to_dict(self) -> dict:
        return {"method": "styleclip-relevance", **asdict(self)}


@dataclass(frozen=True, eq=False)
class Relevance:
    """moves: [S, E], each channel's mean move in CLIP's space, of unit length; 0 for channels that were not looked at.

    deviation: [S], each channel's standard deviation. pictures: how many the channels were tried on.
    """

    moves: Tensor
    deviation: Tensor
    pictures: int


@torch.no_grad()
def style_statistics(pack: "Pack", count: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each style channel over random samples: [S], [S]."""
    noise, _ = sample_noise(0, HELD_OUT + 12, (count, pack.generator.z_dim))
    found = styles(pack.generator.synthesis, pack.generator.mapping(noise.to(pack.device), truncation=pack.truncation))
    return found.mean(dim=0), found.std(dim=0)


def measure_relevance(pack: "Pack", guide: ClipGuide, config: RelevanceConfig, folder: Path) -> Relevance:
    """Try every channel; layers whose files are in `folder` are read, not measured. Raises OSError."""
    synthesis = pack.generator.synthesis
    mean, deviation = style_statistics(pack, config.statistics)
    moves = torch.zeros(num_styles(synthesis), guide.encode_text([""]).shape[1], device=pack.device)
    for layer in style_layers(synthesis):
        if layer.is_rgb or layer.resolution > config.resolution:
            continue
        path = folder / f"{layer.name}.safetensors"
        if not path.is_file():
            cli.say(f"channel relevance: {layer.name}, {layer.stop - layer.start} channels on {config.pictures} pictures")
            found = layer_moves(pack, guide, config, layer, mean, deviation)
            write_atomically(path, save({"moves": found.cpu().contiguous()}))
        moves[layer.start:layer.stop] = load_file(path)["moves"].to(moves)
    return Relevance(moves, deviation, config.pictures)


@torch.no_grad()
def layer_moves(pack: "Pack", guide: ClipGuide, config: RelevanceConfig, layer: StyleLayer, mean: Tensor, deviation: Tensor) -> Tensor:
    """The mean moves of one layer's channels, [channels, E], of unit length (0 for a channel that never does anything)."""
    generator = pack.generator
    noise, _ = sample_noise(0, HELD_OUT + 13, (config.pictures, generator.z_dim))
    total = 0.0
    for w_plus in generator.mapping(noise.to(pack.device), truncation=pack.truncation).split(1):
        state = generator.synthesis.state_below(w_plus, layer.row)
        own = styles(generator.synthesis, w_plus)[0]
        chunks = torch.arange(layer.start, layer.stop, device=pack.device).split(config.at_once)
        total = total + torch.cat([_moves(guide, generator, w_plus, state, chunk, mean - own, config.deviations * deviation) for chunk in chunks])
    return F.normalize(total, dim=1, eps=1e-8)


def _moves(guide: ClipGuide, generator, w_plus: Tensor, state, channels: Tensor, to_mean: Tensor, step: Tensor) -> Tensor:
    """CLIP's unit moves for some channels of one picture: w_plus [1, L, D], channels [C] -> [C, E].

    to_mean [S]: from the picture's own styles to the mean ones. step [S]: to either side of the mean.
    """
    rows = torch.arange(len(channels), device=channels.device)
    offsets = to_mean.new_zeros(2, len(channels), len(to_mean))
    offsets[0, rows, channels] = to_mean[channels] - step[channels]
    offsets[1, rows, channels] = to_mean[channels] + step[channels]
    images = generator.synthesis(w_plus.expand(2 * len(channels), -1, -1), state=state, style_offset=offsets.flatten(0, 1))
    below, above = guide.encode_image(images).view(2, len(channels), -1)
    return F.normalize(above - below, dim=1, eps=1e-6)
