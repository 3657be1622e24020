"""A whole synthesis layer as one operation: modulated convolution, noise, bias and leaky ReLU.

`synthesis_layer` computes what the operations of this folder say one after the other (`_reference`, below). On a CPU the
compiled form does all that surrounds the convolution in one pass over the map before and one after, or within the
convolution where that is Winograd's; and it keeps one map for the gradient, its output, where the separate operations keep four.
"""

from __future__ import annotations

import ctypes
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops import native, winograd
from stylegan2.ops.bias_act import scale_bias_act
from stylegan2.ops.kernel import Kernel
from stylegan2.ops.modulated_conv import modulated_conv2d
from stylegan2.ops.tail import FORMATS, LRELU, TAIL, Tail, empty_map, pixelwise, sizes, taps_along_axis


def synthesis_layer(
    x: Tensor,
    styles: Tensor,
    weight: Tensor | Kernel,
    scale: Tensor,
    bias: Tensor,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    resample_filter: Tensor | None = None,
    clamp: float | None = None,
) -> Tensor:
    """clamp(sqrt(2) * lrelu(scale * conv(x * styles) + strength * noise + bias)); any derivative.

    Args:
        x: [N, I, H, W]; float32 or bfloat16 have a compiled form.
        styles: [N, I] float32.
        weight: [O, I, 3, 3], or a `Kernel` from a caller who convolves with it more than once.
        scale: [N, O] float32 above 0, the demodulation.
        bias: [O] float32.
        noise: [N or 1, 1, H', W'] float32, or None. strength: its factor, a 0-d tensor.
        resample_filter: [4, 4] as `setup_filter` makes it doubles the resolution, None keeps it.
        clamp: limit of the result, or None.

    Returns: [N, O, H', W'] in the format of `x`.
    Source: Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 2.2.
    """
    kernel = weight if isinstance(weight, Kernel) else Kernel(weight, x.dtype)
    inputs = (x, styles, kernel.weight, scale, bias, noise, strength)
    library = native.library(x) if x.device.type == "cpu" and x.dtype in FORMATS and x.numel() else None
    clamp = None if clamp is None else torch.tensor(clamp, dtype=x.dtype).item()  # the gradient tells by the rounded output where it held
    if library is None:
        return _reference(*inputs, resample_filter, clamp)
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in inputs):
        return _Layer.apply(*inputs, resample_filter, clamp, kernel, library)
    return _forward(x, styles, kernel, Tail(scale, bias, noise, strength, clamp), resample_filter, library)


def _reference(x, styles, weight, scale, bias, noise, strength, resample_filter, clamp) -> Tensor:
    """The layer as separate operations."""
    x = modulated_conv2d(x, weight, styles, demodulate=False, resample_filter=resample_filter)
    return scale_bias_act(x, scale, bias, None if noise is None else noise * strength, clamp)


def _forward(x: Tensor, styles: Tensor, kernel: Kernel, tail: Tail, resample_filter: Tensor | None, library: ctypes.CDLL) -> Tensor:
    x = pixelwise(x)
    if resample_filter is not None:
        return _doubled(modulate(x, styles, library), kernel, tail, resample_filter, library)
    if kernel.constant and winograd.pays(x, len(kernel.weight)):
        return winograd.convolve(x, kernel.places, styles, tail, library)
    out = pixelwise(F.conv2d(modulate(x, styles, library), kernel.weight, padding=1))
    run = native.function(library, "layer_finish", "ipp" + TAIL + "llli")
    run(FORMATS[out.dtype], out.data_ptr(), out.data_ptr(), *tail.arguments, *sizes(out), torch.get_num_threads())
    return out


def _doubled(x: Tensor, kernel: Kernel, tail: Tail, resample_filter: Tensor, library: ctypes.CDLL) -> Tensor:
    """The even and odd rows and columns of a transposed convolution, then the low-pass filter and the tail in one pass."""
    batch, _, height, width = x.shape
    parts = [pixelwise(F.conv2d(x, phase, padding=(1 - odd_row, 1 - odd_column)))
             for phase, (odd_row, odd_column) in zip(kernel.phases, ((0, 0), (0, 1), (1, 0), (1, 1)))]
    out, taps = empty_map(x, batch, len(kernel.weight), 2 * height, 2 * width), taps_along_axis(resample_filter)
    run = native.function(library, "layer_filter_finish", "ippppp" + "p" + TAIL + "lllli")
    run(FORMATS[out.dtype], out.data_ptr(), *(part.data_ptr() for part in parts), taps.data_ptr(), *tail.arguments,
        batch, height, width, out.shape[1], torch.get_num_threads())
    return out


class _Layer(torch.autograd.Function):
    """The compiled layer. Its second derivative is that of the reference."""

    @staticmethod
    def forward(ctx, x, styles, weight, scale, bias, noise, strength, resample_filter, clamp, kernel, library):
        out = _forward(x, styles, kernel, Tail(scale, bias, noise, strength, clamp), resample_filter, library)
        ctx.save_for_backward(x, styles, weight, scale, bias, noise, strength, resample_filter, out)
        ctx.clamp, ctx.kernel, ctx.library = clamp, kernel, library
        return out

    @staticmethod
    def backward(ctx, d_out):
        *inputs, resample_filter, out = ctx.saved_tensors
        needs, library = ctx.needs_input_grad, ctx.library
        if torch.is_grad_enabled():
            return *_reference_gradients(inputs, resample_filter, ctx.clamp, d_out, needs), None, None, None, None
        x, styles, weight, scale, bias, noise, strength = inputs
        x, noise_asked = pixelwise(x), noise is not None and (needs[5] or needs[6])
        tail = Tail(scale, bias, noise, strength, ctx.clamp)
        d_map, d_scale, d_bias, d_noise = _finish_gradient(pixelwise(d_out), out, tail, noise_asked, library)
        if resample_filter is not None:
            d_map = _filter_gradient(d_map, resample_filter, library)
        d_x = d_styles = d_weight = None
        if needs[0] or needs[1]:
            d_modulated = _input_gradient(d_map, x, ctx.kernel, weight, resample_filter is not None, library)
            d_x, d_styles = modulate_gradient(pixelwise(d_modulated), x, styles, library)
        if needs[2]:
            d_weight = _weight_gradient(d_map, modulate(x, styles, library), weight, resample_filter is not None)
        d_strength = (d_noise * noise).sum() if needs[6] and noise_asked else None
        d_noise = _like(d_noise * strength, noise) if needs[5] and noise_asked else None
        return d_x, d_styles, d_weight, d_scale, d_bias, d_noise, d_strength, None, None, None, None


def _reference_gradients(inputs, resample_filter, clamp, d_out, needs) -> list[Tensor | None]:
    """Gradients that can be differentiated again."""
    wanted = [tensor for tensor, need in zip(inputs, needs) if need]
    out = _reference(*inputs, resample_filter, clamp)
    found = iter(torch.autograd.grad(out, wanted, d_out, create_graph=True))
    return [next(found) if need else None for need in needs[:len(inputs)]]


def _finish_gradient(d_out: Tensor, out: Tensor, tail: Tail, noise: bool, library: ctypes.CDLL):
    """Gradients of the map before the layer's tail, of scale [N, O], bias [O] and, if asked for, noise times strength [N, 1, H, W]."""
    batch, channels, height, width = out.shape
    d_map, d_scale, d_bias = torch.empty_like(out), torch.empty(batch, channels), torch.empty(batch, channels)
    d_noise = torch.empty(batch, 1, height, width) if noise else None
    run = native.function(library, "layer_finish_gradient", "ipppppp" + TAIL + "llli")
    run(FORMATS[out.dtype], d_map.data_ptr(), d_scale.data_ptr(), d_bias.data_ptr(), None if d_noise is None else d_noise.data_ptr(),
        d_out.data_ptr(), out.data_ptr(), *tail.arguments, *sizes(out), torch.get_num_threads())
    gain = LRELU.gain
    return d_map, d_scale * gain, d_bias.sum(dim=0) * gain, None if d_noise is None else d_noise * gain


def _filter_gradient(d_out: Tensor, resample_filter: Tensor, library: ctypes.CDLL) -> Tensor:
    """[N, O, 2H, 2W] -> [N, O, 2H + 1, 2W + 1]: the gradient of the low-pass filter after a transposed convolution."""
    batch, channels, height, width = d_out.shape
    d_map, taps = empty_map(d_out, batch, channels, height + 1, width + 1), taps_along_axis(resample_filter)
    run = native.function(library, "layer_filter_gradient", "ippplllli")
    run(FORMATS[d_out.dtype], d_map.data_ptr(), d_out.data_ptr(), taps.data_ptr(), batch, height // 2, width // 2, channels,
        torch.get_num_threads())
    return d_map


def _input_gradient(d_map: Tensor, x: Tensor, kernel: Kernel, weight: Tensor, up: bool, library: ctypes.CDLL) -> Tensor:
    """The gradient of a convolution's input, which has the shape of `x`."""
    if not up and kernel.constant and winograd.pays(d_map, x.shape[1]):
        return winograd.convolve_plain(d_map, kernel.gradient_places, library)
    return _convolution_backward(d_map, x, weight, up, [True, False, False])[0]


def _weight_gradient(d_map: Tensor, x: Tensor, weight: Tensor, up: bool) -> Tensor:
    """The gradient of a convolution's weight; x: the modulated input."""
    gradient = _convolution_backward(d_map, x, weight, up, [False, True, False])[1]
    return gradient.transpose(0, 1) if up else gradient


def _convolution_backward(d_map: Tensor, x: Tensor, weight: Tensor, up: bool, asked: list[bool]) -> Sequence[Tensor | None]:
    """A transposed convolution sees the weight the other way round."""
    kernel, stride, padding = (weight.transpose(0, 1), [2, 2], [0, 0]) if up else (weight, [1, 1], [1, 1])
    return torch.ops.aten.convolution_backward(d_map, x, kernel, None, stride, padding, [1, 1], up, [0, 0], 1, asked)


def modulate(x: Tensor, styles: Tensor, library: ctypes.CDLL) -> Tensor:
    """x [N, C, H, W] times styles [N, C], for `x` as `pixelwise` leaves it."""
    out, styles = torch.empty_like(x), styles.contiguous()
    run = native.function(library, "layer_modulate", "ippp" + "llli")
    run(FORMATS[x.dtype], out.data_ptr(), x.data_ptr(), styles.data_ptr(), *sizes(x), torch.get_num_threads())
    return out


def modulate_gradient(d_out: Tensor, x: Tensor, styles: Tensor, library: ctypes.CDLL) -> tuple[Tensor, Tensor]:
    """Gradients of `modulate`: of x, and of the styles [N, C]."""
    d_x, styles = torch.empty_like(x), styles.contiguous()
    d_styles = torch.empty_like(styles)
    run = native.function(library, "layer_modulate_gradient", "ippppp" + "llli")
    run(FORMATS[x.dtype], d_x.data_ptr(), d_styles.data_ptr(), d_out.data_ptr(), x.data_ptr(), styles.data_ptr(), *sizes(x),
        torch.get_num_threads())
    return d_x, d_styles


def _like(gradient: Tensor, noise: Tensor) -> Tensor:
    """The gradient of a noise map that all samples may share."""
    return gradient.sum(dim=0, keepdim=True) if len(noise) == 1 and len(gradient) > 1 else gradient
