"""What a direction's file says of its quality, in words: the facts of its card, and the whole card as sentences and a table.

Files differ in what they hold: those of today a report card (`lelsd.card`), older and imported ones a few numbers that the
calibration measured. Everything here shows what there is and is silent about what there is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lelsd.direction import Direction

SHOWN = 3  # parts, and side effects, that are worth naming
NOTABLE = 0.02  # share of the samples, or of the change, from which on something is worth naming
JUDGES = {"classifier": "the pack's attribute classifier", "colour": "the colour of the part", "clip": "the pack's picture-and-text model"}


@dataclass(frozen=True)
class Fact:
    """One number of a card: `value` as it is shown, `meaning` for those who ask."""

    label: str
    value: str
    meaning: str


def card_of(direction: Direction):
    """The report card in a direction's file; None without one."""
    return getattr(direction, "card", None)


def facts(direction: Direction, index: int = 0) -> list[Fact]:
    """The few numbers to choose a direction by, at strength 1."""
    card = card_of(direction)
    strength = card.at(1.0, index) if card else None
    if strength is None:
        inside = direction.quality.get("localization")
        return [_inside(inside)] if _is_share(inside) else []
    found = []
    if strength.target_rate is not None:
        found.append(Fact("Works", percent(strength.target_rate), f"Of {strength.eligible} faces that were not as asked, this share is after the edit."))
    if strength.localization is not None:
        found.append(_inside(strength.localization))
    found.append(Fact("Side effects", percent(strength.avoidable_side_effect_rate), "The mean share of faces in which another attribute flips."))
    return found


def sentences(direction: Direction, index: int = 0) -> list[str]:
    """The card in sentences; empty without one."""
    card = card_of(direction)
    strength = card.at(1.0, index) if card else None
    if strength is None:
        return []
    found = []
    if strength.target_rate is not None:
        found.append(f"At strength 1, {percent(strength.target_rate)} of {strength.eligible} faces that were not as asked are so after the edit.")
    if strength.away_rate is not None and strength.away_eligible and (away := card.at(-1.0, index)) is not None and away.away_rate is not None:
        found.append(f"At strength -1, {percent(away.away_rate)} of {away.away_eligible} faces that were as asked no longer are.")
    if where := _largest(strength.by_part.items()):
        found.append(f"What changes in the picture lies in: {', '.join(f'{name} {percent(share)}' for name, share in where)}.")
    if effects := [words for effect in strength.side_effects if (words := _effect(effect))][:SHOWN]:
        found.append(f"What else changes most often: {', '.join(effects)}.")
    found.append(f"Measured on {strength.samples} faces that it was not learned from; {JUDGES[card.target_judge]} decides what is as asked,"
                 f" {JUDGES[card.other_judge]} what else changed.")
    return found


def table(direction: Direction, index: int = 0) -> dict[str, list]:
    """The card by strength, a column a number; empty without one. None where nobody could tell."""
    card = card_of(direction)
    strengths = card.directions[index] if card else ()
    if not strengths:
        return {}
    return {
        "Strength": [f"{strength.alpha:g}" for strength in strengths],
        "As asked": [_maybe(strength.target_rate if strength.alpha > 0 else strength.away_rate) for strength in strengths],
        "Side effects": [percent(strength.side_effect_rate) for strength in strengths],
        "Inside the part": [_maybe(strength.localization) for strength in strengths],
        "Same face": [f"{strength.identity:.2f}" for strength in strengths],
    }


def percent(share: float) -> str:
    """0.934 -> "93 %"."""
    return f"{share:.0%}".replace("%", " %")


def _inside(share: float) -> Fact:
    return Fact("Stays inside", percent(share), "The share of what changes in the picture that lies inside the part.")


def _maybe(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _largest(shares) -> Sequence[tuple[str, float]]:
    return [item for item in sorted(shares, key=lambda item: -item[1]) if item[1] >= NOTABLE][:SHOWN]


def _effect(effect) -> str:
    """ "“smiling” appears in 6 %": the larger half of a side effect; empty if it is not worth a word."""
    share, verb = max((effect.appears, "appears"), (effect.disappears, "disappears"))
    return f"“{effect.name.replace('_', ' ').lower()}” {verb} in {percent(share)}" if share >= NOTABLE else ""
