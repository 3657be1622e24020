"""A feature map as a picture, added to the doubled picture of the block below: the skip outputs of StyleGAN2."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.bias_act import bias_act
from stylegan2.ops.layer import FORMATS, pixelwise, sizes, taps_along_axis
from stylegan2.ops.upfirdn2d import upfirdn2d, upsample2d


def to_rgb(x: Tensor, weights: Tensor, bias: Tensor, clamp: float | None = None) -> Tensor:
    """clamp(sum_i weights[n, k, i] x[n, i] + bias[k]): [N, I, H, W] -> float32 [N, 3, H, W]; any derivative.

    Args:
        weights: [N, 3, I] float32, the styles already in them.
        bias: [3] float32.
        clamp: limit of the result, or None.
    """
    library = native.cpu() if x.device.type == "cpu" and x.dtype in FORMATS and x.numel() else None
    if library is None:
        return _reference(x, weights, bias, clamp)
    if torch.is_grad_enabled() and (x.requires_grad or weights.requires_grad or bias.requires_grad):
        return _ToRGB.apply(x, weights, bias, clamp, library)
    return _forward(x, weights, bias, clamp, library)


def add_doubled(image: Tensor, below: Tensor, resample_filter: Tensor) -> Tensor:
    """image [N, 3, 2H, 2W] + upsample2d(below [N, 3, H, W]), both float32; any derivative. `image` may be overwritten."""
    library = native.cpu() if image.device.type == "cpu" and image.numel() else None
    if library is None:
        return image + upsample2d(below, resample_filter)
    if torch.is_grad_enabled() and (image.requires_grad or below.requires_grad):
        return _AddDoubled.apply(image, below, resample_filter, library)
    return _add_doubled(image.contiguous(), below, resample_filter, library)


def _add_doubled(image: Tensor, below: Tensor, resample_filter: Tensor, library: ctypes.CDLL) -> Tensor:
    below, taps = below.contiguous(), taps_along_axis(resample_filter)
    run = native.function(library, "rgb_add_doubled", "pppllli")
    run(image.data_ptr(), below.data_ptr(), taps.data_ptr(), below.shape[0] * below.shape[1], *below.shape[2:], torch.get_num_threads())
    return image


class _AddDoubled(torch.autograd.Function):
    """The compiled form. It is linear, so its gradient is another resampling, and can be differentiated as often as anyone likes."""

    @staticmethod
    def forward(ctx, image, below, resample_filter, library):
        ctx.save_for_backward(resample_filter)
        return _add_doubled(image.clone(memory_format=torch.contiguous_format), below, resample_filter, library)

    @staticmethod
    def backward(ctx, d_image):
        resample_filter, = ctx.saved_tensors
        side = resample_filter.shape[-1] // 2 - 1
        return d_image, upfirdn2d(d_image, resample_filter, down=2, padding=(side,) * 4, flip_filter=True, gain=4), None, None


def _reference(x: Tensor, weights: Tensor, bias: Tensor, clamp: float | None) -> Tensor:
    """One matrix product a sample; pixels as rows."""
    pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
    image = torch.bmm(pixels, weights.mT.to(x.dtype)).unflatten(1, x.shape[2:])
    return bias_act(image.permute(0, 3, 1, 2).float(), bias, clamp=clamp)


def _forward(x: Tensor, weights: Tensor, bias: Tensor, clamp: float | None, library: ctypes.CDLL) -> Tensor:
    x, weights, bias = pixelwise(x), weights.contiguous(), bias.contiguous()
    image = torch.empty(len(x), 3, *x.shape[2:])
    run = native.function(library, "rgb_forward", "ippppf" + "llli")
    run(FORMATS[x.dtype], image.data_ptr(), x.data_ptr(), weights.data_ptr(), bias.data_ptr(),
        float("inf") if clamp is None else clamp, *sizes(x), torch.get_num_threads())
    return image


class _ToRGB(torch.autograd.Function):
    """The compiled form. Its second derivative is that of the reference."""

    @staticmethod
    def forward(ctx, x, weights, bias, clamp, library):
        image = _forward(x, weights, bias, clamp, library)
        ctx.save_for_backward(x, weights, bias, None if clamp is None else image)
        ctx.clamp, ctx.library = clamp, library
        return image

    @staticmethod
    def backward(ctx, d_image):
        x, weights, bias, image = ctx.saved_tensors
        needs = ctx.needs_input_grad
        if torch.is_grad_enabled():
            wanted = [tensor for tensor, need in zip((x, weights, bias), needs) if need]
            found = iter(torch.autograd.grad(_reference(x, weights, bias, ctx.clamp), wanted, d_image, create_graph=True))
            return *(next(found) if need else None for need in needs[:3]), None, None
        if image is not None:
            d_image = d_image * (image.abs() < ctx.clamp)
        d_x, d_weights = _gradient(d_image, x, weights, ctx.library)
        return d_x, d_weights, d_image.sum(dim=(0, 2, 3)) if needs[2] else None, None, None


def _gradient(d_image: Tensor, x: Tensor, weights: Tensor, library: ctypes.CDLL) -> tuple[Tensor, Tensor]:
    """Gradients of x and of the weights."""
    d_image, x, weights = d_image.float().contiguous(), pixelwise(x), weights.contiguous()
    d_x, d_weights = torch.empty_like(x), torch.empty_like(weights)
    run = native.function(library, "rgb_gradient", "ippppp" + "llli")
    run(FORMATS[x.dtype], d_x.data_ptr(), d_weights.data_ptr(), d_image.data_ptr(), x.data_ptr(), weights.data_ptr(), *sizes(x),
        torch.get_num_threads())
    return d_x, d_weights
