"""The variants of the paper's table 1, its figures, and what is said of ours: means over seeds, and pairs in the paper's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

from evaluation.tables import grid, number

METRICS = {"mean_iou": "mean IoU", "accuracy": "accuracy"}
GENERATION = ("undesired", "following", "variety")  # of measure.generation, which needs torch


@dataclass(frozen=True)
class Variant:
    """A row of table 1: how it is built and trained, and the paper's figures for it. key: its name in files."""

    key: str
    lstm_layers: int
    bidirectional: bool
    weighted: bool
    mean_iou: float
    accuracy: float


VARIANTS = {
    "without LSTM": Variant("none", 0, False, False, 0.6849, 0.9424),
    "1 LSTM, one way, unweighted": Variant("1-way1-plain", 1, False, False, 0.6815, 0.9385),
    "3 LSTMs, one way, unweighted": Variant("3-way1-plain", 3, False, False, 0.6735, 0.9091),
    "3 LSTMs, one way": Variant("3-way1-weighted", 3, False, True, 0.6834, 0.9094),
    "3 LSTMs, both ways, unweighted": Variant("3-way2-plain", 3, True, False, 0.6956, 0.9212),
    "whole": Variant("3-way2-weighted", 3, True, True, 0.7031, 0.9239),
}


def summary(cells: Mapping[str, Sequence[Mapping]]) -> dict:
    """Cells {variant: one a seed, in the same order of seeds}, each with what `measure` found -> {"variants": {name: means
    and standard deviations}, "pairs": {metric: `ordered`s}, "agreement": {metric: {"pairs", "agree", "agree_in_all_seeds"}}}."""
    variants = {name: _means(rows) for name, rows in cells.items()}
    pairs = {metric: [ordered(cells, metric, *names) for names in combinations(VARIANTS, 2)] for metric in METRICS}
    agreement = {metric: {"pairs": len(rows), "agree": sum(row["difference"] > 0 for row in rows),
                          "agree_in_all_seeds": sum(row["seeds_agreeing"] == row["seeds"] for row in rows)}
                 for metric, rows in pairs.items()}
    return {"variants": variants, "agreement": agreement, "pairs": pairs}


def ordered(cells: Mapping[str, Sequence[Mapping]], metric: str, first: str, second: str) -> dict:
    """Two variants, the one that the paper has higher first: by how much ours is higher there, and in how many seeds."""
    higher, lower = sorted((first, second), key=lambda name: -getattr(VARIANTS[name], metric))
    differences = [a[metric] - b[metric] for a, b in zip(cells[higher], cells[lower], strict=True)]
    return {"higher": higher, "lower": lower, "difference": fmean(differences), "seeds": len(differences),
            "seeds_agreeing": sum(difference > 0 for difference in differences)}


def markdown(report: Mapping) -> str:
    """The table, and how far the paper's order holds, as Markdown."""
    rows = []
    for name, variant in VARIANTS.items():
        own = report["variants"][name]
        spread = [f"{number(own[metric])} ± {number(own[f'{metric}_std'])}" for metric in METRICS]
        drawn = [number(own["generation"][figure], 4) for figure in GENERATION]
        rows.append([name, *spread, number(variant.mean_iou), number(variant.accuracy), *drawn])
    head = (f"{len(report['seeds'])} seeds, {report['steps']} steps of {report['batch_size']} masks at {report['size']} pixels, "
            f"measured on {report['held_out_masks']} held-out masks, parts drawn in {report['drawn_masks']} of them. "
            "Mean and standard deviation over seeds.")
    table = grid(["variant", *METRICS.values(), *(f"{title}, paper" for title in METRICS.values()), *GENERATION], rows)
    said = [f"- {title}: {found['agree']} of {found['pairs']} pairs of variants are in the paper's order by their means, "
            f"{found['agree_in_all_seeds']} with every seed." for found, title in zip(report["agreement"].values(), METRICS.values())]
    return "\n".join([head, "", *table, "", *said, ""])


def _means(rows: Sequence[Mapping]) -> dict:
    """Means, and for the metrics standard deviations (None of a single seed); of each class over the seeds that found it."""
    found: dict = {}
    for metric in METRICS:
        values = [row[metric] for row in rows]
        found |= {metric: fmean(values), f"{metric}_std": stdev(values) if len(values) > 1 else None}
    by_class = {name: [row["class_iou"][name] for row in rows if row["class_iou"][name] is not None]
                for name in rows[0]["class_iou"]}
    generation = [row["generation"]["mean"] for row in rows]
    drawn = {name: [row[name] for row in generation if row[name] is not None] for name in GENERATION}
    return {**found, "class_iou": _means_of(by_class), "generation": _means_of(drawn)}


def _means_of(lists: Mapping[str, Sequence[float]]) -> dict[str, float | None]:
    return {name: fmean(values) if values else None for name, values in lists.items()}
