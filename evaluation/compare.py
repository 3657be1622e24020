"""Compares editors at equal effect on the same samples: tables, and a picture a prompt.

    python -m evaluation.compare --editors ours,eclipsed,stylemc --suite evaluation/suites/portraits.jsonl --out runs/compared
    python -m evaluation.compare --editors ours,secgan,maskgan --weights maskgan=runs/maskgan --out runs/compared

The first editor is the one that the others are compared with pair by pair. Everything is kept in the folder as soon as it
is there: a comparison that was stopped goes on with the same command, and more editors or prompts can be added to one.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from evaluation.directions import EDITORS, TRAINED, add_bench_options, add_weights, open_bench, settings_of
from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from baselines.editors import Settings
    from evaluation.comparison import Comparison
    from evaluation.directions import Bench
    from evaluation.distance import Distance
    from packs.pack import Pack


def main(argv: Sequence[str]) -> dict:
    """Measure what is missing, write OUT/report.json, OUT/report.md and OUT/pictures."""
    options = _parser().parse_args(argv)
    from evaluation.suite import read_suite

    names = None if options.editors is None else editor_names(options.editors)
    comparison = open_comparison(options, names, read_suite(options.suite))
    for number, asked in enumerate(comparison.asked, 1):
        for name in comparison.names:
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


def open_comparison(options: "Namespace", names: list[str] | None, requests: list) -> "Comparison":
    """Claim the folder and look at the samples. names: None for all that are here. Raises ValueError before anything is measured."""
    from baselines.editors import applicable, make_editor, weights_hashes
    from evaluation.comparison import Comparison, claim

    settings, bench = settings_of(options, options.out / "runs"), open_bench(options, requests)
    names = chosen_editors(names, bench.pack, settings)
    claim(options.out, "comparison.json", {"pack": bench.pack.name, "pack_hash": bench.pack.hash, "samples": options.samples, "seed": options.seed,
                                           "steps": options.steps, "pictures": options.pictures,
                                           "directions": None if options.directions is None else str(options.directions)})
    for name in names:
        if name in TRAINED:
            claim(options.out / "cells" / name, "weights.json", weights_hashes(name, bench.pack, settings.weights))
    makers = {name: partial(make_editor, name, bench.pack, applicable(name, settings)) for name in names}
    return Comparison(options.out, bench.judge, bench.asked, makers, cache(partial(open_distance, bench)))


def chosen_editors(names: list[str] | None, pack: "Pack", settings: "Settings") -> list[str]:
    """Those that take part. Raises ValueError for one that is not here, or weights of one that does not take part."""
    from baselines.editors import check_present, present

    here = present(pack, settings.weights)
    if names is None and (missing := [name for name in EDITORS if name not in here]):
        cli.say(f"not in pack {pack.name!r}, so left out: {', '.join(missing)}")
    names = here if names is None else names
    for name in names:
        check_present(name, pack, settings.weights)
    used = {*names, *(["maskgan"] if "semantic-vae" in names else [])}
    if idle := [name for name in settings.weights if name not in used]:
        raise ValueError(f"--weights {idle[0]}=... means nothing without that editor; accepted for {', '.join(names)}")
    return names


def open_distance(bench: "Bench") -> "Distance":
    """What FID is measured with: the best features that are here, on the bench's samples."""
    from evaluation.distance import Distance
    from evaluation.features import choose_looks

    return Distance(bench.judge.samples, choose_looks(bench.pack, bench.judge.encode_image).fid)


def write_report(comparison: "Comparison", options: "Namespace") -> dict:
    """The tables and pictures of a comparison whose lines are all there."""
    from evaluation import pictures, tables
    from evaluation.comparison import read_json, write_json
    from evaluation.line import rounded
    from lelsd.collection import slug
    from packs.files import write_atomically
    from stylegan2.images import save_png

    fid = None if comparison.distance is None else comparison.distance().described
    measure = None if fid is None else comparison.fid
    found = {"editors": tables.editor_rows(comparison, measure), "pairs": tables.pair_rows(comparison, measure),
             "prompts": tables.prompt_rows(comparison)}
    report = rounded({**read_json(options.out / "comparison.json"), "fid": fid, **found})
    write_json(options.out / "report.json", report)
    write_atomically(options.out / "report.md", tables.markdown(*found.values(), fid).encode())
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
    if line["best_rate"] is None:
        return "cannot be matched"
    return f"target rate at most {line['best_rate']:.2f}{', and its strength ends there' if 'strongest' in line else ''}"


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Compare editors at equal effect on the same held-out samples.")
    add_bench_options(parser)
    parser.add_argument("--editors", metavar="NAMES", help=f"separated by commas, of {','.join(EDITORS)} (all that are here)")
    parser.add_argument("--pictures", type=cli.positive_int, metavar="N", help="pictures that styleclip-global (100) and stylemc (128) look at")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="folder with directions of ours, found by prompt; those missing are trained")
    add_weights(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, or to go on in")
    return parser


if __name__ == "__main__":
    cli.run(main)
