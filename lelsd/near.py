"""What is there already of something that nobody has learned: of "round wire spectacles" the glasses.

It says less than was asked for, so it is to be offered beside learning, not taken in its place.
"""
from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Hashable, Iterator, Mapping

from lelsd.lexicon import BARE, DETERMINERS
from lelsd.prompt import Prompt, parse_prompt
from lelsd.wishes import Service, served

if TYPE_CHECKING:
    from lelsd.direction import Direction
    from lelsd.matching import Mention
    from packs.pack import Pack

TOO_MUCH = re.compile(r"\btoo\s*$", re.IGNORECASE)  # before what is complained of
LONGEST = 5  # words of a phrase; of a longer one the last


def near(wish: Prompt, pack: "Pack", directions: "Mapping[Hashable, Direction]") -> list[Service]:
    """What does a part of one thing that a prompt asks for, of directions by meaning, in the order of the prompt.

    That is what serves a phrase of it with words left out, as few as can be: "long", "wavy" and "brown hair" of "long wavy brown hair".
    """
    found: dict[tuple, Service] = {}
    for mention in wish.plain.counted:
        if TOO_MUCH.search(wish.plain.text[:mention.start]):
            continue
        taken: list[set[int]] = []
        for places, words in _shortened(wish.plain.text[mention.start:mention.end]):
            if any(places <= others for others in taken):
                continue
            service = served(parse_prompt(_sentence(words, mention, pack)), pack, directions)
            if service is not None:
                taken.append(places)
                found.setdefault((service.meant, service.alpha > 0), service)
    return list(found.values())


def _shortened(phrase: str) -> Iterator[tuple[set[int], str]]:
    """A phrase with ever fewer words, each time with its last: which they are, and the words; but not what everybody has alone."""
    words = [word for word in phrase.split() if word.lower() not in DETERMINERS][-LONGEST:]
    for count in range(len(words) - 1, -1, -1):
        for before in combinations(range(len(words) - 1), count):
            places = (*before, len(words) - 1)
            kept = [words[place] for place in places]
            if not BARE.issuperset(word.lower() for word in kept):
                yield set(places), " ".join(kept)


def _sentence(words: str, mention: "Mention", pack: "Pack") -> str:
    denied = mention.negated != (mention.kind == "absent")
    if mention.kind == "noun":
        return f"{pack.neutral_text} {'without' if denied else 'with'} {words}"
    return f"{pack.neutral_text} who is {'not ' if denied else ''}{words}"
