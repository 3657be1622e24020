"""A painting laid over the picture that it follows: only where the mask has changed, in the picture's own colours.

MaskGAN holds a picture's style in a few numbers, so its painting of an unchanged mask is not quite the picture. What nobody
asked to change therefore stays; around what did, the painting fades in, after each class in it has been given back the mean
difference between picture and painting that is seen where the class has not changed.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter
from torch import Tensor

SURE, REACH = 1 / 128, 1 / 20  # of the side: up to here the painting is seen whole, from there on not at all
NEAR = 1 / 12  # of the side: how near colours are compared
FAINT = 1e-3  # weight of the class's mean over the whole picture beside what is near
ENOUGH = 1 / 4096  # of the pixels: of a class of which less has stayed nobody can tell the colour


def change_weight(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How much of the painting is seen: float32 [R, R], 1 where the masks differ, and down to 0 around it."""
    changed = before != after
    if not changed.any():
        return np.zeros(before.shape, np.float32)
    side = before.shape[0]
    away = (distance_transform_edt(~changed) - SURE * side) / ((REACH - SURE) * side)
    return (0.5 + 0.5 * np.cos(np.pi * np.clip(away, 0, 1))).astype(np.float32)


def matched(picture: np.ndarray, painting: np.ndarray, after: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The painting float32 [R, R, 3] with each class of the new mask in the picture's colours, as far as it is known from where
    nothing changes. Classes that are new stay as they were painted."""
    result, side = painting.copy(), after.shape[0]
    for label in np.unique(after[weight > 0]):
        kept = (after == label) & (weight == 0)
        if kept.sum() < ENOUGH * kept.size:
            continue
        difference = np.where(kept[..., None], picture - painting, 0)
        mean = difference.sum(axis=(0, 1)) / kept.sum()
        near = gaussian_filter(difference, (NEAR * side, NEAR * side, 0)) + FAINT * mean
        share = gaussian_filter(kept.astype(np.float32), NEAR * side) + FAINT
        result = np.where((after == label)[..., None], painting + near / share[..., None], result)
    return result.clip(-1, 1)


def laid_over(picture: Tensor, painting: Tensor, before: np.ndarray, after: np.ndarray) -> Tensor:
    """Picture and painting [1, 3, R, R] in [-1, 1], masks uint8 [R, R] before and after -> the picture with what has changed.

    Raises ValueError for other shapes.
    """
    if picture.shape != painting.shape or picture.shape[2:] != before.shape or before.shape != after.shape:
        raise ValueError(f"picture {list(picture.shape)}, painting {list(painting.shape)} and masks {list(before.shape)} and "
                         f"{list(after.shape)} are not of one size; accepted: [1, 3, R, R] and [R, R]")
    weight = change_weight(before, after)
    if not weight.any():
        return picture
    under, over = (image[0].permute(1, 2, 0).float().cpu().numpy() for image in (picture, painting))
    mixed = under + weight[..., None] * (matched(under, over, after, weight) - under)
    return torch.from_numpy(mixed.astype(np.float32)).permute(2, 0, 1)[None].to(picture)
