"""A 3x3 convolution with a quarter of the multiplications, and what surrounds it in a layer: Winograd's F(4x4, 3x3).

In float32 it differs from the plain sum by two parts in a million, and takes a half to a third of the time where there are many
channels. In bfloat16, where all arithmetic inside is float32, it is the more exact one; it pays on processors whose bfloat16 is
only twice as fast as their float32.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks".
"""

from __future__ import annotations

import ctypes
from functools import cache

import torch
from torch import Tensor

from stylegan2.ops import native
from stylegan2.ops.tail import FORMATS, TAIL, Tail, empty_map

TILE, PLACES = 4, 36
FEWEST_CHANNELS = {torch.float32: 64, torch.bfloat16: 256}  # below, the plain convolution is as fast; measured on an EPYC
FEWEST_PIXELS = {torch.float32: 16 * 16, torch.bfloat16: 32 * 32}
BUFFER = 4_000_000  # numbers that a strip of tiles may take: more than the caches hold is slower, less makes small matrices


def pays(x: Tensor, out_channels: int) -> bool:
    """Whether a map [N, I, H, W] is convolved faster this way."""
    height, width = x.shape[2:]
    if height % TILE or width % TILE or height * width < FEWEST_PIXELS[x.dtype]:
        return False
    return min(x.shape[1], out_channels) >= FEWEST_CHANNELS[x.dtype] and not (x.dtype == torch.bfloat16 and _matrix_unit())


@cache
def _matrix_unit() -> bool:
    """Whether bfloat16 products run on a unit of their own (AMX), with which nothing here can keep up."""
    return torch.cpu._is_amx_tile_supported()


def convolve(x: Tensor, places: Tensor, styles: Tensor, tail: Tail, library: ctypes.CDLL) -> Tensor:
    """tail(conv(x * styles)): x [N, I, H, W] as `pixelwise` leaves it, H and W multiples of 4, -> [N, O, H, W].

    Args:
        places: [36, I, O], as `Kernel` has them.
        styles: [N, I] float32.
    """
    batch, channels, height, width = x.shape
    out_channels, rows = places.shape[2], height // TILE
    out, styles = empty_map(x, batch, out_channels, height, width), styles.contiguous()
    strip = max(1, min(rows, BUFFER // (width // TILE * PLACES * max(channels, out_channels))))
    into = native.function(library, "winograd_in", "ippp" + "lllll" + "i")
    back = native.function(library, "winograd_out", "ipp" + TAIL + "llllll" + "i")
    threads, form = torch.get_num_threads(), FORMATS[x.dtype]
    for sample in range(batch):
        for first in range(0, rows, strip):
            count = min(strip, rows - first)
            transformed = torch.empty(PLACES, count * (width // TILE), channels)
            into(form, transformed.data_ptr(), x[sample].data_ptr(), styles[sample].data_ptr(), height, width, channels, first, count, threads)
            product = torch.bmm(transformed, places)
            back(form, out[sample].data_ptr(), product.data_ptr(), *tail.arguments, sample, height, width, out_channels, first, count, threads)
    return out


def convolve_plain(x: Tensor, places: Tensor, library: ctypes.CDLL) -> Tensor:
    """conv(x) and nothing else."""
    return convolve(x, places, torch.ones(x.shape[:2]), Tail.nothing(len(x), places.shape[2]), library)
