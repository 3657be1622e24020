"""How much of a thing a prompt asks for: "a slight smile" is half of a smile, "less curly hair" half a way back from curly hair.

No caption that a pack's CLIP was taught says how much of a thing there is, so none of this can be learned; a direction that does the thing has a strength.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

SOME, ALL = 0.5, 1.0
LITTLE = (r"(?:just |only )?(?:(?:(?:an? )?(?:tiny |little |wee )?(?:bit|touch|hint|tad|trace|little)|slightly|somewhat|mildly|subtly|faintly|half"
          r"|slight|subtle|faint)(?: of)?|kind of|sort of)")
MUCH = r"(?:a (?:whole )?lot(?: of)?|lots of|loads of|plenty of|much|far|way)"
LESS = rf"(?:(?:{LITTLE}|(?P<much_less>{MUCH})) )?(?:less(?: of)?|fewer)"
NOT_SO = r"not (?:so|as|that|quite so)"
DEGREE = re.compile(rf"(?<![\w-])(?:(?P<less>{LESS}|{NOT_SO})|(?P<little>{LITTLE})|{MUCH})(?= |$) ?", re.IGNORECASE)
LED_BY = re.compile(rf"(?<![\w-])(?:{LESS}|{LITTLE}|{MUCH}) $", re.IGNORECASE)
FOLLOWED_BY = re.compile(rf" (?:{LESS}|{LITTLE}|{MUCH})(?! \w)", re.IGNORECASE)
COMPARED = re.compile(r"(?:more|\w{2,}er)\b", re.IGNORECASE)


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


def begins_at(text: str, start: int) -> int:
    """Where what is said of a thing begins, which is named at `start`, with the words of degree before it: "a bit of a" beard."""
    found = LED_BY.search(text[:start]) or LED_BY.search(re.sub(r"(?<= )an? $", "", text[:start]))
    return found.start() if found else start


def ends_at(text: str, end: int) -> int:
    """Where it ends, with those after it: smile "a bit less"."""
    found = FOLLOWED_BY.match(text, end)
    return found.end() if found else end
