"""The paper's table 1 with masks of one's own: six variants, several seeds each, and whether the paper's order holds; and
parts drawn anew, which its figure 4 shows.

    python -m baselines.semantic_vae.ablation --data DIR --out DIR [--seeds 0-2] [--steps N]

Each variant and seed is a run in OUT/runs and, when it is measured, a cell in OUT/cells; the same command goes on where it
was stopped, in the middle of a training too. It writes OUT/ablation.json and OUT/ablation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from baselines.semantic_vae.ablation_report import VARIANTS, markdown, summary
from baselines.semantic_vae.options import add_drawn, add_measuring, add_training, config_of
from packs import cli


def main(argv: Sequence[str]) -> dict:
    """Train and measure what is missing, write the tables."""
    parser = cli.ArgumentParser(description="Compare the variants of Semantic-VAE that its paper compares, over several seeds.")
    add_training(parser)
    add_measuring(parser, samples=2000)
    add_drawn(parser)
    parser.add_argument("--seeds", default="0-2", metavar="SEEDS", help="training seeds, such as 0-2 (0-2)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, or to go on in")
    options = parser.parse_args(list(argv))
    from evaluation.comparison import claim, write_json
    from packs.files import write_atomically
    from stylegan2.seeds import parse_seeds

    bench = _Bench(options)
    seeds = sorted(set(parse_seeds(options.seeds)))
    claim(options.out, "settings.json", bench.settings())
    cells = {name: [] for name in VARIANTS}
    for seed in seeds:  # every variant by one seed, before any by the next: a table that was stopped early is one of fewer seeds
        for name in VARIANTS:
            cells[name].append(bench.cell(name, seed))
            cli.say(f"{name}, seed {seed}: mean IoU {cells[name][-1]['mean_iou']:.4f}, accuracy {cells[name][-1]['accuracy']:.4f}")
    report = {**bench.settings(), "seeds": seeds, **summary(cells)}
    write_json(options.out / "ablation.json", report)
    write_atomically(options.out / "ablation.md", markdown(report).encode())
    return {"out": options.out, **report}


class _Bench:
    """What all cells share: masks, device, sizes."""

    def __init__(self, options) -> None:
        from baselines.semantic_vae.masks import Masks

        self.options, self.config = options, config_of(options)
        self.device = cli.resolve_device(options.device)
        self.masks, self._ready = Masks(options.data, self.config.size), False

    def settings(self) -> dict:
        """What must be the same for cells to be compared."""
        from baselines.semantic_vae.runs import described

        common = described(self.config, self._training(0, weighted=True))
        varied = ("seed", "weighted", "lstm_layers", "bidirectional", "save_every")
        held_out = min(self.options.samples, len(self.masks.held_out_indices))
        counts = {"training_masks": len(self.masks.train_indices), "held_out_masks": held_out, "drawn_masks": min(self.options.drawn, held_out)}
        return {"data": str(self.masks.folder), **{name: value for name, value in {**common, **counts}.items() if name not in varied}}

    def cell(self, name: str, seed: int) -> dict:
        """Figures of one run, measured unless its file is there."""
        from evaluation.comparison import read_json, write_json

        stem = f"{VARIANTS[name].key}-{seed}"
        path = self.options.out / "cells" / f"{stem}.json"
        if not path.is_file():
            write_json(path, self._measured(name, seed, self.options.out / "runs" / stem))
        return read_json(path)

    def _measured(self, name: str, seed: int, run: Path) -> dict:
        from baselines.semantic_vae.measure import generation, reconstruction
        from baselines.semantic_vae.runs import begin, open_run, prepare, train_run

        if not self._ready:
            prepare(self.masks, self.options.out, self.device)
            self._ready = True
        variant = VARIANTS[name]
        config = replace(self.config, lstm_layers=variant.lstm_layers, bidirectional=variant.bidirectional)
        settings = self._training(seed, variant.weighted)
        begin(run, self.masks, config, settings, resume=True, device=self.device)
        line: dict = {}
        for line in train_run(run, self.masks, config, settings, self.device):
            cli.say(f"{name}, seed {seed}: step {line['step']} of {settings.steps}, loss {line['loss']:.4f}")
        model, indices = open_run(run, self.device), self.masks.held_out_indices[: self.options.samples]
        drawn = generation(model, self.masks, indices[: self.options.drawn], seed)
        return {**line, **reconstruction(model, self.masks, indices), "generation": drawn}

    def _training(self, seed: int, weighted: bool):
        from baselines.semantic_vae.training import TrainSettings

        options = self.options
        return TrainSettings(options.steps, options.batch_size, options.lr, weighted=weighted, save_every=options.save_every,
                             seed=seed)


if __name__ == "__main__":
    cli.run(main)
