"""The shape page on the tiny pack, with untrained networks or without: parts, strokes, undo, files, what is missing."""

from __future__ import annotations

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app import resources, shaping
from app.panels.shape_live import amounts
from baselines.shape.edits import GivenMask, PartShape, Stroke
from baselines.shape.masks import mask_png
from segmentation.parser import read_labels
from segmentation.parts import CLASSES
from tests.app.conftest import element, run_with
from tests.baselines.shape.networks import ship_maskgan, ship_semantic_vae

LINE = {"label": 17, "size": 0.3, "points": [[0.2, 0.2], [0.8, 0.2]]}


@pytest.fixture(scope="session")
def shape_packs(tiny_pack, tmp_path_factory):
    """`shape_packs("vae maskgan")`: the folder of the tiny pack with these."""
    made = {}

    def make(which: str):
        if which not in made:
            folder = tmp_path_factory.mktemp("shape")
            made[which] = shutil.copytree(tiny_pack, folder / "pack")
            for name, ship in (("vae", ship_semantic_vae), ("maskgan", ship_maskgan)):
                if name in which:
                    ship(made[which], folder)
        return made[which]

    return make


@pytest.fixture
def shape_page(runs, studio, visit_page, shape_packs, monkeypatch):
    """`shape_page("vae maskgan")`: the page with the networks that are named; `visit=name`: as one who loads it again."""

    def start(which="vae maskgan", **address):
        monkeypatch.setenv("ECLIPSED_PACK", str(shape_packs(which)))
        return visit_page(studio(**address), "shape")

    return start


@pytest.fixture
def lips_page(shape_page):
    """`lips_page("vae")`: the page with a part chosen that the tiny parser sees."""
    return lambda *which: part(shape_page(*which), "lips")


def texts(page) -> str:
    """All that is written, without Markdown's escapes."""
    return " ".join(str(found.value) for found in [*page.info, *page.caption, *page.error, *page.header]).replace("\\", "")


def present(page):
    return next(history for (visit, _), history in shaping._histories().items() if visit == page.session_state["visit"]).present


def press(page, key):
    page.button(key).click().run()
    assert not page.exception, page.exception[0].message
    return page


def brush(page, picture=None, *strokes):
    """Paint by hand, as the browser reports it."""
    value = {"strokes": {"picture": picture or shaping.name_of(present(page)), "strokes": list(strokes)}}
    return run_with(page, WidgetState(id=element(page, "shape-brush").id, json_value=json.dumps(value)))


def mode(page, name):
    page.segmented_control("shape-mode").set_value(name).run()
    assert not page.exception, page.exception[0].message
    return page


def part(page, name):
    page.pills("shape-part").set_value(name).run()
    assert not page.exception, page.exception[0].message
    return page


def png(colour=(200, 150, 120), size=(48, 40)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def drop(page, trigger, name, data):
    return trigger(page, "shape-picture", "dropped", {"name": name, "size": len(data), "data": base64.b64encode(data).decode()})


# --- parts ------------------------------------------------------------------------------------------------------------


def test_a_part_gets_another_shape_and_the_picture_follows(lips_page, picture, trigger, release, sent):
    page = lips_page()
    assert "The face of seed 62, without edits: the shape as it was" in picture(page)["alt"] and not page.info and not page.error
    before = picture(page)["after"]
    page = trigger(page, "shape-tiles", "picked", 2)
    assert present(page).edits == (PartShape("lips", "sample", 1.0, 2),) and picture(page)["comparable"]
    assert picture(page)["after"] != before == picture(page)["before"] and "lips drawn anew 1.00" in picture(page)["alt"]
    page = release(page, "shape-amount-lips-sample", 0.5)
    page = trigger(page, "shape-tiles", "picked", 4)
    assert present(page).edits == (PartShape("lips", "sample", 0.5, 4),), "another shape, as far as before"
    page = part(page, "nose")
    page.segmented_control("shape-how").set_value("perturb").run()
    page = release(page, "shape-amount-nose-perturb", 2.3)
    assert present(page).edits[1] == PartShape("nose", "perturb", 2.0), "as far as it goes"
    page.segmented_control("shape-how").set_value("morph").run()
    assert sent(page, "shape-amount-nose-morph")["point"] == [0] and sent(page, "shape-amount-nose-morph")["lowest"] == 0
    page = trigger(page, "shape-tiles", "picked", 6)
    assert present(page).edits[1] == PartShape("nose", "morph", 1.0, 6, 0.7), "one shape of a part at a time"
    page = release(page, "shape-amount-nose-morph", 0.0)
    assert [edit.part for edit in present(page).edits] == ["lips"]


def test_undo_redo_reset_and_a_reload(shape_page, lips_page, picture, trigger, sent):
    page = trigger(lips_page(), "shape-tiles", "picked", 2)
    shaped = picture(page)["after"]
    page = press(page, "shape-undo")
    assert present(page).edits == () and sent(page, "shape-amount-lips-sample")["point"] == [0] and page.button("shape-undo").disabled
    assert picture(press(page, "shape-redo"))["after"] == shaped and page.button("shape-redo").disabled
    again = shape_page(visit=page.session_state["visit"])
    assert picture(again)["after"] == shaped
    again = press(press(again, "shape-reset"), "shape-undo")
    assert picture(again)["after"] == shaped


def test_more_shapes_to_choose_from(lips_page, sent):
    page = lips_page()
    first = sent(page, "shape-tiles")["tiles"]
    assert [tile["id"] for tile in first] == list(range(8)) and page.button("shape-fewer").disabled
    page = press(page, "shape-more")
    second = sent(page, "shape-tiles")["tiles"]
    assert [tile["id"] for tile in second] == list(range(8, 16)) and second[0]["image"] != first[0]["image"]
    assert sent(press(page, "shape-fewer"), "shape-tiles")["tiles"] == first


def test_frames_are_rendered_ahead_of_a_slider(lips_page, sent, trigger):
    page = lips_page()
    slider = sent(page, "shape-amount-lips-sample")
    page = trigger(page, "shape-feed", "want", {"target": slider["target"], "basis": slider["basis"], "have": 0})
    batch = sent(page, "shape-feed")["batch"]
    assert batch["basis"] == slider["basis"] and batch["start"] == 0 and batch["total"] in (5, 9, 17)
    page = trigger(page, "shape-feed", "want", {"target": slider["target"], "basis": "another", "have": 0})
    assert sent(page, "shape-feed")["batch"]["total"] == 0, "of a state that is no more"
    assert amounts(2.0)[:5] == [0.0, 0.5, 1.0, 1.5, 2.0] and len(set(amounts(2.0))) == 17
    page = lips_page("vae")
    slider = sent(page, "shape-amount-lips-sample")
    page = trigger(page, "shape-feed", "want", {"target": slider["target"], "basis": slider["basis"], "have": 0})
    assert sent(page, "shape-feed")["batch"]["total"] == 0, "nothing paints them"


# --- the brush --------------------------------------------------------------------------------------------------------


def test_strokes_are_taken_once_each_and_in_their_order(shape_page, sent, picture):
    page = mode(shape_page(), "brush")
    data, name = sent(page, "shape-brush"), shaping.name_of(present(page))
    assert data["serial"] == 0 and data["picture"] == name and len(data["classes"]) == len(CLASSES)
    page = brush(page, name, {**LINE, "serial": 1})
    page = brush(page, name, {**LINE, "serial": 1}, {**LINE, "label": -1, "serial": 2}, {**LINE, "label": 18, "serial": 3})
    assert [edit.label for edit in present(page).edits] == [17, -1, 18]
    after = sent(page, "shape-brush")
    assert after["serial"] == 3 and after["mask"] != data["mask"] and after["original"] == data["original"]
    assert "3 strokes of the brush" in picture(page)["alt"] and picture(page)["comparable"]
    page = brush(page, "another", {**LINE, "serial": 4})
    assert len(present(page).edits) == 3, "a stroke on a picture that is no longer there"
    page = press(page, "shape-undo")
    assert len(present(page).edits) == 2
    page = brush(page, name, {**LINE, "serial": 4})
    assert [edit.label for edit in present(page).edits] == [17, -1, 17]


def test_a_shape_after_a_stroke_leaves_the_one_before_it(shape_page, trigger, sent):
    page = trigger(shape_page(), "shape-tiles", "picked", 2)
    page = mode(page, "brush")
    page = brush(page, None, {**LINE, "serial": 1})
    page.segmented_control("shape-mode").set_value("parts").run()
    assert sent(page, "shape-amount-hair-sample")["point"] == [0]
    page = trigger(page, "shape-tiles", "picked", 3)
    assert [type(edit) for edit in present(page).edits] == [PartShape, Stroke, PartShape]


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_is_saved_opens_again(lips_page, trigger, picture):
    page = trigger(lips_page(), "shape-tiles", "picked", 2)
    shape, shown = present(page), picture(page)["after"]
    saved, mask = under(page, lambda: shaping.png(shape)), under(page, lambda: shaping.labels(shape))
    with Image.open(io.BytesIO(saved)) as opened:
        assert opened.size == (32, 32) and np.array_equal(np.asarray(opened), np.asarray(under(page, lambda: shown_picture(shape))))
    page = press(page, "shape-reset")
    page = drop(page, trigger, "mine.png", saved)
    assert present(page) == shape and picture(page)["after"] == shown and "Opened" in page.toast[0].value
    page = drop(press(page, "shape-reset"), trigger, "mask.png", mask)
    assert [type(edit) for edit in present(page).edits] == [GivenMask] and picture(page)["after"] == shown, "the same mask is the same picture"
    page = drop(page, trigger, "me.png", png())
    assert present(page).title == "me.png" and present(page).edits == ()
    page = drop(page, trigger, "notes.txt", b"notes")
    assert "notes.txt is no picture" in page.error[0].value.replace("\\", "").replace("Notes", "notes") and present(page).title == "me.png"


def test_a_shape_of_other_networks_keeps_its_mask(shape_page, lips_page, trigger, picture):
    page = trigger(lips_page(), "shape-tiles", "picked", 2)
    shape = present(page)
    saved, mask = under(page, lambda: shaping.png(shape)), under(page, lambda: shaping.labels(shape))
    page = drop(shape_page("maskgan"), trigger, "mine.png", saved)
    assert "other networks" in texts(page) and present(page).edits == (GivenMask(mask),)


def under(page, call):
    """What `call` gives in the page's session: the networks are those of its pack."""
    import streamlit as st

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", {"visit": page.session_state["visit"]})
        return call()


def shown_picture(shape):
    from stylegan2.images import to_pil

    return to_pil(shaping.bench(shape).picture(shape.edits, shape.whole))


# --- where it begins --------------------------------------------------------------------------------------------------


def test_pictures_to_begin_with(shape_page, trigger, picture):
    page = trigger(shape_page(), "shape-faces", "picked", 5)
    assert "The face of seed 5:" in picture(page)["alt"]
    page.number_input("shape-seed").set_value(77).run()
    assert present(press(page, "shape-take-seed")).title == "The face of seed 77"
    page.segmented_control("shape-source").set_value("drawn").run()
    page.number_input("shape-number").set_value(4).run()
    assert present(press(page, "shape-take-drawn")).title == "Drawn face 4"
    page.segmented_control("shape-source").set_value("uploaded").run()
    page.file_uploader("shape-upload-0").set_value([("me.png", png(), "image/png")]).run()
    assert present(page).title == "me.png"
    page.file_uploader("shape-upload-1").set_value([("no.png", b"me", "image/png")]).run()
    assert "no picture" in page.error[0].value and present(page).title == "me.png"
    assert present(press(page, "shape-of-edit")).title == "The face of seed 62, without edits"
    assert present(press(page, "shape-undo")).title == "me.png"


def test_a_picture_of_ones_own_can_be_removed_with_all_that_was_done_to_it(shape_page, picture, tmp_path):
    page = shape_page()
    first = present(page).title
    page.segmented_control("shape-source").set_value("uploaded").run()
    assert "shape-remove" not in [button.key for button in page.button], "that face is nobody's own"
    page.file_uploader("shape-upload-0").set_value([("me.png", png(), "image/png")]).run()
    page.toggle("shape-whole").set_value(True).run()
    assert page.button("shape-remove").label == "Remove me.png"
    pictures = list(resources.visits().drawers.folder.glob("*/*/*.png"))
    assert present(press(page, "shape-remove")).title == first
    left = list(resources.visits().drawers.folder.glob("*/*/*.png"))
    assert len(left) == len(pictures) - 1, "it is not on the disk any more"
    assert page.button("shape-undo").disabled and page.button("shape-redo").disabled
    page.run()
    assert present(page).title == first


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_whole_painting_and_the_mask(shape_page, picture):
    page = shape_page()
    plain = picture(page)
    page.toggle("shape-whole").set_value(True).run()
    whole = picture(page)
    assert whole["after"] != plain["after"] and whole["before"] == plain["after"] and present(page).whole
    page.toggle("shape-show-mask").set_value(True).run()
    assert plain["overlay"] == "" and picture(page)["overlay"].startswith("data:image/png")
    assert not present(press(page, "shape-undo")).whole and not page.toggle("shape-whole").value


def test_without_maskgan_the_mask_is_shaped_and_saved(lips_page, trigger, picture):
    page = lips_page("vae")
    assert "This pack has no MaskGAN" in texts(page) and "ship maskgan RUN" in texts(page) and "no Semantic-VAE" not in texts(page)
    before = picture(page)["after"]
    page = trigger(page, "shape-tiles", "picked", 2)
    assert picture(page)["after"] == before and picture(page)["overlay"], "its mask is shown"
    shape = present(page)
    assert not np.array_equal(read_labels(under(page, lambda: shaping.labels(shape)), 32), under(page, lambda: shaping.bench(shape).original))
    assert not [toggle for toggle in page.toggle if toggle.key == "shape-whole"]


def test_without_semantic_vae_there_are_other_faces_and_the_brush(shape_page, picture, trigger):
    page = shape_page("maskgan")
    assert "This pack has no Semantic-VAE" in texts(page) and "ship semantic-vae RUN/model.safetensors" in texts(page)
    assert "no MaskGAN" not in texts(page) and page.segmented_control("shape-how").options == ["Take over"]
    before = picture(page)["after"]
    page = trigger(page, "shape-tiles", "picked", 3)
    assert present(page).edits == (PartShape("hair", "transplant", 1.0, 3, 0.7),)
    page = mode(press(page, "shape-reset"), "brush")
    assert "no Semantic-VAE" not in texts(page)
    page = brush(page, None, {**LINE, "serial": 1})
    assert picture(page)["after"] != before


def test_without_both_a_mask_can_be_painted_by_hand(shape_page, picture):
    page = mode(shape_page(""), "brush")
    assert "This pack has no MaskGAN" in texts(page)
    page = brush(page, None, {**LINE, "serial": 1})
    assert present(page).edits[0].label == 17 and picture(page)["overlay"]


def test_a_damaged_network_is_named(shape_page, shape_packs, tmp_path, monkeypatch, studio, visit_page):
    folder = shutil.copytree(shape_packs("vae"), tmp_path / "damaged")
    content = bytearray((folder / "semantic_vae.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "semantic_vae.safetensors").write_bytes(content)
    monkeypatch.setenv("ECLIPSED_PACK", str(folder))
    page = visit_page(studio(), "shape")
    assert "semantic_vae.safetensors is damaged" in texts(page)


def test_a_mask_of_another_size_fits(shape_page, trigger):
    data = mask_png(np.full((64, 64), 17, np.uint8))
    page = drop(shape_page("maskgan"), trigger, "mask.png", data)
    assert read_labels(present(page).edits[0].png, 32).shape == (32, 32)


def test_a_network_that_has_gone_leaves_the_page_and_undo(shape_page, trigger):
    page = trigger(shape_page(), "shape-tiles", "picked", 2)
    page = shape_page("maskgan", visit=page.session_state["visit"])
    assert "This shape cannot be drawn. There is no Semantic-VAE" in texts(page)
    page = press(page, "shape-undo")
    assert not page.error and present(page).edits == ()
