"""How a drawn picture differs from its target, weighed as a looker would: what the generator's regression minimises."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.parts import CLASSES

# How much a pixel of a class counts against one of skin. Eyes and jewellery are few pixels that the eye seeks first; hair has
# strands that are faint against the rest; hoops are thinner than their place is sure; nobody looks at the backdrop.
IMPORTANCE = {
    "background": 0.6, "skin": 1.0, "l_brow": 3.0, "r_brow": 3.0, "l_eye": 6.0, "r_eye": 6.0, "eye_g": 3.5, "l_ear": 1.5, "r_ear": 1.5,
    "ear_r": 24.0, "nose": 1.5, "mouth": 3.5, "u_lip": 3.0, "l_lip": 3.0, "neck": 0.8, "neck_l": 4.0, "cloth": 0.8, "hair": 2.5, "hat": 2.0,
}
BY_EARRINGS, CELLS = 12.0, 32  # what a pixel counts in a cell, of so many along a side, with an earring, or next to such: what is inside a hoop is not gold
EDGE_WEIGHT = 0.5  # of differences between neighbours, at each of the two finest scales
COARSE_WEIGHT = 0.5  # of the picture at a quarter of its size


def part_weights(masks: Tensor, faint: Tensor | None = None) -> Tensor:
    """Loss weights [N, 1, H, W] for class masks [N, H, W]: `IMPORTANCE` of each pixel's class, and more where faint things would be.

    faint: how much more than 1, [S, S] (`portraits.faint`), S a multiple of H; None: nowhere.
    """
    table = torch.tensor([IMPORTANCE[name] for name in CLASSES], device=masks.device)
    weights = table[masks.long()][:, None]
    weights = torch.maximum(weights, BY_EARRINGS * _near(masks[:, None] == CLASSES.index("ear_r")))
    if faint is None:
        return weights
    return weights * (1 + F.adaptive_avg_pool2d(faint.to(weights)[None, None], weights.shape[-2:]))


def _near(places: Tensor) -> Tensor:
    """1 in the cells with one of `places`, bool [N, 1, H, W], and in the eight around each, else 0."""
    cell = max(1, places.shape[-1] // CELLS)
    return F.interpolate(F.max_pool2d(F.max_pool2d(places.float(), cell, ceil_mode=True), 3, 1, 1), places.shape[-2:])


def edge_loss(error: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 of the differences between neighbours along both axes: small where only the brightness is off, large
    where a strand is missing. error [N, 3, H, W], weights [N, 1, H, W] -> scalar, times the mean of the weights."""
    along = ((error[..., 1:] - error[..., :-1]).abs() * weights[..., 1:]).mean()
    down = ((error[..., 1:, :] - error[..., :-1, :]).abs() * weights[..., 1:, :]).mean()
    return along + down


def picture_loss(drawn: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1, L1 of edges at two scales, and L1 at a quarter of the size: a scalar.

    drawn, target [N, 3, H, W] in [-1, 1]; weights [N, 1, H, W]. L1 alone is content with the mean of what it cannot place;
    the edges ask for the strand, at the finest scale and at one where it need not yet be exact.
    """
    error = drawn - target
    fine = (error.abs() * weights).mean() + EDGE_WEIGHT * edge_loss(error, weights)
    half = EDGE_WEIGHT * edge_loss(F.avg_pool2d(error, 2), F.avg_pool2d(weights, 2))
    return (fine + half) / weights.mean() + COARSE_WEIGHT * F.avg_pool2d(error, 4).abs().mean()
