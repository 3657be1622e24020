"""The discriminators D_1 and D_2 (MaskGAN, section 3.5): patches of a picture together with its mask, at two scales.

They are those of pix2pixHD (Wang et al. 2018, section 3.2), whose features also serve the feature matching loss.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.layers import Normalise

WIDEST = 512


class PatchCritic(nn.Module):
    """[N, C + 3, H, W] -> the features of every layer, the last of which are a score for each patch, [N, 1, h, w]."""

    def __init__(self, inputs: int, base: int, halvings: int):
        super().__init__()
        widths = [min(base * 2**i, WIDEST) for i in range(halvings + 1)]
        layers = [nn.Sequential(self._conv(inputs, widths[0], 2, bias=True), nn.LeakyReLU(0.2))]
        for i, (a, b) in enumerate(zip(widths, widths[1:]), 1):
            stride = 2 if i < halvings else 1  # the last widening keeps the size
            layers.append(nn.Sequential(self._conv(a, b, stride, bias=False), Normalise(), nn.LeakyReLU(0.2)))
        self.layers = nn.ModuleList([*layers, self._conv(widths[-1], 1, 1, bias=True)])

    @staticmethod
    def _conv(inputs: int, outputs: int, stride: int, bias: bool) -> nn.Conv2d:
        conv = nn.Conv2d(inputs, outputs, 4, stride, padding=2, bias=bias)
        nn.init.normal_(conv.weight, std=0.02)
        return conv

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for layer in self.layers:
            x = layer(x)
            found.append(x)
        return found


class MultiscaleCritic(nn.Module):
    """One-hot masks [N, C, H, W] and pictures [N, 3, H, W] in [-1, 1] -> the features of each scale, the largest first."""

    def __init__(self, config: MaskGANConfig):
        super().__init__()
        inputs = config.num_classes + 3
        self.scales = nn.ModuleList(PatchCritic(inputs, config.critic_base, config.critic_layers) for _ in range(config.critic_scales))

    def forward(self, masks: Tensor, images: Tensor) -> list[list[Tensor]]:
        x, found = torch.cat([masks, images.float()], dim=1), []
        for scale in self.scales:
            found.append(scale(x))
            x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        return found
