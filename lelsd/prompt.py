"""Which part of the face does a prompt mean? Lexicon, then word vectors, then the pack's text encoder, then "face".

eCLIPsed (section 3) picks the part whose name is most similar to the sentence under a spaCy model without vectors; its
own discussion of "a person with glasses" shows the wrong part being picked. Here a matcher over a table of concepts
(lexicon.py) decides whenever it can, and says with which words.
"""
from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from lelsd import kept, plain_words, wording
from lelsd.colour_words import COLOURS, OF_ANY_COLOUR, WORN, said_by_colour
from lelsd.lexicon import JOINING, check_prompt
from lelsd.matching import FILLERS, Mention, asks_for_absence, find_mentions
from lelsd.spoken import plainly
from packs import cli
from segmentation.parts import PARTS
from segmentation.parts import part as check_part
from segmentation.places import PLACES

if TYPE_CHECKING:
    from packs.pack import Pack

WEIGHT_BY_KIND = {"noun": 1.0, "attribute": 1.0, "absent": 1.0, "general": 0.5, "whole": 0.25, "subject": 0.25}

SURE_WEIGHT = 0.5


@dataclass(frozen=True)
class Prompt:
    """A prompt and how it was understood. `parts` has weights in (0, 1], the largest 1 and that of `part`.

    `decided_by`: "lexicon", "vectors", "clip" or "default". `phrase`: the deciding words, as typed ("" by default).
    `negated`: the prompt asks for the thing to be gone. `unknown_words`: words the pack's CLIP has never seen, but for those in
    `read_as`, for which it is told plainer ones: {"joyful": "happy"}.
    """
    text: str
    part: str
    parts: dict[str, float]
    phrase: str = ""
    negated: bool = False
    decided_by: str = "default"
    unknown_words: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = field(default=(), repr=False)
    read_as: dict[str, str] = field(default_factory=dict)

    @property
    def sure_parts(self) -> tuple[str, ...]:
        """The parts that the prompt means at least half as much as `part`."""
        return tuple(name for name, weight in self.parts.items() if weight >= SURE_WEIGHT)

    @property
    def main_parts(self) -> tuple[str, ...]:
        """The parts that the prompt means as much as `part`."""
        return tuple(name for name, weight in self.parts.items() if weight == 1.0)

    @property
    def region(self) -> dict[str, float]:
        """Worn things that are asked for, by weight: where they will be counts too, in pictures that do not show them yet."""
        gone = {name for mention in self.mentions if mention.negated for name in mention.parts} if self.mentions else set(self.parts if self.negated else ())
        return {name: weight for name, weight in self.parts.items() if name in PLACES and name not in gone}

    @property
    def areas(self) -> dict[str, tuple[str, ...]]:
        """Where in a part the prompt means it, by part: those parts of which all that is said is said of an area."""
        if self.decided_by == "user":
            return {}
        found = {name: {mention.area for mention in self.counted if name in mention.parts} for name in self.parts}
        return {name: tuple(sorted(areas)) for name, areas in found.items() if areas and "" not in areas}

    @property
    def explanation(self) -> str:
        """One line that says why these parts."""
        return " ".join(filter(None, (wording.explanation(self), kept.told(self.text))))

    @property
    def counted(self) -> tuple[Mention, ...]:
        """The mentions that decide: all but those that name only the face or the person, if there are others."""
        return tuple(mention for mention in self.mentions if mention.kind not in FILLERS) or self.mentions

    @property
    def reading(self) -> str:
        """One line that says which words the pack's CLIP is told others for; "" where it is none."""
        return wording.reading(self.read_as)

    @property
    def plain(self) -> "Prompt":
        """The same prompt as if it had been typed in the words that the pack's CLIP knows, without what only asks, and what it says shall stay."""
        text = plain_words.put(_asked(self.text), self.read_as)
        return self if text == self.text else replace(self, text=text, mentions=tuple(find_mentions(text)), read_as={})

    def target_text(self, neutral: str = "a person") -> str:
        """What the edited picture should be called, as a sentence about somebody, in words that the pack's CLIP knows."""
        return wording.target_text(self.plain, neutral)

    def source_text(self, neutral: str = "a person") -> str:
        """What the picture is called before the edit."""
        return wording.source_text(self.plain, neutral)

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
                "decided_by": self.decided_by, "unknown_words": list(self.unknown_words), "read_as": dict(self.read_as), "region": self.region,
                "areas": self.areas, "explanation": self.explanation}


def parse_prompt(text: str, pack: "Pack | None" = None) -> Prompt:
    """Understand `text` (1 to 300 characters). `pack` adds its text encoder as a fallback, the words it does not know, and plainer ones for them.

    Raises ValueError for an empty or too long prompt.
    """
    text = check_prompt(text)
    asked = _asked(text)
    mentions = _asked_for(text, asked, find_mentions(text))
    if pack is None:
        return _understood(text, mentions, None, text)
    reading = {typed: meant for typed, meant in plain_words.read_as(asked, pack, _respelt(text, mentions)).items() if not _is_its_colour(typed, text, mentions)}
    plain = plain_words.put(asked, reading)
    prompt = _from_plain(text, reading, plain) if reading and not _specific(mentions) else None
    prompt = replace(prompt or _understood(text, mentions, pack, plain), read_as=reading)
    said, told = said_by_colour(prompt), prompt.target_text(pack.neutral_text)  # what CLIP is told: of an order, no verb
    return replace(prompt, unknown_words=tuple(word for word in pack.unknown_words(told) if word not in said | JOINING),
                   read_as={typed: meant for typed, meant in reading.items() if not set(typed.split()) <= said})


def _asked(text: str) -> str:
    """What a text asks for, and nothing else."""
    return plainly(kept.without_kept(text))


def _understood(text: str, mentions: list[Mention], pack: "Pack | None", plain: str) -> Prompt:
    """By what was typed; where that says nothing, by `plain`, the same in words that the pack's CLIP knows."""
    if mentions:
        return _from_mentions(text, mentions)
    from lelsd import similarity  # only now: needs torch when there is a pack
    decided_by, part, phrase = similarity.by_vectors(text) or similarity.by_clip(plain, pack) or ("default", "face", "")
    return Prompt(text, part, {part: 1.0}, text if decided_by == "clip" else phrase, asks_for_absence(kept.without_kept(text)), decided_by)


def _from_plain(text: str, reading: dict[str, str], plain: str) -> Prompt | None:
    """By the plainer words, where what was typed names no part: the lexicon has "happy", and may not have "jubilant"."""
    mentions = find_mentions(plain)
    if not _specific(mentions):
        return None
    found = _from_mentions(plain, mentions)
    phrase = next((typed for typed, meant in reading.items() if meant in found.phrase.lower()), "")
    return replace(found, text=text, phrase=phrase, mentions=())


def _asked_for(text: str, asked: str, mentions: list[Mention]) -> list[Mention]:
    """Of the mentions of a request those that it asks for, denied as it denies them: of "i hate the hat" the hat, to go, and no mood. In
    the order of what is asked for."""
    if asked == text:
        return mentions
    typed = [(mention, _words(text, mention)) for mention in mentions]
    found = [replace(mention, negated=meant.negated) for meant in find_mentions(asked)
             for mention in [next((mention for mention, words in typed if mention.parts == meant.parts and words & _words(asked, meant)), None)] if mention]
    return found or mentions


def _words(text: str, mention: Mention) -> set[str]:
    return set(text[mention.start:mention.end].lower().split())


def _respelt(text: str, mentions: list[Mention]) -> dict[str, str]:
    """{misspelt word: the word that the lexicon took it for}, both in lower case."""
    return {typed: meant for mention in mentions if mention.read_as
            for typed, meant in zip(text[mention.start:mention.end].lower().split(), mention.read_as.split()) if typed != meant}


def _is_its_colour(typed: str, text: str, mentions: list[Mention]) -> bool:
    """Whether it is a colour of what can have any, and means exactly that one: "a crimson hat" is not red."""
    return typed in COLOURS and any(re.search(rf"\b{typed}\b[^,.;]*$", text[:mention.end], re.IGNORECASE) and mention.kind == "noun"
                                    and mention.part in (*OF_ANY_COLOUR, *WORN) for mention in mentions)


def _specific(mentions: list[Mention]) -> list[Mention]:
    """Those that name more than the face or the person."""
    return [mention for mention in mentions if mention.kind not in FILLERS]


def _from_mentions(text: str, mentions: list[Mention]) -> Prompt:
    weights: dict[str, float] = {}
    for mention in _specific(mentions) or mentions:
        for part, weight in mention.parts.items():
            weights[part] = max(weights.get(part, 0.0), weight * WEIGHT_BY_KIND[mention.kind])
    chosen = max(mentions, key=lambda m: WEIGHT_BY_KIND[m.kind] * max(m.parts.values()))  # the first of the weightiest
    part, largest = next(iter(chosen.parts)), max(weights.values())
    parts = {name: round(weight / largest, 3) for name, weight in sorted(weights.items(), key=lambda item: -item[1])}
    return Prompt(text, part, {part: parts.pop(part), **parts}, text[chosen.start:chosen.end], chosen.negated, "lexicon", mentions=tuple(mentions))


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
    for prompt in [parse_prompt(line, pack) for line in read_prompts(options.file)]:
        print(json.dumps(prompt.to_dict()))
    return None


def read_prompts(path: Path) -> list[str]:
    """The lines of a text file that are not blank. Raises ValueError for a file without any, or that is no text."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file; accepted for --file: a prompt a line, in UTF-8") from None
    if not lines:
        raise ValueError(f"{path} is empty; accepted for --file: at least one prompt, a prompt a line")
    return lines


if __name__ == "__main__":
    cli.run(main)
