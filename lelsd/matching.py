"""Where a prompt speaks of which part: a matcher over the vocabulary, and the grammar of short phrases."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import spacy
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc
from spacy.util import filter_spans

from lelsd import lexicon
from lelsd.kept import kept_spans
from lelsd.lexicon import (ADVERBS, AFTER_NOUN, AWAY, DETERMINERS, FORBIDDEN, GONE, LIKENESSES, MODIFIERS, NEGATING_PAIRS, NEGATORS, PLACING, REMOVALS, SCOPE_ENDS, TAKES,
                           VERBS, Concept)
from lelsd.spelling import Speller

LOOK_ALIKE = "look_alike"
PLACE_WEIGHT, MARK_WEIGHT = 0.4, 0.5
HEADS = ("noun", "attribute", "general")
FILLERS = ("whole", "subject")  # who it is, and the face as a whole
PLACES = frozenset("hair eyes under_eyes eyebrows ears nose smile mouth lips skin cheeks jaw neck".split())
"""Concepts that can be where something else is: "a hat over the eyes" is the hat."""
BESIDE = ("next", "near", "beside")
JEWELS = ("jewellery", "necklace")
MARKS = ("skin", "cheeks")  # concepts of what skin shows


@dataclass(frozen=True)
class Mention:
    """Words [start, end) (characters of the prompt) that mean a part.

    `opposite`: what an `absent` word denies. `read_as`: the words as they should be spelt, if they are not. `area`: where in its
    parts it is, of `segmentation.places.AREAS`; "" for all of them.
    """
    start: int
    end: int
    kind: str
    parts: dict[str, float]
    negated: bool = False
    opposite: str = ""
    read_as: str = ""
    area: str = ""

    @property
    def part(self) -> str:
        """The part that it means most."""
        return max(self.parts, key=self.parts.get)


@dataclass(frozen=True)
class Found:
    """Tokens [start, end) that mean a concept; `parts` are its own unless the phrase says more."""
    start: int
    end: int
    kind: str
    concept: Concept
    parts: dict[str, float]


@dataclass(frozen=True)
class Vocabulary:
    """The matchers over the lexicon, what their labels mean, and the words they are made of."""
    nlp: spacy.Language
    phrases: PhraseMatcher
    patterns: Matcher
    meanings: dict[str, tuple[str, Concept]]
    speller: Speller


def find_mentions(text: str) -> list[Mention]:
    """All mentions in reading order: longest match wins, adjectives belong to the noun after them, negation is marked."""
    typed = vocabulary().nlp(text.replace("’", "'"))
    doc = _respelt(typed)
    found = _merge_noun_phrases(doc, _without_look_alikes(doc, _matches(doc)))
    kept = kept_spans(text)
    return [mention for mention in (_mention(typed, doc, f) for f in _placed(doc, found))
            if not any(start <= mention.start < end for start, end in kept)]


def asks_for_absence(text: str) -> bool:
    """Whether a prompt that names no part says no, not, without or the like."""
    return any(token.lower_ in NEGATORS for token in vocabulary().nlp(text))


def _mention(typed: Doc, doc: Doc, f: Found) -> Mention:
    """`f` in characters of what was typed; doc: the same tokens, spelt right."""
    said, meant = typed[f.start:f.end], doc[f.start:f.end].text.lower()
    return Mention(said.start_char, said.end_char, f.kind, f.parts, _is_negated(doc, f) != (f.kind == "absent"), f.concept.denied.get(meant, ""),
                   meant if meant != said.text.lower() else "", f.concept.area if f.parts == f.concept.parts else "")


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Built on the first prompt, in a second or so."""
    nlp = spacy.blank("en")
    phrases, patterns, meanings = PhraseMatcher(nlp.vocab, attr="LOWER"), Matcher(nlp.vocab), {}
    words = {*MODIFIERS, *NEGATORS, *REMOVALS, *SCOPE_ENDS, *PLACING, *lexicon.PEOPLE}
    nobody = Concept("", {}, {LOOK_ALIKE: lexicon.idioms()})
    for concept in (*lexicon.concepts(), nobody):
        for kind, some in concept.phrases.items():
            label = f"{concept.name}-{kind}"
            meanings[label] = (kind, concept)
            docs = [nlp.make_doc(form) for form in sorted({form for phrase in some for form in lexicon.forms(phrase, kind)})]
            phrases.add(label, docs)
            words |= {token.lower_ for doc in docs for token in doc}
    number = {"LIKE_NUM": True}
    patterns.add("age-general", [[{"LOWER": {"IN": ["look", "looks", "looking", "turn", "turns", "turning", "turned"]}}, number]])
    return Vocabulary(nlp, phrases, patterns, meanings, Speller([word for word in words if word.isalpha()]))


def _respelt(typed: Doc) -> Doc:
    """The same tokens with misspelt words of the vocabulary put right."""
    words = [vocabulary().speller.correct(token.lower_) for token in typed]
    if all(word == token.lower_ for word, token in zip(words, typed)):
        return typed
    return Doc(typed.vocab, words, [bool(token.whitespace_) for token in typed])


def _matches(doc: Doc) -> list[Found]:
    """The longest matches, in reading order, look-alikes among them."""
    known = vocabulary()
    spans = filter_spans(known.phrases(doc, as_spans=True) + known.patterns(doc, as_spans=True))
    return [Found(span.start, span.end, *known.meanings[span.label_], dict(known.meanings[span.label_][1].parts)) for span in spans]


def _without_look_alikes(doc: Doc, found: list[Found]) -> list[Found]:
    """Only what means a part: not idioms, not "hair salon", not "the mouth of a river"."""
    taken = {index for f in found for index in range(f.start, f.end)}
    return [f for f in found if f.kind != LOOK_ALIKE and not (f.kind in HEADS and (_is_of_a_thing(doc, f.end, taken) or _is_a_likeness(doc, f.end)))
            and not _is_a_verb(doc, f)]


def _is_of_a_thing(doc: Doc, end: int, taken: set[int]) -> bool:
    """Whether the words from token `end` on make what stands before them no part of a face."""
    things = lexicon.things()
    if end < len(doc) and doc[end].lower_ in things and end not in taken:
        return True
    if end >= len(doc) or doc[end].lower_ != "of":
        return False
    index = end + 1
    while index < len(doc) and doc[index].lower_ in DETERMINERS | MODIFIERS:
        index += 1
    return index < len(doc) and doc[index].lower_ in things


def _is_a_verb(doc: Doc, f: Found) -> bool:
    """Whether it is an order about what follows: "dye her hair"."""
    return f.end - f.start == 1 and doc[f.start].lower_ in VERBS and f.end < len(doc) and doc[f.end].lower_ in ("his", "her", "their", "the", "my", "its")


def _is_a_likeness(doc: Doc, end: int) -> bool:
    """Whether what ends at token `end` only says what something is like: "moon-round", "bell-shaped"."""
    return end + 1 < len(doc) and doc[end].text == "-" and doc[end + 1].lower_ in LIKENESSES


def _merge_noun_phrases(doc: Doc, found: list[Found]) -> list[Found]:
    """Let each noun take in what stands directly before it: adjectives, adjectives with a part, and other nouns."""
    merged: list[Found] = []
    for f in found:
        start, end = f.start, f.end
        if f.kind == "noun":
            start, left = _extend_left(doc, start, merged)
            f, merged = _made_of(f, merged[len(left):]), _without_its_adjective(doc, start, left)
            end = _extend_right(doc, end)
        elif f.kind == "attribute" and start > 1 and doc[start - 1].text == "-" and doc[start - 2].lower_ not in ("un", "non"):
            start -= 2
            merged = [m for m in merged if m.end <= start]
        merged.append(replace(f, start=start, end=end))
    return merged


def _made_of(f: Found, taken_in: list[Found]) -> Found:
    """Make-up and masks are where the noun before them says: "eye makeup" is the eyes."""
    where = [m for m in taken_in if m.kind == "noun" and m.concept.name != f.concept.name]
    return replace(f, concept=where[-1].concept, parts=where[-1].parts) if f.concept.name == "face" and where else f


def _without_its_adjective(doc: Doc, start: int, merged: list[Found]) -> list[Found]:
    """`merged` without an adjective of the whole face that, past one unknown word, is the noun's: "thin, lopsided lips"."""
    if not merged or merged[-1].kind != "general" or doc[merged[-1].start].lower_ not in MODIFIERS or merged[-1].end - merged[-1].start > 1:
        return merged
    between = [token for token in doc[merged[-1].end:start] if token.text != ","]
    known = PLACING | DETERMINERS | SCOPE_ENDS | NEGATORS | lexicon.PEOPLE | {"and", "or"}
    return merged[:-1] if len(between) == 1 and between[0].is_alpha and between[0].lower_ not in known else merged


def _extend_right(doc: Doc, end: int) -> int:
    """Past the adjectives that follow a noun: "the mouth slightly open"."""
    reached = index = end
    while index < len(doc) and doc[index].lower_ in AFTER_NOUN | ADVERBS:
        index += 1
        reached = index if doc[index - 1].lower_ in AFTER_NOUN else reached
    return reached


def _extend_left(doc: Doc, start: int, merged: list[Found]) -> tuple[int, list[Found]]:
    """Walk left over modifiers and over mentions that the noun at `start` takes in; past a comma, only over adjectives."""
    taken_in = HEADS
    while start > 0:
        if merged and merged[-1].end == start and merged[-1].kind in taken_in:
            start, merged = merged[-1].start, merged[:-1]
        elif doc[start - 1].lower_ in MODIFIERS and not (merged and merged[-1].end > start - 1):
            start -= 1
        elif doc[start - 1].text in (",", "-", "and") and start > 1 and _is_adjective(doc, start - 2, merged):
            start, taken_in = start - 1, ("attribute",) if doc[start - 1].text == "," else taken_in
        else:
            break
    return start, merged


def _is_adjective(doc: Doc, index: int, merged: list[Found]) -> bool:
    """Whether token `index` is an adjective that can share a noun: "long and curly hair", but not "a smiling, bearded man"."""
    if merged and merged[-1].start <= index < merged[-1].end:
        last = merged[-1]
        return last.kind == "attribute" and last.end - last.start == 1 and doc[index].lower_ in MODIFIERS | {"curly", "wavy", "frizzy"}
    return doc[index].lower_ in MODIFIERS


def _placed(doc: Doc, found: list[Found]) -> list[Found]:
    """Where one mention says where another is: "freckles on the nose" is the nose, "a hat over the eyes" the hat."""
    placed = list(found)
    for index in range(1, len(placed)):
        thing, place = placed[index - 1], placed[index]
        if place.concept.name not in PLACES or thing.kind == "subject" or not lexicon.says_where(token.lower_ for token in doc[thing.end:place.start]):
            continue
        if thing.concept.name in JEWELS and place.concept.name in ("ears", "nose"):
            placed[index - 1] = replace(thing, parts={"earrings" if place.concept.name == "ears" else "nose": 1.0})
            placed[index] = replace(place, parts=_scaled(place.parts, PLACE_WEIGHT))
        elif thing.concept.name == "jewellery" and place.concept.name == "neck":
            placed[index - 1] = replace(thing, parts={"necklace": 1.0})
            placed[index] = replace(place, parts=_scaled(place.parts, PLACE_WEIGHT))
        elif thing.concept.name in MARKS and doc[thing.end].lower_ not in BESIDE:
            placed[index - 1] = replace(thing, parts=_scaled(thing.parts, MARK_WEIGHT) if place.concept.name not in MARKS else thing.parts)
        elif thing.concept.name != place.concept.name:
            placed[index] = replace(place, parts=_scaled(place.parts, PLACE_WEIGHT))
    return placed


def _scaled(parts: dict[str, float], weight: float) -> dict[str, float]:
    return {name: round(value * weight, 3) for name, value in parts.items()}


def _is_negated(doc: Doc, f: Found) -> bool:
    """Whether a negator reaches the mention: from the left ("no beard"), or standing right after it ("the beard removed")."""
    return _is_denied_before(doc, f.start, f.end) or _is_denied_after(doc, f.end)


def _is_denied_before(doc: Doc, start: int, end: int) -> bool:
    if start > 1 and doc[start - 1].text == "-" and doc[start - 2].lower_ in ("un", "non"):
        return True
    ahead = {token.lower_ for token in doc[end:end + 4]}
    in_list, joined = bool(ahead & {"or", "nor"}), False
    out_of_or = out_of_list = False  # past a comma: of no list that "or" closes, of none that "or" or "and" does
    for index in range(start - 1, -1, -1):
        word, following = doc[index].lower_, doc[index + 1].lower_
        if (word, following) in NEGATING_PAIRS:
            return not out_of_list
        if word in NEGATORS and following not in ("only", "just"):
            return not (out_of_list if word == "without" else joined or out_of_or)
        if word in REMOVALS or word in TAKES and any(token.lower_ in AWAY for token in doc[index + 1:]):
            return not out_of_list or doc[start - 1].lower_ in DETERMINERS
        if word in SCOPE_ENDS and not (word in FORBIDDEN and index and doc[index - 1].lower_ in NEGATORS):
            return False
        if word == ",":
            out_of_or, out_of_list = out_of_or or not in_list, out_of_list or not (in_list or joined or "and" in ahead)
        joined, in_list = joined or word == "and", in_list or word in ("or", "nor")
    return False


def _is_denied_after(doc: Doc, end: int) -> bool:
    index = end
    while index < len(doc) and doc[index].lower_ in {"-", "is", "are", "was", "were", "all", "completely", "totally", "been", "being"}:
        index += 1
    if index == len(doc) or doc[index].lower_ not in GONE:
        return False
    last = index + 1 == len(doc) or doc[index + 1].is_punct or doc[index + 1].lower_ in ("and", "please")
    return last or doc[index].lower_ in ("removed", "deleted", "erased")
