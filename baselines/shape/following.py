"""What an edit of a mask's reconstruction means for the mask itself.

A code holds no fine outlines: the reconstruction of a mask is not quite the mask. So it is not the pixels of the edited
reconstruction that are taken over but the way that each edge has gone: every class of the mask is a signed distance to its edge, as in
`baselines.maskgan.shapes.morph`, to which is added how much further inside or outside the edit has brought each place. Where nothing has
moved, nothing changes, and no crumbs of the old part are left where the reconstruction's edge was a little beside the mask's.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import binary_dilation, binary_fill_holes, distance_transform_edt
from scipy.ndimage import label as label_pieces

from baselines.maskgan.shapes import depth
from segmentation.parts import CLASS_INDEX, CLASSES

REACH = 1 / 32  # of the side: so far beside each other edges of mask and reconstruction are taken for the same
LEAST_REACH = 2.0  # pixels
CRUMB = 1 / 4096  # of the pixels: what changes in pieces smaller than this is noise of the reconstruction

HOLE = 1 / 64  # of the pixels: larger holes are meant
WHOLE = [CLASS_INDEX[name] for name in ("background", "skin", "neck", "cloth", "hair", "hat")]  # classes without small pieces


def depths(mask: np.ndarray) -> np.ndarray:
    """How deep each place is in each class: float32 [19, R, R], the distance in pixels to the class's edge, positive inside, up to the reach."""
    return np.stack([_depth(mask == label, _reach(len(mask))) for label in range(len(CLASSES))])


def following(mask: np.ndarray, known: np.ndarray, before: np.ndarray, after: np.ndarray, classes: Collection[int]) -> np.ndarray:
    """The mask uint8 [R, R], whose `depths` are known, with its edges moved as those of a reconstruction uint8 [S, S] were: uint8 [R, R].

    classes: those of the parts that were edited. Other parts follow where they lie beside them; what changes elsewhere does not.
    """
    side, ways = len(mask), np.zeros_like(known)
    for label in np.union1d(before, after):
        ways[label] = _way(known[label], before == label, after == label, side)
    moved = (known + ways).argmax(axis=0).astype(np.uint8)
    stays = np.take_along_axis(ways, mask[None].astype(np.int64), axis=0)[0] >= 0  # what covers it must have driven it out
    edited = np.isin(mask, list(classes)) | (~stays & np.isin(moved, list(classes)))
    return _mended(np.where(_meant(~stays & (moved != mask), edited), moved, mask), mask)


def _meant(changed: np.ndarray, edited: np.ndarray) -> np.ndarray:
    """Those pieces of what changes that are large enough, and lie at the edited parts: bool [R, R]."""
    pieces, count = label_pieces(changed)
    near = distance_transform_edt(~edited) <= _reach(len(edited)) if edited.any() else edited
    beside = np.isin(np.arange(count + 1), pieces[near])
    return changed & (beside & (np.bincount(pieces.ravel(), minlength=count + 1) >= CRUMB * changed.size))[pieces]


def _mended(after: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Without small holes that the edit has left in what is new, where a class shows that has no small pieces: the forehead through a new hat."""
    for label in np.unique(after[after != mask]):
        region = after == label
        pieces, count = label_pieces(binary_fill_holes(region) & ~region)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        for hole in range(1, count + 1):
            inside = pieces == hole
            if sizes[hole] <= HOLE * after.size and np.isin(after[inside], WHOLE).all() and not (mask[binary_dilation(inside) & ~inside] == label).all():
                after = np.where(inside, label, after)
    return after


def _way(known: np.ndarray, before: np.ndarray, after: np.ndarray, side: int) -> np.ndarray:
    """How much deeper in a class the edit has brought each place: [R, R]."""
    if np.array_equal(before, after):
        return np.zeros_like(known)
    reach = _reach(side) * len(before) / side
    if not before.any():  # there was nothing that could have moved: it comes as it is
        return np.maximum(0, _resized(_depth(after, reach), side) - known)
    return _resized(_depth(after, reach) - _depth(before, reach), side)


def _reach(side: int) -> float:
    return max(LEAST_REACH, REACH * side)


def _depth(region: np.ndarray, reach: float) -> np.ndarray:
    """As `depth`, but to the edge, which is half a pixel nearer than the pixels beyond it: an edge that moves by a pixel is a difference of 1."""
    distances = depth(region)
    return (distances - 0.5 * np.sign(distances)).clip(-reach, reach).astype(np.float32)


def _resized(distances: np.ndarray, side: int) -> np.ndarray:
    """Distances in pixels [S, S] -> the same in the pixels of [side, side]."""
    if len(distances) == side:
        return distances
    field = torch.from_numpy(distances)[None, None]
    field = F.interpolate(field, (side, side), mode="bilinear", align_corners=False, antialias=side < len(distances))
    return field[0, 0].numpy() * (side / len(distances))
