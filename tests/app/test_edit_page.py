"""The edit page, driven as a visitor drives it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app import resources, session
from app.session import DEFAULT_SEED
from lelsd.colour import ColourTarget
from lelsd.direction import load_direction
from lelsd.edit import base_latent
from lelsd.stops import Stops


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


def markdown(page) -> str:
    return " ".join(element.value for element in page.markdown)


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


def test_an_edit_ends_where_the_face_does_and_may_go_on(studio, make_direction, picture, release, tiny_models):
    """With room for half a step, strength 1 is half a step; none left is said; past where faces end it is a whole one, and two."""
    path = make_direction("a person with curly hair")
    direction = load_direction(path)
    w_plus, readout = base_latent(tiny_models, 62, tiny_models.truncation), direction.step(1.0).sum(dim=0)
    has, gain = (float(rows[[2, 3, 4]].mean(dim=0) @ readout) for rows in (w_plus[0], direction.step(1.0)))
    assert gain > 0
    replace(direction, stops=Stops(readout, (has,), (has + gain / 2,))).save(path)
    free = make_direction("a person with curls")
    replace(direction, prompt="a person with curls").save(free)
    page = studio()
    page.number_input("seed").set_value(62).run()
    page.button(f"add-{path}").click().run()
    uid, held = edits(page)[0].uid, picture(page)["after"]
    assert "nothing left to change" not in markdown(page)
    release(page, slider(page), -1.0)
    assert "nothing left to change" in markdown(page) and picture(page)["after"] == picture(page)["before"]
    release(page, slider(page), 1.5)
    assert edits(page)[0].alpha == 1.0 and picture(page)["after"] == held
    page.button(f"layers-of-{uid}").click().run()
    page.toggle(f"free-{uid}").set_value(True).run()
    whole = picture(page)["after"]
    assert edits(page)[0].free and whole != held
    release(page, slider(page), 2.0)
    assert edits(page)[0].alpha == 2.0 and picture(page)["after"] not in (held, whole)
    page.button("undo").click().run()
    page.button("undo").click().run()
    assert not edits(page)[0].free and picture(page)["after"] == held and not page.toggle(f"free-{uid}").value
    page.button("reset").click().run()
    page.button(f"add-{free}").click().run()
    release(page, slider(page), 0.5)
    assert picture(page)["after"] == held, "the same step as half of a direction without ends"


def test_the_colour_of_what_is_worn_says_what_it_needs(studio, make_direction):
    hat, colour = (make_direction(prompt, part="hat") for prompt in ("a person with a hat", "a person whose hat is red"))
    page = studio()
    page.button(f"add-{hat}").click().run()
    assert "needs" not in markdown(page)
    page.button(f"add-{colour}").click().run()
    assert "**Hat is red** :small[:gray[hat · needs a hat]]" in markdown(page)


def test_a_colour_of_eyes_needs_open_ones(runs, make_direction, monkeypatch):
    monkeypatch.setattr(resources, "pack_name", lambda: str(os.environ["ECLIPSED_PACK"]))
    learned = load_direction(make_direction("a person with brown eyes", part="eyes"))
    assert resources.needs(learned) == ""
    one = torch.ones(1)
    assert resources.needs(replace(learned, colour=ColourTarget(one[None], one, learned.deltas, one))) == " · needs open eyes"


def test_the_library_is_searched(studio, make_direction):
    for word, part in {"curly hair": "hair", "blonde hair": "hair", "glasses": "eyeglasses", "a hat": "hat", "freckles": "skin", "a beard": "skin",
                       "red lips": "lips"}.items():
        make_direction(f"a person with {word}", part)
    page = studio()
    page.text_input("search").set_value("hair").run()
    assert sorted(button.label for button in page.button if (button.key or "").startswith("add-")) == ["Blonde hair", "Curly hair"]
    hair = make_direction("a person with grey hair")
    replace(load_direction(hair), name="Grandpa").save(hair)
    page.text_input("search").set_value("grandpa").run()
    assert [button.label for button in page.button if (button.key or "").startswith("add-")] == ["Grandpa"]
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


# --- who comes back after the server was started anew -----------------------------------------------------------------


@pytest.fixture
def restart():
    """`restart()`: forget what the server has in memory."""
    return resources._visits.clear


def test_a_new_server_finds_the_stack_and_its_undo_again(edited, studio, picture, restart):
    restart()
    later = studio(visit=edited.session_state["visit"])
    assert edits(later) == edits(edited) and picture(later)["after"] == picture(edited)["after"]
    assert not later.button("undo").disabled
    assert edits(later.button("undo").click().run()) == ()


def test_a_visit_that_cannot_be_read_stays_as_it_is(edited, studio, runs, restart):
    name = edited.session_state["visit"]
    path = runs / ".visits" / f"{name}.json"
    path.write_text("{")
    restart()
    later = studio(visit=name)
    assert "cannot be read" in later.toast[0].value and path.name in later.toast[0].value.replace("\\", "")
    assert later.session_state["visit"] != name
    later.button("random").click().run()
    assert path.read_text() == "{"


def test_a_visit_that_cannot_be_written_is_told_once(studio, runs):
    runs.mkdir()
    (runs / ".visits").write_text("a file where the folder would be")
    page = studio()
    page.button("random").click().run()
    assert "kept only until the studio is closed" in page.toast[0].value
    page.button("random").click().run()
    assert not page.toast and not page.exception


def test_a_browser_that_was_here_can_go_on_without_the_address(edited, studio, picture, sent, restart, cookie):
    name = edited.session_state["visit"]
    assert sent(edited, "remember") == {"name": "eclipsed_visit", "visit": name}
    cookie(name)
    restart()
    later = studio()
    assert edits(later) == () and any("curly hair +1.00" in line.value.replace("\\", "") for line in later.markdown)
    later.button("go-on").click().run()
    assert not later.exception
    assert edits(later) == edits(edited) and picture(later)["after"] == picture(edited)["after"]
    assert later.session_state["visit"] == name and "go-on" not in {button.key for button in later.button}


def test_nothing_is_offered_to_whom_has_begun_or_never_was_here(edited, studio, cookie):
    def offered(page):
        return "go-on" in {button.key for button in page.button}

    cookie("unknown")
    assert not offered(studio())
    cookie(edited.session_state["visit"])
    page = studio()
    assert offered(page)
    page.button("random").click().run()
    assert not offered(page)
    assert not offered(studio(visit=edited.session_state["visit"]))
