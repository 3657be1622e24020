"""Bias, activation, gain and clamp, as one operation."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.activations import ACTIVATIONS, NUMBERS
from stylegan2.ops.scale_bias_act_gpu import scale_bias_act_gpu


def bias_act(
    x: Tensor,
    bias: Tensor | None = None,
    activation: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    dim: int = 1,
) -> Tensor:
    """clamp(gain * activation(x + bias)); any derivative.

    Args:
        x: any shape.
        bias: [x.shape[dim]] or None.
        activation: a key of `ACTIVATIONS`.
        alpha, gain: slope and gain; None takes the activation's own.
        clamp: the result is limited to [-clamp, clamp]; None leaves it.
        dim: the dimension of `x` that the bias belongs to.

    Raises:
        ValueError: unknown activation, a bias that does not fit, or a negative clamp.
    Source: Karras et al., "Training GANs with limited data" (ADA), public code, `bias_act`.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; accepted: {', '.join(ACTIVATIONS)}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp is {clamp}; accepted: a number from 0, or None")
    if bias is not None and (bias.ndim != 1 or bias.shape[0] != x.shape[dim]):
        raise ValueError(
            f"bias has shape {list(bias.shape)}; accepted: [{x.shape[dim]}], dimension {dim} of the input")
    spec = ACTIVATIONS[activation]
    curve = Curve(activation, spec.alpha if alpha is None else alpha, spec.gain if gain is None else gain, clamp, dim)
    library = None if curve.is_one_pass(bias) else native.library(x, bias)
    if library is None or not curve.is_compiled(library) or arrangement(x, bias, dim) is None:
        return reference(x, bias, curve)
    if torch.is_grad_enabled() and (x.requires_grad or bias is not None and bias.requires_grad):
        return _BiasAct.apply(x, bias, curve, library)
    return _forward(x, bias, curve, library)


class Curve(NamedTuple):
    """What happens to a number once its bias is added, and which dimension the bias is for."""

    activation: str
    alpha: float
    gain: float
    clamp: float | None
    dim: int

    def is_one_pass(self, bias: Tensor | None) -> bool:
        """Whether PyTorch has nothing to do, or a single addition: no compiled code is faster."""
        return self.activation == "linear" and self.clamp is None and (self.gain == 1 or bias is None)

    @property
    def is_straight(self) -> bool:
        """Whether it is a line with a bend, rising throughout, so that the result tells the derivative."""
        return self.gain > 0 and (self.activation == "linear" or self.activation == "lrelu" and self.alpha > 0)

    def is_compiled(self, library: native.Library) -> bool:
        """The GPU has them all. On a CPU, PyTorch's own exponentials are as fast as can be."""
        return self.is_straight or library.gpu

    @property
    def arguments(self) -> tuple[float, float, float]:
        return self.alpha, self.gain, math.inf if self.clamp is None else self.clamp


def reference(x: Tensor, bias: Tensor | None, curve: Curve) -> Tensor:
    """The operation in PyTorch."""
    if bias is not None:
        x = x + bias.reshape([-1 if i == curve.dim % x.ndim else 1 for i in range(x.ndim)])
    x = ACTIVATIONS[curve.activation].function(x, curve.alpha)
    if curve.gain != 1:
        x = x * curve.gain
    return x if curve.clamp is None else x.clamp(-curve.clamp, curve.clamp)


def arrangement(x: Tensor, bias: Tensor | None, dim: int) -> tuple[int, int, int] | None:
    """(outer, channels, inner): the order in which memory holds `x`, the bias belonging to `channels`. None: neither
    contiguous nor channels_last.
    """
    dim %= max(1, x.ndim)
    if x.is_contiguous():
        if bias is None:
            return 1, 1, x.numel()
        return math.prod(x.shape[:dim]), x.shape[dim], math.prod(x.shape[dim + 1:])
    if x.ndim == 4 and dim == 1 and x.is_contiguous(memory_format=torch.channels_last):
        return x.numel() // max(1, x.shape[1]), x.shape[1], 1
    return None


def _forward(x: Tensor, bias: Tensor | None, curve: Curve, library: native.Library) -> Tensor:
    y, bias = torch.empty_like(x), None if bias is None else bias.contiguous()
    if x.numel():
        pointers = x.data_ptr(), None if bias is None else bias.data_ptr(), y.data_ptr()
        native.run(library, x, "bias_act", "iippplllddd", native.FORMATS[x.dtype], NUMBERS[curve.activation], *pointers,
                   *arrangement(x, bias, curve.dim), *curve.arguments)
    return y


class _BiasAct(torch.autograd.Function):
    """The compiled operation. What it keeps for its gradient is what a convolution that follows keeps too, if it can."""

    @staticmethod
    def forward(x, bias, curve, library):
        return _forward(x, bias, curve, library)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, bias, ctx.curve, ctx.library = inputs
        ctx.save_for_backward(*((output, None) if ctx.curve.is_straight else (x, bias)))

    @staticmethod
    def backward(ctx, dy):
        kept, bias = ctx.saved_tensors
        curve, needs = ctx.curve, ctx.needs_input_grad
        if not curve.is_straight and torch.is_grad_enabled():
            return *_reference_gradients(kept, bias, curve, dy, needs), None, None
        dx = _slope(dy, kept, bias, curve, ctx.library)
        return dx if needs[0] else None, _summed(dx, curve.dim) if needs[1] else None, None, None


def _summed(dx: Tensor, dim: int) -> Tensor:
    """The gradient of a bias that belongs to one dimension."""
    others = [i for i in range(dx.ndim) if i != dim % dx.ndim]
    return dx.sum(others) if others else dx


def _slope(dy: Tensor, kept: Tensor, bias: Tensor | None, curve: Curve, library: native.Library) -> Tensor:
    """dy times the derivative, which `kept` tells: the result where the curve is straight, else the input."""
    if torch.is_grad_enabled() and dy.requires_grad:
        return _Slope.apply(dy, kept, curve, library)
    if dy.stride() != kept.stride():
        dy = torch.empty_like(kept).copy_(dy)
    dx, bias = torch.empty_like(kept), None if bias is None else bias.contiguous()
    if kept.numel():
        pointers = dy.data_ptr(), kept.data_ptr(), None if bias is None else bias.data_ptr(), dx.data_ptr()
        native.run(library, kept, "bias_act_gradient", "iiipppplllddd", native.FORMATS[kept.dtype], NUMBERS[curve.activation],
                   curve.is_straight, *pointers, *arrangement(kept, bias, curve.dim), *curve.arguments)
    return dx


class _Slope(torch.autograd.Function):
    """dy times the derivative of a straight curve: linear in dy, and constant in all else."""

    @staticmethod
    def forward(dy, y, curve, library):
        return _slope(dy, y, None, curve, library)

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, y, ctx.curve, ctx.library = inputs
        ctx.save_for_backward(y)

    @staticmethod
    def backward(ctx, ddx):
        (y,) = ctx.saved_tensors
        return _slope(ddx, y, None, ctx.curve, ctx.library), None, None, None


def _reference_gradients(x: Tensor, bias: Tensor | None, curve: Curve, dy: Tensor, needs: Sequence[bool]) -> list[Tensor | None]:
    """Gradients that can be differentiated again."""
    wanted = [tensor for tensor, need in zip((x, bias), needs) if need]
    found = iter(torch.autograd.grad(reference(x, bias, curve), wanted, dy, create_graph=True))
    return [next(found) if need else None for need in needs[:2]]


def scale_bias_act(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    noise: Tensor | None = None,
    clamp: float | None = None,
) -> Tensor:
    """What follows every modulated convolution, in the fewest passes over the map.

    clamp(sqrt(2) * lrelu(x * scale + noise + bias)) with slope 0.2. The leaky ReLU is positively
    homogeneous, lrelu(g v) = g lrelu(v) for g > 0, so the gain goes into the small factors and
    costs no pass of its own. `x` may be overwritten. Bias and noise are added one after the other:
    added up first, they are a whole map, and in another memory layout than `x`.

    Args:
        x: [N, C, H, W].
        scale: [N, C], the demodulation.
        bias: [C].
        noise: [N or 1, 1, H, W], already multiplied by its strength, or None.
        clamp: limit of the result, or None.
    """
    library = native.library(x)
    if library is not None and library.gpu:
        return scale_bias_act_gpu(x, scale, bias, noise, clamp, library, scale_bias_act)
    spec = ACTIVATIONS["lrelu"]
    scale = (scale * spec.gain).to(x.dtype)[:, :, None, None]
    bias = (bias * spec.gain).to(x.dtype)[None, :, None, None]
    x = _multiply(x, scale).add_(bias)
    if noise is not None:
        x = x.add_((noise * spec.gain).to(x.dtype))
    x = F.leaky_relu_(x, spec.alpha)
    return x if clamp is None else x.clamp(-clamp, clamp)


def _multiply(x: Tensor, scale: Tensor) -> Tensor:
    """x * scale, written over `x` unless autograd needs it; fresh memory costs more than the product."""
    if torch.is_grad_enabled() and (x.requires_grad or scale.requires_grad):
        return x * scale
    return x.mul_(scale)
