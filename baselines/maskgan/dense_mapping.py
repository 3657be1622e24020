"""The dense mapping network (MaskGAN, section 3.3, figures 3, 11 and 12): a mask becomes a picture in the style of another.

The mask goes through pix2pixHD's generator. A spatial-aware style encoder looks at the picture that gives the style
together with that picture's own mask, so that it knows of each colour which part has it, and sets the AdaIN parameters
of the residual blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.layers import Backbone, SpatialFeatureTransform

HALVINGS = 5
TAPS = (2, 5)  # halvings after which the mask's features act on the picture's: at 1/4 and at 1/32 of the size
SLOPE = 0.2


class Halvings(nn.Module):
    """c7s1 and five strided convolutions without normalisation, which would take away the means that a style consists of."""

    def __init__(self, inputs: int, base: int, channels: int):
        super().__init__()
        self.begin = nn.Conv2d(inputs, base, 7, padding=3, padding_mode="reflect")
        widths = [base, *[channels] * HALVINGS]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(widths, widths[1:]))
        self.activation = nn.LeakyReLU(SLOPE)
        for module in (self.begin, *self.convs):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, changes: Mapping[int, Callable[[Tensor], Tensor]] | None = None) -> list[Tensor]:
        """The features after each halving; `changes` are made to those after the halving of that number, from 1 on."""
        x, found = self.activation(self.begin(x)), []
        for number, conv in enumerate(self.convs, 1):
            x = self.activation(conv(x))
            if changes and number in changes:
                x = changes[number](x)
            found.append(x)
        return found


class StyleEncoder(nn.Module):
    """Picture [N, 3, H, W] in [-1, 1] and its one-hot mask [N, C, H, W] -> AdaIN parameters [N, `num_parameters`]."""

    def __init__(self, config: MaskGANConfig, num_parameters: int):
        super().__init__()
        channels = config.style_channels
        self.picture = Halvings(3, config.style_base, channels)
        self.label = Halvings(config.num_classes, config.style_base, channels)
        self.transforms = nn.ModuleList(SpatialFeatureTransform(channels) for _ in TAPS)
        self.out = nn.Conv2d(channels, num_parameters, 1)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        labels = self.label(masks)
        changes = {tap: partial(transform, condition=labels[tap - 1]) for tap, transform in zip(TAPS, self.transforms)}
        features = self.picture(images, changes)[-1]
        return self.out(features.mean(dim=(2, 3), keepdim=True)).flatten(1)


class DenseMappingNetwork(nn.Module):
    """Mask, picture and that picture's mask -> a picture of the first in the style of the second (G_A of algorithm 1)."""

    def __init__(self, config: MaskGANConfig):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.num_classes, 3, config.base, config.downs, config.blocks, config.max_channels)
        a_block = 4 * self.backbone.channels
        self.style_encoder = StyleEncoder(config, config.blocks * a_block)
        self._begin_as_plain_norms(a_block)

    def style(self, images: Tensor, masks: Tensor) -> Tensor:
        """images [N, 3, H, W] in [-1, 1], their one-hot masks [N, C, H, W] -> AdaIN parameters [N, P]."""
        return self.style_encoder(images, masks)

    def paint(self, masks: Tensor, style: Tensor) -> Tensor:
        """One-hot masks [N, C, H, W] and the parameters of `style` -> pictures float32 [N, 3, H, W] in [-1, 1]."""
        return torch.tanh(self.backbone(masks, style).float())

    def forward(self, masks: Tensor, images: Tensor, image_masks: Tensor) -> Tensor:
        return self.paint(masks, self.style(images, image_masks))

    @torch.no_grad()
    def _begin_as_plain_norms(self, a_block: int) -> None:
        """Before anything is learned, weights are about 1 and biases about 0: plain instance normalisation."""
        bias1, weight1, bias2, weight2 = self.style_encoder.out.bias.view(-1, a_block).zero_().chunk(4, dim=1)
        weight1.fill_(1.0)
        weight2.fill_(1.0)
