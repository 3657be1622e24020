"""The face in a picture, cut out as the generator's pictures have it: by four points that somebody clicked, or the middle.

The square is that of CelebA-HQ and FFHQ (Karras et al. 2018, "Progressive growing of GANs", appendix C, figure 8): it follows the
line between the eyes and the one from the eyes to the mouth. Generators that were trained on other squares say by how
much theirs differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from stylegan2.images import from_pil

POINTS = ("left eye", "right eye", "left corner of the mouth", "right corner of the mouth")  # left and right as they are in the picture
SMALLEST = 16  # pixels of the square's side
MOUTH = 0.8  # its width in distances between the eyes, about
FARTHEST = 3.0  # the square's half side, in sides of the picture: beyond, a click has gone astray


@dataclass(frozen=True)
class Framing:
    """How a generator's square differs from FFHQ's. margin: its side over FFHQ's. raised: how far its centre lies above, in
    half sides of FFHQ's."""

    margin: float = 1.0
    raised: float = 0.0


@dataclass(frozen=True)
class Square:
    """A turned square in a picture, in pixels from its upper left corner: its centre [2], and half its sides as vectors [2]."""

    centre: np.ndarray
    across: np.ndarray
    down: np.ndarray

    @property
    def side(self) -> float:
        return 2 * float(np.hypot(*self.across))


def middle_square(picture: Image.Image, size: int) -> Tensor:
    """The largest square in the middle, [1, 3, size, size] in [-1, 1]."""
    return from_pil(picture, size)


def face_square(points: Sequence[Sequence[float]], framing: Framing = Framing()) -> Square:
    """The square around a face. points: x, y of the `POINTS` in pixels; which of the eyes, and of the corners of the mouth, comes
    first does not matter.

    Raises: ValueError: not four points, or too close together to say anything.
    """
    found = np.asarray(points, dtype=float)
    if found.shape != (4, 2) or not np.isfinite(found).all():
        raise ValueError(f"there are points of shape {list(found.shape)}; accepted: x and y of four: {', '.join(POINTS)}")
    eyes, mouth = (sorted(pair, key=lambda point: point[0]) for pair in (found[:2], found[2:]))
    between, to_mouth = eyes[1] - eyes[0], (mouth[0] + mouth[1] - eyes[0] - eyes[1]) / 2
    across = between + np.array([to_mouth[1], -to_mouth[0]])
    half = max(2.0 * np.hypot(*between), 1.8 * np.hypot(*to_mouth))
    if 2 * half < SMALLEST or np.hypot(*across) < 1e-3 * half:
        raise ValueError("the four points lie too close together, or in a line; accepted: " + ", ".join(POINTS) + " of one face")
    across = across / np.hypot(*across) * half
    down = np.array([-across[1], across[0]])
    centre = (eyes[0] + eyes[1]) / 2 + 0.1 * to_mouth - framing.raised * down
    return Square(centre, framing.margin * across, framing.margin * down)


def typical_points(size: tuple[int, int], framing: Framing = Framing()) -> list[tuple[float, float]]:
    """Where the `POINTS` of an upright face lie that fills the middle of a picture of `size` (width, height): `face_square` of them is
    the largest square there. A place to begin from, for somebody who moves them to where they are."""
    half = min(size) / 2 / framing.margin
    eyes, to_mouth = half / 2, half / 1.8
    x, y = size[0] / 2, size[1] / 2 - 0.1 * to_mouth + framing.raised * half
    return [(x - eyes / 2, y), (x + eyes / 2, y), (x - MOUTH * eyes / 2, y + to_mouth), (x + MOUTH * eyes / 2, y + to_mouth)]


def corners(square: Square) -> np.ndarray:
    """The corners of a square, [4, 2], from the upper left one on, clockwise as the face sees it upright."""
    return np.stack([square.centre + x * square.across + y * square.down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def cut_out(picture: Image.Image, square: Square, size: int) -> Tensor:
    """The square, turned upright: [1, 3, size, size] in [-1, 1]; beyond its edges the picture is mirrored.

    Raises: ValueError: the square lies far outside the picture, or size is below 1.
    """
    if size < 1:
        raise ValueError(f"size is {size}; accepted: a whole number from 1")
    inside = (square.centre >= 0).all() and (square.centre <= picture.size).all()
    if not inside or square.side > 2 * FARTHEST * max(picture.size):
        raise ValueError(f"the face would lie outside the picture of {picture.width} x {picture.height} pixels; accepted: points on a face in it")
    shrink = max(1, int(square.side // (2 * size)))
    small = picture.reduce(shrink) if shrink > 1 else picture
    scale = np.array(small.size) / np.array(picture.size)
    centre, across, down = (vector * scale for vector in (square.centre, square.across, square.down))
    fine = 2 * size  # sampled twice as fine and averaged, so that fine patterns do not alias
    steps = (np.arange(fine) + 0.5) / fine * 2 - 1
    places = centre + steps[None, :, None] * across + steps[:, None, None] * down
    grid = torch.from_numpy(places / np.array(small.size) * 2 - 1).float()[None]
    sampled = F.grid_sample(from_pil(small), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(sampled, 2)


def align_face(picture: Image.Image, points: Sequence[Sequence[float]], size: int, framing: Framing = Framing()) -> Tensor:
    """The face whose four `POINTS` are given, as the generator's pictures have it: [1, 3, size, size] in [-1, 1]."""
    return cut_out(picture, face_square(points, framing), size)
