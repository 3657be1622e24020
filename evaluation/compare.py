"""Compares editors at equal effect on the same samples: tables, and a picture a prompt.

    python -m evaluation.compare --editors ours,eclipsed,stylemc --suite evaluation/suites/portraits.jsonl --out runs/compared

The first editor is the one that the others are compared with pair by pair. Everything is kept in the folder as soon as it
is there: a comparison that was stopped goes on with the same command, and more editors or prompts can be added to one.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from evaluation.directions import EDITORS, add_bench_options, open_bench, settings_of
from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from evaluation.comparison import Comparison


def main(argv: Sequence[str]) -> dict:
    """Measure what is missing, write OUT/report.json, OUT/report.md and OUT/pictures."""
    options = _parser().parse_args(argv)
    from evaluation.suite import read_suite

    names = editor_names(options.editors)
    comparison = open_comparison(options, names, read_suite(options.suite))
    for number, asked in enumerate(comparison.asked, 1):
        for name in names:
            line = comparison.line(name, asked)
            cli.say(f"{number}/{len(comparison.asked)} {name}: {asked.request.prompt}: {_told(line)}")
    return write_report(comparison, options)


def editor_names(text: str) -> list[str]:
    """`--editors`. Raises ValueError for an unknown one, one named twice, or none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in EDITORS] or [name for name in names if names.count(name) > 1]
    if wrong or not names:
        raise ValueError(f"editors are {text[:60]!r}, {wrong[0] if wrong else 'none'!r} is wrong; accepted: some of {','.join(EDITORS)}, each once")
    return names


def open_comparison(options: "Namespace", names: list[str], requests: list) -> "Comparison":
    """Claim the folder and look at the samples. Raises ValueError before anything is measured."""
    from baselines.editors import applicable, make_editor
    from evaluation.comparison import Comparison, claim

    bench = open_bench(options, requests)
    claim(options.out, "comparison.json", {"pack": bench.pack.name, "pack_hash": bench.pack.hash, "samples": options.samples, "seed": options.seed,
                                           "steps": options.steps, "pictures": options.pictures,
                                           "directions": None if options.directions is None else str(options.directions)})
    settings = settings_of(options, options.out / "runs")
    makers = {name: partial(make_editor, name, bench.pack, applicable(name, settings)) for name in names}
    return Comparison(options.out, bench.judge, bench.asked, makers)


def write_report(comparison: "Comparison", options: "Namespace") -> dict:
    """The tables and pictures of a comparison whose lines are all there."""
    from evaluation import pictures, tables
    from evaluation.comparison import read_json, write_json
    from evaluation.line import rounded
    from lelsd.collection import slug
    from packs.files import write_atomically
    from stylegan2.images import save_png

    found = {"editors": tables.editor_rows(comparison), "pairs": tables.pair_rows(comparison), "prompts": tables.prompt_rows(comparison)}
    report = rounded({**read_json(options.out / "comparison.json"), **found})
    write_json(options.out / "report.json", report)
    write_atomically(options.out / "report.md", tables.markdown(*found.values()).encode())
    folder = options.out / "pictures"
    folder.mkdir(exist_ok=True)
    for number, asked in enumerate(comparison.asked, 1):
        save_png(folder / f"{number:02d}-{slug(asked.request.prompt)}.png", pictures.draw(comparison, asked))
    return {"out": options.out, "editors": report["editors"], "pairs": report["pairs"]}


def _told(line: dict) -> str:
    if line.get("refused"):
        return line["refused"]
    if line["matched"]:
        return f"matched at {line['matched']['alpha']:g}, side effects {line['matched']['side_effect_rate']:.3f}"
    return "cannot be matched" if line["best_rate"] is None else f"target rate at most {line['best_rate']:.2f}"


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Compare editors at equal effect on the same held-out samples.")
    add_bench_options(parser)
    parser.add_argument("--editors", default=",".join(EDITORS), metavar="NAMES", help=f"separated by commas (all: {','.join(EDITORS)})")
    parser.add_argument("--pictures", type=cli.positive_int, metavar="N", help="pictures that styleclip-global (100) and stylemc (128) look at")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="folder with directions of ours, found by prompt; those missing are trained")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, or to go on in")
    return parser


if __name__ == "__main__":
    cli.run(main)
