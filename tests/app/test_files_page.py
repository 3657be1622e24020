"""Saving and opening: a recipe brings everything back, a file without one changes nothing."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from app import recipes, session
from lelsd.recipe import recipe_from_file


@pytest.fixture
def edited(studio, make_direction, release, trigger):
    """The page with two edits, one of them muted, on another face."""
    paths = [make_direction("a person with curly hair"), make_direction("a person with glasses", "eyeglasses")]
    page = studio()
    page.number_input("seed").set_value(7)
    for path in paths:
        page.button(f"add-{path}").click().run()
    first, second = snapshot(page).edits
    release(page, f"alpha-{first.uid}", -1.25)
    page.button(f"layers-of-{first.uid}").click().run()
    trigger(page, f"layers-{first.uid}", "picked", 2)
    page.button(f"mute-{second.uid}").click().run()
    assert not page.exception
    return page


def snapshot(page) -> session.Snapshot:
    return page.session_state["history"].present


def without_names(edits):
    return [(edit.direction, edit.alpha, edit.layers, edit.muted, edit.index, edit.free) for edit in edits]


def open_file(page, name: str, data: bytes, kind: str = "image/png"):
    turn = page.session_state["opened_file"]
    page.file_uploader(f"open-{turn}").set_value((name, data, kind)).run()
    assert not page.exception, page.exception[0].message
    return page


@pytest.fixture
def saved(edited) -> bytes:
    return recipes.png(snapshot(edited))


def test_a_saved_png_holds_the_picture_and_its_recipe(edited, saved):
    image = Image.open(io.BytesIO(saved))
    assert image.size == (32, 32)
    recipe = recipe_from_file(io.BytesIO(saved))
    assert (recipe.seed, recipe.truncation, len(recipe.stack)) == (7, session.DEFAULT_TRUNCATION, 2)
    assert [edit.alpha for edit in recipe.stack.edits] == [-1.25, 1.0]


def test_opening_it_brings_the_whole_stack_back(edited, saved, studio, picture):
    before = snapshot(edited)
    page = open_file(studio(), "face.png", saved)
    assert (snapshot(page).seed, snapshot(page).truncation) == (7, before.truncation)
    assert without_names(snapshot(page).edits) == without_names(before.edits)
    assert picture(page)["after"] == picture(edited)["after"]
    page.button("undo").click().run()
    assert snapshot(page) == session.Snapshot()


def test_json_does_the_same(edited, studio):
    text = recipes.json_text(snapshot(edited))
    page = open_file(studio(), "face.json", text.encode(), "application/json")
    assert without_names(snapshot(page).edits) == without_names(snapshot(edited).edits)


def test_directions_that_the_library_lacks_come_out_of_the_recipe(edited, saved, studio, runs, picture):
    shown = picture(edited)["after"]
    for path in runs.glob("*/direction.safetensors"):
        path.unlink()
    page = open_file(studio(), "face.png", saved)
    assert picture(page)["after"] == shown
    assert len(list(runs.glob("opened-*/direction.safetensors"))) == 2
    assert not page.error


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("holiday.png", None, "holds no recipe"),
        ("cut.png", b"\x89PNG\r\n\x1a\n then nothing", "damaged PNG"),
        ("notes.json", b"{}", "not a recipe"),
        ("notes.json", b"no json", "not a recipe"),
        ("other.safetensors", b"\0" * 40, "direction"),
    ],
)
def test_a_file_that_is_no_use_is_one_sentence_and_changes_nothing(edited, name, data, sentence):
    if data is None:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "PNG")
        data = buffer.getvalue()
    before = snapshot(edited)
    page = open_file(edited, name, data, "application/octet-stream")
    assert [sentence in error.value for error in page.get("popover")[0].error] == [True] and len(page.error) == 1, "where the file was chosen"
    assert snapshot(page) == before
    page.button("random").click().run()
    assert not page.error, "whoever goes on need not read it for ever"


def test_the_place_to_open_a_file_closes_once_it_is_open(edited, saved):
    page = open_file(edited, "notes.json", b"[]", "application/json")
    assert page.session_state["open"], "why not is told in it"
    page = open_file(page, "face.png", saved)
    assert not page.session_state["open"]


def test_a_recipe_of_another_pack_is_one_sentence(edited, studio):
    values = json.loads(recipes.json_text(snapshot(edited)))
    values["pack_hash"] = "0" * 64
    page = open_file(studio(), "face.json", json.dumps(values).encode(), "application/json")
    assert "pack" in page.error[0].value and snapshot(page) == session.Snapshot()


def test_a_direction_that_was_brought_is_added_and_kept(studio, make_direction, runs, picture):
    path = make_direction("a person with curly hair")
    data = path.read_bytes()
    path.unlink()
    page = studio()
    first = picture(page)["after"]
    open_file(page, "curly.safetensors", data, "application/octet-stream")
    assert len(snapshot(page).edits) == 1 and picture(page)["after"] != first
    assert len(list(runs.glob("opened-*/direction.safetensors"))) == 1


def test_a_strength_beyond_the_slider_is_kept(edited, studio, sent):
    values = json.loads(recipes.json_text(snapshot(edited)))
    values["edits"][0]["alpha"] = 3.5
    values["truncation"] = 1.3
    page = open_file(studio(), "face.json", json.dumps(values).encode(), "application/json")
    slider = sent(page, f"alpha-{snapshot(page).edits[0].uid}")
    assert slider["point"] == [3.5] and slider["limits"] == [3.5]
    assert page.slider("truncation").value == 1.3


def test_a_latent_that_no_seed_gives(edited, studio, tiny_models, picture):
    generator = tiny_models.generator
    rows = tuple((0.1 * n,) * generator.w_dim for n in range(generator.num_ws))
    shown = session.Snapshot(edits=snapshot(edited).edits, w_plus=rows)
    page = open_file(studio(), "face.png", recipes.png(shown))
    assert snapshot(page).w_plus is not None
    assert any("came with an opened recipe" in caption.value for caption in page.caption)
    page.number_input("seed").set_value(9).run()
    assert snapshot(page).w_plus is None


def test_a_file_dropped_on_the_picture_is_opened(edited, saved, studio, trigger):
    page = trigger(studio(), "picture", "dropped", {"name": "face.png", "size": len(saved), "data": base64.b64encode(saved).decode()})
    assert without_names(snapshot(page).edits) == without_names(snapshot(edited).edits)
    trigger(page, "picture", "dropped", {"name": "huge.png", "size": 65 * 2**20, "data": ""})
    assert "up to 64 MB" in page.error[0].value and not page.get("popover")[0].error
