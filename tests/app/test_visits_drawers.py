"""Drawers on disk: what is put in is there again, whole and bounded, and nothing else can be named; shapes as values."""

import json
import os
from pathlib import Path

import pytest

from app import drawers, shape_history, visits
from app.drawers import Drawers
from app.session import History, Snapshot, Work
from app.visits import Visits
from baselines.shape.edits import GivenMask, PartShape, Stroke
from baselines.shape.recipe import Shape

LINE = Stroke(17, 0.3, ((0.25, -0.5), (0.75, 1.0)))
FIRST, SECOND = b"one picture", b"another picture"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def never() -> bytes:
    raise AssertionError("it is there already")


def history() -> History:
    shape = Shape("first", FIRST, (LINE,))
    other = Shape("second", SECOND, (PartShape("hair", "perturb", 1.5, 3, 0.7), GivenMask(b"mask"), LINE), True)
    return History(Shape("first", FIRST)).push(shape).push(Shape("first", FIRST, (LINE, LINE))).push(other).undo()


# --- drawers ----------------------------------------------------------------------------------------------------------


def test_a_picture_is_asked_for_once_and_goes_with_the_values_that_name_it(tmp_path):
    kept = Drawers(tmp_path)
    kept.put("mine", "photo", {"a": 1}, {"one": lambda: FIRST, "two": lambda: SECOND})
    kept.put("mine", "photo", {"a": 2}, {"two": never})
    found = Drawers(tmp_path).open("mine", "photo")
    assert found.values["a"] == 2 and found.picture("two") == SECOND
    assert files(tmp_path) == ["two.png", "values.json"]
    kept.empty("mine", "photo")
    assert kept.open("mine", "photo") is None and files(tmp_path) == []


def test_a_damaged_picture_is_written_anew_by_the_next_server(tmp_path):
    for data in (b"damaged", FIRST):
        Drawers(tmp_path).put("mine", "photo", {}, {"one": lambda data=data: data})
    assert Drawers(tmp_path).open("mine", "photo").picture("one") == FIRST


def test_what_breaks_off_leaves_what_was_there(tmp_path):
    kept = Drawers(tmp_path)
    kept.put("mine", "photo", {"a": 1}, {"one": lambda: FIRST})
    with pytest.raises(OSError, match="full"):
        kept.put("mine", "photo", {"a": 2}, {"two": lambda: full()})
    found = kept.open("mine", "photo")
    assert found.values["a"] == 1 and found.picture("one") == FIRST and files(tmp_path) == ["one.png", "values.json"]


def full() -> bytes:
    raise OSError("the disk is full")


@pytest.mark.parametrize("name", ["../photo", "a/b", "", ".", None, 5])
def test_no_other_file_can_be_named(tmp_path, name):
    kept = Drawers(tmp_path)
    kept.put("mine", "photo", {}, {"one": lambda: FIRST})
    with pytest.raises(ValueError, match="damaged: it names the picture"):
        kept.open("mine", "photo").picture(name)
    for visit, drawer in ((name, "photo"), ("mine", name)):
        with pytest.raises(ValueError, match="no names of drawers"):
            kept.open(visit, drawer)


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"format": 2}', b"{}"])
def test_damaged_values_are_named(tmp_path, data):
    kept = Drawers(tmp_path)
    kept.put("mine", "photo", {}, {})
    (tmp_path / "mine" / "photo" / "values.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"values\.json is damaged"):
        kept.open("mine", "photo")


def test_the_disk_is_used_no_further_than_that(tmp_path, monkeypatch):
    monkeypatch.setattr(drawers, "MAX_BYTES", 2500)
    kept = Drawers(tmp_path)
    for day, visit in enumerate(("first", "second", "third")):
        kept.put(visit, "photo", {}, {"one": lambda: bytes(1000)})
        if (tmp_path / visit / "photo").exists():
            os.utime(tmp_path / visit / "photo", (day, day))
    assert [kept.open(visit, "photo") is None for visit in ("first", "second", "third")] == [True, False, False]
    kept.put("third", "shapes", {}, {"large": lambda: bytes(3000)})
    assert files(tmp_path) == [], "one alone that is too large is not kept either"


def test_drawers_go_with_their_visit(tmp_path, monkeypatch):
    monkeypatch.setattr(visits, "MAX_VISITS", 2)
    kept, work = Visits(tmp_path), Work(History().push(Snapshot(seed=3)), beside=frozenset({"photo"}))
    for day, name in enumerate(("first", "second", "third")):
        kept.keep(name, work)
        kept.drawers.put(name, "photo", {}, {"one": lambda: FIRST})
        os.utime(tmp_path / f"{name}.json", (day, day))
    kept.keep("fourth", work)
    assert [kept.drawers.open(name, "photo") is None for name in ("first", "second", "third")] == [True, True, False]
    assert sorted(path.name for path in tmp_path.glob("*/")) == ["third"]


def test_a_visit_with_something_beside_it_has_begun_and_older_files_had_nothing(tmp_path):
    work = Work(History(), beside=frozenset({"photo"}))
    Visits(tmp_path).keep("mine", work)
    assert Visits(tmp_path).get("mine") == work and work.begun
    Visits(tmp_path).keep("mine", Work(History()))
    assert Visits(tmp_path).get("mine") == Work(History()), "what there is no more is not said to be"
    values = visits.to_json(work)
    del values["beside"]
    assert visits.from_json(values).beside == frozenset()


# --- shapes -----------------------------------------------------------------------------------------------------------


def fail(error: Exception) -> None:
    raise AssertionError(f"nothing is lost, but it is told: {error}")


def test_shapes_are_there_again_with_their_undo(tmp_path):
    Drawers(tmp_path).put("mine", "shapes", *shape_history.put_away(history()))
    found = shape_history.taken_out(Drawers(tmp_path).open("mine", "shapes"), fail)
    assert found.states == history().states and found.present == history().present


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"spoilt"), lambda path: path.unlink()])
def test_a_damaged_picture_takes_no_more_than_its_own_steps(tmp_path, spoil):
    shapes = [Shape("1", b"one"), Shape("2", b"two"), Shape("3", b"one"), Shape("4", b"four")]
    for here, left in ((0, "134"), (1, "134"), (3, "134")):
        kept = Drawers(tmp_path / str(here))
        kept.put("mine", "shapes", *shape_history.put_away(History(shapes[here], tuple(shapes[:here]), tuple(shapes[here + 1:]))))
        spoil(kept.open("mine", "shapes").folder / f"{shape_history.name_of(b'two')}.png")
        told = []
        found = shape_history.taken_out(kept.open("mine", "shapes"), told.append)
        assert len(told) == 1
        assert "".join(shape.title for shape in found.states) == left
        assert found.present.title == {0: "1", 1: "1", 3: "4"}[here]


def test_shapes_without_any_whole_picture_are_no_shapes(tmp_path):
    kept = Drawers(tmp_path)
    kept.put("mine", "shapes", *shape_history.put_away(history()))
    for path in kept.open("mine", "shapes").folder.glob("*.png"):
        path.write_bytes(b"spoilt")
    with pytest.raises(ValueError, match="damaged"):
        shape_history.taken_out(kept.open("mine", "shapes"), fail)


def test_pictures_and_strokes_are_written_once_each():
    values, pictures = shape_history.put_away(history())
    assert len(pictures) == 2 and len(values["edits"]) == 3
    assert [state["edits"] for state in values["states"]] == [[], [0], [0, 0], [1, 2, 0]]


def test_of_many_pictures_those_near_the_present_are_kept(monkeypatch):
    monkeypatch.setattr(shape_history, "MAX_PICTURES", 2)
    shapes = [Shape(str(number), bytes([number])) for number in range(5)]
    values, pictures = shape_history.put_away(History(shapes[2], tuple(shapes[:2]), tuple(shapes[3:])))
    assert [state["title"] for state in values["states"]] == ["2", "3"] and values["here"] == 0 and len(pictures) == 2


@pytest.mark.parametrize("change", [
    {"here": 9}, {"states": 5}, {"edits": [{"label": 99, "size": 1, "points": [[0, 0]]}]}, {"edits": []},
    {"here": 0, "states": [{"title": "a", "picture": "../x", "edits": [], "whole": False}]},
])  # fmt: skip
def test_damaged_shapes_are_no_shapes(tmp_path, change):
    kept = Drawers(tmp_path)
    kept.put("mine", "shapes", *shape_history.put_away(history()))
    path = tmp_path / "mine" / "shapes" / "values.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises((ValueError, TypeError, IndexError)):
        shape_history.taken_out(kept.open("mine", "shapes"), fail)
