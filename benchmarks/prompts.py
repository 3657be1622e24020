"""How long understanding a prompt takes: `python -m benchmarks.prompts --json`.

Each prompt of a set is timed in turn with the least that any answer needs, splitting it into words with spaCy: the reference.
"""

from __future__ import annotations

import statistics
import time
from typing import Callable, Sequence

import torch

from benchmarks.measure import in_turn, machine
from evaluation.prompts import SETS, read_lines, suite_path
from packs import cli

CPU = torch.device("cpu")


def measure(prompts: Sequence[str], repeats: int) -> dict:
    """Seconds a prompt: the median over prompts of each one's median, and the longest of these."""
    from lelsd.matching import vocabulary
    from lelsd.prompt import parse_prompt

    split = vocabulary().nlp.make_doc
    times = [in_turn([lambda: parse_prompt(prompt), lambda: split(prompt)], repeats, CPU) for prompt in prompts]
    ours, reference = ([pair[index] for pair in times] for index in (0, 1))
    return {"prompts": len(prompts), "median_s": statistics.median(ours), "longest_s": max(ours), "reference_s": statistics.median(reference),
            "ratio": statistics.median(ours) / statistics.median(reference)}


def loading() -> dict:
    """Seconds until the first answer (once a process), and until the first one that needs the English dictionary."""
    return {"first_s": _seconds(lambda: _parse("curly hair")), "first_misspelt_s": _seconds(lambda: _parse("curly hiar"))}


def _parse(text: str) -> None:
    from lelsd.prompt import parse_prompt

    parse_prompt(text)


def _seconds(function: Callable[[], None]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def main(argv: Sequence[str]) -> dict:
    """The benchmark line of contracts.md."""
    parser = cli.ArgumentParser(description="Time how long understanding a prompt takes.")
    parser.add_argument("--set", choices=SETS, default="development", help="which of the sets in evaluation/suites (development)")
    parser.add_argument("--repeats", type=cli.positive_int, default=7, help="rounds of each prompt (7)")
    parser.add_argument("--json", action="store_true", help="the line only, without the summary on standard error")
    options = parser.parse_args(argv)
    loaded = loading()
    result = measure([line.prompt for line in read_lines(suite_path(options.set))], options.repeats)
    if not options.json:
        cli.say(f"{1e3 * result['median_s']:.3f} ms a prompt, {1e3 * result['longest_s']:.3f} ms the longest, {result['ratio']:.1f} times splitting it into words; "
                f"first answer after {loaded['first_s']:.1f} s")
    return {"benchmark": "prompts", "machine": machine(), "results": [{"set": options.set, "repeats": options.repeats, **loaded, **result}]}


if __name__ == "__main__":
    cli.run(main)
