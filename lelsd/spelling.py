"""Misspelt words of the vocabulary: "moustashe", "hiar", "purpel". A word that is English stays: "hire" is not "hair"."""
from __future__ import annotations

from functools import lru_cache
from typing import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

MIN_LETTERS, TWO_SLIPS_FROM = 3, 7


class Speller:
    """Corrects unknown words to those of a vocabulary (lower case, letters only)."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.known = frozenset(vocabulary)
        self.targets = sorted(word for word in self.known if len(word) >= MIN_LETTERS)

    def correct(self, word: str) -> str:
        """The word of the vocabulary that a lower-case word is a slip of, or the word itself.

        One letter too many, too few, wrong or swapped with the next; two in words of seven letters and more that begin alike.
        """
        if word in self.known or len(word) < MIN_LETTERS or not word.isalpha() or not word.isascii():
            return word
        slips = 2 if len(word) >= TWO_SLIPS_FROM else 1
        near = process.extract(word, self.targets, scorer=OSA.distance, score_cutoff=slips, limit=None)
        able = [(target, distance) for target, distance, _ in near if _is_slip(word, target, int(distance))]
        if not able or word in english():
            return word
        return min(able, key=lambda found: (*_unlikeness(word, found[0], int(found[1])), found[0]))[0]


def _is_slip(word: str, target: str, distance: int) -> bool:
    """Short words are near to many: in those of three letters only a letter that is missing counts."""
    if len(word) <= MIN_LETTERS or len(target) <= MIN_LETTERS:
        return _sorted_distance(word, target) == distance == abs(len(word) - len(target)) and word[0] == target[0]
    return distance == 1 or word[0] == target[0]


def _unlikeness(word: str, target: str, distance: int) -> tuple[int, ...]:
    """Smaller is likelier: few slips; a doubled letter is the commonest of them, then a swap, one that leaves the beginning alone, one left out."""
    return distance, OSA.distance(_undoubled(word), _undoubled(target)), _sorted_distance(word, target), int(word[0] != target[0]), -len(target)


def _undoubled(word: str) -> str:
    return "".join(letter for index, letter in enumerate(word) if index == 0 or letter != word[index - 1])


def _sorted_distance(word: str, target: str) -> int:
    return int(Levenshtein.distance(sorted(word), sorted(target)))


@lru_cache(maxsize=1)
def english() -> frozenset[str]:
    """160,000 English words. Read when a prompt first has a word that looks misspelt: it takes a second."""
    from spellchecker import SpellChecker
    return frozenset(SpellChecker(language="en").word_frequency.words())
