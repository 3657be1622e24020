"""The paper's table 1 beside ours: differences between settings, with the spread that training seeds give them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Mapping, Sequence

from evaluation.measure import NAMES
from evaluation.tables import COLUMNS, grid

VARIANTS: dict[str, dict] = {
    "final": {}, "expanded": {"expanded": True}, "single": {"single": True}, "W": {"space": "W"},
    "localization 0": {"localization_weight": 0.0}, "localization 0.2": {"localization_weight": 0.2},
}
"""What is trained: the final settings, and each with one of them changed (fields of `EclipsedConfig`)."""

MEASURED = ("similarity", *NAMES)
Spread = tuple[float, float] | None  # mean and standard deviation over training seeds; the latter 0 for one seed


@dataclass(frozen=True)
class Row:
    """A line of the paper's table: CLIP similarity with the final settings and with one changed, and on which pictures."""

    parameter: str
    variant: str
    where: str  # "held_out" or "own", the one picture that a single-seed run trains on
    paper: tuple[float, float]


ROWS = (
    Row("prompt: plain or expanded", "expanded", "held_out", (0.192, 0.177)),
    Row("random seeds or one, on that one", "single", "own", (0.188, 0.205)),
    Row("random seeds or one, on others", "single", "held_out", (0.207, 0.193)),
    Row("W+ or W", "W", "held_out", (0.213, 0.201)),
    Row("localization weight 0.05 or 0", "localization 0", "held_out", (0.201, 0.204)),
    Row("localization weight 0.05 or 0.2", "localization 0.2", "held_out", (0.201, 0.174)),
)

Cells = Mapping[str, Sequence[Mapping]]  # by variant, one cell a training seed (means over prompts), in the same order


def compare(cells: Cells, layers: str) -> list[dict]:
    """Every row of the paper's table: `final`, `alternate` and their `difference` over training seeds, and what it says.

    The difference is taken seed by seed: the same seed gives both runs the same pictures and the same start. `verdict`:
    "as in the paper" or "the other way" where it is more than twice its standard error from 0, else "no clear difference".
    """
    return [{"parameter": row.parameter, "paper": list(row.paper), **_compared(cells, row, layers)} for row in ROWS]


def _compared(cells: Cells, row: Row, layers: str) -> dict:
    final, other = ([cell[layers][row.where]["similarity"] for cell in cells[variant]] for variant in ("final", row.variant))
    difference = [b - a for a, b in zip(final, other, strict=True)]
    mean, deviation = spread(difference)
    clear = len(difference) > 1 and abs(mean) > 2 * deviation / len(difference) ** 0.5
    agrees = (mean > 0) == (row.paper[1] > row.paper[0])
    verdict = ("as in the paper" if agrees else "the other way") if clear else "no clear difference"
    return {"final": spread(final), "alternate": spread(other), "difference": (mean, deviation), "verdict": verdict}


def by_variant(cells: Cells, layers: str) -> list[dict]:
    """Every metric of every setting on held-out samples, as (mean, standard deviation) over training seeds; None where not measured."""
    return [{"variant": variant, **{name: spread([cell[layers]["held_out"][name] for cell in cells[variant]]) for name in MEASURED}}
            for variant in cells]


def spread(values: Sequence[float | None]) -> Spread:
    """Mean and standard deviation of what was measured; None if nothing was."""
    found = [value for value in values if value is not None]
    return (fmean(found), stdev(found) if len(found) > 1 else 0.0) if found else None


def markdown(report: dict) -> str:
    """The tables, ready for a page."""
    seeds, text = len(report["seeds"]), []
    for layers, tables in report["layers"].items():
        compared = [[row["parameter"], *(f"{value:.3f}" for value in row["paper"]), *(_told(row[name]) for name in ("final", "alternate", "difference")),
                     row["verdict"]] for row in tables["rows"]]
        variants = [[row["variant"], *(_told(row[name]) for name in MEASURED)] for row in tables["variants"]]
        text += [f"CLIP similarity, layers {layers} edited; mean and standard deviation over {seeds} training seeds:", "",
                 *grid(["parameter", "paper: final", "paper: alternate", "final", "alternate", "difference", "it is"], compared), "",
                 f"Held-out samples, layers {layers} edited:", "", *grid(["setting", "similarity", *COLUMNS.values()], variants), ""]
    return "\n".join(text)


def _told(value: Spread) -> str:
    return "-" if value is None else f"{value[0]:.3f} ± {value[1]:.3f}"
