"""Measure a trained run as SeCGAN's tables do: every test picture with each of 13 attributes turned round.

    python -m baselines.secgan.evaluate --run runs/secgan --data DIR --out report.json

TARR in total and by attribute, FID, ssFID and Inception Score; what each of them looks with stands beside it
(`evaluation.features`). The JSON line says all; report.json keeps it, and report.md shows it as tables.
"""

from __future__ import annotations

import json
from argparse import BooleanOptionalAction
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    import numpy as np
    import torch

    from baselines.data.faces import Faces
    from evaluation.editor import Editor
    from evaluation.reversals import Batch, Recogniser
    from packs.pack import Pack

BATCH = 16
SPLITS = ("test", "validation", "train")
TITLES = {"fid": "FID", "ssfid": "ssFID", "inception_score": "Inception Score"}


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.secgan.evaluate`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    if options.out is not None and (options.out.is_dir() or options.out.suffix == ".md"):
        what = "a folder" if options.out.is_dir() else "where the tables go"
        raise ValueError(f"{options.out} is {what}; accepted for --out: the JSON file to write, such as report.json")
    from baselines.secgan.editor import load_editor
    from evaluation.features import choose_looks
    from evaluation.line import rounded
    from evaluation.reversals import evaluate_reversals
    from lelsd.clip_guide import ClipGuide
    from packs.pack import load_pack

    pack = load_pack(options.pack, cli.resolve_device(options.device))
    editor = load_editor(options.run, pack.device, pack.parser)
    if options.keep_detail is not None:
        editor.config = replace(editor.config, keep_detail=options.keep_detail)
    recogniser, batches, count = recogniser_of(pack), *test_batches(editor, options, pack.device)
    looks = choose_looks(pack, ClipGuide(pack).encode_image, options.weights)
    found = evaluate_reversals(editor, batches, recogniser, looks, lambda done: cli.say(f"{done} of {count} pictures"))
    report = rounded({"run": str(options.run), "data": str(options.data), "split": options.split, "pack": pack.name,
                      "keep_detail": editor.config.keep_detail, **found})
    if options.out is None:
        return report
    write(options.out, report)
    return {**report, "out": options.out}


def recogniser_of(pack: "Pack") -> "Recogniser":
    """The pack's attribute classifier as the external one. Raises ValueError for a pack without."""
    from evaluation.reversals import REVERSED, Recogniser
    from packs.attributes import ATTRIBUTES

    if pack.classifier is None:
        raise ValueError(f"pack {pack.name!r} has no attribute classifier, which TARR is measured with; accepted: packs with one")
    columns = [ATTRIBUTES.index(name) for name in REVERSED]
    return Recogniser("the pack's attribute classifier", lambda images: pack.classifier(images)[:, columns] > 0)


def test_batches(editor: "Editor", options, device: "torch.device") -> "tuple[Iterator[Batch], int]":
    """Pictures and labels of the split, at the size that the editor was trained at or `--size`, and how many there are."""
    from baselines.data.faces import open_faces

    size = options.size or editor.config.size
    faces = open_faces(options.data, size)
    indices = getattr(faces, f"{options.split}_indices")[: options.count]
    if len(indices) < 2:
        raise ValueError(f"{options.data} has {len(indices)} {options.split} pictures; accepted: at least 2")
    return batches_of(faces, indices, size, device), len(indices)


def batches_of(faces: "Faces", indices: "np.ndarray", size: int, device: "torch.device") -> "Iterator[Batch]":
    """Some of the pictures in order, `BATCH` at a time, at `size` pixels."""
    import torch

    from evaluation.editor import Samples
    from portraits.pictures import Pictures, smooth

    pictures = Pictures(faces.images, shrink=smooth)
    for start in range(0, len(indices), BATCH):
        rows = indices[start:start + BATCH]
        yield Samples(pictures.only(rows, size).to(device)), torch.from_numpy(faces.labels[rows])


def write(out: Path, report: dict) -> None:
    """The report as JSON, and as Markdown beside it; each whole or not at all. Raises OSError."""
    from packs.files import write_atomically

    write_atomically(out, (json.dumps(report, indent=1) + "\n").encode())
    write_atomically(out.with_suffix(".md"), markdown(report).encode())


def markdown(report: dict) -> str:
    """The tables, ready for a page; rates in percent, as table 1 of the paper has them."""
    from evaluation.tables import grid, number

    seen = report["features"]
    head = [f"{report['editor']} on {report['pictures']} {report['split']} pictures of {report['data']}, each with 13 attributes reversed.", ""]
    rows = [["TARR (%)", number(100 * report["tarr"], 2), seen["tarr"]],
            ["TARR of doing nothing (%)", number(100 * report["untouched"], 2), seen["tarr"]],
            *([title, number(report[name], 2), seen[name] or "nothing to look with"] for name, title in TITLES.items())]
    by_attribute = [[name, number(100 * rate, 2), *(number(report[f"{measure}_by_attribute"][name], 2) for measure in ("fid", "ssfid"))]
                    for name, rate in report["tarr_by_attribute"].items()]
    return "\n".join([*head, *grid(["measure", "value", "seen by"], rows), "",
                      *grid(["attribute reversed", "TARR (%)", "FID", "ssFID"], by_attribute), ""])


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Measure a trained SeCGAN, or a baseline of it, by 13 attribute reversals of the test pictures.")
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, or its generator.safetensors")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="faces in the layout of CelebA, CelebA-HQ or portraits")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which of its pictures (test)")
    parser.add_argument("--count", type=cli.positive_int, metavar="N", help="only the first N of them")
    parser.add_argument("--size", type=cli.positive_int, metavar="N", help="pixels a side (those that the run was trained at)")
    parser.add_argument("--keep-detail", action=BooleanOptionalAction, help="lay the change over the picture, or show G(x, y) (as the run was told)")
    parser.add_argument("--pack", default="portraits", help="whose classifier recognises, and whose models stand in for published ones (portraits)")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="where published Inception and SwAV weights lie (the cache's folder `features`)")
    parser.add_argument("--out", type=Path, help="the report to write, JSON; tables come beside it, as .md")
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
