"""Table 1 again: verdicts that follow from the spread, and the runner from training to the page."""

from __future__ import annotations

import json

import pytest

from baselines.eclipsed.config import EclipsedConfig
from evaluation import table1
from evaluation.measure import NAMES
from evaluation.table1_report import ROWS, VARIANTS, by_variant, compare, spread


def cells(**similarities: list[float]) -> dict:
    """Cells with these similarities by variant, a number a seed; 0.2 for variants that are not named."""
    def cell(value: float) -> dict:
        return {"all": {"held_out": {**dict.fromkeys(NAMES, 0.5), "similarity": value}, "own": {"similarity": value + 0.1}}}

    return {variant: [cell(value) for value in similarities.get(variant, [0.2, 0.2, 0.2])] for variant in VARIANTS}


def test_every_row_of_the_paper_has_its_setting():
    assert {row.variant for row in ROWS} == set(VARIANTS) - {"final"} and len(ROWS) == 6
    assert EclipsedConfig(**VARIANTS["final"]) == EclipsedConfig()
    for variant, changes in VARIANTS.items():
        assert len(changes) == (variant != "final") and EclipsedConfig(**changes) is not None


def test_a_difference_counts_when_it_is_larger_than_its_error():
    # seed by seed: W -0.02, -0.02, -0.03 (the paper: lower), expanded +0.02, +0.03, +0.02 (the paper: lower), localization 0 as often up as down
    found = {row["parameter"]: row for row in compare(cells(final=[0.2, 0.3, 0.4], W=[0.18, 0.28, 0.37], expanded=[0.22, 0.33, 0.42],
                                                            **{"localization 0": [0.25, 0.3, 0.36]}), "all")}
    w = found["W+ or W"]
    assert w["verdict"] == "as in the paper" and w["difference"] == (pytest.approx(-0.07 / 3), pytest.approx(0.0057735, abs=1e-6))
    assert w["final"] == (pytest.approx(0.3), pytest.approx(0.1)) and w["paper"] == [0.213, 0.201]
    assert found["prompt: plain or expanded"]["verdict"] == "the other way"
    assert found["localization weight 0.05 or 0"]["verdict"] == "no clear difference"
    assert found["random seeds or one, on that one"]["final"][0] == pytest.approx(0.4)  # its own picture, not the others


def test_one_seed_decides_nothing():
    one = {variant: found[:1] for variant, found in cells(final=[0.2], W=[0.1]).items()}
    assert {row["verdict"] for row in compare(one, "all")} == {"no clear difference"}
    assert by_variant(one, "all")[0]["similarity"] == (0.2, 0.0)


def test_spreads_leave_out_what_was_not_measured():
    assert spread([1.0, None, 3.0]) == (2.0, pytest.approx(2**0.5)) and spread([None]) is None


def test_from_training_to_the_page(tiny_pack, tmp_path, monkeypatch):
    suite, out = tmp_path / "suite.jsonl", tmp_path / "out"
    suite.write_text(json.dumps({"prompt": "a person with curly hair", "attribute": "Curly_Hair", "value": True}))
    words = ["--pack", str(tiny_pack), "--suite", str(suite), "--samples", "2", "--steps", "1", "--seeds", "0,3", "--device", "cpu", "--out", str(out)]
    result = table1.main(words)
    assert len(result["rows"]) == 6
    report, page = json.loads((out / "table1.json").read_text()), (out / "table1.md").read_text()
    assert report["seeds"] == [0, 3] and set(report["layers"]) == {"3 and 4", "all"} and page.count("| W+ or W | 0.213 | 0.201 |") == 2
    assert len(list((out / "cells").rglob("*.json"))) == 12
    few, whole = (report["layers"][layers]["variants"][0]["similarity"] for layers in ("3 and 4", "all"))
    assert few != whole  # other layers, other pictures

    monkeypatch.setattr(table1.Table1, "measure", lambda *a: pytest.fail("measured again"))
    assert table1.main(words)["rows"] == result["rows"]
    with pytest.raises(ValueError, match="steps 1, not 2"):
        table1.main([*words, "--steps", "2"])


def test_seeds_are_each_named_once():
    assert table1.seed_list("0-2,7") == [0, 1, 2, 7]
    with pytest.raises(ValueError, match="each seed once"):
        table1.seed_list("0-2,1")
