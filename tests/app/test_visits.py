"""The work of a visit outlives the server: what is written, what is read again, and what is refused."""

import json
import os

import pytest

from app import session, visits
from app.session import History, Snapshot, StackEdit, Work
from app.visits import Visits

LATENT = ((0.1, -2.5e-8), (3.0, 1 / 3))


def history() -> History:
    face = Snapshot(seed=7, truncation=0.65)
    edit = StackEdit("/runs/a/direction.safetensors", -0.35, (1, 3), True, 2, True)
    photo = Snapshot(w_plus=LATENT, edits=(edit, StackEdit("b")))
    return History().push(face).push(session.added(face, edit)).push(photo).push(session.removed(photo, edit.uid)).undo()


WORK = Work(history(), "ffhq", {"portraits": History().push(Snapshot(seed=3))})


def test_another_server_finds_all_that_was_kept(tmp_path):
    Visits(tmp_path).keep("mine", WORK)
    found = Visits(tmp_path).get("mine")
    assert found.history.states == WORK.history.states and found.history.present == WORK.history.present
    assert (found.pack, found.left["portraits"].states) == ("ffhq", WORK.left["portraits"].states)
    assert found.history.undo().redo().redo().present == WORK.history.redo().present


def test_latents_are_written_once(tmp_path):
    Visits(tmp_path).keep("mine", WORK)
    assert json.loads((tmp_path / "mine.json").read_text())["latents"] == [list(map(list, LATENT))]


def test_a_visit_in_which_nothing_happened_leaves_no_file(tmp_path):
    kept = Visits(tmp_path / "visits")
    kept.keep("mine", Work(History()))
    assert not (tmp_path / "visits").exists()
    assert kept.get("mine") == Work(History()) and kept.get("other") is None and kept.get(None) is None


def test_what_did_not_change_is_not_written_again(tmp_path):
    kept = Visits(tmp_path)
    kept.keep("mine", WORK)
    (tmp_path / "mine.json").unlink()
    kept.keep("mine", Work(WORK.history, WORK.pack, WORK.left))
    assert not (tmp_path / "mine.json").exists()
    kept.keep("mine", Work(WORK.history.undo(), WORK.pack, WORK.left))
    assert (tmp_path / "mine.json").exists()


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(visits, "MAX_VISITS", 2)
    kept = Visits(tmp_path)
    for day, name in enumerate(("first", "second", "third")):
        kept.keep(name, WORK)
        if (tmp_path / f"{name}.json").exists():
            os.utime(tmp_path / f"{name}.json", (day, day))
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["second", "third"]
    assert kept.get("first") is None


@pytest.mark.parametrize("name", ["../mine", "a/b", "", "x" * 65, "a.b", None, 5])
def test_no_other_file_can_be_named(tmp_path, name):
    Visits(tmp_path).keep("mine", WORK)
    assert not visits.is_name(name)
    assert Visits(tmp_path / "deeper").get(name) is None


@pytest.mark.parametrize("change", [
    {"format": 2}, {"pack": 5}, {"history": {"here": 9, "states": []}}, {"latents": [[["a"]]]}, {"left": []},
    {"history": {"here": 0, "states": [{"seed": 1, "truncation": 1, "edits": [{"direction": "a"}], "w_plus": None}]}},
])  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, change):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(visits.to_json(WORK) | change))
    with pytest.raises(ValueError, match=r"mine\.json is damaged: it holds no work of a visit"):
        Visits(tmp_path).get("mine")


def test_what_is_no_json_is_named(tmp_path):
    (tmp_path / "mine.json").write_bytes(b"\xff{")
    with pytest.raises(ValueError, match=r"mine\.json is damaged"):
        Visits(tmp_path).get("mine")
