"""Which part of the face does a prompt mean? Lexicon, then word vectors, then the pack's text encoder, then "face".

eCLIPsed (section 3) picks the part whose name is most similar to the sentence under a spaCy model without vectors; its
own discussion of "a person with glasses" shows the wrong part being picked. Here a matcher over a table of concepts
(lexicon.py) decides whenever it can, and says with which words.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.util import filter_spans

from lelsd import lexicon, wording
from lelsd.lexicon import AFTER_NOUN, CONCEPTS, KINDS, MODIFIERS, NEGATORS, SCOPE_ENDS, check_prompt
from packs import cli
from segmentation.parts import PARTS
from segmentation.parts import part as check_part

if TYPE_CHECKING:
    from packs.pack import Pack

WEIGHT_BY_KIND = {"noun": 1.0, "attribute": 1.0, "absent": 1.0, "general": 0.5, "subject": 0.25}


@dataclass(frozen=True)
class Mention:
    """Words [start, end) (characters of the prompt) that mean a part. `opposite`: what an `absent` word denies."""
    start: int
    end: int
    kind: str
    parts: dict[str, float]
    negated: bool = False
    opposite: str = ""


@dataclass(frozen=True)
class Prompt:
    """A prompt and how it was understood. `parts` has weights in (0, 1], the largest 1 and that of `part`.

    `decided_by`: "lexicon", "vectors", "clip" or "default". `phrase`: the deciding words, as typed ("" by default).
    `negated`: the prompt asks for the thing to be gone. `unknown_words`: words the pack's CLIP has never seen.
    """
    text: str
    part: str
    parts: dict[str, float]
    phrase: str = ""
    negated: bool = False
    decided_by: str = "default"
    unknown_words: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = field(default=(), repr=False)

    def target_text(self, neutral: str = "a person") -> str:
        """What the edited picture should be called, as a sentence about somebody."""
        return wording.target_text(self, neutral)

    def source_text(self, neutral: str = "a person") -> str:
        """What the picture is called before the edit."""
        return wording.source_text(self, neutral)

    def with_parts(self, parts: "dict[str, float] | str") -> "Prompt":
        """The same prompt about other parts: weights by part, or names separated by commas, each with weight 1.

        Raises ValueError for an unknown part or a weight outside (0, 1].
        """
        weights = {name.strip().lower(): 1.0 for name in parts.split(",")} if isinstance(parts, str) else dict(parts)
        for name, weight in weights.items():
            check_part(name)
            if not 0 < weight <= 1:
                raise ValueError(f"weight {weight!r} of part {name!r} is out of range; accepted: above 0, up to 1")
        if not weights:
            raise ValueError(f"no part is named; accepted: {', '.join(PARTS)}")
        return self if weights == self.parts else replace(self, part=max(weights, key=weights.__getitem__), parts=weights, decided_by="user")

    def to_dict(self) -> dict:
        """The fields of contracts.md, JSON-able."""
        return {"prompt": self.text, "part": self.part, "parts": dict(self.parts), "phrase": self.phrase, "negated": self.negated,
                "decided_by": self.decided_by, "unknown_words": list(self.unknown_words)}


def parse_prompt(text: str, pack: "Pack | None" = None) -> Prompt:
    """Understand `text` (1 to 300 characters). `pack` adds its text encoder as a fallback, and the words it does not know.

    Raises ValueError for an empty or too long prompt.
    """
    text = check_prompt(text)
    unknown = tuple(pack.unknown_words(text)) if pack is not None else ()
    mentions = find_mentions(text)
    if mentions:
        return _from_mentions(text, mentions, unknown)
    from lelsd import similarity  # only now: needs torch when there is a pack
    decided_by, part, phrase = similarity.by_vectors(text) or similarity.by_clip(text, pack) or ("default", "face", "")
    negated = bool(set(word.lower_ for word in _pipeline()[0](text)) & (NEGATORS - {"take"}))
    return Prompt(text, part, {part: 1.0}, phrase, negated, decided_by, unknown)


def find_mentions(text: str) -> list[Mention]:
    """All mentions in reading order: longest match wins, adjectives belong to the noun after them, negation is marked."""
    nlp, matcher, table = _pipeline()
    doc = nlp(text.replace("’", "'"))
    spans = filter_spans(matcher(doc, as_spans=True))
    if all(table[span.label_][0] == "subject" for span in spans):
        spans = filter_spans(spans + _misspelt(doc))
    found = [(span.start, span.end, *table[span.label_]) for span in spans]
    found = _merge_noun_phrases(doc, found)
    return [Mention(doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), kind, dict(concept.parts),
                    _is_negated(doc, start) != (kind == "absent"), dict(concept.absent).get(doc[start:end].text.lower(), ""))
            for start, end, kind, concept in found if kind != "look_alike"]


@lru_cache(maxsize=1)
def _pipeline() -> tuple[spacy.Language, PhraseMatcher, dict[str, tuple[str, lexicon.Concept]]]:
    """(blank English pipeline, matcher over the lexicon, label -> (kind, concept))."""
    nlp = spacy.blank("en")
    matcher, table = PhraseMatcher(nlp.vocab, attr="LOWER"), {}
    for number, concept in enumerate(CONCEPTS):
        for kind in (*KINDS, "absent"):
            phrases = [phrase for phrase, _ in concept.absent] if kind == "absent" else concept.words(kind)
            label = f"{number}-{kind}"
            table[label] = (kind, concept)
            forms = sorted({form for phrase in phrases for form in _forms(phrase, kind)})
            if forms:
                matcher.add(label, [nlp.make_doc(form) for form in forms])
    return nlp, matcher, table


def _forms(phrase: str, kind: str) -> list[str]:
    """A phrase and its inflections; a hyphen may be left out."""
    forms = [phrase, phrase.replace("-", " ")]
    if kind == "noun" and not phrase.endswith("s"):
        forms += [form + ("es" if form.endswith(("x", "ch", "sh")) else "s") for form in forms]
    return forms


def _misspelt(doc: Doc) -> list:
    """Spans of single words that are one or two letters away from a word of the lexicon ("moustashe", "eyeglases")."""
    nlp, matcher, _ = _pipeline()
    known = _single_words()
    spans = []
    for token in doc:
        word = token.lower_
        near = [w for w in get_close_matches(word, known, n=3, cutoff=0.84) if w[0] == word[0]] if len(word) > 5 else []
        if near:
            match = matcher(nlp.make_doc(near[0]))[0]
            spans.append(doc.char_span(token.idx, token.idx + len(token), label=match[0]))
    return spans


@lru_cache(maxsize=1)
def _single_words() -> list[str]:
    return sorted({form for concept in CONCEPTS for kind in ("noun", "attribute") for phrase in concept.words(kind)
                   for form in _forms(phrase, kind) if form.isalpha()})


def _merge_noun_phrases(doc: Doc, found: list[tuple]) -> list[tuple]:
    """Let each noun take in what stands directly before it: adjectives, adjectives with a part, and other nouns."""
    merged: list[tuple] = []
    for start, end, kind, concept in found:
        if kind == "noun":
            start, merged = _extend_left(doc, start, merged)
            while end < len(doc) and doc[end].lower_ in AFTER_NOUN:
                end += 1
        merged.append((start, end, kind, concept))
    return merged


def _extend_left(doc: Doc, start: int, merged: list[tuple]) -> tuple[int, list[tuple]]:
    """Walk left over modifiers and over mentions that the noun at `start` takes in."""
    while start > 0:
        if merged and merged[-1][1] == start and merged[-1][2] in ("noun", "attribute", "general"):
            start, merged = merged[-1][0], merged[:-1]
        elif doc[start - 1].lower_ in MODIFIERS and not (merged and merged[-1][1] > start - 1):
            start -= 1
        elif doc[start - 1].text in (",", "-", "and") and start > 1 and _is_adjective(doc, start - 2, merged):
            start -= 1
        else:
            break
    return start, merged


def _is_adjective(doc: Doc, index: int, merged: list[tuple]) -> bool:
    """Whether token `index` is an adjective that can share a noun: "long and curly hair", but not "a smiling, bearded man"."""
    if merged and merged[-1][0] <= index < merged[-1][1]:
        return merged[-1][2] == "attribute" and merged[-1][1] - merged[-1][0] == 1 and doc[index].lower_ in MODIFIERS | {"curly", "wavy", "frizzy"}
    return doc[index].lower_ in MODIFIERS


def _is_negated(doc: Doc, start: int) -> bool:
    """Whether a negator reaches the mention that begins at token `start`."""
    joined = False
    for index in range(start - 1, -1, -1):
        word = doc[index].lower_
        if word in NEGATORS:
            return not joined or word == "without"
        if word in SCOPE_ENDS and not (word in ("wearing", "having", "has") and index and doc[index - 1].lower_ in NEGATORS):
            return False
        joined = joined or word in ("and", ",")
    return False


def _from_mentions(text: str, mentions: list[Mention], unknown: tuple[str, ...]) -> Prompt:
    weights: dict[str, float] = {}
    specific = any(mention.kind != "subject" for mention in mentions)
    for mention in mentions:
        if specific and mention.kind == "subject":
            continue
        for part, weight in mention.parts.items():
            weights[part] = max(weights.get(part, 0.0), weight * WEIGHT_BY_KIND[mention.kind])
    chosen = max(mentions, key=lambda m: WEIGHT_BY_KIND[m.kind])  # the first of the weightiest
    part, largest = next(iter(chosen.parts)), max(weights.values())
    parts = {name: round(weight / largest, 3) for name, weight in sorted(weights.items(), key=lambda item: -item[1])}
    return Prompt(text, part, {part: parts.pop(part), **parts}, text[chosen.start:chosen.end], chosen.negated, "lexicon", unknown,
                  tuple(mentions))


def main(argv: Sequence[str]) -> dict | None:
    """One JSON line a prompt on standard output."""
    parser = cli.ArgumentParser(description="Say which part of the face a prompt means, and why.")
    parser.add_argument("text", nargs="?", help="the prompt, up to 300 characters")
    parser.add_argument("--file", type=Path, help="a file with a prompt a line instead")
    parser.add_argument("--pack", help="a pack whose text encoder helps with words outside the lexicon")
    options = parser.parse_args(argv)
    if (options.text is None) == (options.file is None):
        raise ValueError("give either a prompt or --file with a prompt a line")
    pack = None
    if options.pack:
        from packs.pack import load_pack
        pack = load_pack(options.pack)
    if options.file is None:
        return parse_prompt(options.text, pack).to_dict()
    lines = [line for line in options.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    for prompt in [parse_prompt(line, pack) for line in lines]:
        print(json.dumps(prompt.to_dict()))
    return None


if __name__ == "__main__":
    cli.run(main)
