"""A report card: what a direction does to samples it was not trained on. It travels in the direction's file.

Rates are shares of samples from 0 to 1, each with the number of samples behind it; None where no sample could tell.
"""
from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Mapping, Sequence

from segmentation.parts import PARTS

VERSION = 1
JUDGES = ("classifier", "colour", "clip")
MOST = 64  # of anything that is listed


@dataclass(frozen=True)
class SideEffect:
    """Something that was not asked for: share of the samples in which it `appears`, in which it `disappears`."""

    name: str
    appears: float
    disappears: float


@dataclass(frozen=True)
class Strength:
    """What the direction does at one strength.

    target_rate: share that are as asked after the edit, of the `eligible` samples that were not. away_rate: share that no
    longer are, of the `away_eligible` samples that were. side_effect_rate: mean share of the other attributes that change;
    avoidable_side_effect_rate leaves out those bound to what is asked (blond hair is no longer black). side_effects: the
    most frequent of the avoidable ones. localization: share of the squared change inside the dilated parts before and after. by_part:
    shares of the squared change by part; they add up to 1. identity: 1 the same face, about 0 another. clip_gain: in
    cosine to the prompt. change: root mean square of the pixels' change, of a range of 2.
    """

    alpha: float
    samples: int
    target_rate: float | None
    eligible: int
    away_rate: float | None
    away_eligible: int
    side_effect_rate: float
    avoidable_side_effect_rate: float
    side_effects: tuple[SideEffect, ...]
    localization: float | None
    by_part: Mapping[str, float]
    identity: float
    clip_gain: float
    change: float


@dataclass(frozen=True)
class ReportCard:
    """directions: for each of the K, its strengths from weakest to strongest.

    asked: the attributes by which the classifier judges; empty where CLIP does, or a colour is named. target_judge: who says whether a picture
    is as asked; other_judge: who sees side effects and identity. inside: the parts that the edit should stay in.
    """

    target_judge: str
    other_judge: str
    asked: Mapping[str, bool]
    inside: tuple[str, ...]
    truncation: float
    directions: tuple[tuple[Strength, ...], ...]

    def at(self, alpha: float, index: int = 0) -> Strength | None:
        """What direction `index` does at a strength; None if that was not measured."""
        return next((strength for strength in self.directions[index] if strength.alpha == alpha), None)

    def to_dict(self) -> dict:
        """JSON-able, numbers with the digits that mean something."""
        return _plain({"version": VERSION, **asdict(self)})


def card_from_dict(values: Mapping) -> ReportCard:
    """The card in a direction's file, which may be a stranger's. Raises ValueError, one sentence, for anything that is none."""
    try:
        if values["version"] != VERSION:
            raise ValueError(f"only version {VERSION} can be read")
        directions = tuple(tuple(map(_strength, _listed(strengths))) for strengths in _listed(values["directions"]))
        card = ReportCard(values["target_judge"], values["other_judge"], dict(values["asked"]), tuple(_listed(values["inside"])),
                          _number(values["truncation"], 0, 2), directions)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the report card is damaged: {f'{error} is missing' if isinstance(error, KeyError) else error}") from error
    if {card.target_judge, card.other_judge} - set(JUDGES) or not set(card.inside) <= set(PARTS):
        raise ValueError("the report card is damaged: unknown judges or parts")
    if not all(_is_name(name) and isinstance(value, bool) for name, value in card.asked.items()):
        raise ValueError("the report card is damaged: what was asked is no list of attributes")
    return card


def _strength(values: Mapping) -> Strength:
    if set(values) != {field.name for field in fields(Strength)}:
        raise ValueError("a strength has other entries than a card has")
    plain = {name: value for name, value in values.items() if name not in ("side_effects", "by_part")}
    for name, value in plain.items():
        if value is not None or name not in ("target_rate", "away_rate", "localization"):
            _number(value, -1000, 100_000)
    by_part = {name: _number(share, 0, 1) for name, share in values["by_part"].items()}
    if not set(by_part) <= set(PARTS):
        raise ValueError(f"{sorted(set(by_part) - set(PARTS))[0]!r} is no part")
    return Strength(**plain, side_effects=tuple(map(_side_effect, _listed(values["side_effects"]))), by_part=by_part)


def _side_effect(values: Mapping) -> SideEffect:
    if not _is_name(values["name"]):
        raise ValueError("a side effect has no name")
    return SideEffect(values["name"], _number(values["appears"], 0, 1), _number(values["disappears"], 0, 1))


def _listed(value: object) -> Sequence:
    if not isinstance(value, (list, tuple)) or len(value) > MOST:
        raise ValueError(f"{str(value)[:40]!r} is no list of up to {MOST}")
    return value


def _number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{str(value)[:40]!r} is no number from {low} to {high}")
    return value


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 80


def _plain(value: object) -> object:
    """Tuples as lists, numbers rounded to 4 digits."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value
