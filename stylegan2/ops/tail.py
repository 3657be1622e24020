"""How the compiled layer passes are called: memory layout, number formats, and the arguments for what follows a convolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from stylegan2.ops.bias_act import ACTIVATIONS

FORMATS = {torch.float32: 0, torch.bfloat16: 1}
LRELU = ACTIVATIONS["lrelu"]
TAIL = "ppplpfff"  # scale, bias, noise, step of the noise, its strength, gain, slope, limit


class Tail:
    """clamp(lrelu(scale * x + strength * noise + bias) * gain), as arguments; keeps the tensors alive that they point into.

    lrelu(g v) = g lrelu(v) for g > 0, so the gain goes into the small factors and costs nothing a pixel.

    Args: scale: [N, C] float32 above 0. bias: [C] float32. noise: [N or 1, 1, H, W] float32 or None. strength: 0-d.
    """

    def __init__(self, scale: Tensor, bias: Tensor, noise: Tensor | None = None, strength: Tensor | None = None,
                 clamp: float | None = None, slope: float = LRELU.alpha, gain: float = LRELU.gain) -> None:
        scale, bias = (scale * gain).contiguous(), (bias * gain).contiguous()
        noise = None if noise is None else noise.contiguous()
        step = 0 if noise is None or len(noise) == 1 else noise[0].numel()
        self.arguments = (scale.data_ptr(), bias.data_ptr(), None if noise is None else noise.data_ptr(), step,
                          None if noise is None else strength.data_ptr(), gain, slope, math.inf if clamp is None else clamp)
        self._kept = scale, bias, noise, strength

    @classmethod
    def nothing(cls, batch: int, channels: int) -> Tail:
        """Leaves x as it is."""
        return cls(torch.ones(batch, channels), torch.zeros(channels), slope=1.0, gain=1.0)


def pixelwise(x: Tensor) -> Tensor:
    """The same map, pixel by pixel in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def empty_map(like: Tensor, *shape: int) -> Tensor:
    """Room for a map [N, C, H, W] in the format of another, laid out as `pixelwise` does."""
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last)


def sizes(x: Tensor) -> tuple[int, int, int]:
    """N, pixels and C of a map."""
    return x.shape[0], x.shape[2] * x.shape[3], x.shape[1]


def taps_along_axis(resample_filter: Tensor) -> Tensor:
    """The row whose outer product with itself the filter is, as neighbours meet it, times 2: of the gain of 4 each axis takes one half."""
    return resample_filter.float().sum(dim=0).flip(0) * 2
