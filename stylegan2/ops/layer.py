"""A whole synthesis layer as one operation: modulated convolution, noise, bias and leaky ReLU.

`synthesis_layer` computes what the operations of this folder say one after the other (`_reference`, below). On a CPU the
compiled form leaves the convolution to PyTorch and does all that surrounds it in one pass over the map before and one
after; and it keeps one map for the gradient, its output, where the separate operations keep four.
"""

from __future__ import annotations

import ctypes
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.bias_act import ACTIVATIONS, scale_bias_act
from stylegan2.ops.modulated_conv import modulated_conv2d, phase_kernels

FORMATS = {torch.float32: 0, torch.bfloat16: 1}
LRELU = ACTIVATIONS["lrelu"]
TAIL = "ppplpfff"  # scale, bias, noise, step of the noise, its strength, gain, slope, limit


def synthesis_layer(
    x: Tensor,
    styles: Tensor,
    weight: Tensor,
    scale: Tensor,
    bias: Tensor,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    resample_filter: Tensor | None = None,
    clamp: float | None = None,
    phases: Sequence[Tensor] | None = None,
) -> Tensor:
    """clamp(sqrt(2) * lrelu(scale * conv(x * styles) + strength * noise + bias)); any derivative.

    Args:
        x: [N, I, H, W]; float32 or bfloat16 have a compiled form.
        styles: [N, I] float32.
        weight: [O, I, 3, 3] in the format of `x`.
        scale: [N, O] float32 above 0, the demodulation.
        bias: [O] float32.
        noise: [N or 1, 1, H', W'] float32, or None. strength: its factor, a 0-d tensor.
        resample_filter: [4, 4] as `setup_filter` makes it doubles the resolution, None keeps it.
        clamp: limit of the result, or None.
        phases: `phase_kernels(weight)`, from a caller who needs them more than once.

    Returns: [N, O, H', W'] in the format of `x`.
    Source: Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 2.2.
    """
    library = native.cpu() if x.device.type == "cpu" and x.dtype in FORMATS and x.numel() else None
    if library is None:
        return _reference(x, styles, weight, scale, bias, noise, strength, resample_filter, clamp)
    if resample_filter is not None and phases is None:
        phases = phase_kernels(weight)
    inputs = (x, styles, weight, scale, bias, noise, strength)
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in inputs):
        return _Layer.apply(*inputs, resample_filter, clamp, phases, library)
    return _forward(*inputs, resample_filter, clamp, phases, library)


def _reference(x, styles, weight, scale, bias, noise, strength, resample_filter, clamp) -> Tensor:
    """The layer as separate operations."""
    x = modulated_conv2d(x, weight, styles, demodulate=False, resample_filter=resample_filter)
    return scale_bias_act(x, scale, bias, None if noise is None else noise * strength, clamp)


def _forward(x, styles, weight, scale, bias, noise, strength, resample_filter, clamp, phases, library) -> Tensor:
    modulated = modulate(pixelwise(x), styles, library)
    tail = _tail(scale, bias, noise, strength, clamp)
    if resample_filter is None:
        out = pixelwise(F.conv2d(modulated, weight, padding=1))
        run = native.function(library, "layer_finish", "ipp" + TAIL + "llli")
        run(FORMATS[out.dtype], out.data_ptr(), out.data_ptr(), *tail.arguments, *sizes(out), torch.get_num_threads())
        return out
    batch, _, height, width = x.shape
    parts = [pixelwise(F.conv2d(modulated, kernel, padding=(1 - odd_row, 1 - odd_column)))
             for kernel, (odd_row, odd_column) in zip(phases, ((0, 0), (0, 1), (1, 0), (1, 1)))]
    out = empty_map(x, batch, weight.shape[0], 2 * height, 2 * width)
    taps = taps_along_axis(resample_filter)
    run = native.function(library, "layer_filter_finish", "ippppp" + "p" + TAIL + "lllli")
    run(FORMATS[out.dtype], out.data_ptr(), *(part.data_ptr() for part in parts), taps.data_ptr(), *tail.arguments,
        batch, height, width, out.shape[1], torch.get_num_threads())
    return out


class _Layer(torch.autograd.Function):
    """The compiled layer. Its second derivative is that of the reference."""

    @staticmethod
    def forward(ctx, x, styles, weight, scale, bias, noise, strength, resample_filter, clamp, phases, library):
        out = _forward(x, styles, weight, scale, bias, noise, strength, resample_filter, clamp, phases, library)
        ctx.save_for_backward(x, styles, weight, scale, bias, noise, strength, resample_filter, out)
        ctx.clamp, ctx.library = clamp, library
        return out

    @staticmethod
    def backward(ctx, d_out):
        *inputs, resample_filter, out = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_reference_gradients(inputs, resample_filter, ctx.clamp, d_out, ctx.needs_input_grad), None, None, None, None
        x, styles, weight, scale, bias, noise, strength = inputs
        x = pixelwise(x)
        needs = ctx.needs_input_grad
        wanted = noise is not None and (needs[5] or needs[6])
        tail = _tail(scale, bias, noise, strength, ctx.clamp)
        d_map, d_scale, d_bias, d_noise = _finish_gradient(pixelwise(d_out), out, tail, wanted, ctx.library)
        if resample_filter is not None:
            d_map = _filter_gradient(d_map, resample_filter, ctx.library)
        modulated = modulate(x, styles, ctx.library) if needs[2] else x  # of an input that gets no gradient only the shape counts
        d_modulated, d_weight = _convolution_gradients(d_map, modulated, weight, resample_filter is not None, needs)
        d_x = d_styles = None
        if d_modulated is not None:
            d_x, d_styles = modulate_gradient(pixelwise(d_modulated), x, styles, ctx.library)
        d_strength = (d_noise * noise).sum() if needs[6] and wanted else None
        d_noise = _like(d_noise * strength, noise) if needs[5] and wanted else None
        return d_x, d_styles, d_weight, d_scale, d_bias, d_noise, d_strength, None, None, None, None


def _reference_gradients(inputs, resample_filter, clamp, d_out, needs) -> list[Tensor | None]:
    """Gradients that can be differentiated again."""
    wanted = [tensor for tensor, need in zip(inputs, needs) if need]
    out = _reference(*inputs, resample_filter, clamp)
    found = iter(torch.autograd.grad(out, wanted, d_out, create_graph=True))
    return [next(found) if need else None for need in needs[:len(inputs)]]


def _finish_gradient(d_out: Tensor, out: Tensor, tail: "_Tail", noise: bool, library: ctypes.CDLL):
    """Gradients of the map before the layer's tail, of scale [N, O], bias [O] and, if asked for, noise times strength [N, 1, H, W]."""
    batch, channels, height, width = out.shape
    d_map, d_scale, d_bias = torch.empty_like(out), out.new_empty(batch, channels, dtype=torch.float32), None
    d_bias = torch.empty_like(d_scale)
    d_noise = torch.empty(batch, 1, height, width) if noise else None
    run = native.function(library, "layer_finish_gradient", "ipppppp" + TAIL + "llli")
    run(FORMATS[out.dtype], d_map.data_ptr(), d_scale.data_ptr(), d_bias.data_ptr(), None if d_noise is None else d_noise.data_ptr(),
        d_out.data_ptr(), out.data_ptr(), *tail.arguments, *sizes(out), torch.get_num_threads())
    gain = LRELU.gain
    return d_map, d_scale * gain, d_bias.sum(dim=0) * gain, None if d_noise is None else d_noise * gain


def _filter_gradient(d_out: Tensor, resample_filter: Tensor, library: ctypes.CDLL) -> Tensor:
    """[N, O, 2H, 2W] -> [N, O, 2H + 1, 2W + 1]: the gradient of the low-pass filter after a transposed convolution."""
    batch, channels, height, width = d_out.shape
    d_map = empty_map(d_out, batch, channels, height + 1, width + 1)
    taps = taps_along_axis(resample_filter)
    run = native.function(library, "layer_filter_gradient", "ippplllli")
    run(FORMATS[d_out.dtype], d_map.data_ptr(), d_out.data_ptr(), taps.data_ptr(), batch, height // 2, width // 2, channels,
        torch.get_num_threads())
    return d_map


def _convolution_gradients(d_map: Tensor, x: Tensor, weight: Tensor, up: bool, needs: Sequence[bool]) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the modulated input and of the weight; a transposed convolution sees the weight the other way round."""
    mask = [needs[0] or needs[1], needs[2], False]
    kernel = weight.transpose(0, 1) if up else weight
    stride, padding = ([2, 2], [0, 0]) if up else ([1, 1], [1, 1])
    d_x, d_weight, _ = torch.ops.aten.convolution_backward(d_map, x, kernel, None, stride, padding, [1, 1], up, [0, 0], 1, mask)
    return d_x, d_weight.transpose(0, 1) if up and d_weight is not None else d_weight


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


class _Tail:
    """Arguments for what follows the convolution; it keeps the tensors alive that they point into."""

    def __init__(self, *arguments, kept: tuple[Tensor | None, ...]) -> None:
        self.arguments, self.kept = arguments, kept


def _tail(scale: Tensor, bias: Tensor, noise: Tensor | None, strength: Tensor | None, clamp: float | None) -> _Tail:
    """lrelu(g v) = g lrelu(v) for g > 0, so the gain goes into the small factors and costs nothing a pixel."""
    scale, bias = (scale * LRELU.gain).contiguous(), (bias * LRELU.gain).contiguous()
    noise = None if noise is None else noise.contiguous()
    step = 0 if noise is None or len(noise) == 1 else noise[0].numel()
    return _Tail(scale.data_ptr(), bias.data_ptr(), None if noise is None else noise.data_ptr(), step,
                 None if noise is None else strength.data_ptr(), LRELU.gain, LRELU.alpha, float("inf") if clamp is None else clamp,
                 kept=(scale, bias, noise, strength))


def taps_along_axis(resample_filter: Tensor) -> Tensor:
    """The row whose outer product with itself the filter is, as neighbours meet it, times 2: of the gain of 4 each axis takes one half."""
    return resample_filter.float().sum(dim=0).flip(0) * 2


def pixelwise(x: Tensor) -> Tensor:
    """The same map, pixel by pixel in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def empty_map(like: Tensor, *shape: int) -> Tensor:
    """Room for a map [N, C, H, W] in the format of another, laid out as `pixelwise` does."""
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last)


def sizes(x: Tensor) -> tuple[int, int, int]:
    """N, H W and C of a map."""
    return x.shape[0], x.shape[2] * x.shape[3], x.shape[1]


def _like(gradient: Tensor, noise: Tensor) -> Tensor:
    """The gradient of a noise map that all samples may share."""
    return gradient.sum(dim=0, keepdim=True) if len(noise) == 1 and len(gradient) > 1 else gradient
