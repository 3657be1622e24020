"""Which attributes does a text ask for? Found with the words that captions are made of, so that a judge knows what to look for.

    "a person with curly red hair" -> {"Curly_Hair": True, "Red_Hair": True}    "someone without a hat" -> {"Wearing_Hat": False}

The longest words win, and what they cover means nothing else. A text that says something else besides is still judged by
what is found here; one with words for which there is no attribute ("thin lips") is not judged by attributes at all.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from portraits.phrases import NOUNS, PHRASES
from portraits.scene import ATTRIBUTES

# Finer topics of `portraits.topics` that an attribute can stand for.
STANDS_FOR: dict[str, tuple[str, bool]] = {
    "short_hair": ("Long_Hair", False), "very_long_hair": ("Long_Hair", True), "very_curly_hair": ("Curly_Hair", True),
    "wide_open_mouth": ("Mouth_Slightly_Open", True), "slightly_open_mouth": ("Mouth_Slightly_Open", True), "broad_smile": ("Smiling", True),
    "full_beard": ("No_Beard", False), "clean_shaven": ("No_Beard", True), "elderly": ("Young", False),
}
# Topics that are the far end of what an attribute lacks. It does not stand for them: most faces without a big nose have no small one.
OTHER_END = {"small_nose": "Big_Nose", "thin_eyebrows": "Bushy_Eyebrows", "thin_lips": "Big_Lips", "small_ears": "Big_Ears", "slim_face": "Chubby"}
DETERMINERS = frozenset("a an the his her their my your its some any".split())
NEGATORS = frozenset("no not without never neither nor lacking".split())
LISTING = frozenset("or nor".split())
BETWEEN = frozenset("and very really quite extremely rather slightly so more looking".split())  # may stand before "hair" or a noun, and change nothing
BEFORE_ADJECTIVE = frozenset("is are be being looks look looking who's he's she's".split())
LINKS = frozenset("with wearing wears who has have having in on of to hair haired locks".split())
WHO = frozenset("he she they it that which".split())
PEOPLE = frozenset("person people human individual someone somebody face portrait".split()) | {
    word for nouns in NOUNS.values() for noun in re.split(r"[|/]+", nouns) for word in noun.split()[-1:]}


class Said(NamedTuple):
    """Words [start, end) of a text that state a topic."""

    start: int
    end: int
    topic: str
    value: bool


def asked_attributes(text: str) -> dict[str, bool]:
    """{attribute: value asked for}, in the order of the text; {} where no attribute says all that was found."""
    words = _words(text)
    asked: dict[str, bool] = {}
    denied_until = 0  # where the last denial ends: "without glasses or a hat" denies both
    for item in _said(words):
        attribute, value = (item.topic, True) if item.topic in ATTRIBUTES else STANDS_FOR.get(item.topic, ("", True))
        listed = 0 < denied_until == item.start - 1 and words[denied_until] in LISTING
        denied = listed or _negated(words, item.start)
        if denied or words[item.start] in NEGATORS:
            denied_until = item.end
        value = (value == item.value) != denied
        if not attribute or asked.get(attribute, value) != value:
            return {}
        asked[attribute] = value
    return asked


def other_end(text: str) -> str | None:
    """The attribute at whose other end lies all that a text asks for: of "a person with a small nose" Big_Nose, which is taken away to get one."""
    words = _words(text)
    match _said(words):
        case [item] if item.topic in OTHER_END and item.value and not _negated(words, item.start):
            return OTHER_END[item.topic]
    return None


def unsaid(text: str) -> tuple[str, ...]:
    """The words of a text, in order, that say what no attribute does: "a person with round glasses" -> ("round",)."""
    words = _words(text)
    covered = {place for item in _said(words) for place in range(item.start, item.end)}
    return tuple(word for place, word in enumerate(words) if place not in covered and word not in LINKS | BETWEEN | BEFORE_ADJECTIVE | NEGATORS | LISTING | WHO | PEOPLE)


def _said(words: list[str]) -> list[Said]:
    """What is found in a text, in order; who it is only where nothing else is said."""
    return _longest_first([*_anywhere(words), *_before_hair(words), *_adjectives(words)]) or _nouns(words)


def _words(text: str) -> list[str]:
    """Lower case words without articles; "close-cropped" and "isn't" are one each."""
    found = re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", text.lower().replace("’", "'"))
    return [word for word in found if word not in DETERMINERS]


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[tuple[str, ...], tuple[str, bool]]]:
    """By place ("anywhere", "hair", "adjective"): words -> (topic, value)."""
    table: dict[str, dict[tuple[str, ...], tuple[str, bool]]] = {"anywhere": {}, "hair": {}, "adjective": {}}
    for key, phrases in PHRASES.items():
        for place in phrases._fields:
            for phrase in phrases.options(place, "train") + phrases.options(place, "heldout"):
                table[place if place in table else "anywhere"].setdefault(tuple(_words(phrase)), key)
    del table["anywhere"]["hair",]  # "hair" alone says little about baldness
    return table


def _matches(words: list[str], place: str, start: int, end: int) -> list[Said]:
    """All phrases of a place within words [start, end)."""
    table = _table()[place]
    longest = max(map(len, table))
    return [Said(i, j, *table[found]) for i in range(start, end) for j in range(i + 1, min(end, i + longest) + 1)
            if (found := tuple(words[i:j])) in table]


def _anywhere(words: list[str]) -> list[Said]:
    return _matches(words, "anywhere", 0, len(words))


def _before_hair(words: list[str]) -> list[Said]:
    """Words for hair, in the run of such words that stands before "hair" or "haired"."""
    known = {word for phrase in _table()["hair"] for word in phrase} | BETWEEN
    return [said for end in _places(words, {"hair", "haired", "locks"}) for said in _matches(words, "hair", _run_start(words, end, known), end)]


def _adjectives(words: list[str]) -> list[Said]:
    """Adjectives of a person: in the run before a noun, after "someone" or "is", or alone."""
    known = {word for phrase in _table()["adjective"] for word in phrase} | BETWEEN
    known |= {word for phrase in _table()["hair"] for word in phrase}
    runs = [(_run_start(words, end, known), end) for end in _places(words, PEOPLE)]
    runs += [(place + 1, _run_end(words, place + 1, known)) for place in _places(words, {"someone", "somebody"})]
    start = _run_start(words, len(words), known)
    if start == 0 or words[start - 1] in BEFORE_ADJECTIVE | NEGATORS:
        runs.append((start, len(words)))
    return [said for start, end in runs for said in _matches(words, "adjective", start, end)]


def _places(words: list[str], wanted: frozenset[str] | set[str]) -> list[int]:
    return [index for index, word in enumerate(words) if word in wanted]


def _run_start(words: list[str], end: int, known: set[str]) -> int:
    """Where the unbroken run of known words before `end` begins."""
    while end > 0 and words[end - 1] in known:
        end -= 1
    return end


def _run_end(words: list[str], start: int, known: set[str]) -> int:
    """Where the unbroken run of known words from `start` on ends."""
    while start < len(words) and words[start] in known:
        start += 1
    return start


def _longest_first(found: list[Said]) -> list[Said]:
    """Those that are not covered by longer ones, in the order of the text."""
    kept: list[Said] = []
    for said in sorted(found, key=lambda item: (item.start - item.end, item.start)):
        if all(said.end <= other.start or said.start >= other.end for other in kept):
            kept.append(said)
    return sorted(kept)


def _nouns(words: list[str]) -> list[Said]:
    """Who it is, where nothing else is said: "a man", "a girl"."""
    for (male, young), nouns in NOUNS.items():
        for noun in re.split(r"[|/]+", nouns):
            if _words(noun) == words and (male, young) != (None, None):
                return [Said(0, 0, topic, value) for topic, value in (("Male", male), ("Young", young)) if value is not None]
    return []


def _negated(words: list[str], start: int) -> bool:
    """Whether the word before denies what follows; phrases with a negation of their own begin with it."""
    return start > 0 and (words[start - 1] in NEGATORS or words[start - 1].endswith("n't"))
