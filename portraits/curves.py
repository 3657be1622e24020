"""How a pack's trainings went, read from their records and drawn: `python -m portraits.curves --work DIR --out curves.png`.

The records are what the stages of `build_pack` leave: generator.jsonl and sharpen.jsonl, and STAGE.log, what a stage said on
standard error (`python -m portraits.build_pack --work DIR --stage clip 2> DIR/clip.log`). Stages without records are left out.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from packs import cli
from stylegan2.images import save_png

STAGES = ("generator", "sharpen", "mapping", "parser", "second_parser", "classifier", "clip", "see", "align", "encoder")
SCALE = 2  # drawn larger and shrunk: smooth lines
WIDTH, HEIGHT, COLUMNS = 430, 230, 2  # of a panel, in pixels
MARGIN = (52, 34, 14, 30)  # left, top, right, bottom
COLOURS = ("#1f5fa8", "#c2571a", "#2f855a", "#7b4aa0")
PALETTE = 48


@dataclass(frozen=True)
class Panel:
    """A chart over minutes. lines: (stage, field of its records, label)."""

    title: str
    lines: tuple[tuple[str, str, str], ...]


PANELS = (
    Panel("generator: mean absolute error, held-out faces", (("generator", "l1", "all"), ("generator", "l1_small", "small parts"), ("generator", "l1_hair", "hair"))),
    Panel("generator: sharpness, 1 is the renderer's", (("generator", "sharpness", "all"), ("generator", "sharpness_small", "small parts"),
                                                       ("generator", "sharpness_hair", "hair"))),
    Panel("parsers: loss (mean IoU stands in the table)", (("parser", "loss", "the pack's"), ("second_parser", "loss", "the second"))),
    Panel("attribute classifier: loss", (("classifier", "loss", "classifier"),)),
    Panel("CLIP: losses", (("clip", "truth_loss", "truth"), ("clip", "topic_loss", "topics"), ("clip", "pair_loss", "pairs"))),
    Panel("CLIP's picture tower, asked for every topic: losses", (("see", "loss", "from the embedding"), ("see", "place_loss", "from places"))),
    Panel("CLIP's words to what its pictures tell: losses", (("align", "truth_loss", "truth"), ("align", "topic_loss", "topics"), ("align", "pair_loss", "pairs"))),
    Panel("encoder: loss", (("encoder", "loss", "encoder"),)),
)


def read_records(work: Path) -> dict[str, list[dict]]:
    """{stage: its records, in order}; where a killed run went on from a checkpoint, what it did again counts once.

    Raises ValueError where the folder has no records.
    """
    records = {stage: _in_order(_curve(work / f"{stage}.jsonl") or _said(work / f"{stage}.log", stage)) for stage in STAGES}
    records = {stage: lines for stage, lines in records.items() if lines}
    if not records:
        raise ValueError(f"{work} has no records of training; accepted is a work folder of build_pack with STAGE.jsonl or STAGE.log files")
    return records


def _curve(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _said(path: Path, stage: str) -> list[dict]:
    """The lines "stage: {...}" of a log."""
    if not path.exists():
        return []
    start = f"{stage}: {{"
    return [ast.literal_eval(line.removeprefix(f"{stage}: ")) for line in path.read_text().splitlines() if line.startswith(start) and line.endswith("}")]


def _in_order(lines: list[dict]) -> list[dict]:
    kept: list[dict] = []
    for line in lines:
        while kept and kept[-1].get("step", 0) >= line.get("step", 0) and "accuracy" not in line and "mean_iou" not in line:
            kept.pop()
        kept.append(line)
    return kept


def points(lines: list[dict], field: str) -> list[tuple[float, float]]:
    """(minutes, value) of the records that have the field."""
    return [(line["seconds"] / 60, line[field]) for line in lines if field in line and "seconds" in line]


def draw_curves(records: dict[str, list[dict]]) -> Image.Image:
    """The panels of which there are records, two beside one another. Raises ValueError where there are none."""
    panels = [(panel, lines) for panel in PANELS if (lines := {label: found for stage, field, label in panel.lines
                                                               if len(found := points(records.get(stage, []), field)) > 1})]
    if not panels:
        raise ValueError("the records are too short to draw: no stage reported twice")
    rows = -(-len(panels) // COLUMNS)
    picture = Image.new("RGB", (SCALE * COLUMNS * WIDTH, SCALE * rows * HEIGHT), "white")
    for i, (panel, lines) in enumerate(panels):
        _draw_panel(ImageDraw.Draw(picture), (i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT), panel.title, lines)
    return picture.resize((COLUMNS * WIDTH, rows * HEIGHT), Image.Resampling.LANCZOS).quantize(PALETTE)


def _draw_panel(draw: ImageDraw.ImageDraw, corner: tuple[int, int], title: str, lines: dict[str, list[tuple[float, float]]]) -> None:
    left, top, right, bottom = MARGIN
    every = [point for line in lines.values() for point in line]
    last, high = max(x for x, _ in every), max(y for _, y in every)
    low = min(0.0, min(y for _, y in every))
    across, down = WIDTH - left - right, HEIGHT - top - bottom

    def place(x: float, y: float) -> tuple[float, float]:
        return (SCALE * (corner[0] + left + across * x / max(last, 1e-9)), SCALE * (corner[1] + top + down * (1 - (y - low) / max(high - low, 1e-9))))

    font = ImageFont.load_default(11 * SCALE)
    for share in (0, 0.5, 1):
        value, minutes = low + share * (high - low), share * last
        draw.line([place(0, value), place(last, value)], fill="#dddddd", width=SCALE)
        draw.text((SCALE * (corner[0] + left - 6), place(0, value)[1]), f"{value:.3g}", fill="#555555", font=font, anchor="rm")
        draw.text((place(minutes, low)[0], SCALE * (corner[1] + HEIGHT - bottom + 5)), f"{minutes:.0f} min", fill="#555555", font=font,
                  anchor=("la", "ma", "ra")[int(2 * share)])
    draw.text((SCALE * (corner[0] + left), SCALE * (corner[1] + 4)), title, fill="black", font=font)
    for i, (label, line) in enumerate(lines.items()):
        draw.line([place(*point) for point in line], fill=COLOURS[i], width=2 * SCALE, joint="curve")
        if len(lines) > 1:
            draw.text((SCALE * (corner[0] + left + 100 * i), SCALE * (corner[1] + 18)), label, fill=COLOURS[i], font=font)


def main(arguments: Sequence[str]) -> dict:
    """Draw the curves."""
    parser = cli.ArgumentParser(prog="python -m portraits.curves", description="Draw how the trainings of a pack went.")
    parser.add_argument("--work", type=Path, required=True, help="work folder of build_pack, with its records")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    options = parser.parse_args(list(arguments))
    records = read_records(options.work)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_png(options.out, draw_curves(records))
    return {"curves": options.out, "stages": list(records)}


if __name__ == "__main__":
    cli.run(main)
