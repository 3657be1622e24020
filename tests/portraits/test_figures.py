"""The table of a report: what stands in it, what is said of it, and what is left out."""

import pytest

from portraits.figures import FIGURES, table, verdict, weak_points

REPORT = {
    "generated": {"frechet": 2.5, "precision": 0.8, "recall": 0.7}, "renders": {"frechet": 0.5, "precision": 0.9, "recall": 0.91},
    "parser": {"mean_iou": 0.9, "iou_by_class": {"skin": 0.97, "neck_l": 0.4, "hat": None}},
    "clip": {"templates": {"accuracy": 0.9499, "accuracy_by_attribute": {"Bald": 0.99, "Big_Nose": 0.6}}},
    "attributes": {"share_within": 0.5, "off": ["Bald"], "by_attribute": {"Bald": {"samples": 0.01, "renders": 0.1, "world": 0.107}}},
    "pack": {"megabytes": 41.2, "directions": 24},
}


def cells(report: dict, beginning: str) -> list[str]:
    [row] = [line for line in table(report).splitlines() if line.startswith(f"| {beginning}")]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_a_figure_stands_beside_its_real_one_and_what_was_asked_for():
    assert cells(REPORT, "Fréchet") == ["2.500", "0.500", ""]
    assert cells(REPORT, "parser: mean IoU") == ["0.900", "", "at least 0.9: yes"]
    assert cells(REPORT, "CLIP: zero-shot") == ["0.950", "", "at least 0.95: **no**"]  # judged before it is rounded
    assert cells(REPORT, "the whole pack") == ["41.2", "", "at most 40: **no**"]
    assert cells(REPORT, "ready-made") == ["24", "", "at least 24: yes"]


def test_what_was_not_measured_is_named_only_where_it_was_asked_for():
    assert cells(REPORT, "classifier: accuracy") == ["not measured", "", "at least 0.97"]
    assert "identity" not in table(REPORT)
    with pytest.raises(ValueError, match="no figures"):
        table({"other": 1})


def test_a_figure_without_a_target_has_no_verdict():
    assert [verdict(figure, 0.0) for figure in FIGURES if figure.name.startswith("recall")] == [""]


def test_what_is_weak_is_named_from_the_weakest():
    off, parser, clip = weak_points(REPORT)
    assert "Bald (0.010 of samples, 0.107 of the world)" in off
    assert parser.endswith(": neck_l 0.40, skin 0.97.") and clip.endswith(": Big_Nose 0.60, Bald 0.99.")
    within = REPORT | {"attributes": {"share_within": 1.0, "off": [], "by_attribute": {}}}
    assert weak_points(within)[0].startswith("Every attribute")
