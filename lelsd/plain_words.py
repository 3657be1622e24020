"""Words that a pack's CLIP was never taught, read as plainer ones that it was: "an overweight bloke" is "a chubby man".

A CLIP that begins at nothing knows the few hundred words of its captions, and a word without an embedding moves no picture.
The thesaurus is in plain_words.toml beside this file, which says how it is written. Words that the pack knows are left
alone, and so is whatever has no plainer word; a published CLIP knows them all, and nothing is replaced.
"""
from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, Mapping

from lelsd.lexicon import PLACING, SCOPE_ENDS, forms

if TYPE_CHECKING:
    from packs.pack import Pack

SECTIONS = ("adjectives", "nouns", "masses", "phrases")
WORD = re.compile(r"[^\W\d_]+|\d")  # as CLIP's tokenizer splits them
JOINT = re.compile(r"[\s'’/‐-]*")  # between the words of a phrase
BEFORE_A = PLACING | SCOPE_ENDS | {"without", "and", "or", "as", "is"}
"""Words after which a thing takes its "a": "with a hat", but "no hat", "his hat", "red hat"."""
MAX_WORDS = 5  # of a phrase of the table
STEPPED_LETTERS = 6  # longer adjectives take "more", unless they end in y
DOUBLED = re.compile(r"[^aeiou]*[aeiou][bdgmnt]")  # "big", "thin": the last letter is written twice before -er


def read_as(text: str, pack: "Pack", respelt: Mapping[str, str] | None = None) -> dict[str, str]:
    """{words as typed, in lower case: plain words for them}, in order: the longest phrases of `text` that hold a word which the pack's
    CLIP does not know, and for which it knows other words. respelt: {misspelt word: the word meant}."""
    unknown, slips = set(pack.unknown_words(text)), respelt or {}
    is_known = lru_cache(maxsize=None)(lambda plain: not pack.unknown_words(plain))

    def means(words: tuple[str, ...]) -> str:
        if unknown.isdisjoint(words):
            return ""
        meant = " ".join([slips.get(word, word) for word in words])
        plain = thesaurus().get(meant, meant if len(words) == 1 and meant in slips.values() else "")
        return plain if plain and is_known(plain) else ""

    return {text[start:end].lower(): plain for start, end, plain in _found(text, means, MAX_WORDS)}


def put(text: str, reading: Mapping[str, str]) -> str:
    """`text` with the words of `reading` replaced, and with "a" or "an" as the plain words want it."""
    plain = {_key(typed): meant for typed, meant in reading.items()}
    said, done = "", 0
    for start, end, meant in _found(text, lambda words: plain.get(" ".join(words), ""), _longest(plain)):
        said, done = _joined(said + text[done:start], meant), end
    return said + text[done:]


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, tuple[str, ...]]]:
    """plain_words.toml: by section, {plain word or phrase: what is said instead}."""
    sections = tomllib.loads((Path(__file__).parent / "plain_words.toml").read_text(encoding="utf-8"))
    return {section: {plain: tuple(" ".join(said.split()) for said in row.split(",") if said.strip()) for plain, row in sections[section].items()}
            for section in SECTIONS}


@lru_cache(maxsize=1)
def thesaurus() -> dict[str, str]:
    """{phrase, its words joined by spaces: plain words}. What the table says goes before what is made of it, and no plain word is replaced."""
    rows = [(section, plain, said) for section in SECTIONS for plain, some in table()[section].items() for said in some]
    found = {_key(form): plain for _, plain, said in rows for form in sorted(forms(said, ""))}
    plains = {_key(plain) for section in SECTIONS for plain in table()[section]}
    itself = [(section, plain, plain) for section in SECTIONS for plain in table()[section]]
    for section, plain, said in rows + itself:
        for form, meant in _inflected(section, plain, said):
            if _key(form) not in plains:
                found.setdefault(_key(form), meant)
    return found


def _inflected(section: str, plain: str, said: str) -> Iterator[tuple[str, str]]:
    """What is made of a phrase, and what that means: "chubbier" and "blokes", who are read as one."""
    if section == "adjectives" and said.isalpha() and plain.isalpha():
        yield from ((form, plain) for form in _steps(said))
    elif section in ("nouns", "masses"):
        meant = plain if section == "masses" else _with_article(plain)
        yield from ((form, meant) for form in forms(said, "noun") - forms(said, ""))


def _steps(adjective: str) -> tuple[str, ...]:
    """"chubby" -> "chubbier", "chubbiest"."""
    if adjective.endswith("y"):
        stem = f"{adjective[:-1]}i"
    elif len(adjective) > STEPPED_LETTERS:
        return ()
    else:
        stem = adjective + adjective[-1] if DOUBLED.fullmatch(adjective) else adjective.removesuffix("e")
    return f"{stem}er", f"{stem}est"


def _found(text: str, means: Callable[[tuple[str, ...]], str], longest: int) -> Iterator[tuple[int, int, str]]:
    """(start, end, meaning) of the longest runs of words, from the left, that `means` has an answer for; "" is none."""
    spans = [match.span() for match in WORD.finditer(text)]
    words = [text[start:end].lower() for start, end in spans]
    first = 0
    while first < len(words):
        for last in range(_run_end(text, spans, first, longest), first, -1):
            meant = means(tuple(words[first:last]))
            if meant:
                yield spans[first][0], spans[last - 1][1], meant
                break
        else:
            last = first + 1
        first = last


def _run_end(text: str, spans: list[tuple[int, int]], first: int, longest: int) -> int:
    """Where the words end that belong together from `first` on: at a comma, say, or when no phrase is as long."""
    end = first + 1
    while end < min(len(spans), first + longest) and JOINT.fullmatch(text, spans[end - 1][1], spans[end][0]):
        end += 1
    return end


def _longest(phrases: Iterable[str]) -> int:
    return max((len(phrase.split()) for phrase in phrases), default=0)


def _key(phrase: str) -> str:
    return " ".join(WORD.findall(phrase.lower()))


def _joined(before: str, meant: str) -> str:
    """`before` and then the plain words, with one article where they take one, and none where one would be wrong."""
    bare, last = re.sub(r"^an? ", "", meant), before.rsplit(maxsplit=1)[-1] if before.strip() else ""
    if last.lower() in ("a", "an"):
        return before.rstrip()[:-len(last)] + (bare if meant in table()["masses"] else _with_article(bare))
    takes_it = not last or not last[-1].isalnum() or last.lower() in BEFORE_A
    return before + (meant if takes_it else bare)


def _with_article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"
