"""Which part of the face does a prompt mean? Lexicon, then word vectors, then the pack's text encoder, then "face".

eCLIPsed (section 3) picks the part whose name is most similar to the sentence under a spaCy model without vectors; its
own discussion of "a person with glasses" shows the wrong part being picked. Here a matcher over a table of concepts
(lexicon.py) decides whenever it can, and says with which words.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from lelsd import wording
from lelsd.lexicon import check_prompt
from lelsd.matching import Mention, asks_for_absence, find_mentions
from packs import cli
from segmentation.parts import PARTS
from segmentation.parts import part as check_part
from segmentation.places import PLACES

if TYPE_CHECKING:
    from packs.pack import Pack

WEIGHT_BY_KIND = {"noun": 1.0, "attribute": 1.0, "absent": 1.0, "general": 0.5, "whole": 0.25, "subject": 0.25}

FILLERS = ("whole", "subject")
SURE_WEIGHT = 0.5


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
    def explanation(self) -> str:
        """One line that says why these parts."""
        return wording.explanation(self)

    @property
    def counted(self) -> tuple[Mention, ...]:
        """The mentions that decide: all but those that name only the face or the person, if there are others."""
        return tuple(mention for mention in self.mentions if mention.kind not in FILLERS) or self.mentions

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
                "decided_by": self.decided_by, "unknown_words": list(self.unknown_words), "region": self.region, "explanation": self.explanation}


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
    return Prompt(text, part, {part: 1.0}, phrase, asks_for_absence(text), decided_by, unknown)


def _from_mentions(text: str, mentions: list[Mention], unknown: tuple[str, ...]) -> Prompt:
    weights: dict[str, float] = {}
    specific = [mention for mention in mentions if mention.kind not in FILLERS]
    for mention in specific or mentions:
        for part, weight in mention.parts.items():
            weights[part] = max(weights.get(part, 0.0), weight * WEIGHT_BY_KIND[mention.kind])
    chosen = max(mentions, key=lambda m: WEIGHT_BY_KIND[m.kind] * max(m.parts.values()))  # the first of the weightiest
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
