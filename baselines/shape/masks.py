"""Masks as pixels: strokes of a brush, and how they travel, as PNGs of class numbers. Masks are uint8 [R, R]."""

from __future__ import annotations

import io

import numpy as np

from baselines.shape.edits import ERASER, GivenMask, Stroke
from segmentation.parser import label_image, read_labels

SMALLEST = 0.75  # pixels: the radius of a brush that always leaves a pixel


def brushed(mask: np.ndarray, stroke: Stroke, original: np.ndarray) -> np.ndarray:
    """The mask with a stroke on it; an eraser brings `original` back."""
    place = covered(stroke, mask.shape[0])
    return np.where(place, original if stroke.label == ERASER else np.uint8(stroke.label), mask).astype(np.uint8)


def covered(stroke: Stroke, side: int) -> np.ndarray:
    """The pixels whose centres are nearer to the stroke's way than the brush's radius: bool [side, side].

    `app/components/brush.js` does the same, so that what is drawn in the browser is what stays.
    """
    radius = max(SMALLEST, stroke.size * side / 2)
    points = np.array(stroke.points, dtype=np.float64) * side
    found = np.zeros((side, side), dtype=bool)
    for start, end in zip(points, points[1:] if len(points) > 1 else points):
        low = np.clip(np.floor(np.minimum(start, end) - radius), 0, side).astype(int)
        high = np.clip(np.ceil(np.maximum(start, end) + radius) + 1, 0, side).astype(int)
        y, x = np.mgrid[low[1]:high[1], low[0]:high[0]] + 0.5
        found[low[1]:high[1], low[0]:high[0]] |= _distance(x, y, start, end) <= radius
    return found


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From points to the line between two points."""
    way = end - start
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(1e-12, float(way @ way))
    along = np.clip(along, 0, 1)
    return np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])


def mask_png(mask: np.ndarray) -> bytes:
    """An indexed PNG whose pixels are class numbers, in the house's colours."""
    buffer = io.BytesIO()
    label_image(mask).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def is_mask(data: bytes) -> bool:
    """Whether a file is a PNG of class numbers, and no picture."""
    try:
        read_labels(data, 64)
    except ValueError:
        return False
    return True


def given_mask(data: bytes, side: int, name: str) -> GivenMask:
    """A mask that somebody brings, at this size. Raises ValueError as `read_labels`."""
    return GivenMask(mask_png(read_labels(data, side, name)))
