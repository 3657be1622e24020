"""Edits of masks: a part taken over from another face, and what lies between two masks. Masks are class numbers [H, W].

MaskGAN leaves the drawing of masks to the user, or takes them from a source picture (figure 7). Here a part of the source is
moved to where the target has it; what it uncovers is filled from around.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from segmentation.parts import CLASS_INDEX, PARTS

# Attributes that the shape of some part shows, by CelebA's names.
SHAPES: dict[str, tuple[str, ...]] = {
    "Smiling": ("mouth",), "Mouth_Slightly_Open": ("mouth",), "Big_Lips": ("mouth",),
    "Big_Nose": ("nose",), "Pointy_Nose": ("nose",),
    "Narrow_Eyes": ("eyes",), "Bushy_Eyebrows": ("eyebrows",), "Arched_Eyebrows": ("eyebrows",),
    "Bangs": ("hair",), "Bald": ("hair",), "Receding_Hairline": ("hair",),
    "Eyeglasses": ("eyeglasses",), "Wearing_Hat": ("hat", "hair"), "Wearing_Earrings": ("earrings",), "Wearing_Necklace": ("necklace",),
}
IN_FRONT = {  # parts that a transplanted one does not cover
    "hat": (), "hair": ("hat", "eyeglasses"), "eyeglasses": ("hat", "hair"), "earrings": ("hat",),
}
USUALLY_IN_FRONT = ("hat", "hair", "eyeglasses")


def transplant(target: np.ndarray, source: np.ndarray, parts: tuple[str, ...]) -> np.ndarray:
    """`target` with the parts as `source` has them, moved by the difference of their centres; uint8 [H, W].

    A part that only one of the two has is placed by the faces' centres. Raises ValueError for masks of different shapes.
    """
    if target.shape != source.shape or target.ndim != 2:
        raise ValueError(f"masks have shapes {list(target.shape)} and {list(source.shape)}; accepted: [H, W], the same")
    result = filled(target, np.isin(target, _classes(parts)))
    for name in reversed(parts):  # the first lies on top
        moved = shifted(source, *_offset(target, source, name))
        behind = np.isin(result, [c for c in _classes(IN_FRONT.get(name, USUALLY_IN_FRONT)) if c not in _classes(parts)])
        result = np.where(np.isin(moved, PARTS[name].classes) & ~behind, moved, result)
    return result.astype(np.uint8)


def filled(mask: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Every pixel of `hole` (bool [H, W]) takes the class of the nearest pixel outside; a hole without an outside stays."""
    if hole.all() or not hole.any():
        return mask
    nearest = distance_transform_edt(hole, return_distances=False, return_indices=True)
    return mask[tuple(nearest)]


def shifted(mask: np.ndarray, down: int, right: int) -> np.ndarray:
    """The mask moved by pixels; what comes in from outside is background."""
    height, width = mask.shape
    moved = np.full_like(mask, CLASS_INDEX["background"])
    rows, columns = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    from_rows, from_columns = slice(max(0, -down), height + min(0, -down)), slice(max(0, -right), width + min(0, -right))
    moved[rows, columns] = mask[from_rows, from_columns]
    return moved


def morph(target: np.ndarray, edited: np.ndarray, alpha: float) -> np.ndarray:
    """Between two masks: exactly `target` at alpha 0 and `edited` at 1, and beyond them for other alpha; uint8 [H, W].

    Each class is a signed distance to its edge, the distances are interpolated, and a pixel gets the class it is deepest in.
    """
    if alpha in (0.0, 1.0) or np.array_equal(target, edited):
        return (edited if alpha == 1.0 else target).astype(np.uint8)
    classes = np.union1d(target, edited)
    depths = [(1 - alpha) * depth(target == c) + alpha * depth(edited == c) for c in classes]
    return classes[np.argmax(depths, axis=0)].astype(np.uint8)


def depth(region: np.ndarray) -> np.ndarray:
    """Signed distance in pixels of each pixel to the edge of a region, positive inside; far away where there is no region."""
    far = float(sum(region.shape))
    if not region.any():
        return np.full(region.shape, -far)
    if region.all():
        return np.full(region.shape, far)
    return distance_transform_edt(region) - distance_transform_edt(~region)


def agreement(target: np.ndarray, masks: np.ndarray, parts: tuple[str, ...]) -> np.ndarray:
    """How far masks [K, H, W] agree with `target` in the pixels where neither has the parts: [K] in [0, 1]."""
    classes = _classes(parts)
    counted = ~(np.isin(masks, classes) | np.isin(target, classes))
    same = (masks == target) & counted
    return same.sum(axis=(1, 2)) / np.maximum(1, counted.sum(axis=(1, 2)))


def _classes(parts: tuple[str, ...]) -> list[int]:
    return [index for name in parts for index in PARTS[name].classes]


def _offset(target: np.ndarray, source: np.ndarray, name: str) -> tuple[int, int]:
    """How far the source's part must move, in pixels down and to the right."""
    centres = [_centre(target, name), _centre(source, name)]
    if name in ("hair", "hat") or None in centres:
        centres = [_centre(target, "face"), _centre(source, "face")]
    if None in centres:
        return 0, 0
    (row, column), (source_row, source_column) = centres
    return round(row - source_row), round(column - source_column)


def _centre(mask: np.ndarray, name: str) -> tuple[float, float] | None:
    rows, columns = np.nonzero(np.isin(mask, PARTS[name].classes))
    return (float(rows.mean()), float(columns.mean())) if len(rows) else None
