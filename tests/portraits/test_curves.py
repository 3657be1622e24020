"""Records of training are read as they were written, once each, and drawn."""

import json

import pytest
from PIL import Image

from portraits import curves


@pytest.fixture
def work(tmp_path):
    """A work folder: two looks at a generator, and a classifier that was killed after step 75 and went on from step 50."""
    lines = [{"step": 10, "seconds": 60.0, "l1": 0.2, "l1_small": 0.4}, {"step": 20, "seconds": 120.0, "l1": 0.1, "l1_small": 0.3}]
    (tmp_path / "generator.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = [{"step": step, "seconds": float(step), "loss": loss} for step, loss in ((25, 3.0), (50, 2.0), (75, 1.5), (75, 1.0))]
    said.append({"step": 75, "seconds": 80.0, "accuracy": 0.9})
    (tmp_path / "classifier.log").write_text("a warning\n" + "".join(f"classifier: {line}\n" for line in said) + "classifier: {cut off")
    return tmp_path


def test_what_was_done_again_counts_once(work):
    records = curves.read_records(work)
    assert set(records) == {"generator", "classifier"}
    assert curves.points(records["generator"], "l1") == [(1.0, 0.2), (2.0, 0.1)]
    assert [value for _, value in curves.points(records["classifier"], "loss")] == [3.0, 2.0, 1.0]
    assert records["classifier"][-1]["accuracy"] == 0.9


def test_a_panel_for_each_chart_that_has_records(work):
    curves.main(["--work", str(work), "--out", str(work / "curves.png")])
    with Image.open(work / "curves.png") as picture:
        assert picture.size == (2 * curves.WIDTH, curves.HEIGHT)  # the error and the classifier, beside one another
        drawn = picture.convert("RGB")
    assert len(drawn.getcolors(100_000)) > 3


def test_a_folder_without_records_is_named(tmp_path):
    with pytest.raises(ValueError, match="no records of training"):
        curves.read_records(tmp_path)
