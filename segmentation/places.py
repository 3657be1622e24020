"""Where a thing will be that is not in the picture yet: the glasses, the hat, the earrings, the necklace of an edit to come.

An edit is held inside the mask of its part, and that of a part which is not there is empty. LELSD (Pajouheshgar et al.
2021, section 3) takes the mean of the masks before and after, which is as empty as long as the edit does nothing. So a
region is defined here for each thing that is worn, as a box in units of the face and the classes it may cover there. The
boxes were measured on the drawn world, where the same face can be drawn with and without (docs/prompts.md has how much
of each thing they hold), with room for the longer faces and the tilted heads of photographs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.parts import CLASS_INDEX, PARTS, part

PRESENT_SHARE = 5e-4  # of the picture: with so many pixels of it, a thing is there already, and is its own region
MAX_SIDE = 128  # pixels a side: a box needs no finer classes


@dataclass(frozen=True)
class Place:
    """A box from the middle of the face, `x` (least and largest distance to either side) in widths of the face, and from the
    eyes down to the chin, `y` in that distance; and the classes of the picture that the thing may cover there."""

    x: tuple[float, float]
    y: tuple[float, float]
    classes: tuple[int, ...]


def _place(x: tuple[float, float], y: tuple[float, float], classes: str) -> Place:
    return Place(x, y, tuple(CLASS_INDEX[name] for name in classes.split()))


PLACES: dict[str, Place] = {
    "eyeglasses": _place((0.0, 0.58), (-0.25, 0.4), "skin l_brow r_brow l_eye r_eye nose l_ear r_ear hair"),
    "hat": _place((0.0, 0.85), (-9.0, -0.25), "background skin l_ear r_ear hair"),
    "earrings": _place((0.42, 0.75), (0.2, 0.8), "background skin l_ear r_ear neck hair cloth"),
    "necklace": _place((0.0, 0.5), (0.95, 1.7), "neck cloth skin"),
}
_FACE = tuple(index for index in PARTS["face"].classes if index != CLASS_INDEX["eye_g"])
_EYES = PARTS["eyes"].classes + PARTS["eyebrows"].classes + PARTS["eyeglasses"].classes


def place_mask(labels: Tensor, places: Mapping[str, float]) -> Tensor:
    """Where things will be: classes [N, H, W] (integers 0..18) -> [N, 1, H, W], float32 in [0, 1].

    places: weight in [0, 1] by part, of `PLACES`; where several overlap, the largest counts. Zero in a picture that has
    the thing already, and in one without a face. Raises ValueError for a part that has no place of its own.
    """
    frame = _frame(labels)
    found = torch.zeros_like(labels, dtype=torch.float32)
    for name, weight in places.items():
        found = torch.maximum(found, weight * _one_place(labels, name, frame))
    return found.unsqueeze(1)


def place_probability(logits: Tensor, places: Mapping[str, float], size: tuple[int, int]) -> Tensor:
    """`place_mask` of a parser's logits [N, 19, h, w], enlarged to `size` with soft edges: [N, 1, *size]."""
    side = [min(length, MAX_SIDE) for length in size]
    labels = F.interpolate(logits, side, mode="bilinear", align_corners=True).argmax(dim=1)
    return F.interpolate(place_mask(labels, places), size, mode="bilinear", align_corners=False)


def _one_place(labels: Tensor, name: str, frame: tuple[Tensor, Tensor]) -> Tensor:
    """The box of one thing, over the classes it may cover, where a picture has none: [N, H, W]."""
    if name not in PLACES:
        raise ValueError(f"part {part(name).name!r} has no place of its own; accepted: {', '.join(PLACES)}")
    place, (x, y) = PLACES[name], frame
    inside = (x.abs() >= place.x[0]) & (x.abs() <= place.x[1]) & (y >= place.y[0]) & (y <= place.y[1])
    there = _is_one_of(labels, part(name).classes).float().mean(dim=(1, 2)) >= PRESENT_SHARE
    return (inside & _is_one_of(labels, place.classes) & ~there[:, None, None]).float()


def _frame(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel in units of its face: x [N, 1, W] from the middle in widths, y [N, H, 1] from the eyes in distances to the
    chin; not a number, and so in no box, where a picture has no face or no eyes."""
    face, eyes = _is_one_of(labels, _FACE), _is_one_of(labels, _EYES)
    left, right = _extent(face.any(dim=1))
    _, chin = _extent(face.any(dim=2))
    rows, columns = (torch.arange(length, device=labels.device, dtype=torch.float32) for length in labels.shape[1:])
    eye_line = (eyes.sum(dim=2) * rows).sum(dim=1) / eyes.sum(dim=(1, 2))
    x = (columns - 0.5 * (left + right)[:, None]) / (right - left)[:, None]
    y = (rows - eye_line[:, None]) / (chin - eye_line)[:, None]
    return x[:, None, :], y[:, :, None]


def _extent(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Index of the first and the last true entry of each row, bool [N, L] -> float [N]; not a number where there is none."""
    position = torch.arange(seen.shape[1], device=seen.device, dtype=torch.float32).expand(seen.shape)
    first = torch.where(seen, position, torch.inf).amin(dim=1)
    last = torch.where(seen, position, -torch.inf).amax(dim=1)
    empty = ~seen.any(dim=1)
    return first.masked_fill(empty, torch.nan), last.masked_fill(empty, torch.nan)


def _is_one_of(labels: Tensor, classes: tuple[int, ...]) -> Tensor:
    return torch.isin(labels, torch.tensor(classes, device=labels.device, dtype=labels.dtype))
