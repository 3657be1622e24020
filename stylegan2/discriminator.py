"""The StyleGAN2 discriminator: image -> one logit, high for real.

Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", figure 7 (residual
discriminator). Names of parameters and buffers are those of the published PyTorch networks.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor, nn

from stylegan2.config import channels_at, check_resolution
from stylegan2.layers import Conv2d, FullyConnected
from stylegan2.ops import setup_filter


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Everything that decides the shapes of a discriminator.

    Raises: ValueError: a resolution that is not a power of two from 8, or a size below 1.
    """

    resolution: int = 128
    channel_base: int = 32768  # channels at resolution r: channel_base / r ...
    channel_max: int = 512  # ... and never more than this
    group_size: int = 4  # samples that the minibatch statistics are taken over
    conv_clamp: float | None = None  # limit of every convolution's output; float16 training uses 256

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        for name in ("channel_base", "channel_max", "group_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; accepted: a whole number from 1")

    def channels(self, resolution: int) -> int:
        return channels_at(resolution, self.channel_base, self.channel_max)

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> DiscriminatorConfig:
        """Raises ValueError for a key that is not a field."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown discriminator setting {unknown[0]!r}; accepted: {', '.join(known)}")
        return cls(**values)


def minibatch_stddev(x: Tensor, group_size: int) -> Tensor:
    """Append how much the samples of a group differ from one another, as one more channel.

    It lets the discriminator see a generator that always makes the same picture. Sample i
    belongs to group i mod (N / group_size).

    Args:
        x: [N, C, H, W].
        group_size: a batch smaller than this is one group.

    Returns: [N, C + 1, H, W].
    Raises: ValueError: N is not a multiple of the group size.
    Source: Karras et al. 2018, "Progressive growing of GANs", section 3.
    """
    batch, _, height, width = x.shape
    group = max(1, min(group_size, batch))
    if batch % group:
        raise ValueError(f"the batch has {batch} samples; accepted: a multiple of the group size {group}")
    groups = x.reshape(group, -1, *x.shape[1:])
    variance = groups.var(dim=0, unbiased=False)
    deviation = torch.sqrt(variance + 1e-8).mean(dim=(1, 2, 3))
    deviation = deviation.repeat(group).reshape(batch, 1, 1, 1).expand(-1, 1, height, width)
    return torch.cat([x, deviation], dim=1)


class DiscriminatorBlock(nn.Module):
    """Two convolutions with a residual connection: [N, C, r, r] -> [N, C', r/2, r/2].

    The block of the highest resolution also takes the picture in, through `fromrgb`.
    """

    def __init__(self, config: DiscriminatorConfig, resolution: int) -> None:
        super().__init__()
        channels, above = config.channels(resolution), config.channels(resolution // 2)
        clamp = config.conv_clamp
        self.register_buffer("resample_filter", setup_filter())  # unused; part of the published state
        self.fromrgb = None
        if resolution == config.resolution:
            self.fromrgb = Conv2d(3, channels, 1, "lrelu", conv_clamp=clamp)
        self.conv0 = Conv2d(channels, channels, 3, "lrelu", conv_clamp=clamp)
        self.conv1 = Conv2d(channels, above, 3, "lrelu", down=2, conv_clamp=clamp)
        self.skip = Conv2d(channels, above, 1, down=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        half = math.sqrt(0.5)  # keeps the variance of the sum
        return self.skip(x, gain=half) + self.conv1(self.conv0(x), gain=half)


class DiscriminatorEpilogue(nn.Module):
    """Minibatch statistics and the verdict: [N, C, 4, 4] -> [N, 1]."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        channels = config.channels(4)
        self.group_size = config.group_size
        self.conv = Conv2d(channels + 1, channels, 3, "lrelu", conv_clamp=config.conv_clamp)
        self.fc = FullyConnected(channels * 16, channels, "lrelu")
        self.out = FullyConnected(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(minibatch_stddev(x, self.group_size))
        return self.out(self.fc(x.flatten(1)))


class Discriminator(nn.Module):
    """images [N, 3, R, R] in [-1, 1] -> logits [N, 1] float32.

    `dtype` is the number format of the feature maps; the last block is always float32.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = torch.float32
        self.resolutions = [2**i for i in range(config.resolution.bit_length() - 1, 2, -1)]
        for resolution in self.resolutions:
            self.add_module(f"b{resolution}", DiscriminatorBlock(config, resolution))
        self.b4 = DiscriminatorEpilogue(config)

    def forward(self, images: Tensor) -> Tensor:
        """Raises ValueError: images of another shape, or a batch that its groups do not divide."""
        size = self.config.resolution
        if images.ndim != 4 or images.shape[1:] != (3, size, size):
            raise ValueError(f"images have shape {list(images.shape)}; accepted: [N, 3, {size}, {size}]")
        x = images.to(self.dtype, memory_format=torch.channels_last)
        for resolution in self.resolutions:
            x = self.get_submodule(f"b{resolution}")(x)
        return self.b4(x.float().contiguous())
