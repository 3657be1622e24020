"""How much two feature maps differ, pixel by pixel: what a loss that keeps an edit in its place looks at."""

from __future__ import annotations

from typing import Iterator

import torch
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.tail import FORMATS

STRIP = 2**19  # elements that the reference works on at a time: what of them is float32 stays in the cache


def squared_change(before: Tensor, after: Tensor) -> Tensor:
    """Mean over the channels of the squared difference, [N, C, H, W] each -> [N, 1, H, W], in float32 at least; one derivative.

    The maps of a generator are the largest tensors of a training step. Written out, the difference, its square and the
    gradients of both would be six more of them; here nothing is kept but the two maps.
    """
    return _SquaredChange.apply(before, after)


class _SquaredChange(torch.autograd.Function):
    @staticmethod
    def forward(ctx, before: Tensor, after: Tensor) -> Tensor:
        ctx.save_for_backward(before, after)
        change = before.new_empty(len(before), 1, *before.shape[2:], dtype=torch.promote_types(after.dtype, torch.float32))
        library = _library(before, after)
        if library is None:
            return _change_in_strips(change, before, after)
        native.run(library, change, "change_forward", "ipppll", FORMATS[after.dtype], change.data_ptr(), before.data_ptr(), after.data_ptr(),
                   change.numel(), before.shape[1])
        return change

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        before, after = ctx.saved_tensors
        slope, result = gradient.contiguous() * (2 / before.shape[1]), torch.empty_like(after)
        library = _library(before, after)
        if library is None:
            _gradient_in_strips(result, slope, before, after)
        else:
            native.run(library, result, "change_gradient", "ippppll", FORMATS[after.dtype], result.data_ptr(), slope.data_ptr(),
                       before.data_ptr(), after.data_ptr(), slope.numel(), before.shape[1])
        return (-result).to(before.dtype) if ctx.needs_input_grad[0] else None, result


def _library(before: Tensor, after: Tensor) -> native.Library | None:
    """The compiled form, for maps that lie in memory pixel by pixel."""
    by_pixel = all(maps.is_contiguous(memory_format=torch.channels_last) for maps in (before, after))
    fits = before.shape == after.shape and before.device.type == "cpu" and after.dtype in FORMATS
    return native.library(before, after) if by_pixel and fits else None


def _change_in_strips(change: Tensor, before: Tensor, after: Tensor) -> Tensor:
    for sample, rows in _strips(before):
        difference = after[sample, :, rows].to(change.dtype) - before[sample, :, rows].to(change.dtype)
        change[sample, 0, rows] = difference.square_().mean(dim=0)
    return change


def _gradient_in_strips(result: Tensor, slope: Tensor, before: Tensor, after: Tensor) -> None:
    for sample, rows in _strips(before):
        difference = after[sample, :, rows].to(slope.dtype) - before[sample, :, rows].to(slope.dtype)
        result[sample, :, rows] = difference.mul_(slope[sample, :, rows])


def _strips(maps: Tensor) -> Iterator[tuple[int, slice]]:
    """(sample, rows) of maps [N, C, H, W], in strips of about `STRIP` elements; whole samples where there is no cache to fit."""
    height = maps.shape[2]
    step = height if maps.is_cuda else max(1, STRIP // max(1, maps.shape[1] * maps.shape[3]))
    for sample in range(len(maps)):
        for top in range(0, height, step):
            yield sample, slice(top, top + step)
