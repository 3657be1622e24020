"""The partial dilated layer (paper, section 3.2 and figure 2): the fewest latent pixels that together see the whole picture.

A latent pixel sees a rectangle of the picture: rows by columns, each an interval that is followed through the layers from the
picture up. Padding is not seen. The fewest pixels are found an axis at a time:

- one axis: intervals that cover a line; taking, from one end, always the one that reaches furthest takes the fewest;
- two axes: if an axis needs k pixels, it has k places of which no pixel sees two (else fewer would do). The k by l crossings of
  such rows and columns need a pixel each, and the k by l pixels at the crossings of both covers see everything: none is wasted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """What a layer sees of the one below: `kernel` pixels from `stride` * i - `padding` on."""

    kernel: int
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= self.kernel or not 0 <= self.padding < self.kernel:
            raise ValueError(f"{self} leaves pixels unseen or sees nothing but padding; accepted: stride from 1 to the kernel, "
                             "padding from 0 and below the kernel")

    def outputs(self, size: int) -> int:
        """How many pixels the layer has above `size`."""
        return (size + 2 * self.padding - self.kernel) // self.stride + 1


def intervals(size: int, windows: Sequence[Window]) -> np.ndarray:
    """What each latent pixel of an axis sees of `size` picture pixels: int [L, 2], first and last, both seen.

    windows: of the layers from the picture up. Raises ValueError where nothing is left of the picture.
    """
    seen = np.repeat(np.arange(size)[:, None], 2, axis=1)
    for window in windows:
        count = window.outputs(len(seen))
        if count < 1:
            raise ValueError(f"a picture of {size} pixels is too small for {len(windows)} layers")
        first = np.arange(count) * window.stride - window.padding
        last = np.minimum(first + window.kernel, len(seen)) - 1
        seen = np.stack([seen[np.maximum(first, 0), 0], seen[last, 1]], axis=1)
    return seen


def fewest(seen: np.ndarray, size: int) -> list[int]:
    """The fewest latent pixels of an axis that together see 0 .. size-1, spread evenly: ascending indices.

    seen: int [L, 2], ascending (`intervals`). Every k-th pixel of a smallest set lies between that of the set with the leftmost
    and that of the set with the rightmost pixels; the middle of both is such a set too. Raises ValueError where even all leave a gap.
    """
    rightmost = _reaching_furthest(seen, size)
    mirrored = _reaching_furthest(size - 1 - seen[::-1, ::-1], size)
    leftmost = [len(seen) - 1 - index for index in reversed(mirrored)]
    middle = [(left + right) // 2 for left, right in zip(leftmost, rightmost, strict=True)]
    if not covers(seen[middle], size):  # the middle is only sure to cover where all pixels see alike, as in our encoders
        raise ValueError(f"no even set of {len(middle)} of {len(seen)} latent pixels sees all {size}: their windows are too unlike")
    return middle


def covers(seen: np.ndarray, size: int) -> bool:
    """Whether intervals [K, 2] together hold 0 .. size-1."""
    held = np.zeros(size, bool)
    for first, last in seen:
        held[first : last + 1] = True
    return bool(held.all())


def minimal_pixels(size: int, windows: Sequence[Window]) -> np.ndarray:
    """bool [L, L]: a smallest set of latent pixels that together see all of a `size` by `size` picture."""
    seen = intervals(size, windows)
    axis = np.zeros(len(seen), bool)
    axis[fewest(seen, size)] = True
    return axis[:, None] & axis[None, :]


def _reaching_furthest(seen: np.ndarray, size: int) -> list[int]:
    """From the left end, always the pixel that leaves no gap and reaches furthest; the last of those that reach as far."""
    chosen, reached = [], 0
    while reached < size:
        fitting = np.flatnonzero((seen[:, 0] <= reached) & (seen[:, 1] >= reached))
        if not len(fitting):
            raise ValueError(f"no latent pixel sees pixel {reached} of {size}")
        furthest = fitting[seen[fitting, 1] == seen[fitting, 1].max()][-1]
        chosen.append(int(furthest))
        reached = int(seen[furthest, 1]) + 1
    return chosen
