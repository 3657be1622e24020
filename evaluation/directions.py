"""Measures an editor: lets it learn each line of a suite, and looks at what it does to held-out samples.

    python -m evaluation.directions --pack portraits --suite evaluation/suites/portraits.jsonl --out report.json
    python -m evaluation.directions --editor stylemc --out stylemc.json

Each line is measured at `--alpha` (1, the strength that the editor itself calls typical), and again, under "matched", at
the smallest strength found to reach a target rate of 0.9: so that editors can be compared at equal effect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Sequence

from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from baselines.editors import Settings
    from evaluation.editor import Request
    from evaluation.line import Asked
    from evaluation.measure import Judge
    from packs.pack import Pack

TRAINED = ("secgan", "secgan-baseline", "maskgan", "maae", "semantic-vae")  # beforehand; asked by attribute
EDITORS = ("ours", "eclipsed", "styleclip-global", "styleclip-optimisation", "stylemc", "truth", *TRAINED)  # told without loading them
MAX_SAMPLES = 10_000
MAX_ALPHA = 10.0


@dataclass(frozen=True)
class Bench:
    """What editors are measured on: a pack, its judge with the held-out samples, and what is asked for."""

    pack: "Pack"
    judge: "Judge"
    asked: "list[Asked]"


def open_bench(options: "Namespace", requests: "list[Request]") -> Bench:
    """Load the pack and look at the samples. Raises ValueError before anything is trained if a line or a setting is wrong.

    options: `pack`, `device`, `samples`.
    """
    from baselines.editors import Settings, train_config
    from evaluation.line import Asked, held_out_samples
    from evaluation.measure import Judge
    from lelsd.clip_guide import ClipGuide
    from lelsd.prompt import parse_prompt
    from packs.pack import load_pack

    pack = load_pack(options.pack, options.device)
    guide, asked = ClipGuide(pack), []
    for request in requests:
        prompt = parse_prompt(request.prompt, pack)
        guide.text_move(prompt)  # raises for one that this CLIP cannot tell from the neutral text
        asked.append(Asked(request, prompt.part, guide.encode_wordings(prompt.target_text(pack.neutral_text)), prompt.main_parts))
    if pack.classifier is None:
        cli.say(f"pack {pack.name!r} has no attribute classifier: only localization and clip_gain can be measured")
    truncation = train_config(pack, Settings(Path())).truncation
    return Bench(pack, Judge(pack, held_out_samples(pack, options.samples, truncation), guide.encode_image), asked)


def make_report(pack: "Pack", editor: str, lines: list[dict]) -> dict:
    """The file of contracts.md; means leave out what could not be measured."""
    from evaluation.line import rounded
    from evaluation.measure import NAMES, means

    matched = [line["matched"] for line in lines if line["matched"]]
    mean = {**means(lines, (*NAMES, "alpha", "seconds")), "matched": {**means(matched, (*NAMES, "alpha")), "reached": len(matched) / len(lines)}}
    return rounded({"pack": pack.name, "editor": editor, "pack_hash": pack.hash, "prompts": lines, "mean": mean})


def summary(line: dict, number: int, total: int) -> str:
    """A line of progress."""
    values = "  ".join(f"{name} {line[name]:.3f}" for name in ("target_rate", "side_effect_rate", "localization", "identity", "clip_gain")
                       if line[name] is not None)
    reached = f"  matched at {line['matched']['alpha']:g}" if line["matched"] else ""
    return f"{number}/{total} {line['prompt']}: {values or line.get('refused', '')}{reached}"


def alpha(text: str) -> float:
    """`--alpha`. Raises ValueError."""
    value = cli.number(text)
    if not 0 < abs(value) <= MAX_ALPHA:
        raise ValueError(f"alpha {text!r} is out of range; accepted: -{MAX_ALPHA:g} to {MAX_ALPHA:g} but not 0, which edits nothing")
    return value


def sample_count(text: str) -> int:
    """`--samples`. Raises ValueError."""
    value = cli.positive_int(text)
    if not 2 <= value <= MAX_SAMPLES:
        raise ValueError(f"{value} samples are out of range; accepted: 2 to {MAX_SAMPLES}")
    return value


def main(argv: Sequence[str]) -> dict:
    """Learn or load, measure, write the report; returns it."""
    options = _parser().parse_args(argv)
    from evaluation.suite import read_suite
    from lelsd.run_folder import check_report

    check_report(options.out)
    requests = read_suite(options.suite)
    with TemporaryDirectory() as temporary:
        report = evaluate(options, requests, settings_of(options, options.runs or Path(temporary)))
    from packs.files import write_atomically

    write_atomically(options.out, (json.dumps(report, indent=2) + "\n").encode())
    return {**report, "out": options.out}


def settings_of(options: "Namespace", runs: Path) -> "Settings":
    """What the command line says about editors. options: `steps`, `pictures`, `seed` and perhaps `directions` and `weights`.

    Raises ValueError for an editor whose weights are named twice.
    """
    from baselines.editors import Settings

    weights = getattr(options, "weights", None) or []
    names = [name for name, _ in weights]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"--weights {twice}=... is there twice; accepted: once an editor")
    return Settings(runs, options.steps, options.pictures, options.seed, getattr(options, "directions", None), dict(weights))


def named_weights(text: str) -> "tuple[str, Path]":
    """`--weights NAME=PATH`. Raises ValueError for another name, or a path that leads nowhere."""
    name, equals, path = text.partition("=")
    if not equals or name not in TRAINED:
        raise ValueError(f"weights are {text[:80]!r}; accepted: NAME=PATH, NAME one of {', '.join(TRAINED)}")
    if not Path(path).exists():
        raise ValueError(f"there is no {path[:200]!r} for {name}; accepted: the folder of a training, or its file")
    return name, Path(path)


def add_weights(parser: cli.ArgumentParser) -> None:
    """`--weights`, which may come again."""
    parser.add_argument("--weights", type=named_weights, action="append", metavar="NAME=PATH",
                        help=f"read {', '.join(TRAINED)} from the folder of a training instead of the pack; may come again")


def evaluate(options: "Namespace", requests: "list[Request]", settings: "Settings") -> dict:
    """The report of all lines. Raises ValueError before anything is trained if a line or a setting is wrong."""
    from baselines.editors import make_editor
    from evaluation.line import measure_line

    bench = open_bench(options, [replace(request, alpha=options.alpha) for request in requests])
    editor = make_editor(options.editor, bench.pack, settings)
    options.out.parent.mkdir(parents=True, exist_ok=True)  # now rather than after an hour of training
    lines = []
    for asked in bench.asked:
        lines.append(measure_line(bench.judge, editor, asked))
        cli.say(summary(lines[-1], len(lines), len(requests)))
    return make_report(bench.pack, editor.name, lines)


def add_bench_options(parser: cli.ArgumentParser, suite: str = "portraits", seed: bool = True) -> None:
    """The options that say what editors are measured on, and how they learn. seed: whether there is one for all."""
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--suite", type=Path, default=Path(__file__).parent / "suites" / f"{suite}.jsonl",
                        help=f"JSON lines of prompt, attribute and value ({suite}.jsonl in evaluation/suites)")
    parser.add_argument("--steps", type=cli.positive_int, help="training steps a prompt (the pack's default; with other editors the published one)")
    parser.add_argument("--samples", type=sample_count, default=64, metavar="N", help="held-out samples (64)")
    if seed:
        parser.add_seed(0)
    parser.add_device()


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Measure an editor on held-out samples: what was asked for, what else changed, and where.")
    add_bench_options(parser)
    parser.add_argument("--editor", choices=EDITORS, default="ours", help="whose edits to measure (ours)")
    parser.add_argument("--pictures", type=cli.positive_int, metavar="N", help="pictures that styleclip-global (100) and stylemc (128) look at")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="folder with directions, found by prompt; those missing are trained")
    add_weights(parser)
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep what is learned here, and go on with what was begun (it is thrown away)")
    parser.add_argument("--alpha", type=alpha, default=1.0, help="strength to measure at (1)")
    parser.add_argument("--out", type=Path, required=True, help="the report to write, JSON")
    return parser


if __name__ == "__main__":
    cli.run(main)
