"""How much of a thing a prompt asks for: "a slight smile" is half of a smile, "less curly hair" half a way back from curly hair.

No caption that a pack's CLIP was taught says how much of a thing there is, so none of this can be learned; a direction that does the thing has a strength.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SOME, ALL = 0.5, 1.0
LITTLE = (r"(?:just |only )?(?:(?:(?:an? )?(?:tiny |little |wee )?(?:bit|touch|hint|tad|trace|little)|slightly|somewhat|mildly|subtly|faintly|lightly|partly|partially"
          r"|moderately|half|slight|subtle|faint|moderate)(?: of)?|kind of|sort of|a few|half-(?=(?:open|closed|shut)\b)"
          r"|light(?= (?:make-?up|freckles|beard|moustache|stubble)\b)|small(?= (?:smile|grin)\b))")
MUCH = r"(?:a (?:whole )?lot(?: of)?|lots of|loads of|plenty of|much|far|way)"
LESS = rf"(?:(?:{LITTLE}|(?P<much_less>{MUCH})) )?(?:less(?: of)?|fewer|smaller(?= (?:smile|grin)\b))"
NOT_SO = r"not (?:so|as|that|quite so|very|too)(?: (?:much|many))?"
DEGREE = re.compile(rf"(?<![\w-])(?:(?P<less>{LESS}|{NOT_SO})|(?P<little>{LITTLE})|{MUCH})(?:(?= |$) ?|(?<=half-))", re.IGNORECASE)
LED_BY = re.compile(rf"(?<![\w-])(?:{LESS}|{LITTLE}|{MUCH}) $", re.IGNORECASE)
FOLLOWED_BY = re.compile(rf" (?:{LESS}|{LITTLE}|{MUCH})(?!\w)(?! \w)", re.IGNORECASE)
COMPARED = re.compile(r"(?:more|\w{2,}er)\b", re.IGNORECASE)
COMPARATIVES = frozenset(
    "older younger longer shorter curlier wavier straighter thicker thinner fuller bigger larger smaller wider narrower rounder pointier paler darker lighter whiter blonder blacker "
    "browner greyer grayer redder rosier pinker bluer greener bushier balder happier sadder angrier chubbier fatter slimmer heavier frecklier".split())
PERSON = r"(?:person|people|man|men|woman|women|lady|gentleman|guy|bloke|male|female|adult|face)"
MORE = re.compile(rf"(?<![\w-])(?P<much>{MUCH} )?(?<!no )(?:more|(?:{'|'.join(sorted(COMPARATIVES))})(?! {PERSON}\b))(?![\w-])", re.IGNORECASE)
"""Not "an older man", who is old; "no longer" and "no more" are denials."""


@dataclass(frozen=True)
class Degree:
    """text: a prompt without its words of degree. amount: how much of it is asked for, from -1, its opposite, to 1. further: so much more than there is already."""

    text: str
    amount: float
    further: bool


def degree_of(text: str) -> Degree | None:
    """What a prompt says of how much; None if it says nothing of it.

    >>> degree_of("a bit older")
    Degree(text='older', amount=0.5, further=True)
    >>> degree_of("a person with a slight smile")
    Degree(text='a person with a smile', amount=0.5, further=False)
    """
    found = DEGREE.search(text)
    if found is None:
        return None
    left = " ".join((text[:found.start()] + text[found.end():]).split())
    if found["less"]:
        return Degree(left, -ALL if found["much_less"] else -SOME, True)
    return Degree(left, SOME if found["little"] else ALL, bool(found["little"]) and COMPARED.match(text, found.end()) is not None)


def degrees_in(text: str) -> Iterator[tuple[str, str]]:
    """The words of degree in a text, in order, each with all that follows it: ("slightly", "curly red hair")."""
    for found in DEGREE.finditer(text):
        yield found.group().strip(), text[found.end():]


def more_in(text: str) -> float:
    """How much more than there is already a prompt asks for that compares, where there is some: "older" half of it, "much older" all; 0 for other prompts."""
    found = MORE.search(text)
    return 0.0 if found is None else ALL if found["much"] else SOME


def begins_at(text: str, start: int) -> int:
    """Where what is said of a thing begins, which is named at `start`, with the words of degree before it: "a bit of a" beard."""
    found = LED_BY.search(text[:start]) or LED_BY.search(re.sub(r"(?<= )an? $", "", text[:start]))
    return found.start() if found else start


def ends_at(text: str, end: int) -> int:
    """Where it ends, with those after it: smile "a bit less"."""
    found = FOLLOWED_BY.match(text, end)
    return found.end() if found else end
