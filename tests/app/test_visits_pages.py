"""Who comes back after the server was started anew has the shapes and the photo of the visit too, on the pages themselves."""

from __future__ import annotations

import pytest
import torch

from app import photos, resources, session, shaping
from baselines.shape.edits import PartShape
from tests.app.test_photo_page import draft, finished, hand_in, has, photo_page, picture_file, the_job  # noqa: F401
from tests.app.test_photo_page import texts as photo_texts
from tests.app.test_shape_page import LINE, brush, drop, lips_page, mode, png, present, press, shape_packs, shape_page, texts  # noqa: F401

SQUARES = [[0.3, 0.4], [0.7, 0.4], [0.35, 0.8], [0.65, 0.8]]


@pytest.fixture
def restart():
    """`restart()`: forget what the server has in memory."""

    def forget():
        for kept in (resources._visits, shaping._histories, photos._drafts):
            kept.clear()

    return forget


# --- what was kept before ---------------------------------------------------------------------------------------------


def test_a_face_that_was_found_is_the_base_and_is_in_the_list(photo_page, studio, visit_page, finished, restart, picture):
    page = hand_in(photo_page("ends"), picture_file())
    job, w_plus = finished(page)
    page.button(f"found-edit-{job.folder.name}").click().run()
    shown = picture(page)["after"]
    restart()
    later = studio(visit=page.session_state["visit"])
    assert torch.equal(torch.tensor(later.session_state["history"].present.w_plus), w_plus[0]) and picture(later)["after"] == shown
    assert has(visit_page(later, "photo"), f"found-edit-{job.folder.name}")
    assert later.session_state["history"].undo().present == session.Snapshot()


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_a_new_server_finds_the_shapes_and_their_undo_again(shape_page, lips_page, trigger, picture, restart):
    page = drop(lips_page(), trigger, "me.png", png())
    page = mode(trigger(page, "shape-tiles", "picked", 2), "brush")
    page = press(brush(page, None, {**LINE, "serial": 1}, {**LINE, "label": 18, "serial": 2}), "shape-undo")
    before, shown = present(page), picture(page)["after"]
    restart()
    later = shape_page(visit=page.session_state["visit"])
    assert present(later) == before and picture(later)["after"] == shown and not later.error
    assert [edit.label for edit in present(press(later, "shape-redo")).edits[1:]] == [17, 18]
    for _ in range(2):
        press(later, "shape-undo")
    assert present(later).edits == (PartShape("lips", "sample", 1.0, 2),)
    assert present(press(press(later, "shape-undo"), "shape-undo")).title == "The face of seed 62, without edits"


def test_shapes_that_nobody_changed_are_not_written(shape_page, runs):
    page = shape_page()
    assert present(page).edits == () and not (runs / ".visits").exists()


def test_a_damaged_picture_of_shapes_is_told_in_a_sentence_and_costs_nothing_else(shape_page, trigger, restart, runs):
    page = shape_page()
    page.session_state["history"] = page.session_state["history"].push(session.Snapshot(seed=5))
    page = trigger(page, "shape-faces", "picked", 5)
    name = page.session_state["visit"]
    [picture] = (runs / ".visits" / name).glob(f"shapes-*/{shaping.name_of(present(page))}.png")
    picture.write_bytes(picture.read_bytes()[:-9])
    restart()
    later = shape_page(visit=name)
    assert f"Some of the changed shapes cannot be opened again: {picture} is damaged" in page_error(later)
    assert present(later).title == "The face of seed 62, without edits" and later.session_state["history"].present.seed == 5
    assert not later.run().error, "it is said once"


def test_shapes_whose_files_have_gone_are_told_once(shape_page, trigger, restart, runs):
    page = trigger(shape_page(), "shape-faces", "picked", 5)
    name = page.session_state["visit"]
    resources.Visits(runs / ".visits").drawers.forget(name)
    restart()
    assert "Changed shapes cannot be opened again: the files have gone" in page_error(shape_page(visit=name))
    restart()
    assert not shape_page(visit=name).error


# --- the picture ------------------------------------------------------------------------------------------------------


def test_a_new_server_finds_the_picture_and_its_points_again(photo_page, trigger, restart):
    page = hand_in(photo_page(), picture_file((300, 200), "JPEG"), "me.jpg", "image/jpeg")
    page = trigger(page, "photo-points", "placed", {"picture": draft(page).uid, "points": SQUARES})
    before, cut = draft(page), photos.cut_out(draft(page), resources.pack()).tobytes()
    restart()
    later = photo_page(visit=page.session_state["visit"])
    after = draft(later)
    assert (after.name, after.points, after.by_points, after.uid) == ("me.jpg", before.points, True, before.uid)
    assert photos.cut_out(after, resources.pack()).tobytes() == cut and has(later, "photo-find") and not later.error


def test_a_picture_with_a_recipe_has_it_again(photo_page, finished, restart):
    page = hand_in(photo_page("ends"), picture_file())
    data = (finished(page)[0].folder / "picture_inverted.png").read_bytes()
    page = hand_in(page, data, "mine.png")
    restart()
    later = photo_page(visit=page.session_state["visit"])
    assert draft(later).recipe == data and has(later, "photo-recipe")


def test_what_is_removed_is_gone_from_the_disk(photo_page, restart, runs):
    page = hand_in(photo_page(), picture_file())
    drawer = runs / ".visits" / page.session_state["visit"] / "photo"
    first = draft(page)
    page = hand_in(page, picture_file((40, 40)))
    assert [path.stem for path in drawer.glob("*.png")] == [draft(page).uid] != [first.uid]
    page.button("photo-remove").click().run()
    assert not drawer.exists()
    restart()
    later = photo_page(visit=page.session_state["visit"])
    assert draft(later) is None and not later.error and not has(later, "photo-find")


def test_a_picture_that_is_damaged_is_told_in_a_sentence(photo_page, restart, runs):
    page = hand_in(photo_page(), picture_file())
    name = page.session_state["visit"]
    (runs / ".visits" / name / "photo" / f"{draft(page).uid}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    restart()
    later = photo_page(visit=name)
    assert "A picture of your own cannot be opened again: me.png is" in page_error(later) and "No picture yet" in photo_texts(later)
    assert not later.run().error, "it is said once"
    assert has(hand_in(later, picture_file()), "photo-find")


# --- the way back -----------------------------------------------------------------------------------------------------


def test_a_browser_that_only_changed_a_shape_and_brought_a_picture_is_known(shape_page, trigger, sent, cookie, restart, studio, visit_page):
    page = trigger(shape_page(), "shape-faces", "picked", 5)
    name = page.session_state["visit"]
    assert sent(page, "remember")["visit"] == name
    hand_in(visit_page(page, "photo"), picture_file())
    cookie(name)
    restart()
    later = studio()
    told = next(line.value for line in later.markdown if "Last time" in line.value).replace("\\", "")
    assert told == "Last time: the face of seed 62, without edits; a picture of your own; changed shapes."
    later.button("go-on").click().run()
    assert present(visit_page(later, "shape")).title == "The face of seed 5"
    assert has(visit_page(later, "photo"), "photo-find")


def test_what_cannot_be_written_is_told_once(photo_page, runs):
    runs.mkdir()
    (runs / ".visits").write_text("a file where the folder would be")
    page = hand_in(photo_page(), picture_file())
    assert "kept only until the studio is closed" in page.toast[0].value and has(page, "photo-find")
    assert not hand_in(page, picture_file()).toast


def page_error(page) -> str:
    """The one error on it, without Markdown's escapes."""
    [error] = page.error
    return error.value.replace("\\", "")
