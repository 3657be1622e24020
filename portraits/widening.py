"""A trained synthesis network in a wider one, which at first draws the same (after Chen et al. 2016, "Net2Net").

New channels read all that was there, and nothing reads them yet: their outgoing weights are zero. So the picture stays, demodulation
(which sums the squares of a row's weights) too, and the first steps of training decide what each new channel is good for.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from stylegan2.generator import GeneratorConfig


def check_widths(narrow: GeneratorConfig, wide: GeneratorConfig) -> None:
    """Raises ValueError where a network of `wide` cannot hold one of `narrow`."""
    for name in ("resolution", "conv_clamp"):
        has, wanted = getattr(narrow, name), getattr(wide, name)
        if has != wanted:
            raise ValueError(f"a generator with {name} {has} cannot start the training of one with {name} {wanted}")
    for resolution in wide.resolutions:
        has, wanted = narrow.channels(resolution), wide.channels(resolution)
        if has > wanted:
            raise ValueError(f"a generator with {has} channels at {resolution} pixels cannot start the training of one with {wanted}")


@torch.no_grad()
def widened(narrow: dict[str, Tensor], wide: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of a synthesis network: that of `narrow` in the shapes of `wide`, whose values the new channels keep."""
    return {name: _placed(name, narrow[name], value) for name, value in wide.items()}


def _placed(name: str, small: Tensor, large: Tensor) -> Tensor:
    """`small` in the first corner of `large`; what reads new channels there is zero, what makes them is kept."""
    if small.shape == large.shape:
        return small
    placed = large.clone()
    if name.endswith("torgb.weight"):  # scaled by its number of inputs at run time, which convolutions with demodulation are not
        small = small * math.sqrt(large.shape[1] / small.shape[1])
    if small.ndim == 4:  # [outputs, inputs, k, k]
        placed[: len(small), small.shape[1] :] = 0
    placed[tuple(slice(size) for size in small.shape)] = small.to(placed)
    return placed
