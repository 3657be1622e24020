"""Where on a face things are: worn ones that are not in the picture yet, and those that are less than a part.

An edit is held inside the mask of its part, and that of a part which is not there is empty. LELSD (Pajouheshgar et al.
2021, section 3) takes the mean of the masks before and after, which is as empty as long as the edit does nothing. So a
region is defined here for each thing that is worn, as a box in units of the face and the classes it may cover there. The
boxes were measured on the drawn world, where the same face can be drawn with and without (docs/prompts.md has how much
of each thing they hold), with room for the longer faces and the tilted heads of photographs.

A parser has no class for a beard either: it is skin, and so is the forehead. What an edit may do to the skin of a moustache is
darken all of it, unless it is held inside the area of the moustache.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.parts import CLASS_INDEX, PARTS, part

PRESENT_SHARE = 5e-4  # of the picture: with so many pixels of it, a thing is there already, and is its own region
MAX_SIDE = 128  # pixels a side: a box needs no finer classes


@dataclass(frozen=True)
class Box:
    """From the middle of the face, `x` (least and largest distance to either side) in widths of the face, and from the eyes down to
    the chin, `y` in that distance."""

    x: tuple[float, float]
    y: tuple[float, float]

    def holds(self, frame: tuple[Tensor, Tensor]) -> Tensor:
        """Which pixels of `_frame` are inside, bool [N, H, W]."""
        x, y = frame
        return (x.abs() >= self.x[0]) & (x.abs() <= self.x[1]) & (y >= self.y[0]) & (y <= self.y[1])


@dataclass(frozen=True)
class Place:
    """A box, and the classes of the picture that the thing may cover there."""

    box: Box
    classes: tuple[int, ...]


def _place(x: tuple[float, float], y: tuple[float, float], classes: str) -> Place:
    return Place(Box(x, y), tuple(CLASS_INDEX[name] for name in classes.split()))


PLACES: dict[str, Place] = {
    "eyeglasses": _place((0.0, 0.58), (-0.25, 0.4), "skin l_brow r_brow l_eye r_eye nose l_ear r_ear hair"),
    "hat": _place((0.0, 0.85), (-9.0, -0.25), "background skin l_ear r_ear hair"),
    "earrings": _place((0.42, 0.75), (0.2, 0.8), "background skin l_ear r_ear neck hair cloth"),
    "necklace": _place((0.0, 0.5), (0.95, 1.7), "neck cloth skin"),
}
"""Where worn things will be, by the part that they are."""

AREAS: dict[str, Box] = {
    "beard": Box((0.0, 0.55), (0.25, 1.15)),
    "moustache": Box((0.0, 0.28), (0.42, 0.75)),
    "chin": Box((0.0, 0.28), (0.65, 1.15)),
    "cheeks": Box((0.05, 0.55), (0.1, 0.7)),
}
"""Where, within its parts, a thing is that no class of the parser tells from what is around it."""

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
    return F.interpolate(place_mask(_labels(logits, size), places), size, mode="bilinear", align_corners=False)


def area_mask(labels: Tensor, areas: Collection[str]) -> Tensor:
    """Where areas are, whatever is there: classes [N, H, W] -> [N, 1, H, W], 1.0 inside one of them and 0.0 elsewhere.

    areas: of `AREAS`. A picture without a face is area everywhere: there is nothing to be narrower by. Raises ValueError for an
    unknown one."""
    unknown = sorted(set(areas) - set(AREAS))
    if unknown:
        raise ValueError(f"unknown area {unknown[0]!r}; accepted: {', '.join(AREAS)}")
    x, y = frame = _frame(labels)
    inside = torch.stack([AREAS[name].holds(frame) for name in areas]).any(dim=0) if areas else torch.zeros_like(labels, dtype=torch.bool)
    return (inside | x.isnan() | y.isnan()).float().unsqueeze(1)


def area_probability(logits: Tensor, areas: Collection[str], size: tuple[int, int]) -> Tensor:
    """`area_mask` of a parser's logits [N, 19, h, w], enlarged to `size` with soft edges: [N, 1, *size]."""
    return F.interpolate(area_mask(_labels(logits, size), areas), size, mode="bilinear", align_corners=False)


def _labels(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """The classes of logits [N, 19, h, w] for a picture of `size`: [N, H, W], no larger than a box needs."""
    side = [min(length, MAX_SIDE) for length in size]
    return F.interpolate(logits, side, mode="bilinear", align_corners=True).argmax(dim=1)


def _one_place(labels: Tensor, name: str, frame: tuple[Tensor, Tensor]) -> Tensor:
    """The box of one thing, over the classes it may cover, where a picture has none: [N, H, W]."""
    if name not in PLACES:
        raise ValueError(f"part {part(name).name!r} has no place of its own; accepted: {', '.join(PLACES)}")
    place = PLACES[name]
    there = _is_one_of(labels, part(name).classes).float().mean(dim=(1, 2)) >= PRESENT_SHARE
    return (place.box.holds(frame) & _is_one_of(labels, place.classes) & ~there[:, None, None]).float()


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
