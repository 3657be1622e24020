"""Resampling with a finite impulse response (FIR) filter.

Every change of resolution in StyleGAN2 goes through the same low-pass filter, [1, 3, 3, 1] along
both axes. `upfirdn2d` is the readable general form; `upsample2d`, `downsample2d` and
`downsampling_conv2d` compute its special cases with a single convolution each.
"""

from __future__ import annotations

from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def setup_filter(taps: Sequence[float] = (1, 3, 3, 1)) -> Tensor:
    """The outer product of `taps` with itself, normalised to a sum of 1; float32 [K, K]."""
    row = torch.tensor(taps, dtype=torch.float32)
    if row.ndim != 1 or row.numel() == 0 or float(row.sum()) == 0:
        raise ValueError(f"filter taps are {list(taps)}; accepted: a list of numbers whose sum is not 0")
    square = torch.outer(row, row)
    return square / square.sum()


def upfirdn2d(
    x: Tensor,
    resample_filter: Tensor,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Insert zeros, pad, filter, and keep every `down`-th pixel.

    Args:
        x: [N, C, H, W].
        resample_filter: [KH, KW].
        up: after each pixel come up - 1 zeros, along both axes.
        down: of the filtered image every `down`-th pixel is kept, along both axes.
        padding: zeros (left, right, top, bottom) around the up-sampled image; negative crops.
        flip_filter: False is convolution, True is correlation.
        gain: factor on the result.

    Returns:
        [N, C, (up H + top + bottom - KH) // down + 1, (up W + left + right - KW) // down + 1].
    Raises:
        ValueError: `x` or the filter is not of the shape above, or `up` or `down` is below 1.
    Source: Karras et al. 2019 (StyleGAN2) public code, `upfirdn2d`; scipy.signal.upfirdn in 1-d.
    """
    if x.ndim != 4 or resample_filter.ndim != 2:
        raise ValueError(f"shapes are {list(x.shape)} and {list(resample_filter.shape)}; "
                         "accepted: [N, C, H, W] and [KH, KW]")
    if up < 1 or down < 1:
        raise ValueError(f"up is {up} and down is {down}; accepted: whole numbers from 1")
    x, border = _insert_zeros(x, up), padding[0]
    if border < 0 or any(side != border for side in padding):
        x, border = F.pad(x, padding), 0  # a convolution pads all sides alike, for free
    kernel = resample_filter if flip_filter else resample_filter.flip(0, 1)
    return F.conv2d(x, _per_channel(kernel * gain, x), stride=down, padding=border, groups=x.shape[1])


def _insert_zeros(x: Tensor, up: int) -> Tensor:
    """[N, C, H, W] -> [N, C, up H, up W] with x at every up-th place, and zeros elsewhere."""
    if up == 1:
        return x
    batch, channels, height, width = x.shape
    x = F.pad(x.reshape(batch, channels, height, 1, width, 1), (0, up - 1, 0, 0, 0, up - 1))
    return x.reshape(batch, channels, height * up, width * up)


def _per_channel(kernel: Tensor, x: Tensor) -> Tensor:
    """Repeat a [KH, KW] kernel for each channel of `x`: the weight of a depthwise convolution."""
    return kernel.to(x.dtype).expand(x.shape[1], 1, *kernel.shape)


def upsample2d(x: Tensor, resample_filter: Tensor) -> Tensor:
    """Double the resolution, keeping the brightness: [N, C, H, W] -> [N, C, 2H, 2W].

    upfirdn2d with up = 2, gain 4 and K + 1 (left, top) against K - 2 (right, bottom) halves of
    padding, as one transposed convolution. The filter is [K, K] with an even K.
    """
    taps = resample_filter.shape[-1]
    if taps % 2:
        raise ValueError(f"the filter has {taps} taps; accepted: an even number")
    kernel = _per_channel(resample_filter * 4, x)
    return F.conv_transpose2d(x, kernel, stride=2, padding=taps // 2 - 1, groups=x.shape[1])


def downsample2d(x: Tensor, resample_filter: Tensor) -> Tensor:
    """Halve the resolution: [N, C, H, W] -> [N, C, H/2, W/2], for even H and W."""
    taps = resample_filter.shape[-1]
    before, after = (taps - 1) // 2, (taps - 2) // 2
    return upfirdn2d(x, resample_filter, down=2, padding=(before, after, before, after))


def downsampling_conv2d(x: Tensor, weight: Tensor, resample_filter: Tensor) -> Tensor:
    """Low-pass, then convolve with stride 2: [N, I, H, W] -> [N, O, H/2, W/2].

    For a 1x1 weight the filter itself can take the stride: three of four pixels it would
    compute are never looked at.

    Args:
        weight: [O, I, K, K], K odd.
    """
    if weight.shape[-1] == 1:
        return F.conv2d(downsample2d(x, resample_filter), weight)
    taps, size = resample_filter.shape[-1], weight.shape[-1]
    before, after = size // 2 + (taps - 1) // 2, size // 2 + (taps - 2) // 2
    x = upfirdn2d(x, resample_filter, padding=(before, after, before, after))
    return F.conv2d(x, weight, stride=2)
