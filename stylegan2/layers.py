"""The layers that the generator and the discriminator are built from.

All weights are drawn from a standard normal and scaled at run time ("equalized learning rate",
Karras et al. 2018, section 4.1), so the optimiser's step means the same for every layer.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan2.ops import (
    ACTIVATIONS, Kernel, add_doubled, bias_act, demodulation, downsampling_conv2d, setup_filter, synthesis_layer, to_rgb)

NOISE_MODES = ("const", "none", "random")


class FullyConnected(nn.Module):
    """activation(x W' + b'): [N, in_features] -> [N, out_features].

    Args:
        learning_rate_multiplier: below 1 makes the layer learn slower than the others; its
            stored weight is larger by the same factor.
        bias: initial value of every bias.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str = "linear",
        learning_rate_multiplier: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / learning_rate_multiplier)
        self.bias = nn.Parameter(torch.full([out_features], float(bias)))
        self.weight_gain = learning_rate_multiplier / math.sqrt(in_features)
        self.bias_gain = learning_rate_multiplier

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x * self.weight_gain, self.weight)  # of the two, the input is the smaller to scale
        return bias_act(x, self.bias * self.bias_gain, self.activation)


class SynthesisLayer(nn.Module):
    """Modulated convolution, noise, bias and leaky ReLU: one of the generator's numbered layers.

    Args:
        in_channels, out_channels: I and O.
        w_dim: D.
        resolution: of the output, in pixels.
        up: 2 doubles the resolution, 1 keeps it.
        conv_clamp: limit of the output's magnitude, or None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        up: int = 1,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.conv_clamp = resolution, up, conv_clamp
        self.affine = FullyConnected(w_dim, in_channels, bias=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", setup_filter())
        self._kept: dict[torch.dtype, tuple[tuple, Kernel]] = {}

    def forward(
        self, x: Tensor, w: Tensor, noise: str = "const", generator: torch.Generator | None = None, offset: Tensor | None = None
    ) -> Tensor:
        """[N, I, h, h] and w [N, D] -> [N, O, resolution, resolution], in the dtype of `x`. offset [N or 1, I]: added to the styles."""
        styles = self.affine(w) if offset is None else self.affine(w) + offset
        kernel = self._kernel(x.dtype)
        noise_map = self._noise(noise, len(x), generator)
        scale = demodulation(kernel.energy, styles)
        return synthesis_layer(x, styles, kernel, scale, self.bias, noise_map, self.noise_strength,
                               self.resample_filter if self.up == 2 else None, self.conv_clamp)

    def _kernel(self, dtype: torch.dtype) -> Kernel:
        """The weight in `dtype` and what follows from it, which a frozen layer computes once: no part depends on the sample."""
        weight = self.weight
        if weight.requires_grad or weight.is_inference():
            self._kept.clear()
            return Kernel(weight, dtype)
        version = (weight.data_ptr(), weight._version)
        kept = self._kept.get(dtype)
        if kept is None or kept[0] != version:
            with torch.inference_mode(False):  # a tensor made in inference mode could not serve a later call that needs gradients
                kept = self._kept[dtype] = (version, Kernel(weight, dtype))
        return kept[1]

    def _noise(self, mode: str, batch: int, generator: torch.Generator | None) -> Tensor | None:
        """[N or 1, 1, R, R], to be scaled by the learned strength, or None."""
        if mode == "none":
            return None
        if mode == "const":
            return self.noise_const[None, None]
        shape = (batch, 1, self.resolution, self.resolution)
        return torch.randn(shape, generator=generator, device=self.noise_const.device)


class ToRGB(nn.Module):
    """A feature map as a picture: 1x1 modulated convolution without demodulation.

    The kernel is one pixel and the output three channels, so here the cheap order is the other
    one: the style scales the three weights, and each sample is one small matrix product.
    """

    def __init__(self, in_channels: int, w_dim: int, conv_clamp: float | None = None) -> None:
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = FullyConnected(w_dim, in_channels, bias=1)
        self.weight = nn.Parameter(torch.randn(3, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor, below: Tensor | None = None, resample_filter: Tensor | None = None,
                offset: Tensor | None = None) -> Tensor:
        """[N, I, h, h] and w [N, D] -> float32 [N, 3, h, h]; added to the doubled picture below, [N, 3, h/2, h/2], if there is one.

        offset [N or 1, I]: added to the styles."""
        styles = (self.affine(w) if offset is None else self.affine(w) + offset) * self.weight_gain
        picture = to_rgb(x, styles[:, None] * self.weight[:, :, 0, 0], self.bias, self.conv_clamp)
        return picture if below is None else add_doubled(picture, below, resample_filter)


class Conv2d(nn.Module):
    """activation(conv(x) + bias) * gain, optionally at half the resolution.

    Args:
        kernel_size: odd; the borders are padded with zeros.
        activation: a key of `stylegan2.ops.ACTIVATIONS`.
        down: 2 halves the resolution after a low-pass filter, 1 keeps it.
        bias: whether there is one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        activation: str = "linear",
        down: int = 1,
        bias: bool = True,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.activation, self.down, self.conv_clamp = activation, down, conv_clamp
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("resample_filter", setup_filter())
        self.weight_gain = 1 / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """[N, I, H, W] -> [N, O, H, W], or [N, O, H/2, W/2] with down = 2; in the dtype of `x`."""
        weight = (self.weight * self.weight_gain).to(x.dtype)
        if self.down == 2:
            x = downsampling_conv2d(x, weight, self.resample_filter)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return bias_act(x, bias, self.activation, gain=ACTIVATIONS[self.activation].gain * gain, clamp=clamp)
