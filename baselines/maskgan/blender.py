"""The alpha blender (MaskGAN, section 3.4): how much each pixel of two edited pictures says about the unedited one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.layers import Backbone


class AlphaBlender(nn.Module):
    """Pictures [N, 3, H, W] of the inter and the outer mask -> alpha [N, 3, H, W] in [0, 1]."""

    def __init__(self, config: MaskGANConfig):
        super().__init__()
        self.backbone = Backbone(6, 3, config.blender_base, config.blender_downs, config.blender_blocks, config.max_channels)

    def forward(self, inter: Tensor, outer: Tensor) -> Tensor:
        return torch.sigmoid(self.backbone(torch.cat([inter, outer], dim=1)).float())


def blend(alpha: Tensor, inter: Tensor, outer: Tensor) -> Tensor:
    """alpha I^inter + (1 - alpha) I^outer, all [N, 3, H, W]."""
    return alpha * inter + (1 - alpha) * outer
