"""Two layers of the backbones in forms that a processor with AMX computes faster: the same functions and the same weights' names.

At 128 px and a quarter of the width, most of a step of the discriminators went into filters that are larger than the pictures
they slide over, and most of a generator into turning feature maps from channels-last into planes and back for their norms.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

MATRIX_POSITIONS = 16  # up to 4 x 4 outputs a convolution is faster as one product of matrices
WIDE = 256  # numbers in a row that is multiplied at once


class HalvingConv2d(nn.Conv2d):
    """The discriminators' convolution of 4 x 4 with stride 2: [N, C, H, W] -> [N, channels, H/2, W/2]. Differentiable twice."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 4, 2, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        height, width = (side // 2 for side in x.shape[2:])
        if x.device.type != "cpu" or height * width > MATRIX_POSITIONS:
            return super().forward(x)
        patches = F.unfold(x, 4, padding=1, stride=2).transpose(1, 2)  # [N, positions, 16 C]
        return F.linear(patches, self.weight.flatten(1), self.bias).transpose(1, 2).unflatten(2, (height, width))


class InstanceNorm2d(nn.InstanceNorm2d):
    """Affine instance norm for generators. bfloat16 maps with channels last, on a processor, stay as they lie; differentiable once there."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and x.dtype is torch.bfloat16 and x.is_contiguous(memory_format=torch.channels_last):
            return _NormOfRows.apply(x, self.weight, self.bias, self.eps)
        return super().forward(x)


class _NormOfRows(torch.autograd.Function):
    """Instance norm is a group norm of single channels; that of PyTorch is fast forwards, and sixty times slower backwards."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        samples, channels, height, width = x.shape
        y, mean, rstd = torch.native_group_norm(x, weight, bias, samples, channels, height * width, channels, eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """With x' = (x - mean) rstd and k = rstd weight: dx = k (g - mean(g) - x' mean(g x')), the sums as products with ones."""
        x, weight, mean, rstd = ctx.saved_tensors
        mean, rstd = (value.float().view(len(x), 1, -1) for value in (mean, rstd))
        rows, of_rows = _rows(x), _rows(gradient)
        ones = torch.ones(len(x), 1, rows.shape[1], dtype=x.dtype)
        total, with_x = torch.bmm(ones, of_rows).float(), torch.bmm(ones, of_rows * rows).float()
        with_normed = (with_x - mean * total) * rstd
        scale = rstd * weight
        slope = -scale * rstd * with_normed / rows.shape[1]
        shift = -scale * total / rows.shape[1] - slope * mean
        together = max(1, WIDE // rows.shape[2])  # pixels: short rows would be multiplied a few numbers at a time
        scale, slope, shift = (value.to(x.dtype).repeat(1, 1, together) for value in (scale, slope, shift))
        wide, of_wide = (values.reshape(len(x), -1, scale.shape[2]) for values in (rows, of_rows))
        moved = torch.addcmul(shift, of_wide, scale).addcmul_(wide, slope)
        return moved.reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2), with_normed.sum((0, 1)), total.sum((0, 1)), None


def _rows(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H W, C], a view where channels lie last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
