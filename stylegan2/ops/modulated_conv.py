"""The modulated convolution of StyleGAN2 and its up-sampling form.

Karras et al., "Analyzing and improving the image quality of StyleGAN", section 2.2: the style
scales the weights' input channels, w'_oik = s_i w_oik (equation 1), and demodulation divides
each output channel by its norm, w''_oik = w'_oik / sqrt(sum_ik w'_oik^2 + eps) (equation 3).

Both factors are per sample, but neither depends on the pixel. They commute with the convolution:
scaling the input by s and the output by the demodulation gives the same result with one weight
that the whole batch shares, so a batch is one plain convolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops.upfirdn2d import upfirdn2d

EPSILON = 1e-8


def demodulation(energy: Tensor, styles: Tensor) -> Tensor:
    """1 / sqrt(sum_i s_i^2 sum_k w_oik^2 + eps), the second half of equation 3.

    Args:
        energy: [O, I], squared weights summed over the kernel; it depends on no style.
        styles: [N, I].
    Returns: [N, O].
    """
    return torch.rsqrt(styles.square() @ energy.t() + EPSILON)


def upsampling_conv2d(x: Tensor, weight: Tensor, resample_filter: Tensor) -> Tensor:
    """Insert zeros, convolve, and low-pass: [N, I, H, W] -> [N, O, 2H, 2W].

    A transposed convolution does the first two, a depthwise FIR the third. Measured on an EPYC with
    avx512_bf16 against the FIR folded into four 3x3 phase kernels with a pixel shuffle, and
    against bilinear up-sampling before the convolution: both do four times the arithmetic, and
    took two to four times as long, forward as well as with the backward pass.

    Args:
        weight: [O, I, K, K]; like every transposed convolution it sees the kernel mirrored,
            which the published weights expect.
        resample_filter: [4, 4] as `setup_filter` makes it; the gain of 4 for the inserted zeros is added here.
    """
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    taps, size = resample_filter.shape[-1], weight.shape[-1]
    before = size // 2 + (taps + 1) // 2 - (size - 1)
    after = size // 2 + (taps - 2) // 2 - (size - 2)
    return upfirdn2d(x, resample_filter, padding=(before, after, before, after), gain=4)


def phase_kernels(weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four small kernels that a transposed convolution with stride 2 is made of: [O, I, 3, 3] -> [O, I, 2 or 1, 2 or 1].

    An even row of the output sees taps 2 and 0 of two neighbouring input rows, an odd one tap 1 of one row; columns likewise.
    As plain convolutions (padding 1 where a kernel has two taps) they give the even and odd rows and columns of the result.

    Returns: for (even row, even column), (even, odd), (odd, even) and (odd, odd).
    """
    even, odd = (2, 0), (1,)
    return tuple(weight[:, :, rows][:, :, :, columns].contiguous(memory_format=torch.channels_last)
                 for rows in (even, odd) for columns in (even, odd))


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    demodulate: bool = True,
    resample_filter: Tensor | None = None,
) -> Tensor:
    """Convolve each sample with its own scaling of a shared weight.

    Args:
        x: [N, I, H, W].
        weight: [O, I, K, K], K odd; the borders are padded with zeros.
        styles: [N, I], one factor a sample and input channel.
        demodulate: normalise each sample's output channels (equation 3).
        resample_filter: [4, 4] doubles the resolution; None keeps it.

    Returns: [N, O, H, W] or [N, O, 2H, 2W].
    Raises: ValueError: shapes that do not fit together.
    """
    if styles.shape != x.shape[:2] or weight.shape[1] != x.shape[1]:
        raise ValueError(f"input {list(x.shape)}, weight {list(weight.shape)} and styles {list(styles.shape)} "
                         "do not fit; accepted: [N, I, H, W], [O, I, K, K] and [N, I]")
    x = x * styles.to(x.dtype)[:, :, None, None]
    kernel = weight.to(x.dtype)
    if resample_filter is None:
        x = F.conv2d(x, kernel, padding=weight.shape[-1] // 2)
    else:
        x = upsampling_conv2d(x, kernel, resample_filter)
    if not demodulate:
        return x
    factor = demodulation(weight.square().sum(dim=(2, 3)), styles)
    return x * factor.to(x.dtype)[:, :, None, None]
