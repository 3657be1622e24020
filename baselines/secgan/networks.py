"""The networks of a run: two branches, each a generator and a discriminator, of either backbone."""

from __future__ import annotations

from torch import nn

from baselines.secgan import attgan, stargan
from baselines.secgan.config import SecganConfig
from baselines.secgan.output import IMAGE_CHANNELS, RGB, SEMANTIC, Output
from baselines.secgan.segments import NUM_SEGMENTS

CHANNELS = 64  # of the first layer, as published


class Branch(nn.Module):
    """A generator and the discriminator that it plays against."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator


def base_channels(width: float) -> int:
    """Channels of the first layer. Raises ValueError for a width that leaves less than one."""
    base = round(CHANNELS * width)
    if base < 1:
        raise ValueError(f"width is {width}; accepted are numbers from {1 / CHANNELS}, of {CHANNELS} channels in the first layer")
    return base


def rgb_inputs(config: SecganConfig) -> int:
    """Channels that the RGB generator sees: the picture, and for "concat" the mask beside it (section 4.5)."""
    return IMAGE_CHANNELS + (NUM_SEGMENTS if config.method == "concat" else 0)


def make_generator(config: SecganConfig, inputs: int, output: Output) -> nn.Module:
    module = stargan if config.backbone == "stargan" else attgan
    return module.Generator(inputs, output, len(config.attributes), base_channels(config.width))


def rgb_generator(config: SecganConfig) -> nn.Module:
    """G^rgb, which is all that an editor needs."""
    return make_generator(config, rgb_inputs(config), RGB)


def semantic_generator(config: SecganConfig) -> nn.Module:
    """G^seg: one-hot masks [N, 12, H, W] and differences [N, A] -> log probabilities [N, 12, H, W]."""
    return make_generator(config, NUM_SEGMENTS, SEMANTIC)


def discriminator(config: SecganConfig, inputs: int) -> nn.Module:
    base, count = base_channels(config.width), len(config.attributes)
    if config.backbone == "stargan":
        return stargan.Discriminator(inputs, count, config.size, base)
    return attgan.Discriminator(inputs, count, config.size, base, normalised=inputs == IMAGE_CHANNELS)


def make_branches(config: SecganConfig) -> nn.ModuleDict:
    """{"rgb": Branch} and, for "secgan", {"semantic": Branch}, with fresh weights from torch's global random numbers."""
    branches = {"rgb": Branch(rgb_generator(config), discriminator(config, IMAGE_CHANNELS))}
    if config.semantic:
        branches["semantic"] = Branch(semantic_generator(config), discriminator(config, NUM_SEGMENTS))
    return nn.ModuleDict(branches)
