"""What follows a modulated convolution, as one pass over the map on a GPU; `scale_bias_act` is its reference."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.activations import ACTIVATIONS
from stylegan2.ops.upfirdn2d import is_dense

LRELU = ACTIVATIONS["lrelu"]
THREADS = 2**17  # about as many as keep a large GPU busy
SIZES = "llli"


def scale_bias_act_gpu(x: Tensor, scale: Tensor, bias: Tensor, noise: Tensor | None, clamp: float | None,
                       library: native.Library, reference: Callable[..., Tensor]) -> Tensor:
    """clamp(sqrt(2) * lrelu(x * scale + noise + bias)) with slope 0.2; any derivative. `x` may be overwritten.

    Args:
        x, scale, bias, noise, clamp: as `scale_bias_act`; scale, bias and noise are read as float32, or float64 for a float64 `x`.
        reference: `scale_bias_act`, which the second derivative is taken of.
    """
    x = x if is_dense(x) else x.contiguous()
    inputs = x, scale, bias, noise
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in inputs):
        return _ScaleBiasAct.apply(*inputs, clamp, library, reference)
    return _forward(*inputs, clamp, library, out=x)


def _forward(x, scale, bias, noise, clamp, library, out: Tensor) -> Tensor:
    scale, bias, noise = (_wide(tensor, x) for tensor in (scale, bias, noise))
    if x.numel():
        pointers = scale.data_ptr(), bias.data_ptr(), None if noise is None else noise.data_ptr()
        native.run(library, x, "scale_bias_act", "ipp" + SIZES + "pppl" + "ddd", native.FORMATS[x.dtype], x.data_ptr(), out.data_ptr(),
                   *_sizes(x), *pointers, 1 if noise is None else len(noise), *_curve(clamp))
    return out


class _ScaleBiasAct(torch.autograd.Function):
    """The compiled operation. Its second derivative is that of the reference."""

    @staticmethod
    def forward(x, scale, bias, noise, clamp, library, reference):
        return _forward(x, scale, bias, noise, clamp, library, out=torch.empty_like(x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        *tensors, ctx.clamp, ctx.library, ctx.reference = inputs
        ctx.save_for_backward(*tensors, output)

    @staticmethod
    def backward(ctx, dy):
        *inputs, y = ctx.saved_tensors
        needs = ctx.needs_input_grad[:4]
        if torch.is_grad_enabled():
            return *_reference_gradients(ctx.reference, inputs, ctx.clamp, dy, needs), None, None, None
        x, scale, bias, noise = inputs
        dx, d_sums, dx_sums, d_noise = _gradient(dy, x, y, scale, needs[3], ctx.clamp, ctx.library)
        if d_noise is not None:
            d_noise = (d_noise.sum(dim=0, keepdim=True) if len(noise) == 1 else d_noise).to(noise.dtype)
        return dx, dx_sums.to(scale.dtype), d_sums.sum(dim=0).to(bias.dtype), d_noise, None, None, None


def _gradient(dy: Tensor, x: Tensor, y: Tensor, scale: Tensor, noise: bool, clamp: float | None, library: native.Library):
    """Gradients of x, and of v = x * scale + noise + bias: its sums [N, C], those of it times x, and its sums [N, 1, H, W]."""
    dy = dy if dy.stride() == y.stride() else torch.empty_like(y).copy_(dy)
    scale, dx = _wide(scale, x), torch.empty_like(x)
    batch, channels, pixels, last = _sizes(x)
    parts = min(pixels, max(1, THREADS // max(1, batch * channels)))
    sums = scale.new_zeros((2, batch, parts, channels) if last else (2, batch, channels, parts))
    d_noise = scale.new_zeros((batch, 1, *x.shape[2:])) if noise else None
    if x.numel():
        pointers = (tensor.data_ptr() for tensor in (dy, x, y, dx, *sums))
        native.run(library, x, "scale_bias_act_gradient", "ippppppp" + SIZES + "lp" + "ddd", native.FORMATS[x.dtype], *pointers,
                   None if d_noise is None else d_noise.data_ptr(), *_sizes(x), parts, scale.data_ptr(), *_curve(clamp))
    return dx, *sums.sum(dim=2 if last else 3), d_noise


def _reference_gradients(reference: Callable[..., Tensor], inputs: list[Tensor | None], clamp: float | None, dy: Tensor,
                         needs: tuple[bool, ...]) -> list[Tensor | None]:
    """Gradients that can be differentiated again."""
    wanted = [tensor for tensor, need in zip(inputs, needs) if need]
    with native.reference():
        found = iter(torch.autograd.grad(reference(*inputs, clamp), wanted, dy, create_graph=True))
    return [next(found) if need else None for need in needs]


def _wide(tensor: Tensor | None, x: Tensor) -> Tensor | None:
    """In the format that the kernels add in."""
    return None if tensor is None else tensor.to(torch.promote_types(x.dtype, torch.float32)).contiguous()


def _sizes(x: Tensor) -> tuple[int, int, int, bool]:
    """N, C, H W, and whether the channels are last in memory."""
    return x.shape[0], x.shape[1], x.shape[2] * x.shape[3], not x.is_contiguous()


def _curve(clamp: float | None) -> tuple[float, float, float]:
    return LRELU.alpha, LRELU.gain, math.inf if clamp is None else clamp
