"""Edits of masks, the donors they come from, and the editor that paints them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from baselines.maskgan.bundle import load_bundle, save_bundle
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.donors import Donors, choose_donors, load_donors
from baselines.maskgan.editor import MaskGANEditor, Painter, load_painter, resized
from baselines.maskgan.layers import one_hot
from baselines.maskgan.shapes import SHAPES, agreement, filled, morph, shifted, transplant
from baselines.maskgan.weights import load_network, save_network
from baselines.shipped import load
from evaluation.editor import CannotServe, Request, Samples
from segmentation.parts import CLASS_INDEX, PARTS

SKIN, MOUTH, LIP, HAIR, GLASSES, HAT = (CLASS_INDEX[name] for name in ("skin", "mouth", "u_lip", "hair", "eye_g", "hat"))


def face(mouth: tuple[slice, slice], size: int = 32, **other: tuple[slice, slice]) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[4:28, 4:28] = SKIN
    mask[mouth] = MOUTH
    for name, where in other.items():
        mask[where] = CLASS_INDEX[name]
    return mask


def test_a_mouth_is_taken_over_at_the_place_of_the_old_one():
    target = face(np.s_[20:22, 14:18])
    source = face(np.s_[16:18, 8:16])  # wider, and further up and to the left
    found = transplant(target, source, ("mouth",))
    rows, columns = np.nonzero(found == MOUTH)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 21, 12, 19)
    assert (np.delete(found.flatten(), np.flatnonzero((found == MOUTH) | (target == MOUTH)))
            == np.delete(target.flatten(), np.flatnonzero((found == MOUTH) | (target == MOUTH)))).all()


def test_what_a_part_uncovers_is_filled_from_around_and_what_is_in_front_stays():
    target = face(np.s_[20:22, 8:24], hair=np.s_[20:26, 4:10])
    found = transplant(target, face(np.s_[20:22, 12:20]), ("mouth",))
    assert (found[20:22, 21:24] == SKIN).all() and (found[20:26, 4:10] == HAIR).all() and (found == MOUTH).sum() == 16
    glasses = transplant(face(np.s_[20:22, 14:18]), face(np.s_[20:22, 14:18], eye_g=np.s_[10:14, 8:24]), ("eyeglasses",))
    assert (glasses[10:14, 8:24] == GLASSES).all() and (glasses == GLASSES).sum() == 64
    assert not (transplant(glasses, face(np.s_[20:22, 14:18]), ("eyeglasses",)) == GLASSES).any()
    with pytest.raises(ValueError, match="the same"):
        transplant(target, target[:8], ("mouth",))


def test_a_hat_lies_on_the_hair_that_comes_with_it():
    source = face(np.s_[20:22, 14:18], hair=np.s_[4:10, 4:28], hat=np.s_[2:6, 4:28])
    found = transplant(face(np.s_[20:22, 14:18], hair=np.s_[2:12, 4:28]), source, ("hat", "hair"))
    assert (found == HAT).sum() == (source == HAT).sum() and (found == HAIR).sum() > 0 and not (found[11] == HAIR).any()


def test_moving_and_filling_by_hand():
    mask = np.array([[1, 2], [3, 4]], np.uint8)
    assert shifted(mask, 1, 0).tolist() == [[0, 0], [1, 2]] and shifted(mask, 0, -1).tolist() == [[2, 0], [4, 0]]
    assert filled(np.array([[5, 6, 7, 8]]), np.array([[False, True, True, False]])).tolist() == [[5, 5, 8, 8]]
    assert filled(mask, np.ones((2, 2), bool)).tolist() == mask.tolist()


def test_a_morph_is_exact_at_its_ends_and_goes_on_beyond():
    narrow, wide = face(np.s_[10:26, 14:18]), face(np.s_[10:26, 10:22])
    assert np.array_equal(morph(narrow, wide, 0.0), narrow) and np.array_equal(morph(narrow, wide, 1.0), wide)
    widths = [int((morph(narrow, wide, alpha)[18] == MOUTH).sum()) for alpha in (-0.5, 0.0, 0.5, 1.0, 1.4)]
    assert widths[1:4] == [4, 8, 12] and widths[0] < 4 and widths[4] > 12


def test_agreement_leaves_the_parts_in_question_out():
    target = face(np.s_[20:22, 14:18])
    other = face(np.s_[10:22, 8:24])
    turned = np.where(target == SKIN, HAIR, target)
    outside = (32 * 32 - 24 * 24) / (32 * 32 - 8)
    assert agreement(target, np.stack([other, turned]), ("mouth",)).tolist() == [1.0, pytest.approx(outside)]


def test_every_shape_is_of_known_parts():
    assert all(name in PARTS for parts in SHAPES.values() for name in parts)


def test_donors_are_chosen_stored_and_found(material, tmp_path):
    donors = choose_donors(material)
    assert donors.masks.shape[1:] == (64, 64) and set(donors.attributes) == set(SHAPES) and len(donors.masks) == len(donors.labels)
    donors.save(tmp_path / "donors.json")
    again = load_donors(tmp_path / "donors.json")
    assert np.array_equal(again.masks, donors.masks) and np.array_equal(again.labels, donors.labels)
    assert again.attributes == donors.attributes
    column = donors.attributes.index("Smiling")
    for value in (False, True):
        chosen = donors.nearest(donors.masks[0], "Smiling", value)
        same = [i for i, mask in enumerate(donors.masks) if np.array_equal(mask, chosen)]
        assert any(donors.labels[i, column] == value for i in same)
    with pytest.raises(CannotServe, match="Blond_Hair"):
        donors.nearest(donors.masks[0], "Blond_Hair", True)
    (tmp_path / "donors.json").write_text("{}")
    with pytest.raises(ValueError, match="donor masks"):
        load_donors(tmp_path / "donors.json")


@pytest.fixture
def painter(config):
    return Painter(DenseMappingNetwork(config).eval().requires_grad_(False), config)


def test_painting_any_size(painter, faces):
    images, masks = faces
    painted = painter.paint(masks, images, masks)
    assert painted.shape == (2, 3, 64, 64) and painted.dtype is torch.float32
    assert torch.allclose(painter.paint(masks, images[:1], masks[:1])[0], painted[0], atol=1e-5)
    large = masks.repeat_interleave(2, 1).repeat_interleave(2, 2)
    enlarged = torch.nn.functional.interpolate(painted, (128, 128), mode="bilinear")
    assert torch.allclose(painter.paint(large, images, masks), enlarged, atol=1e-5)
    for bad in (lambda: painter.paint(masks.float(), images, masks), lambda: painter.paint(masks + 18, images, masks),
                lambda: painter.paint(masks[:1], images, masks), lambda: painter.paint(masks, images, masks[:, :32])):
        with pytest.raises(ValueError, match="accepted"):
            bad()


def test_the_editor_paints_edited_masks_and_leaves_alpha_0_alone(painter, material):
    images, masks = material.read(material.held_out[:3])
    donors = choose_donors(material)

    editor, samples = MaskGANEditor(painter, lambda pictures: one_hot(masks[: len(pictures)], 19), donors), Samples(images)
    assert editor.edit(samples, Request("", "Eyeglasses", alpha=0.0)) is images
    edited = editor.edited_masks(masks, Request("", "Eyeglasses"))
    assert (edited == GLASSES).flatten(1).any(1).all()
    assert not (editor.edited_masks(masks, Request("", "Eyeglasses", False)) == GLASSES).any()
    assert torch.equal(editor.edit(samples, Request("", "Eyeglasses")), painter.paint(edited, images, masks))
    assert editor.prepare(Request("", "Smiling"), samples)["source"] == "loaded"
    for call in (editor.edit, lambda s, r: editor.prepare(r, s)):
        with pytest.raises(CannotServe, match="Young"):
            call(samples, Request("", "Young"))


def test_weights_come_back_and_damage_is_named(painter, config, faces, tmp_path):
    save_network(tmp_path / "dense.json", "dense", painter.network, config, {"steps": 3})
    loaded = load_painter(tmp_path)
    assert loaded.name == "dense" and loaded.about == {"steps": 3} and loaded.config == config
    images, masks = faces
    assert (loaded.paint(masks, images, masks) - painter.paint(masks, images, masks)).abs().mean() < 0.01
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in zip(loaded.network.parameters(), painter.network.parameters()))
    with pytest.raises(ValueError, match="kind 'dense'"):
        load_network(tmp_path / "dense.json", "maskvae")
    with pytest.raises(ValueError, match="ebst"):
        load_painter(tmp_path, "ebst")
    data = (tmp_path / "dense.safetensors").read_bytes()
    (tmp_path / "dense.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="dense.safetensors is damaged"):
        load_painter(tmp_path)
    (tmp_path / "dense.json").write_text("[]")
    with pytest.raises(ValueError, match="does not describe"):
        load_painter(tmp_path)


def test_a_bundle_is_an_editor_in_one_file(painter, material, tmp_path):
    images, masks = material.read(material.held_out[:2])
    editor = MaskGANEditor(painter, lambda pictures: one_hot(masks[: len(pictures)], 19), choose_donors(material))
    save_bundle(tmp_path / "maskgan.safetensors", painter, editor.donors)
    shipped = load("maskgan", tmp_path / "maskgan.safetensors", SimpleNamespace(device="cpu", parser=editor.parse))
    request = Request("", "Eyeglasses")
    assert torch.equal(shipped.edited_masks(masks, request), editor.edited_masks(masks, request)) and shipped.painter.name == "dense"
    assert (shipped.edit(Samples(images), request) - editor.edit(Samples(images), request)).abs().mean() < 0.01
    save_network(tmp_path / "dense.json", "dense", painter.network, painter.config, {})
    for name, data, named in (("dense.safetensors", None, "no editor"), ("cut.safetensors", b"abc", "cut.safetensors is damaged")):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=named):
            load_bundle(tmp_path / name, "cpu", editor.parse)


@pytest.mark.parametrize(("header", "named"), [
    ('{"format": "maskgan 1"}', "'config' is missing"), ("[]", "'format' is missing"), ("3", "not iterable"), ("{", "property name"),
    ('{"format": "maskgan 0"}', "its format is 'maskgan 0'"), ('{"format": "maskgan 1", "config": 3}', "no attribute"),
])
def test_a_damaged_bundle_is_named(tmp_path, header, named):
    save_file({"a": torch.zeros(1)}, tmp_path / "maskgan.safetensors", {"maskgan": header})
    with pytest.raises(ValueError, match=f"maskgan.safetensors is damaged: .*{named}"):
        load_bundle(tmp_path / "maskgan.safetensors", "cpu", None)


def test_a_donor_of_another_size_is_resized_with_round_edges():
    mask = face(np.s_[20:22, 14:18])
    assert np.array_equal(resized(mask, 32), mask) and np.array_equal(resized(mask, 16), mask[1::2, 1::2])
    large = resized(mask, 128)
    assert large.shape == (128, 128) and set(np.unique(large)) == {0, SKIN, MOUTH} and large[16, 16] != SKIN and large[16, 40] == SKIN


def test_a_donor_bank_is_not_read_as_another(tmp_path):
    Donors(np.zeros((2, 8, 8), np.uint8), np.zeros((2, 1), bool), ("Smiling",)).save(tmp_path / "donors.json")
    with pytest.raises(CannotServe, match="no donor"):
        load_donors(tmp_path / "donors.json").nearest(np.zeros((8, 8), np.uint8), "Smiling", True)
