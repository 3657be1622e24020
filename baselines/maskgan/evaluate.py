"""Measures a trained MaskGAN as its tables 2 and 3 do: `python -m baselines.maskgan.evaluate --run RUN --data DIR`.

All that RUN holds is measured on the same held-out pairs: `dense` (without EBST), `ebst` (with it) and `control` (trained on as
long without it), and `real`, the pictures themselves (the row GT). The JSON has, for each of these,

    transfer         Smiling sources' mouths in the masks of targets that do not smile, in the targets' style
    style_copy       targets' masks in the style of other pictures
    reconstruction   pictures from their own masks

with `attribute_accuracy`, `segmentation_accuracy` (pixels), `segmentation_miou` and `fid`, and beside them what looked:
`judges`, `features` (of FID), and `trained_with` (the features of the perceptual loss; if it is the judge, the judge helped).
Human judgement, the tables' last column, is not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from baselines.maskgan.editor import STAGES, Painter, load_painter
from baselines.maskgan.material import Material
from baselines.maskgan.measures import (
    Judges, copy_pairs, measure_copy, measure_reconstruction, measure_transfer, real_moments, transfer_pairs,
)
from baselines.maskgan.train import open_data
from evaluation.features import choose_looks
from lelsd.clip_guide import ClipGuide
from packs import cli
from packs.attributes import ATTRIBUTES
from packs.pack import Pack, load_pack


def judges_of(pack: Pack) -> Judges:
    """The pack's parser and classifier, and the best features for FID that there are."""
    classifier = pack.classifier

    def attribute(images: Tensor, name: str) -> Tensor:
        return classifier(images.float().clamp(-1, 1))[:, ATTRIBUTES.index(name)] > 0

    guide = cache(lambda: ClipGuide(pack))  # opened only where there is nothing else to look with
    eyes = choose_looks(pack, lambda images: guide().encode_image(images)).fid
    return Judges(pack.parser, None if classifier is None else attribute, eyes)


def evaluate(painters: dict[str, Painter], material: Material, judges: Judges, count: int, seed: int) -> dict:
    """{"dense": {"transfer", "style_copy", "reconstruction"}, ..., "real": ...}, and how many pairs there were of each."""
    transfers, copies = transfer_pairs(material, count, seed), copy_pairs(material, count, seed)
    smiling, real = real_moments(material, transfers.sources, judges.eyes), real_moments(material, copies.targets, judges.eyes)
    report = {"real": {"transfer": measure_transfer(None, material, transfers, judges, None),
                       "style_copy": measure_copy(None, material, copies, judges, None)}}
    for name, painter in painters.items():
        cli.say(f"{name}: {len(transfers)} transfers, {len(copies)} copies ...")
        report[name] = {"transfer": measure_transfer(painter, material, transfers, judges, smiling),
                        "style_copy": measure_copy(painter, material, copies, judges, real),
                        "reconstruction": measure_reconstruction(painter, material, copies.targets, judges, real)}
    return {"pairs": {"transfer": len(transfers), "style_copy": len(copies)}, **report}


def main(argv: Sequence[str] | None = None) -> dict:
    """The command line."""
    parser = cli.ArgumentParser(prog="python -m baselines.maskgan.evaluate", description="Measure MaskGAN, with and without EBST.")
    parser.add_argument("--run", type=Path, required=True, help="a run of baselines.maskgan.train")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="CelebAMask-HQ's layout, or a cache of portraits")
    parser.add_argument("--samples", type=cli.positive_int, default=2000, metavar="N", help="pairs at most (default 2000)")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack that judges")
    parser.add_device()
    parser.add_seed()
    options = parser.parse_args(argv)
    device = cli.resolve_device(options.device)
    names = [name for name in STAGES if (options.run / f"{name}.json").is_file()]
    # where there is none, load_painter says what is missing
    painters = {name: load_painter(options.run, name, device) for name in names} or {"": load_painter(options.run)}
    size = painters[names[0]].config.size
    material, pack = Material(open_data(options.data, size), size, device), load_pack(options.pack, device)
    judges = judges_of(pack)
    with torch.no_grad():
        report = evaluate(painters, material, judges, options.samples, options.seed)
    return {"run": options.run, "data": material.faces.name, "size": size, "judges": pack.name, "features": judges.eyes.name,
            "trained_with": {name: painter.about.get("features") for name, painter in painters.items()}, **report}


if __name__ == "__main__":
    cli.run(main)
