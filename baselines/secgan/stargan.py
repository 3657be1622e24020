"""The StarGAN backbone (Choi et al. 2018, and SeCGAN's table 2): the label enters with the picture, six residual blocks.

Norms are of the picture itself (instance norm). The published networks also track running means of them, which their own code
never uses, since it never switches to inference mode; here they are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.secgan.layers import HalvingConv2d, InstanceNorm2d
from baselines.secgan.output import Output, exactly

HALVINGS = 6  # of the discriminator
SLOPE = 0.01  # of its leaky ReLU


def norm_relu(channels: int) -> list[nn.Module]:
    return [InstanceNorm2d(channels), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    """x + two convolutions of 3 x 3: [N, C, H, W] -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), *norm_relu(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Generator(nn.Module):
    """Pictures or masks [N, inputs, H, W] and label differences [N, A] -> what `output` makes of [N, output.channels, H, W].

    base: channels of the first layer, 64 as published.
    """

    def __init__(self, inputs: int, output: Output, num_attributes: int, base: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs + num_attributes, base, 7, padding=3, bias=False), *norm_relu(base),
            nn.Conv2d(base, 2 * base, 4, 2, 1, bias=False), *norm_relu(2 * base),
            nn.Conv2d(2 * base, 4 * base, 4, 2, 1, bias=False), *norm_relu(4 * base),
            *(ResidualBlock(4 * base) for _ in range(6)),
            nn.ConvTranspose2d(4 * base, 2 * base, 4, 2, 1, bias=False), *norm_relu(2 * base),
            nn.ConvTranspose2d(2 * base, base, 4, 2, 1, bias=False), *norm_relu(base),
            nn.Conv2d(base, output.channels, 7, padding=3, bias=False),
        )  # fmt: skip
        self.output = output

    def forward(self, x: Tensor, difference: Tensor) -> Tensor:
        planes = difference.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.output.activate(self.body(torch.cat([x, planes], dim=1)))


class Discriminator(nn.Module):
    """Pictures or masks [N, inputs, size, size] -> realism of patches [N, 1, size/64, size/64] and attribute logits [N, A]."""

    def __init__(self, inputs: int, num_attributes: int, size: int, base: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(HALVINGS):
            layers += [HalvingConv2d(inputs if i == 0 else base << (i - 1), base << i), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*layers)
        last = base << (HALVINGS - 1)
        self.realism = nn.Conv2d(last, 1, 3, padding=1, bias=False)
        self.attributes = nn.Conv2d(last, num_attributes, size >> HALVINGS, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        with exactly(x):  # bfloat16 would round a score of 100 to the half
            return self.realism(features.float()), self.attributes(features.float()).flatten(1)
