"""Sliders and the feed of frames, as the browser and the page talk to each other."""

from __future__ import annotations

import pyarrow
import pytest

from app.components import registry


@pytest.fixture
def edited(studio, make_direction):
    """The page with one edit on the stack, at strength 1."""
    path = make_direction("a person with curly hair")
    page = studio()
    page.button(f"add-{path}").click().run()
    return page


def uid(page) -> str:
    return page.session_state["history"].present.edits[0].uid


def table(page) -> dict[str, list]:
    """The table that the feed got."""
    proto = next(element.proto for element in page.get("bidi_component") if element.key == "live-feed")
    (blob,) = proto.mixed.arrow_blobs.values()
    return pyarrow.ipc.open_stream(blob.data).read_all().to_pydict()


def test_the_feed_sends_jpegs_as_bytes_and_goes_on_where_the_browser_is(edited, sent, trigger):
    slider = sent(edited, f"alpha-{uid(edited)}")
    assert sent(edited, "live-feed") == {"batch": None}
    trigger(edited, "live-feed", "want", {"target": [uid(edited)], "basis": slider["basis"], "have": 0})
    batch, first = sent(edited, "live-feed")["batch"], table(edited)
    assert batch["start"] == 0 and batch["total"] in (9, 17, 33) and first["point"][0] == [-2.0]
    assert all(isinstance(jpeg, bytes) and jpeg[:2] == b"\xff\xd8" for jpeg in first["jpeg"])
    have = len(first["point"])
    trigger(edited, "live-feed", "want", {"target": [uid(edited)], "basis": slider["basis"], "have": have})
    assert sent(edited, "live-feed")["batch"]["start"] == have and not set(map(tuple, table(edited)["point"])) & set(map(tuple, first["point"]))


def test_a_state_that_is_no_more_gets_no_frames(edited, sent, trigger):
    basis = sent(edited, f"alpha-{uid(edited)}")["basis"]
    edited.number_input("seed").set_value(12).run()
    trigger(edited, "live-feed", "want", {"target": [uid(edited)], "basis": basis, "have": 0})
    assert sent(edited, "live-feed") == {"batch": {"target": [uid(edited)], "basis": "", "start": 0, "total": 0}}
    trigger(edited, "live-feed", "want", {"target": ["gone"], "basis": basis, "have": 0})
    assert sent(edited, "live-feed")["batch"]["total"] == 0


def test_what_is_drawn_after_a_release_carries_its_revision(edited, sent, release, picture):
    assert picture(edited)["revision"] == 0
    release(edited, f"alpha-{uid(edited)}", -0.5)
    assert picture(edited)["revision"] == sent(edited, f"alpha-{uid(edited)}")["revision"] == 1
    assert sent(edited, f"alpha-{uid(edited)}")["point"] == [-0.5]


def test_a_strength_that_no_slider_has_is_cut_to_the_slider(edited, sent, release):
    release(edited, f"alpha-{uid(edited)}", 1e9)
    assert sent(edited, f"alpha-{uid(edited)}")["point"] == [2.0]


def test_without_components_it_is_streamlits_slider(edited, monkeypatch, picture):
    strong = picture(edited)["after"]
    monkeypatch.setattr("app.panels.live.available", lambda: False)
    edited.run()
    edited.slider(f"alpha-{uid(edited)}").set_value(-0.5).run()
    assert picture(edited)["after"] != strong
    assert edited.session_state["history"].present.edits[0].alpha == -0.5
    assert registry.available()


def test_a_palette_moves_two_edits_in_one_step(edited, make_direction, picture, sent, release):
    assert not [element for element in edited.get("bidi_component") if "+" in (element.key or "")]
    glasses = make_direction("a person with glasses", "eyeglasses")
    edited.run()
    edited.button(f"add-{glasses}").click().run()
    first, second = edited.session_state["history"].present.edits
    key = f"alpha-{first.uid}+{second.uid}"
    assert sent(edited, key)["labels"] == ["curly hair", "glasses"] and sent(edited, key)["point"] == [1.0, 1.0]
    both = picture(edited)["after"]
    release(edited, key, -0.5, 1.5)
    assert [edit.alpha for edit in edited.session_state["history"].present.edits] == [-0.5, 1.5]
    assert picture(edited)["after"] != both
    edited.button("undo").click().run()
    assert sent(edited, key)["point"] == [1.0, 1.0] and picture(edited)["after"] == both


def test_the_palettes_other_way_round_and_an_edit_that_goes(edited, make_direction, sent):
    glasses = make_direction("a person with glasses", "eyeglasses")
    edited.run()
    edited.button(f"add-{glasses}").click().run()
    first, second = edited.session_state["history"].present.edits
    edited.selectbox("palette-across").set_value(second.uid).run()
    assert sent(edited, f"alpha-{second.uid}+{first.uid}")["labels"] == ["glasses", "curly hair"]
    edited.button(f"delete-{second.uid}").click().run()
    assert not edited.exception and not edited.selectbox
