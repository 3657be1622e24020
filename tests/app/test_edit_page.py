"""The edit page, driven as a visitor drives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import session
from app.session import DEFAULT_SEED


@pytest.fixture
def edited(studio, make_direction):
    """The page with one edit on the stack, at strength 1."""
    path = make_direction("a person with curly hair")
    page = studio()
    page.button(f"add-{path}").click().run()
    assert not page.exception
    return page


def edits(page) -> tuple[session.StackEdit, ...]:
    return page.session_state["history"].present.edits


def slider(page, number: int = 0) -> str:
    """The key of a slider."""
    return f"alpha-{edits(page)[number].uid}"


def captions(page) -> str:
    return " ".join(element.value for element in page.caption)


# --- the face ---------------------------------------------------------------------------------------------------------


def test_it_opens_with_a_picture_and_says_what_to_do(studio, picture):
    page = studio()
    assert picture(page)["after"].startswith("data:image/jpeg;base64,")
    assert not picture(page)["comparable"]
    assert "No edits yet" in page.info[0].value
    assert "None here yet" in captions(page)
    assert not page.error


def test_another_seed_is_another_face_and_undo_brings_the_first_back(studio, picture):
    page = studio()
    first = picture(page)["after"]
    page.number_input("seed").set_value(12).run()
    assert picture(page)["after"] != first
    page.button("undo").click().run()
    assert picture(page)["after"] == first
    assert page.number_input("seed").value == session.DEFAULT_SEED
    page.button("redo").click().run()
    assert page.number_input("seed").value == 12


def test_random_and_truncation(studio, picture):
    page = studio()
    first = picture(page)["after"]
    page.button("random").click().run()
    assert page.number_input("seed").value == page.session_state["history"].present.seed
    assert picture(page)["after"] != first
    random = picture(page)["after"]
    page.slider("truncation").set_value(0.2).run()
    assert picture(page)["after"] != random


def test_a_face_is_picked_from_the_row_and_more_faces_shows_others(studio, sent, trigger):
    page = studio()
    assert pressed(sent(page, "faces")) == [DEFAULT_SEED], "the row that one meets has the face that one meets"
    first = [tile["id"] for tile in sent(page, "faces")["tiles"]]
    trigger(page, "faces", "picked", first[5])
    assert page.number_input("seed").value == first[5] and pressed(sent(page, "faces")) == [first[5]]
    page.button("more").click().run()
    assert not {*first} & {tile["id"] for tile in sent(page, "faces")["tiles"]}
    page.button("fewer").click().run()
    assert first == [tile["id"] for tile in sent(page, "faces")["tiles"]]
    page.number_input("seed").set_value(4).run()
    assert pressed(sent(page, "faces")) == [4], "a seed that is typed brings its row"
    assert page.button("fewer").disabled


def pressed(row: dict) -> list[int]:
    return [tile["id"] for tile in row["tiles"] if tile["pressed"]]


# --- the stack --------------------------------------------------------------------------------------------------------


def test_a_slider_changes_the_picture_and_zero_is_the_original(edited, picture, release):
    strong = picture(edited)
    assert strong["comparable"] and strong["after"] != strong["before"]
    release(edited, slider(edited), -0.5)
    weak = picture(edited)
    assert weak["after"] != strong["after"] and weak["before"] == strong["before"]
    assert "curly hair -0.50" in weak["alt"]
    release(edited, slider(edited), 0.0)
    assert picture(edited)["after"] == strong["before"]


def test_undo_redo_and_reset(edited, picture, sent):
    strong = picture(edited)
    edited.button("reset").click().run()
    assert edits(edited) == () and picture(edited)["after"] == strong["before"]
    edited.button("undo").click().run()
    assert picture(edited)["after"] == strong["after"]
    assert sent(edited, slider(edited))["point"] == [1.0]
    edited.button("undo").click().run()
    assert edits(edited) == ()
    edited.button("redo").click().run()
    assert sent(edited, slider(edited))["point"] == [1.0]
    assert edited.button("redo").disabled is False


def test_mute_keeps_the_strength_and_takes_the_effect(edited, picture, sent):
    strong = picture(edited)
    uid = edits(edited)[0].uid
    edited.button(f"mute-{uid}").click().run()
    assert picture(edited)["after"] == strong["before"]
    muted = sent(edited, slider(edited))
    assert muted["disabled"] and muted["point"] == [1.0]
    edited.button(f"mute-{uid}").click().run()
    assert picture(edited)["after"] == strong["after"]


def test_delete(edited, picture):
    before = picture(edited)["before"]
    edited.button(f"delete-{edits(edited)[0].uid}").click().run()
    assert edits(edited) == () and picture(edited)["after"] == before


def test_two_edits_add_up_and_can_be_reordered(edited, make_direction, picture):
    one = picture(edited)["after"]
    path = make_direction("a person with glasses", "eyeglasses")
    edited.run()
    edited.button(f"add-{path}").click().run()
    both = picture(edited)["after"]
    assert both != one
    first, second = edits(edited)
    assert edited.button(f"up-{first.uid}").disabled and edited.button(f"down-{second.uid}").disabled
    edited.button(f"up-{second.uid}").click().run()
    assert [edit.uid for edit in edits(edited)] == [second.uid, first.uid]


def test_leaving_layers_out_changes_the_picture(edited, picture, sent, trigger):
    whole = picture(edited)["after"]
    uid = edits(edited)[0].uid
    edited.button(f"layers-of-{uid}").click().run()
    trigger(edited, f"layers-{uid}", "picked", 3)
    assert edits(edited)[0].layers == (2, 4)
    assert [tile["id"] for tile in sent(edited, f"layers-{uid}")["tiles"] if tile["pressed"]] == [2, 4]
    assert picture(edited)["after"] not in (whole, picture(edited)["before"])
    trigger(edited, f"layers-{uid}", "picked", 3)
    assert edits(edited)[0].layers is None and picture(edited)["after"] == whole


def test_the_library_is_searched(studio, make_direction):
    for word in ("curly hair", "blonde hair", "glasses", "a hat", "freckles", "a beard", "red lips"):
        make_direction(f"a person with {word}")
    page = studio()
    page.text_input("search").set_value("hair").run()
    assert sorted(button.label for button in page.button if (button.key or "").startswith("add-")) == ["Blonde hair", "Curly hair"]
    page.text_input("search").set_value("zeppelin").run()
    assert "No direction is called “zeppelin”" in captions(page)


def test_directions_of_other_packs_are_not_offered_and_broken_ones_are_named(studio, make_direction):
    make_direction("a person with curly hair", pack_hash="0" * 64)
    broken = make_direction("a person with glasses")
    broken.write_bytes(broken.read_bytes()[:50])
    page = studio()
    assert not [button for button in page.button if (button.key or "").startswith("add-")]
    assert "direction file" in captions(page) and "glasses" in captions(page)


def test_a_direction_whose_file_goes_leaves_a_card_to_delete(edited, picture):
    Path(edits(edited)[0].direction).unlink()
    edited.run()
    assert not edited.exception
    assert len(edited.error) == 1 and "has gone" in edited.error[0].value
    assert not picture(edited)["comparable"]
    edited.button(f"delete-{edits(edited)[0].uid}").click().run()
    assert not edited.error and not edited.exception


# --- a reload, and a pack that cannot be opened -----------------------------------------------------------------------


def test_a_reload_finds_the_stack_again(edited, studio, picture):
    later = studio(visit=edited.session_state["visit"])
    assert edits(later) == edits(edited)
    assert picture(later)["after"] == picture(edited)["after"]


def test_an_unknown_pack_is_one_sentence(studio, monkeypatch):
    monkeypatch.setenv("ECLIPSED_PACK", "zeppelin")
    page = studio()
    assert len(page.error) == 1 and "nknown pack 'zeppelin'" in page.error[0].value


def test_the_history_shows_every_state_and_goes_back_to_any(edited, picture, sent, trigger, release):
    before, strong = picture(edited)["before"], picture(edited)["after"]
    release(edited, slider(edited), -0.5)
    edited.session_state["history-open"] = True
    edited.run()
    states = sent(edited, "history-strip")["tiles"]
    assert [state["name"] for state in states][1:] == ["The face of seed 62 with curly hair +1.00", "The face of seed 62 with curly hair -0.50"]
    assert [state["pressed"] for state in states] == [False, False, True]
    assert len({state["image"] for state in states}) == 3
    trigger(edited, "history-strip", "picked", 0)
    assert picture(edited)["after"] == before and edits(edited) == ()
    trigger(edited, "history-strip", "picked", 1)
    assert picture(edited)["after"] == strong and edited.button("redo").disabled is False
