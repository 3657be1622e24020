"""What can be done to a mask, as values: a part's shape changed by its code, a stroke of a brush, a mask that was brought along.

Each is JSON-able, so that a recipe can hold a list of them; the first is done first.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packs.cli import MAX_SEED
from segmentation.parts import CLASSES, part as part_named

CODED = ("sample", "perturb", "morph")  # by a Semantic-VAE
HOW = (*CODED, "transplant")
MOST = {"sample": 1.0, "perturb": 2.0, "morph": 1.0, "transplant": 1.0}  # the largest amount of each
ERASER = -1  # a stroke of this class brings the source's mask back
MAX_POINTS = 4000  # of a stroke
MAX_EDITS = 2000


@dataclass(frozen=True)
class PartShape:
    """A part, changed. how: of `HOW`: by its code, or moved over from another face's mask as it is (transplant, as in MaskGAN's figure 7).

    amount: how far to the drawn code (sample), or to the other face's code (morph) or part (transplant), 0 to 1; strength of the
    noise (perturb), 0 to 2. number: seed of the noise, or of the other face. truncation: of that face. Raises ValueError for other values.
    """

    part: str
    how: str
    amount: float
    number: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        part_named(self.part)
        if self.how not in HOW:
            raise ValueError(f"a part's shape is changed by {str(self.how)[:40]!r}; accepted: {', '.join(HOW)}")
        if not 0 <= self.amount <= MOST[self.how]:
            raise ValueError(f"amount is {self.amount!r}; accepted to {self.how}: 0 to {MOST[self.how]:g}")
        if type(self.number) is not int or not 0 <= self.number <= MAX_SEED:
            raise ValueError(f"number is {self.number!r}; accepted: a whole number from 0 to {MAX_SEED}")
        if not math.isfinite(self.truncation):
            raise ValueError(f"truncation is {self.truncation!r}; accepted: a number")


@dataclass(frozen=True)
class Stroke:
    """A brush's way. label: the class that it leaves, or `ERASER`. size: its diameter, points: (x, y), in shares of the mask's side.

    Raises ValueError for other values.
    """

    label: int
    size: float
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if type(self.label) is not int or not ERASER <= self.label < len(CLASSES):
            raise ValueError(f"a stroke leaves class {self.label!r}; accepted: 0 to {len(CLASSES) - 1}, or {ERASER} for the eraser")
        if not 0 < self.size <= 1:
            raise ValueError(f"a brush has size {self.size!r}; accepted: above 0, up to 1")
        if not 1 <= len(self.points) <= MAX_POINTS or any(len(point) != 2 for point in self.points):
            raise ValueError(f"a stroke has {len(self.points)} points; accepted: 1 to {MAX_POINTS}, each with x and y")
        if not all(-1 <= value <= 2 for point in self.points for value in point):
            raise ValueError("a stroke leaves the picture by more than the picture's side; accepted: shares from -1 to 2")

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Stroke:
        """From JSON-like {"label", "size", "points"}. Raises ValueError for what is none."""
        try:
            points = tuple((round(float(x), 4), round(float(y), 4)) for x, y in value["points"])
            return cls(value["label"], float(value["size"]), points)
        except (TypeError, KeyError) as error:
            raise ValueError(f"this is no stroke of a brush: {str(value)[:80]}") from error


@dataclass(frozen=True)
class GivenMask:
    """A mask that was brought along: a PNG of class numbers."""

    png: bytes


MaskEdit = PartShape | Stroke | GivenMask


def check_number(edits: Sequence) -> None:
    """Raises ValueError for more edits than a recipe can hold."""
    if len(edits) > MAX_EDITS:
        raise ValueError(f"there are {len(edits)} changes; accepted: {MAX_EDITS} at most, undo takes back the last")


def to_json(edits: Sequence[MaskEdit]) -> list[dict]:
    """Edits as lists and numbers. Raises ValueError for too many."""
    check_number(edits)
    return [_to_dict(edit) for edit in edits]


def from_json(values: Any) -> tuple[MaskEdit, ...]:
    """The edits of `to_json`. Raises ValueError, one sentence, for what is none."""
    if not isinstance(values, list):
        raise ValueError("edits must be a list")
    check_number(values)
    return tuple(_from_dict(value) for value in values)


def _to_dict(edit: MaskEdit) -> dict:
    if isinstance(edit, Stroke):
        return {"label": edit.label, "size": edit.size, "points": [list(point) for point in edit.points]}
    if isinstance(edit, GivenMask):
        return {"mask": base64.b64encode(edit.png).decode()}
    return {"part": edit.part, "how": edit.how, "amount": edit.amount, "number": edit.number, "truncation": edit.truncation}


def _from_dict(value: Any) -> MaskEdit:
    try:
        if "points" in value:
            return Stroke.of(value)
        if "mask" in value:
            return GivenMask(base64.b64decode(value["mask"], validate=True))
        return PartShape(value["part"], value["how"], float(value["amount"]), value["number"], float(value["truncation"]))
    except (TypeError, KeyError) as error:
        raise ValueError(f"this is no edit of a mask: {str(value)[:80]}") from error
