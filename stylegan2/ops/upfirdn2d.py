"""Resampling with a finite impulse response (FIR) filter.

Every change of resolution in StyleGAN2 goes through the same low-pass filter, [1, 3, 3, 1] along
both axes. `upfirdn2d` is the general form, `upsample2d`, `downsample2d` and `downsampling_conv2d` are its special cases.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import NamedTuple, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops import native


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
    sampling = Sampling(up, down, tuple(padding), flip_filter, gain)
    library = None if resample_filter.requires_grad else native.library(x)
    if library is None or not _is_faster(x, resample_filter, sampling, library):
        return reference(x, resample_filter, sampling)
    return _compiled(x, resample_filter, sampling, library)


class Sampling(NamedTuple):
    """What `upfirdn2d` does besides its filter."""

    up: int
    down: int
    padding: tuple[int, int, int, int]
    flip_filter: bool
    gain: float

    def out(self, height: int, width: int, taps: torch.Size) -> tuple[int, int]:
        """Height and width of the result."""
        left, right, top, bottom = self.padding
        return ((self.up * height + top + bottom - taps[0]) // self.down + 1,
                (self.up * width + left + right - taps[1]) // self.down + 1)

    def transposed(self, height: int, width: int, taps: torch.Size) -> Sampling:
        """What takes the gradient of the result to that of an input of this size: the other way round, the filter mirrored."""
        (left, _, top, _), (out_height, out_width) = self.padding, self.out(height, width, taps)
        before = taps[1] - 1 - left, taps[0] - 1 - top
        after = (self.up * width - self.down * out_width + left - self.up + 1,
                 self.up * height - self.down * out_height + top - self.up + 1)
        padding = before[0], after[0], before[1], after[1]
        return Sampling(self.down, self.up, padding, not self.flip_filter, self.gain)


def reference(x: Tensor, resample_filter: Tensor, sampling: Sampling) -> Tensor:
    """The operation in PyTorch."""
    x, padding, border = _insert_zeros(x, sampling.up), sampling.padding, sampling.padding[0]
    if border < 0 or any(side != border for side in padding):
        x, border = F.pad(x, padding), 0  # a convolution pads all sides alike, for free
    kernel = resample_filter if sampling.flip_filter else resample_filter.flip(0, 1)
    return F.conv2d(x, _per_channel(kernel * sampling.gain, x), stride=sampling.down, padding=border, groups=x.shape[1])


def _is_faster(x: Tensor, resample_filter: Tensor, sampling: Sampling, library: native.Library) -> bool:
    """Whether the compiled code can do this, and in less time than PyTorch (`benchmarks.ops` measures both)."""
    if x.numel() == 0 or min(sampling.out(*x.shape[2:], resample_filter.shape)) < 1:
        return False
    if library.gpu:
        return is_dense(x)
    return is_dense(x) and _is_a_gain(x, sampling) and resample_filter.device == x.device and separated(resample_filter) is not None


def _is_a_gain(x: Tensor, sampling: Sampling) -> bool:
    """PyTorch's convolutions are best at many small planes one by one, and at large maps in bfloat16 pixel by pixel; but in
    bfloat16 the gradients of those take it ten times as long.
    """
    if sampling.up > 1 or x.shape[1] < 16:
        return True
    half, graph = x.dtype == torch.bfloat16, torch.is_grad_enabled() and x.requires_grad
    if x.is_contiguous():
        return x.shape[3] >= 64 or half and graph and sampling.down > 1
    return not half or graph or x.numel() < 2**23


def is_dense(x: Tensor) -> bool:
    return x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)


def separated(resample_filter: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """A column [KH] and a row [KW] whose outer product a filter is, or None where there are none."""
    return _separated(tuple(map(tuple, resample_filter.tolist())))


@lru_cache(maxsize=64)
def _separated(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    taps = torch.tensor(rows, dtype=torch.float64)
    peak = int(taps.abs().argmax())
    down, across = divmod(peak, taps.shape[1])
    if taps[down, across] == 0:
        return None
    column, row = taps[:, across], taps[down] / taps[down, across]
    if not torch.allclose(torch.outer(column, row), taps, rtol=0, atol=1e-7 * float(taps.abs().max())):
        return None
    return tuple(column.tolist()), tuple(row.tolist())


def _compiled(x: Tensor, resample_filter: Tensor, sampling: Sampling, library: native.Library) -> Tensor:
    if torch.is_grad_enabled() and x.requires_grad:
        return _UpFirDn2d.apply(x, resample_filter, sampling, library)
    return _forward(x, resample_filter, sampling, library)


class _UpFirDn2d(torch.autograd.Function):
    """The compiled operation. It is linear, and its transpose is of its own kind: derivatives of any order."""

    @staticmethod
    def forward(x, resample_filter, sampling, library):
        return _forward(x, resample_filter, sampling, library)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, resample_filter, ctx.sampling, ctx.library = inputs
        ctx.size = x.shape[2:]
        ctx.save_for_backward(resample_filter)

    @staticmethod
    def backward(ctx, dy):
        (resample_filter,) = ctx.saved_tensors
        back = ctx.sampling.transposed(*ctx.size, resample_filter.shape)
        dy = dy if is_dense(dy) else dy.contiguous()
        return _compiled(dy, resample_filter, back, ctx.library), None, None, None


def _forward(x: Tensor, resample_filter: Tensor, sampling: Sampling, library: native.Library) -> Tensor:
    batch, channels, height, width = x.shape
    out_height, out_width = sampling.out(height, width, resample_filter.shape)
    layout = torch.contiguous_format if x.is_contiguous() else torch.channels_last
    y = torch.empty((batch, channels, out_height, out_width), dtype=x.dtype, device=x.device, memory_format=layout)
    planes, neighbours = (batch * channels, 1) if x.is_contiguous() else (batch, channels)
    arguments = (native.FORMATS[x.dtype], x.data_ptr(), y.data_ptr(), planes, height, width, neighbours, out_height, out_width,
                 sampling.up, sampling.down, sampling.padding[0], sampling.padding[2])
    run = _run_whole if library.gpu else _run_separated
    run(library, x, resample_filter, sampling, arguments)
    return y


ARGUMENTS = "ipp" + "llllll" + "iill"


def _run_separated(library: native.Library, x: Tensor, resample_filter: Tensor, sampling: Sampling, arguments: tuple) -> None:
    """The CPU takes two rows of numbers, rows of the map first."""
    column, row = separated(resample_filter)
    step = 1 if sampling.flip_filter else -1
    column, row = _doubles([tap * sampling.gain for tap in column[::step]]), _doubles(row[::step])
    native.run(library, x, "upfirdn2d", ARGUMENTS + "pipi", *arguments,
               ctypes.addressof(column), len(column), ctypes.addressof(row), len(row))


def _run_whole(library: native.Library, x: Tensor, resample_filter: Tensor, sampling: Sampling, arguments: tuple) -> None:
    """A GPU takes the filter as it is: looking at its numbers here would make the CPU wait."""
    taps = resample_filter.to(x.device, torch.promote_types(x.dtype, torch.float32)).contiguous()
    native.run(library, x, "upfirdn2d", ARGUMENTS + "piiid", *arguments, taps.data_ptr(), *taps.shape, sampling.flip_filter, sampling.gain)


def _doubles(numbers: Sequence[float]) -> ctypes.Array:
    return (ctypes.c_double * len(numbers))(*numbers)


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

    upfirdn2d with up = 2, gain 4 and K // 2 (left, top) against K // 2 - 1 (right, bottom) of padding. Without compiled code
    it is one transposed convolution. The filter is [K, K] with an even K.
    """
    taps = resample_filter.shape[-1]
    if taps % 2:
        raise ValueError(f"the filter has {taps} taps; accepted: an even number")
    if native.library(x) is not None:
        return upfirdn2d(x, resample_filter, up=2, padding=(taps // 2, taps // 2 - 1) * 2, gain=4)
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
