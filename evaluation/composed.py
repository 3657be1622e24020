"""A prompt for several things: as one direction, or taken apart into an edit for each (`lelsd.wishes`)?

    python -m evaluation.composed --out composed.json [--ways apart] [--runs DIR]

The same held-out samples are edited both ways at strength 1. Apart, each thing takes the direction that the pack has for it, else one
that is trained; together, one direction is trained for the prompt as typed. A suite line is {"prompt": …, "asked": {attribute: value}}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from evaluation.directions import sample_count
from evaluation.line import held_out_samples, rounded
from evaluation.measure import BATCH, means
from evaluation.suite import read_asked
from lelsd.collection import Directions, fitting
from lelsd.config import TrainConfig
from lelsd.edit import Edit, EditStack, apply
from lelsd.prompt import parse_prompt
from lelsd.run_folder import check_report
from lelsd.wishes import by_meaning, directions_for
from packs import cli, metrics
from packs.attributes import ATTRIBUTES, others_of_all
from packs.files import write_atomically
from packs.pack import load_pack

if TYPE_CHECKING:
    from packs.pack import Pack

WAYS = ("apart", "together")
FIGURES = ("all_as_asked", "as_asked", "avoidable_side_effect_rate", "identity")


@dataclass(frozen=True)
class Faces:
    """What the classifier sees in pictures: attributes bool [N, A], features [N, F]."""

    attributes: Tensor
    features: Tensor


class Composer:
    """Edits held-out samples by a prompt, either way, and measures what has become of them."""

    def __init__(self, pack: "Pack", samples: int, runs: Path) -> None:
        """runs: where what has to be trained is kept. Raises ValueError for a pack without an attribute classifier."""
        if pack.classifier is None:
            raise ValueError(f"pack {pack.name!r} has no attribute classifier to tell what became of an edit; accepted: one that has, such as portraits")
        self.pack, config = pack, TrainConfig().updated(pack.defaults).updated({"preview_every": 100_000})
        self.w_plus = held_out_samples(pack, samples, config.truncation).w_plus
        self.trained = Directions(pack, config, None, runs)
        self.known = by_meaning((learned.direction for learned in fitting(pack.directions(), pack)), pack)
        self.before = self.look(EditStack())

    def stack(self, text: str, way: str) -> EditStack:
        """The edits that a prompt comes to."""
        prompt = parse_prompt(text, self.pack)
        if way == "together":
            return EditStack((Edit(self.trained.get(prompt).direction),))
        found = directions_for(prompt, self.pack, self.known, lambda wish: self.trained.get(wish).direction)
        return EditStack(tuple(Edit(direction, alpha) for direction, alpha in found))

    @torch.no_grad()
    def look(self, stack: EditStack) -> Faces:
        """The samples after edits."""
        features = [self.pack.classifier.features(self.pack.generator.synthesis(apply(some, stack)).float().clamp(-1, 1)) for some in self.w_plus.split(BATCH)]
        features = torch.cat(features)
        return Faces(self.pack.classifier.head(features) > 0, features)

    def measure(self, asked: dict[str, bool], after: Faces) -> dict:
        """all_as_asked: share of samples in which everything is as asked, of those in which something was not; as_asked: the same for each thing, the mean;
        avoidable_side_effect_rate and identity: as `evaluation.measure`."""
        before, columns = self.before, [ATTRIBUTES.index(name) for name in asked]
        wanted = torch.tensor(list(asked.values()), device=before.attributes.device)
        was, now = ((faces.attributes[:, columns] == wanted) for faces in (before, after))
        rates = {name: metrics.mean(metrics.target_rate(before.attributes[:, column], after.attributes[:, column], value))
                 for (name, value), column in zip(asked.items(), columns)}
        told = [rate for rate in rates.values() if rate is not None]
        left_alone = others_of_all(asked, avoidable=True).to(before.attributes.device)
        return {"all_as_asked": metrics.mean(metrics.target_rate(was.all(dim=1), now.all(dim=1), True)), "as_asked": sum(told) / len(told) if told else None, "each": rates,
                "avoidable_side_effect_rate": metrics.mean(metrics.side_effect_rate(before.attributes, after.attributes, left_alone)),
                "identity": metrics.mean(metrics.identity(before.features, after.features, before.features.mean(dim=0)))}


def main(argv: Sequence[str]) -> dict:
    """Measure every prompt of the suite each way; writes the report."""
    parser = cli.ArgumentParser(description="Measure prompts that ask for several things: taken apart into edits, or learned as one.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--suite", type=Path, default=Path(__file__).parent / "suites" / "composed.jsonl", help="JSON lines of prompt and asked")
    parser.add_argument("--ways", default=",".join(WAYS), help=f"separated by commas, of {', '.join(WAYS)} (both)")
    parser.add_argument("--samples", type=sample_count, default=64, metavar="N", help="held-out samples (64)")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep what is trained here, and go on with what was begun (it is thrown away)")
    parser.add_argument("--out", type=Path, required=True, help="the report to write, JSON")
    parser.add_device()
    options = parser.parse_args(argv)
    ways = options.ways.split(",")
    if wrong := [way for way in ways if way not in WAYS]:
        raise ValueError(f"{wrong[0][:40]!r} is no way; accepted for --ways: {', '.join(WAYS)}")
    check_report(options.out)
    suite = read_asked(options.suite)
    with TemporaryDirectory() as temporary:
        composer = Composer(load_pack(options.pack, options.device), options.samples, options.runs or Path(temporary))
        lines = [_line(composer, prompt, asked, way) for prompt, asked in suite for way in ways]
    mean = {way: means([line for line in lines if line["way"] == way], FIGURES) for way in ways}
    report = rounded({"pack": composer.pack.name, "pack_hash": composer.pack.hash, "samples": options.samples, "prompts": lines, "mean": mean})
    write_atomically(options.out, (json.dumps(report, indent=2) + "\n").encode())
    return {"out": options.out, "mean": report["mean"]}


def _line(composer: Composer, prompt: str, asked: dict[str, bool], way: str) -> dict:
    stack = composer.stack(prompt, way)
    line = {"prompt": prompt, "way": way, "edits": [[edit.direction.prompt, edit.alpha] for edit in stack.edits], **composer.measure(asked, composer.look(stack))}
    cli.say(f"{prompt}, {way}: {'  '.join(f'{name} {line[name]:.3f}' for name in FIGURES if line[name] is not None)}")
    return line


if __name__ == "__main__":
    cli.run(main)
