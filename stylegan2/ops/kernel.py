"""The weight of a 3x3 convolution in the forms that the ways to compute it need."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

# Winograd's F(4x4, 3x3): a 3x3 kernel as 6x6 places. Lavin and Gray 2016, section 4.3.
PLACES = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                       [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)


class Kernel:
    """A weight [O, I, 3, 3] as a layer uses it. Further forms are made when they are first asked for, and kept.

    weight: in the format of the maps, pixel by pixel in memory. energy: its squares summed over the kernel, [O, I] float32.
    constant: whether it stays as it is; of a weight that is being trained only the forms above follow its gradient.
    """

    def __init__(self, weight: Tensor, dtype: torch.dtype) -> None:
        self.constant = not weight.requires_grad
        self.weight = weight.to(dtype, memory_format=torch.channels_last)
        self.energy = weight.square().sum(dim=(2, 3))
        self._exact = weight.detach()

    @cached_property
    def phases(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`phase_kernels` of the weight."""
        with torch.no_grad(), torch.inference_mode(False):
            return phase_kernels(self.weight.detach())

    @cached_property
    def places(self) -> Tensor:
        """For Winograd's algorithm: [36, I, O] float32."""
        return winograd_places(self._exact)

    @cached_property
    def gradient_places(self) -> Tensor:
        """The same of the convolution that carries a gradient from the output to the input: [36, O, I]."""
        return winograd_places(self._exact.transpose(0, 1).flip(2, 3))


def phase_kernels(weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four small kernels that a transposed convolution with stride 2 is made of: [O, I, 3, 3] -> [O, I, 2 or 1, 2 or 1].

    An even row of the output sees taps 2 and 0 of two neighbouring input rows, an odd one tap 1 of one row; columns likewise.
    As plain convolutions (padding 1 where a kernel has two taps) they give the even and odd rows and columns of the result.

    Returns: for (even row, even column), (even, odd), (odd, even) and (odd, odd).
    """
    even, odd = (2, 0), (1,)
    return tuple(weight[:, :, rows][:, :, :, columns].contiguous(memory_format=torch.channels_last)
                 for rows in (even, odd) for columns in (even, odd))


def winograd_places(weight: Tensor) -> Tensor:
    """[O, I, 3, 3] -> [36, I, O] float32."""
    with torch.no_grad(), torch.inference_mode(False):
        matrix = PLACES.to(weight.device)
        places = torch.einsum("yk,oikl,xl->yxio", matrix, weight.double(), matrix)
        return places.flatten(0, 1).float().contiguous()
