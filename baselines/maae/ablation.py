"""The paper's figure 5 as numbers: its six variants trained alike, each measured on the same held-out pictures.

    python -m baselines.maae.ablation --data DIR --attribute Eyeglasses,Smiling --size 128 --iterations 5000 --seeds 0,1,2 --out runs/figure5

Every training and every measured cell is kept in the folder as soon as it is there: stopped, the same command goes on.

    OUT/ablation.json             the settings; must agree when it goes on
    OUT/runs/VARIANT-SEED/        trainings
    OUT/cells/*.json              an attribute, variant and seed each
    OUT/report.json, report.md    means by variant, and whether what the paper says of its figure holds
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from baselines.maae.train import add_training_options, attribute_names, open_material, settings_of, told
from packs import cli

if TYPE_CHECKING:
    from packs.pack import Pack

SETTINGS = ("size", "width", "discriminator_width", "residual_kernel", "iterations", "batch_size", "learning_rate", "weight",
            "mismatch", "warm_up", "average", "samples", "pack")
COLUMNS = ("target_rate", "side_effect_rate", "identity", "background_change", "tone_change", "reconstruction", "fid", "fidelity")


class Claim(NamedTuple):
    """What section 4.2 reads from figure 5: of `figure`, variant `better` has more (sign 1) or less (-1) than `worse`."""

    words: str
    figure: str
    sign: int
    better: str
    worse: str


CLAIMS = (
    Claim("changing few pixels keeps the tone better than changing all", "tone_change", -1, "b", "a"),
    Claim("the identity loss keeps the face", "identity", 1, "c", "b"),
    Claim("the mask loss keeps the background", "background_change", -1, "f", "c"),
    Claim("few pixels do better than a channel of the picture", "fid", -1, "f", "d"),
    Claim("few pixels do better than a channel of the feature map", "fid", -1, "f", "e"),
)


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.maae.ablation`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    from baselines.maae.variants import VARIANTS
    from evaluation.comparison import claim
    from packs.pack import load_pack

    names, variants, seeds = attribute_names(options.attribute), _variants(options.variants, tuple(VARIANTS)), _seeds(options.seeds)
    for variant in variants:  # refused before anything is written
        settings_of(options, names[0], variant, seeds[0])
    pack = load_pack(options.pack, options.device)
    claim(options.out, "ablation.json", {**{name: getattr(options, name) for name in SETTINGS}, "data": str(options.data),
                                         "vgg_face": None if options.vgg_face is None else str(options.vgg_face)})
    cells = [{"attribute": name, "variant": variant, "seed": seed, **_cell(options, name, variant, seed, pack)}
             for name in names for seed in seeds for variant in variants]
    return _report(options.out, cells, variants)


def _cell(options: argparse.Namespace, attribute: str, variant: str, seed: int, pack: "Pack") -> dict:
    """Figures of one attribute's network of a variant, trained and measured unless they are there."""
    from baselines.maae.editor import load_editor
    from baselines.maae.evaluate import measure_run
    from baselines.maae.run import Run, train_attribute
    from evaluation.comparison import read_json, write_json

    path = options.out / "cells" / f"{attribute}-{variant}-{seed}.json"
    if not path.is_file():
        run = Run(options.out / "runs" / f"{variant}-{seed}", attribute, options.log_every, options.save_every)
        settings = settings_of(options, attribute, variant, seed)
        if not run.finished(settings):
            material, features = open_material(options, [attribute], pack)
            for line in train_attribute(run, settings, material, features if settings.weights.identity else None):
                cli.say(f"{variant}, seed {seed}, {told(line, settings)}")
        write_json(path, measure_run(run.folder, attribute, load_editor(run.network, pack.device), options.data, pack, options.samples))
    return read_json(path)


def _report(out: Path, cells: list[dict], variants: list[str]) -> dict:
    """Means by variant over attributes and seeds, the claims, and how many cells each claim holds in."""
    from baselines.maae.measure import means
    from baselines.maae.variants import VARIANTS
    from evaluation.comparison import write_json
    from packs.files import write_atomically

    rows = {variant: dict(means([cell for cell in cells if cell["variant"] == variant])) for variant in variants}
    claims = [_held(claim, cells) for claim in CLAIMS if {claim.better, claim.worse} <= set(variants)]
    write_json(out / "report.json", {"variants": rows, "claims": claims, "cells": cells})
    lines = ["| variant | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for variant, row in rows.items():
        figures = " | ".join("–" if row[name] is None else f"{row[name]:.4g}" for name in COLUMNS)
        lines.append(f"| {variant}: {VARIANTS[variant].words} | {figures} |")
    lines += ["", *(f"- {claim['claim']}: in {claim['holds']} of {claim['of']}" for claim in claims)]
    write_atomically(out / "report.md", ("\n".join(lines) + "\n").encode())
    return {"out": out, "variants": rows, "claims": claims}


def _held(claim: Claim, cells: list[dict]) -> dict:
    """A claim, and in how many pairs of cells (same attribute and seed) it holds."""
    found = {(cell["attribute"], cell["seed"], cell["variant"]): cell[claim.figure] for cell in cells}
    places = sorted({(attribute, seed) for attribute, seed, _ in found})
    pairs = [(found[(*place, claim.better)], found[(*place, claim.worse)]) for place in places]
    told_apart = [pair for pair in pairs if None not in pair]
    holds = sum(claim.sign * (better - worse) > 0 for better, worse in told_apart)
    return {"claim": claim.words, "figure": claim.figure, "better": claim.better, "worse": claim.worse, "holds": holds, "of": len(told_apart)}


def _variants(text: str, accepted: tuple[str, ...]) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in accepted or names.count(name) > 1]
    if wrong or not names:
        raise ValueError(f"variants are {text[:60]!r}; accepted: some of {','.join(accepted)}, each once")
    return names


def _seeds(text: str) -> list[int]:
    seeds = [cli.seed(part) for part in text.split(",") if part.strip()]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {text[:60]!r}; accepted: whole numbers separated by commas, each once")
    return seeds


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Figure 5 of M-AAE's paper as numbers; stopped, the same command goes on.")
    add_training_options(parser)
    parser.add_argument("--variants", default="a,b,c,d,e,f", metavar="LETTERS", help="rows of figure 5, separated by commas (all)")
    parser.add_argument("--seeds", default="0", metavar="NUMBERS", help="of the trainings, separated by commas (0)")
    parser.add_argument("--samples", type=cli.positive_int, default=1000, metavar="N", help="held-out pictures an attribute at most (1000)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, or to go on in")
    return parser


if __name__ == "__main__":
    cli.run(main)
