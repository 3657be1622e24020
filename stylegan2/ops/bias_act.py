"""Bias, activation, gain and clamp, as one operation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """An activation, with the slope and the gain that StyleGAN2 uses unless told otherwise.

    The gain restores the variance that the activation takes from a standard normal input.
    """

    function: Callable[[Tensor, float], Tensor]
    alpha: float = 0.0
    gain: float = 1.0


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda x, alpha: x),
    "relu": Activation(lambda x, alpha: F.relu(x), gain=math.sqrt(2)),
    "lrelu": Activation(F.leaky_relu, alpha=0.2, gain=math.sqrt(2)),
    "tanh": Activation(lambda x, alpha: torch.tanh(x)),
    "sigmoid": Activation(lambda x, alpha: torch.sigmoid(x)),
    "elu": Activation(lambda x, alpha: F.elu(x)),
    "selu": Activation(lambda x, alpha: F.selu(x)),
    "softplus": Activation(lambda x, alpha: F.softplus(x)),
    "swish": Activation(lambda x, alpha: F.silu(x), gain=math.sqrt(2)),
}


def bias_act(
    x: Tensor,
    bias: Tensor | None = None,
    activation: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    dim: int = 1,
) -> Tensor:
    """clamp(gain * activation(x + bias)); any derivative, as autograd gives it.

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
    spec = ACTIVATIONS[activation]
    if bias is not None:
        x = x + _along(bias, x, dim)
    x = spec.function(x, spec.alpha if alpha is None else alpha)
    gain = spec.gain if gain is None else gain
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


def _along(bias: Tensor, x: Tensor, dim: int) -> Tensor:
    """Shape a [C] bias so that it broadcasts along dimension `dim` of `x`."""
    if bias.ndim != 1 or bias.shape[0] != x.shape[dim]:
        raise ValueError(
            f"bias has shape {list(bias.shape)}; accepted: [{x.shape[dim]}], dimension {dim} of the input")
    return bias.reshape([-1 if i == dim else 1 for i in range(x.ndim)])


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
