"""How often a prompt is understood as the parts it means, on prompts that were written apart from the vocabulary.

    python -m evaluation.prompts --set development
    python -m evaluation.prompts --set sealed

A line of a suite is {"prompt": …, "accepted": ["skin (lips mouth)", "face"], "kind": …, "negated": …, "outside": …}: an
answer is right when its sure parts are those of one accepted entry, of which those in brackets may be missing, and when
`negated` and `outside` (no part is named, and the answer says so), where a line has them, are right too.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Sequence

from evaluation.suite import entries
from lelsd.prompt import Prompt, parse_prompt
from packs import cli
from segmentation.parts import part as check_part

SUITES = Path(__file__).parent / "suites"
SETS = ("development", "sealed", "found")
SHAPE = '{"prompt": "a person with curly hair", "accepted": ["hair"], "kind": "plain"}'


@dataclass(frozen=True)
class Accepted:
    """An answer that counts as right: parts that it must have, and parts that it may have."""

    needed: frozenset[str]
    allowed: frozenset[str]

    def admits(self, prompt: Prompt) -> bool:
        sure = set(prompt.sure_parts)
        return self.needed <= sure <= self.needed | self.allowed and prompt.part in self.needed


@dataclass(frozen=True)
class Line:
    """A prompt and what is right for it; `negated` and `outside` are None where either is."""

    prompt: str
    accepted: tuple[Accepted, ...]
    kind: str = "plain"
    negated: bool | None = None
    outside: bool | None = None

    @property
    def parts(self) -> frozenset[str]:
        """The parts that the line counts for: those that its first accepted answer needs."""
        return self.accepted[0].needed

    def is_right(self, prompt: Prompt) -> bool:
        return (any(accepted.admits(prompt) for accepted in self.accepted) and self.negated in (None, prompt.negated)
                and self.outside in (None, prompt.decided_by == "default"))


def suite_path(name: str) -> Path:
    """The file of one of `SETS`."""
    return SUITES / f"prompts_{name}.jsonl"


def read_lines(path: Path | str) -> list[Line]:
    """The lines of a suite. Raises ValueError, one sentence that names the line at fault."""
    lines = []
    for where, entry in entries(path, SHAPE):
        try:
            if not isinstance(entry["accepted"], list) or not entry["accepted"]:
                raise ValueError("nothing is accepted")
            accepted = tuple(_accepted(answer) for answer in entry["accepted"])
            lines.append(Line(entry["prompt"], accepted, entry.get("kind", "plain"), entry.get("negated"), entry.get("outside")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{where} is wrong ({error}); accepted: {SHAPE}") from None
    return lines


def _accepted(text: str) -> Accepted:
    """ "skin (lips mouth)": skin, and perhaps lips and mouth. Raises ValueError."""
    needed, _, allowed = text.partition("(")
    names = [frozenset(check_part(name).name for name in some.strip(" )").split()) for some in (needed, allowed)]
    if not names[0]:
        raise ValueError(f"{text!r} needs no part")
    return Accepted(*names)


def evaluate(lines: Sequence[Line]) -> dict:
    """How many are right, in all, by part and by kind, what was wrong, and the median time of a prompt."""
    parse_prompt("hiar")  # loads the vocabulary, and the dictionary that misspelt words are looked up in
    answers, seconds = [], []
    for line in lines:
        begun = time.perf_counter()
        answers.append(parse_prompt(line.prompt))
        seconds.append(time.perf_counter() - begun)
    right = [line.is_right(answer) for line, answer in zip(lines, answers)]
    wrong = [{"prompt": line.prompt, "kind": line.kind, "parts": answer.parts, "negated": answer.negated, "decided_by": answer.decided_by}
             for line, answer, good in zip(lines, answers, right) if not good]
    return {"prompts": len(lines), "right": sum(right), "share": round(sum(right) / len(lines), 4),
            "by_part": _shares((part, good) for line, good in zip(lines, right) for part in line.parts),
            "by_kind": _shares((line.kind, good) for line, good in zip(lines, right)),
            "median_ms": round(1e3 * statistics.median(seconds), 3), "longest_ms": round(1e3 * max(seconds), 3), "wrong": wrong}


def _shares(pairs: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """{name: "right of all"}, by name."""
    pairs = list(pairs)
    everyone, right = Counter(name for name, _ in pairs), Counter(name for name, good in pairs if good)
    return {name: f"{right[name]} of {everyone[name]}" for name in sorted(everyone)}


def main(argv: Sequence[str]) -> dict:
    """The report as one JSON line."""
    parser = cli.ArgumentParser(description="Say how often prompts are understood as the parts that they mean, by part.")
    parser.add_argument("--set", choices=SETS, default="development", help="which of the sets in evaluation/suites (development)")
    parser.add_argument("--suite", type=Path, help="JSON lines of prompt, accepted and kind instead")
    options = parser.parse_args(argv)
    return evaluate(read_lines(options.suite or suite_path(options.set)))


if __name__ == "__main__":
    cli.run(main)
