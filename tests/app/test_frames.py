"""Frames rendered ahead: which strengths, in which order, what makes them useless, and how few at a time."""

from __future__ import annotations

import io
import itertools

import pytest
from PIL import Image

from app import frames, rendering
from app.session import Snapshot, StackEdit, changed, with_face


def test_strengths_come_coarse_to_fine_each_level_holding_the_one_before():
    found = [point for point, in frames.points([2.0])]
    assert len(found) == len(set(found)) == 33
    for count in (9, 17, 33):
        assert sorted(found[:count]) == pytest.approx([-2 + 4 * n / (count - 1) for n in range(count)])


def test_a_palette_comes_coarse_to_fine_with_its_own_limits_each_way():
    found = frames.points([2.0, 3.0])
    assert len(found) == len(set(found)) == 49
    assert set(found[:9]) == set(itertools.product((-2.0, 0.0, 2.0), (-3.0, 0.0, 3.0)))


@pytest.fixture
def snapshot(make_direction) -> Snapshot:
    """Two edits, "one" and "two"."""
    curls, glasses = make_direction("a person with curly hair"), make_direction("a person with glasses", "eyeglasses")
    return Snapshot(edits=(StackEdit(str(curls), 1.0, uid="one"), StackEdit(str(glasses), 0.5, uid="two")))


def test_frames_stay_good_while_only_their_own_strength_moves(snapshot):
    basis = frames.basis(snapshot, ["one"])
    assert frames.basis(changed(snapshot, "one", alpha=-1.5), ["one"]) == basis
    for other in (changed(snapshot, "two", alpha=0.6), with_face(snapshot, 99), changed(snapshot, "one", layers=(2,)),
                  changed(snapshot, "two", muted=True), changed(snapshot, "one", alpha=3.0)):
        assert frames.basis(other, ["one"]) != basis
    assert frames.basis(changed(snapshot, "two", alpha=-1.0), ["one"]) != frames.basis(changed(snapshot, "two", alpha=-2.0), ["one"])
    assert frames.basis(changed(snapshot, "two", alpha=0.6), ["one", "two"]) == frames.basis(snapshot, ["one", "two"])


def test_a_frame_is_the_picture_of_its_strength_in_short(snapshot, monkeypatch):
    asked = []
    monkeypatch.setattr(rendering, "picture", lambda state: asked.append(state) or Image.new("RGB", (1024, 1024), "red"))
    (frame,) = frames.frames(snapshot, ["two"], have=3, seconds=0)
    assert frame.point == frames.points([2.0])[3]
    assert [edit.alpha for edit in asked[0].edits] == [1.0, frame.point[0]]
    assert Image.open(io.BytesIO(frame.jpeg)).size == (512, 512)


def test_a_batch_ends_with_its_time_and_with_the_last_frame(snapshot, monkeypatch):
    monkeypatch.setattr(rendering, "picture", lambda state: Image.new("RGB", (32, 32)))
    assert len(frames.frames(snapshot, ["one"], have=0, seconds=-1)) == 1
    assert len(frames.frames(snapshot, ["one"], have=30, seconds=60)) == 3
    assert frames.frames(snapshot, ["one"], have=33) == []


@pytest.mark.parametrize(("dimensions", "seconds", "count"), [(1, 0.02, 33), (1, 0.2, 17), (1, 0.5, 9), (1, 3.0, 9), (2, 0.1, 49), (2, 0.2, 9)])
def test_a_slow_machine_renders_fewer_frames_ahead(dimensions, seconds, count):
    assert frames.affordable(dimensions, seconds) == count
