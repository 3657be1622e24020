"""The AttGAN backbone (He et al. 2019, and SeCGAN's table 3): encoder and decoder, the label enters in the middle.

Where table 3 and the published PyTorch networks differ, the RGB branch is as published (instance norms in the discriminator)
and the semantic branch as printed (none): see docs/secgan.md.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from baselines.secgan.layers import HalvingConv2d
from baselines.secgan.output import Output, exactly

LAYERS = 5
INJECTED = 2  # the decoder's first layers, which see the label


def tiled(labels: Tensor, maps: Tensor) -> Tensor:
    """Labels [N, A] as planes [N, A, H, W] of the size and type of maps [N, C, H, W]."""
    return labels.to(maps.dtype)[:, :, None, None].expand(-1, -1, *maps.shape[2:])


class Generator(nn.Module):
    """Pictures or masks [N, inputs, H, W] and label differences [N, A] -> what `output` makes of [N, output.channels, H, W].

    base: channels of the first layer, 64 as published.
    """

    def __init__(self, inputs: int, output: Output, num_attributes: int, base: int = 64) -> None:
        super().__init__()
        widths = [base << i for i in range(LAYERS)]  # 64 .. 1024
        self.encoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU())
            for before, after in zip([inputs, *widths], widths))
        # the second layer of the decoder also sees the encoder's last layer but one (the shortcut)
        inputs_of = [widths[4] + num_attributes, widths[4] + widths[3] + num_attributes, widths[3], widths[2], widths[1]]
        decoder: list[nn.Module] = [
            nn.Sequential(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
            for before, after in zip(inputs_of, (widths[4], widths[3], widths[2], widths[1]))]
        self.decoder = nn.ModuleList([*decoder, nn.ConvTranspose2d(inputs_of[-1], output.channels, 4, 2, 1)])
        self.output = output

    def forward(self, x: Tensor, difference: Tensor) -> Tensor:
        encoded = []
        for layer in self.encoder:
            x = layer(x)
            encoded.append(x)
        for i, layer in enumerate(self.decoder):
            if i == 1:
                x = torch.cat([x, encoded[-2]], dim=1)
            x = layer(torch.cat([x, tiled(difference, x)], dim=1) if i < INJECTED else x)
        return self.output.activate(x)


class Discriminator(nn.Module):
    """Pictures or masks [N, inputs, size, size] -> realism [N, 1] and attribute logits [N, A].

    normalised: instance norms after the convolutions.
    """

    def __init__(self, inputs: int, num_attributes: int, size: int, base: int = 64, normalised: bool = True) -> None:
        super().__init__()
        self.normalised = normalised
        widths = [base << i for i in range(LAYERS)]
        layers: list[nn.Module] = []
        for before, after in zip([inputs, *widths], widths):
            norm = [nn.InstanceNorm2d(after, affine=True)] if normalised else []
            layers += [HalvingConv2d(before, after, bias=not normalised), *norm, nn.LeakyReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * (size >> LAYERS) ** 2
        self.realism, self.attributes = (
            nn.Sequential(nn.Linear(features, widths[-1]), nn.ReLU(), nn.Linear(widths[-1], outputs)) for outputs in (1, num_attributes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # a norm over few pixels turns the rounding of bfloat16 into noise, and a score of 100 would be rounded to the half
        with exactly(x) if self.normalised else nullcontext():
            features = self.body(x)
        with exactly(x):
            return self.realism(features.float()), self.attributes(features.float())
