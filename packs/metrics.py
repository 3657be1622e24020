"""What an edit did, as pure functions that return one value a sample; `mean` leaves out samples that cannot count.

Definitions: contracts.md ("Suite line"). Attribute rates follow Karras et al.'s and Wu et al.'s habit of asking a
classifier before and after (StyleSpace, 2021, section 5); ours judges drawn faces, whose attributes it learned exactly.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DILATION = 1 / 32  # of the picture's side: the seam of an edit (a soft edge, a shadow) belongs to it


def target_rate(before: Tensor, after: Tensor, value: bool) -> Tensor:
    """Whether the attribute is as asked after the edit, for the samples where it was not before.

    before, after: bool [N], the attribute as the classifier sees it. value: as asked for.
    Returns: float [N], 1 or 0; NaN where it was as asked already, which no edit can take credit for.
    """
    asked_already = before == value
    return torch.where(asked_already, math.nan, (after == value).float())


def side_effect_rate(before: Tensor, after: Tensor, counted: Tensor) -> Tensor:
    """Share of the other attributes that flip, in [0, 1].

    before, after: bool [N, A]. counted: bool [A], the attributes that should stay.
    Returns: [N]. Raises ValueError if no attribute is counted.
    """
    if not bool(counted.any()):
        raise ValueError("no attribute is counted for side effects; accepted: at least one")
    return (before != after)[:, counted].float().mean(dim=1)


def localization(before: Tensor, after: Tensor, mask_before: Tensor, mask_after: Tensor, radius: int) -> Tensor:
    """Share of the squared pixel change that lies inside the dilated union of the part's masks before and after.

    before, after: [N, 3, H, W], looked at as they are shown: within [-1, 1]. masks: bool [N, 1, H, W]. radius: pixels.
    Returns: [N] in [0, 1]; NaN where nothing changed, so that an edit that does nothing is not praised for where it does it.
    """
    change = (after.float().clamp(-1, 1) - before.float().clamp(-1, 1)).square().sum(dim=1, keepdim=True)
    inside = dilate(mask_before | mask_after, radius)
    return (change * inside).sum(dim=(1, 2, 3)) / change.sum(dim=(1, 2, 3))


def change_by_class(change: Tensor, labels_before: Tensor, labels_after: Tensor, classes: int) -> Tensor:
    """Share of the squared change that lies in each class, half by the classes before the edit and half by those after it.

    change: squared, [N, C, H, W]. labels: int [N, H, W]. Returns: [N, classes], rows that add up to 1; NaN where nothing changed.
    """
    amount = change.float().sum(dim=1).flatten(1)
    found = amount.new_zeros(len(amount), classes)
    for labels in (labels_before, labels_after):
        found.scatter_add_(1, labels.flatten(1).long(), 0.5 * amount)
    return found / amount.sum(dim=1, keepdim=True)


def dilate(mask: Tensor, radius: int) -> Tensor:
    """bool [N, 1, H, W] grown by `radius` pixels to every side and corner; radius 0 leaves it."""
    return F.max_pool2d(mask.float(), 2 * radius + 1, stride=1, padding=radius) > 0


def dilation_radius(size: int) -> int:
    """The radius in pixels for pictures of `size` pixels a side: 4 at 128, 32 at 1024, never 0."""
    return max(1, round(size * DILATION))


def identity(before: Tensor, after: Tensor, centre: Tensor) -> Tensor:
    """How much of what tells this face from others is left, in [-1, 1].

    before, after: features [N, F] of the attribute classifier. centre: [F], the mean feature of unedited samples.
    Returns: [N], the cosine of the features from the centre: 1 the same face, about 0 as unlike as two random samples.
    Without the centre, all faces would look nearly alike. There is no face recognition network for drawn faces: this
    one also sees the attribute that was asked for, so a perfect edit stays a little below 1.
    """
    return F.cosine_similarity(before - centre, after - centre, dim=1)


def clip_gain(before: Tensor, after: Tensor, text: Tensor) -> Tensor:
    """How much closer the picture came to the prompt, in cosine, in [-2, 2].

    before, after: CLIP embeddings of pictures [N, E]; text: of the prompt [E]; all of unit length. Returns: [N].
    """
    return (after - before) @ text


def mean(values: Tensor) -> float | None:
    """Mean over the samples that count (not NaN); None where none does."""
    found = float(values.double().nanmean())
    return None if math.isnan(found) else found
