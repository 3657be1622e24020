"""The paper's table 1 in our world: the published algorithm with one setting changed at a time, over several training seeds.

    python -m evaluation.table1 --out runs/table1
    python -m evaluation.table1 --suite evaluation/suites/portraits.jsonl --seeds 0-9 --out runs/table1-all

Edits are looked at with alpha 6 in layers 3 and 4, as the paper's are, and in all layers. Each setting, seed and prompt is
a cell that is kept in the folder as soon as it is measured, so a run that was stopped goes on with the same command.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from evaluation.directions import Bench, add_bench_options, open_bench
from packs import cli

if TYPE_CHECKING:
    from torch import Tensor

    from evaluation.line import Asked
    from lelsd.direction import Direction
    from lelsd.prompt import Prompt

LAYERS = {"3 and 4": (3, 4), "all": None}


@dataclass(eq=False)
class Table1:
    """The cells of one folder. steps: of training, None for the published 200."""

    out: Path
    bench: Bench
    seeds: list[int]
    steps: int | None

    def cell(self, variant: str, seed: int, asked: "Asked") -> dict:
        """{layers: {"held_out": metrics, "own": metrics}, "seconds"} of one training, measured unless its file is there."""
        from evaluation.comparison import read_json, write_json
        from lelsd.collection import run_name

        name = run_name(asked.request.prompt, {"attribute": asked.request.attribute, "value": asked.request.value}, self.bench.pack)
        path = self.out / "cells" / variant.replace(" ", "-") / f"{seed}-{name}.json"
        if not path.is_file():
            write_json(path, self.measure(variant, seed, asked))
        return read_json(path)

    def measure(self, variant: str, seed: int, asked: "Asked") -> dict:
        """Train, and look at held-out samples and at the picture that a single-seed run of this seed trains on."""
        direction, text = self.learn(variant, seed, asked), self.plain_text(asked)
        found = {layers: {"held_out": self._held_out(direction, rows, asked, text), "own": {"similarity": self._own(direction, rows, seed, text)}}
                 for layers, rows in LAYERS.items()}
        return {**found, "seconds": direction.quality["seconds"]}

    def learn(self, variant: str, seed: int, asked: "Asked") -> "Direction":
        """The direction of one training."""
        from baselines.eclipsed.config import EclipsedConfig
        from baselines.editors import eclipsed_direction
        from evaluation.table1_report import VARIANTS

        config = EclipsedConfig(seed=seed, **VARIANTS[variant], **({} if self.steps is None else {"steps": self.steps}))
        return eclipsed_direction(self.bench.pack, self._prompt(asked), config, self.out / "runs").direction

    def plain_text(self, asked: "Asked") -> "Tensor":
        """CLIP's embedding of the prompt as it stands, [E]: what the paper's similarity is measured to, whatever was trained on."""
        return self.guide.encode_text([asked.request.prompt])[0]

    @cached_property
    def guide(self):
        from lelsd.clip_guide import ClipGuide

        return ClipGuide(self.bench.pack)

    def _prompt(self, asked: "Asked") -> "Prompt":
        from lelsd.prompt import parse_prompt

        return parse_prompt(asked.request.prompt, self.bench.pack)

    def _held_out(self, direction: "Direction", rows: tuple[int, ...] | None, asked: "Asked", text: "Tensor") -> dict:
        from evaluation.editor import DirectionEditor

        judge, request = self.bench.judge, asked.request
        editor = DirectionEditor(self.bench.pack.generator.synthesis, {request.prompt: Rows(direction, rows)})
        after = judge.edit(editor, request)
        return {"similarity": float((after.embeddings @ text).mean()), **judge.measure(after, request, asked.where, text)}

    def _own(self, direction: "Direction", rows: tuple[int, ...] | None, seed: int, text: "Tensor") -> float:
        """The similarity of the edited picture that a run of this seed on a single one trains on."""
        import torch

        from baselines.eclipsed.config import EclipsedConfig
        from baselines.eclipsed.train import single_noise

        generator = self.bench.pack.generator
        with torch.no_grad():
            w_plus = generator.mapping(single_noise(seed, generator.z_dim).to(self.bench.pack.device), truncation=EclipsedConfig().truncation)
            image = generator.synthesis(w_plus + Rows(direction, rows).step_from(w_plus, 1.0).to(w_plus))
            return float((self.guide.encode_image(image.float().clamp(-1, 1)) @ text).mean())


@dataclass(frozen=True)
class Rows:
    """A direction that moves only some of its layers; None moves all."""

    direction: "Direction"
    rows: tuple[int, ...] | None

    def step_from(self, w_plus: "Tensor", alpha: float) -> "Tensor":
        """What to add to every w+, [L, D]."""
        return self.direction.step_from(w_plus, alpha, layers=self.rows)


def main(argv: Sequence[str]) -> dict:
    """Train and measure what is missing, write OUT/table1.json and OUT/table1.md."""
    options = _parser().parse_args(argv)
    from evaluation.comparison import claim
    from evaluation.suite import read_suite
    from evaluation.table1_report import VARIANTS

    bench = open_bench(options, read_suite(options.suite))
    claim(options.out, "comparison.json", {"pack": bench.pack.name, "pack_hash": bench.pack.hash, "samples": options.samples, "steps": options.steps})
    table = Table1(options.out, bench, options.seeds, options.steps)
    todo = [(variant, seed, asked) for seed in options.seeds for variant in VARIANTS for asked in bench.asked]
    for number, (variant, seed, asked) in enumerate(todo, 1):
        cell = table.cell(variant, seed, asked)
        cli.say(f"{number}/{len(todo)} {variant}, seed {seed}, {asked.request.prompt}: similarity {cell['all']['held_out']['similarity']:.3f}")
    return write_report(table)


def write_report(table: Table1) -> dict:
    """The tables of all cells; returns the report."""
    from evaluation.comparison import write_json
    from evaluation.line import rounded
    from evaluation.table1_report import VARIANTS, by_variant, compare, markdown
    from packs.files import write_atomically

    cells = {variant: [mean_cell([table.cell(variant, seed, asked) for asked in table.bench.asked]) for seed in table.seeds] for variant in VARIANTS}
    report = {"pack": table.bench.pack.name, "pack_hash": table.bench.pack.hash, "seeds": table.seeds, "samples": len(table.bench.judge.samples),
              "prompts": [asked.request.prompt for asked in table.bench.asked],
              "layers": {layers: {"rows": compare(cells, layers), "variants": by_variant(cells, layers)} for layers in LAYERS}}
    write_json(table.out / "table1.json", rounded(report))
    write_atomically(table.out / "table1.md", markdown(report).encode())
    return {"out": table.out, "rows": rounded(report["layers"]["3 and 4"]["rows"])}


def mean_cell(cells: list[dict]) -> dict:
    """The mean of a seed's cells over prompts."""
    from evaluation.measure import means

    return {layers: {where: means([cell[layers][where] for cell in cells], list(cells[0][layers][where])) for where in ("held_out", "own")}
            for layers in LAYERS}


def seed_list(text: str) -> list[int]:
    """`--seeds`. Raises ValueError."""
    from stylegan2.seeds import parse_seeds

    seeds = parse_seeds(text)
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds are {text[:60]!r}; accepted: each seed once")
    return seeds


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Reproduce table 1 of the eCLIPsed paper, with means and spreads over training seeds.")
    add_bench_options(parser, suite="table1", seed=False)
    parser.add_argument("--seeds", type=seed_list, default=list(range(5)), metavar="SEEDS", help="training seeds, such as 0-4 (0-4)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, or to go on in")
    return parser


if __name__ == "__main__":
    cli.run(main)
