"""Measures directions: trains or loads one for each line of a suite, and looks at what it does to held-out samples.

    python -m evaluation.directions --pack portraits --suite evaluation/suites/portraits.jsonl --out report.json

Each line is measured at `--alpha` (1, the strength that calibration calls typical), and again, under "matched", at the
smallest of a few strengths that reaches a target rate of 0.9: so that editors can be compared at equal effect.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Sequence

from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from evaluation.editor import Request, Samples
    from evaluation.measure import Judge
    from lelsd.clip_guide import ClipGuide
    from lelsd.config import TrainConfig
    from lelsd.direction import Direction
    from lelsd.prompt import Prompt
    from packs.pack import Pack

HELD_OUT_SEEDS = 1_000_000  # the first one; training draws from another generator altogether, people try small numbers
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)  # tried in turn for "matched"
MATCHED_RATE = 0.9
MAX_SAMPLES = 10_000
MAX_ALPHA = 10.0


@dataclass(frozen=True)
class Learned:
    """A direction and where it came from: seconds is what it took to have it, source "trained", "resumed" or "loaded"."""

    direction: "Direction"
    seconds: float
    source: str


class Directions:
    """Directions by prompt: those in a folder, and those that are trained when they are asked for."""

    def __init__(self, pack: "Pack", config: "TrainConfig", folder: Path | None, runs: Path) -> None:
        self.pack, self.config, self.runs = pack, config, runs
        self.found: dict[str, Learned] = {} if folder is None else load_directions(folder, pack)

    def get(self, prompt: "Prompt") -> Learned:
        """The direction of a prompt; trained once, whatever the number of lines that ask for it."""
        if key(prompt.text) not in self.found:
            self.found[key(prompt.text)] = self._train(prompt)
        return self.found[key(prompt.text)]

    def _train(self, prompt: "Prompt") -> Learned:
        from lelsd.direction import load_direction
        from lelsd.train import train_direction

        folder = self.runs / run_name(prompt.text, self.config, self.pack)
        begun = (folder / "run.json").exists()
        started, progress = time.monotonic(), None
        for progress in train_direction(self.pack, prompt, self.config, folder, resume=begun):
            if progress.step % 25 == 0 and progress.state == "running":
                cli.say(f"{prompt.text}: step {progress.step}/{progress.steps}")
        return Learned(load_direction(progress.direction), time.monotonic() - started, "resumed" if begun else "trained")


def load_directions(folder: Path, pack: "Pack") -> dict[str, Learned]:
    """All directions in a folder and below it that fit the pack, by prompt; others are named on standard error.

    Raises ValueError if there is no such folder, or none in it fits.
    """
    from lelsd.direction import load_direction

    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; accepted for --directions: a folder with direction files")
    found: dict[str, Learned] = {}
    for path in sorted(path for path in folder.rglob("*.safetensors") if path.name != "checkpoint.safetensors"):
        started = time.monotonic()
        try:
            direction = load_direction(path)
            direction.check_pack(pack)
        except ValueError as error:
            cli.say(f"left out: {cli.describe(error)}")
            continue
        found[key(direction.prompt)] = Learned(direction, time.monotonic() - started, "loaded")
    if not found:
        raise ValueError(f"{folder} holds no direction for pack {pack.name!r}; accepted for --directions: a folder with direction files of this pack")
    return found


def key(prompt: str) -> str:
    """Prompts that differ in case or white space are the same."""
    return " ".join(prompt.lower().split())


def run_name(prompt: str, config: "TrainConfig", pack: "Pack") -> str:
    """The folder of a run: another one for other words, settings or packs, so that an evaluation that was stopped goes on."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in key(prompt))[:50]
    whole = json.dumps([prompt, config.to_dict(), pack.hash], sort_keys=True)
    return f"{words}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def held_out_samples(pack: "Pack", count: int, truncation: float) -> "Samples":
    """The same samples for every editor, prompt and run: seeds from 1,000,000 on."""
    import torch

    from evaluation.editor import Samples
    from evaluation.measure import BATCH
    from stylegan2.seeds import latents_from_seeds

    z = latents_from_seeds(range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + count), pack.generator.z_dim).to(pack.device)
    with torch.no_grad():
        w_plus = pack.generator.mapping(z, truncation=truncation)
        return Samples(torch.cat([pack.generator.synthesis(rows) for rows in w_plus.split(BATCH)]), w_plus)


def measure_line(judge: "Judge", guide: "ClipGuide", request: "Request", prompt: "Prompt", learned: Learned) -> dict:
    """One line of the report."""
    from evaluation.editor import DirectionEditor

    pack, direction = judge.pack, learned.direction
    editor = DirectionEditor(pack.generator.synthesis, {request.prompt: direction})
    text = guide.encode_wordings(prompt.target_text(pack.neutral_text))
    after = judge.edit(editor, request)
    strength = matched_strength(judge, editor, request)
    matched = strength and {**judge.measure(judge.edit(editor, replace(request, alpha=strength)), request, prompt.part, text), "alpha": strength}
    return {"prompt": request.prompt, "attribute": request.attribute, "value": request.value, "part": prompt.part,
            **judge.measure(after, request, prompt.part, text), "alpha": request.alpha, "seconds": learned.seconds, "matched": matched,
            "samples": len(judge.samples), "eligible": judge.eligible(request), "most_changed": judge.most_changed(after, request),
            "source": learned.source, "layers": list(direction.layers), "steps": direction.config.get("steps")}


def matched_strength(judge: "Judge", editor: object, request: "Request") -> float | None:
    """The smallest strength that reaches the target rate; None if none does, or no sample can tell."""
    for alpha in STRENGTHS:
        rate = judge.target_rate(editor, replace(request, alpha=alpha))
        if rate is None:
            return None
        if rate >= MATCHED_RATE:
            return alpha
    return None


def make_report(pack: "Pack", lines: list[dict]) -> dict:
    """The file of contracts.md; means leave out what could not be measured."""
    from evaluation.measure import NAMES, means

    matched = [line["matched"] for line in lines if line["matched"]]
    mean = {**means(lines, (*NAMES, "alpha", "seconds")), "matched": {**means(matched, (*NAMES, "alpha")), "reached": len(matched) / len(lines)}}
    return rounded({"pack": pack.name, "editor": "ours", "pack_hash": pack.hash, "prompts": lines, "mean": mean})


def rounded(value: object) -> object:
    """Numbers with the digits that mean something."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


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
    """Train or load, measure, write the report; returns it."""
    options = _parser().parse_args(argv)
    from evaluation.suite import read_suite

    if options.out.is_dir():
        raise ValueError(f"{options.out} is a folder; accepted for --out: the JSON file to write")
    requests = read_suite(options.suite)
    with TemporaryDirectory() as temporary:
        report = evaluate(options, requests, options.runs or Path(temporary))
    from packs.files import write_atomically

    write_atomically(options.out, (json.dumps(report, indent=2) + "\n").encode())
    return {**report, "out": options.out}


def evaluate(options: "Namespace", requests: "list[Request]", runs: Path) -> dict:
    """The report of all lines. Raises ValueError before anything is trained if a line or a setting is wrong."""
    from evaluation.measure import Judge
    from lelsd.clip_guide import ClipGuide
    from lelsd.config import TrainConfig
    from lelsd.prompt import parse_prompt
    from packs.pack import load_pack

    pack = load_pack(options.pack, options.device)
    config = TrainConfig().updated(pack.defaults).updated({"steps": options.steps, "seed": options.seed, "preview_every": 100_000})
    prompts = [parse_prompt(request.prompt, pack) for request in requests]
    options.out.parent.mkdir(parents=True, exist_ok=True)  # now rather than after an hour of training
    directions = Directions(pack, config, options.directions, runs)
    if pack.classifier is None:
        cli.say(f"pack {pack.name!r} has no attribute classifier: only localization and clip_gain can be measured")
    guide = ClipGuide(pack)
    for prompt in prompts:
        guide.text_move(prompt)  # raises for one that this CLIP cannot tell from the neutral text
    judge = Judge(pack, held_out_samples(pack, options.samples, config.truncation), guide.encode_image)
    lines = []
    for request, prompt in zip(requests, prompts):
        lines.append(measure_line(judge, guide, replace(request, alpha=options.alpha), prompt, directions.get(prompt)))
        cli.say(_summary(lines[-1], len(lines), len(requests)))
    return make_report(pack, lines)


def _summary(line: dict, number: int, total: int) -> str:
    values = "  ".join(f"{name} {line[name]:.3f}" for name in ("target_rate", "side_effect_rate", "localization", "identity", "clip_gain")
                       if line[name] is not None)
    return f"{number}/{total} {line['prompt']}: {values}" + (f"  matched at {line['matched']['alpha']:g}" if line["matched"] else "")


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Measure directions on held-out samples: what was asked for, what else changed, and where.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--suite", type=Path, default=Path(__file__).parent / "suites" / "portraits.jsonl",
                        help="JSON lines of prompt, attribute and value (the one in evaluation/suites)")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="folder with directions, found by prompt; those missing are trained")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep the training runs here, and go on with those begun (they are thrown away)")
    parser.add_argument("--steps", type=cli.positive_int, help="training steps a prompt (the pack's default)")
    parser.add_argument("--samples", type=sample_count, default=64, metavar="N", help="held-out samples (64)")
    parser.add_argument("--alpha", type=alpha, default=1.0, help="strength to measure at (1)")
    parser.add_argument("--out", type=Path, required=True, help="the report to write, JSON")
    parser.add_seed(0)
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
