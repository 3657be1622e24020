"""Fills the figures into a pack's README: `python -m portraits.pack_readme --work DIR --report report.json`.

The README is written by hand but for the blocks between `<!-- NAME -->` and `<!-- end -->`: files, trainings (from the records in
the work folder, see `portraits.curves`), figures and weak points (from the report of `portraits.evaluate_pack`), and directions (from
the report cards in their files). Filling them again replaces them; of the trainings only the rows of those that the work folder has records of. The curves of these are drawn too.
Where only directions were added, `--work` may be left out, and the report of before is still that of the models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean

from lelsd.direction import Direction, load_direction
from packs import cli
from packs.files import size_words, write_atomically
from packs.pack import load_pack
from portraits.assemble import own_files
from portraits.curves import STAGES, draw_curves, read_records
from portraits.evaluate_pack import about
from portraits.figures import table, weak_points
from stylegan2.images import save_png

ROOT = Path(__file__).resolve().parents[1]
BUILT_IN, CURVES = ROOT / "packs" / "portraits", ROOT / "docs" / "images" / "training.png"
WHAT = {
    "generator": "StyleGAN2 with skip outputs; its mapping network knows the world's distribution", "parser": "Face-BiSeNet, 19 classes",
    "second_parser": "another one, trained apart, to judge the first with", "clip": "an open_clip ModifiedResNet and a text encoder",
    "classifier": "attributes of a picture; the judge in `evaluation/`, part of no loss", "encoder": "pictures to w+, where an inversion begins",
    "appearance": "what the generator's W means", "survey": "what the models see in samples, so that no studio has to look first",
}
SHOWN = ("l1", "sharpness", "mean_iou", "pixel_accuracy", "accuracy", "balanced_accuracy", "auc", "recall_at_1", "loss")  # of a stage's last record
ON_CARD = {"target_rate": "as asked", "avoidable_side_effect_rate": "other attributes changed", "localization": "inside the part", "identity": "identity"}


def fill(text: str, blocks: dict[str, str]) -> str:
    """The text with each block's contents between its marks. Raises ValueError for a block that the text has no marks for."""
    for name, contents in blocks.items():
        text, found = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda marks: f"{marks[1]}{contents}\n{marks[2]}", text, count=1, flags=re.DOTALL)
        if not found:
            raise ValueError(f"the README has no block {name!r}; accepted is one with the lines <!-- {name} --> and <!-- end -->")
    return text


def files_table(info: dict) -> str:
    """The models of a pack.json and their sizes, its directions in one line, editors left out."""
    entries = own_files(info)
    rows = [(f"`{name}`", WHAT.get(name.split(".")[0], ""), size_words(entry["size"])) for name, entry in entries.items() if "/" not in name]
    directions = [entry["size"] for name, entry in entries.items() if name.startswith("directions/")]
    rows.append(("`directions/`", f"{len(directions)} ready-made directions", size_words(sum(directions))))
    return _table(("file", "what", "size"), [*rows, ("together", "", size_words(sum(entry["size"] for entry in entries.values())))])


def trainings_table(records: dict[str, list[dict]], page: str = "") -> str:
    """How long each stage was trained, and the figures it ended with; stages without records as the README `page` has them."""
    told = _told(page)
    rows = [_training(stage, records[stage]) if stage in records else told[stage] for stage in STAGES if stage in records or stage in told]
    return _table(("stage", "minutes", "steps", "ended with"), rows)


def _training(stage: str, lines: list[dict]) -> tuple[str, ...]:
    """A stage's row, from the lines of its curve."""
    seconds = max((line["seconds"] for line in lines if "seconds" in line), default=None)
    last = {name: value for line in lines for name, value in line.items() if name in SHOWN}
    return (stage, "" if seconds is None else f"{seconds / 60:.0f}", str(max(line.get("step", 0) for line in lines)),
            ", ".join(f"{name} {last[name]:.3g}" for name in SHOWN if name in last))


def _told(page: str) -> dict[str, tuple[str, ...]]:
    """The rows of trainings that the README has, by stage."""
    block = re.search(r"<!-- trainings -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in (block[1] if block else "").splitlines()]
    return {row[0]: row for row in rows if len(row) == 4}


def directions_table(directions: Iterable[Direction]) -> str:
    """What each direction does at alpha 1, by the report card in its file, and the means; a dash where nobody could tell."""
    rows, told = [], []
    for direction in directions:
        strength = None if direction.card is None else direction.card.at(1.0)
        values = [None if strength is None else getattr(strength, name) for name in ON_CARD]
        told.append(values)
        rows.append((direction.prompt, *map(_digits, values)))
    means = [_digits(_mean(column)) for column in zip(*told)]
    return _table(("prompt", *ON_CARD.values()), [*rows, ("mean", *means)]) if rows else "The pack has none."


def _mean(column: Iterable[float | None]) -> float | None:
    known = [value for value in column if value is not None]
    return mean(known) if known else None


def _digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def blocks_of(folder: Path, records: dict[str, list[dict]], report: dict, page: str = "") -> dict[str, str]:
    """The contents of the blocks of the README `page`. Raises ValueError for a report of other models than the pack's."""
    pack = load_pack(folder)
    now = about(pack)
    if report.get("pack", {}).get("sha256") != now["sha256"]:
        raise ValueError(f"the report is not of the models in {folder}; measure them with python -m portraits.evaluate_pack --pack {folder}")
    return {"files": files_table(pack.info), "trainings": trainings_table(records, page), "figures": table(report | {"pack": now}),
            "weak points": "\n".join(f"- {sentence}" for sentence in weak_points(report)),
            "directions": directions_table(map(load_direction, pack.directions()))}


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON file: {error}") from None


def main(arguments: Sequence[str]) -> dict:
    """Fill the README, draw the curves."""
    parser = cli.ArgumentParser(prog="python -m portraits.pack_readme", description="Fill figures into a pack's README, and draw its curves.")
    parser.add_argument("--work", type=Path, help="work folder of build_pack, with its records; without it the trainings stay as they are told of")
    parser.add_argument("--report", type=Path, required=True, help="report.json of portraits.evaluate_pack")
    parser.add_argument("--pack", type=Path, default=BUILT_IN, help="the pack's folder, with README.md (default: the built-in one)")
    parser.add_argument("--curves", type=Path, default=CURVES, help="the PNG of the curves (default: docs/images/training.png)")
    options = parser.parse_args(list(arguments))
    records, readme = {} if options.work is None else read_records(options.work), options.pack / "README.md"
    page = readme.read_text()
    text = fill(page, blocks_of(options.pack, records, _read(options.report), page))
    if records:
        options.curves.parent.mkdir(parents=True, exist_ok=True)
        save_png(options.curves, draw_curves(records))
    write_atomically(readme, text.encode())
    return {"readme": readme, "curves": options.curves if records else None}


if __name__ == "__main__":
    cli.run(main)
