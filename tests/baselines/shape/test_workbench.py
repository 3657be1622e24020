"""A mask that is shaped and brushed, the picture that follows, and the recipe in its file."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from baselines.shape import laying
from baselines.shape.edits import ERASER, HOW, MAX_EDITS, GivenMask, PartShape, Stroke, to_json
from baselines.shape.laying import change_weight, laid_over, matched
from baselines.shape.masks import brushed, mask_png
from baselines.shape.networks import needs, open_painter, open_shaper
from baselines.shape.recipe import MAX_SIDE, Shape, shape_from_png, shape_png
from baselines.shape.shaper import Shaper
from baselines.shape.workbench import KEPT, Workbench, replaced, split
from evaluation.editor import CannotServe, Request, Samples
from packs.pack import load_pack
from tests.baselines.shape.networks import ship_maskgan, ship_semantic_vae, untrained_painter, untrained_vae

SIDE = 32
HAIR = Stroke(17, 0.2, ((0.3, 0.3), (0.6, 0.3)))
FACE = PartShape("face", "sample", 1.0, 2)


def toy_parse(images):
    """Logits of a face: background, and skin in a square."""
    logits = torch.zeros(len(images), 19, SIDE, SIDE)
    logits[:, 0] = 1
    logits[:, 1, 8:24, 8:24] = 2
    return logits


@pytest.fixture
def bench():
    """A workbench with untrained networks."""
    image = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    other = np.full((SIDE, SIDE), 17, np.uint8)
    return Workbench(image, toy_parse, Shaper(untrained_vae()), untrained_painter(), lambda edit: other)


# --- masks ------------------------------------------------------------------------------------------------------------


def test_edits_come_one_after_the_other(bench):
    assert np.array_equal(bench.mask(()), bench.original) and bench.original[16, 16] == 1
    stroked = bench.mask([HAIR])
    assert (stroked == 17).sum() > 20 and set(np.unique(bench.mask([HAIR, Stroke(ERASER, 1.0, ((0.5, 0.5),))]))) == {0, 1}
    sampled = bench.mask([FACE])
    assert not np.array_equal(sampled, bench.original)
    again = Workbench(bench.image, toy_parse, Shaper(untrained_vae()), None, bench.other)
    assert np.array_equal(again.mask([FACE]), sampled), "the same seed is the same shape"
    assert not np.array_equal(bench.mask([PartShape("face", "sample", 1.0, 6)]), sampled)
    both = bench.mask([FACE, HAIR])
    assert (both[stroked == 17] == 17).all() and np.array_equal(both[stroked != 17], sampled[stroked != 17])
    assert np.array_equal(bench.mask([FACE, GivenMask(mask_png(stroked))]), stroked)


def test_nothing_is_changed_by_an_amount_of_nothing_and_a_morph_takes_from_the_other(bench):
    for how in HOW:
        assert np.array_equal(bench.mask([PartShape("hair", how, 0.0, 5)]), bench.original), how
    morphed = bench.mask([PartShape("background", "morph", 1.0, 5)])
    assert not np.array_equal(morphed, bench.original)
    bench.other = lambda edit: bench.original
    assert np.array_equal(bench.mask([PartShape("background", "morph", 1.0, 6)]), bench.original), "its own background"


def test_a_part_is_taken_over_without_a_network(bench):
    other = bench.original.copy()
    other[2:8, 10:22] = 17
    plain = Workbench(bench.image, toy_parse, None, None, lambda edit: other)
    taken = plain.mask([PartShape("hair", "transplant", 1.0, 5)])
    assert np.array_equal(taken, other) and np.array_equal(plain.mask([PartShape("hair", "transplant", 0.0, 5)]), bench.original)
    large = np.zeros_like(other)
    large[4:28, 4:28] = 1
    plain.other = lambda edit: large
    sizes = [(plain.mask([PartShape("skin", "transplant", amount, 6)]) == 1).sum() for amount in (0.0, 0.5, 1.0)]
    assert sizes == [16 * 16, 20 * 20, 24 * 24], "half of the way is half of the way"
    bench.other = lambda edit: other
    both = bench.mask([PartShape("face", "sample", 1.0, 2), PartShape("hair", "transplant", 1.0, 5)])
    assert (both == 17).any() and not np.array_equal(both, bench.mask([PartShape("hair", "transplant", 1.0, 5)]))


def test_shapes_after_the_last_stroke_act_together_on_what_is_there(bench):
    edits = (FACE, HAIR, PartShape("hair", "perturb", 1.0), PartShape("mouth", "sample", 1.0))
    base, group = split(edits)
    assert base == edits[:2] and group == edits[2:]
    other = PartShape("hair", "morph", 0.5)
    assert replaced(group, other) == (other, group[1]) and replaced(group, FACE) == (*group, FACE)
    variants = bench.variants(edits, [PartShape("hair", "perturb", 1.0), other], SIDE)
    assert np.array_equal(variants[0], bench.mask(edits)) and not np.array_equal(variants[1], variants[0])
    assert bench.variants(edits, [other], 16).shape == (1, 16, 16)


def test_a_long_painting_is_one_mask_and_goes_as_far_as_a_recipe(bench):
    dabs = [Stroke(label % 19, 0.1, ((label % 32 / 32, label % 31 / 31),)) for label in range(MAX_EDITS + 1)]
    painted = bench.mask(dabs[:-1])
    expected = bench.original
    for dab in dabs[:-1]:
        expected = brushed(expected, dab, bench.original)
    assert np.array_equal(painted, expected) and len(bench._masks) == KEPT
    again = Workbench(bench.image, toy_parse, bench.shaper, None, bench.other)
    assert np.array_equal(bench.mask([*dabs[:600], FACE]), again.mask([*dabs[:600], FACE]))
    for too_many in (bench.mask, to_json):
        with pytest.raises(ValueError, match="there are 2001 changes; accepted: 2000 at most"):
            too_many(dabs)


def test_shapes_that_act_together_are_not_begun_with_one_of_them(bench):
    alone, both = bench.mask([FACE]), bench.mask([FACE, PartShape("hair", "sample", 1.0, 3)])
    again = Workbench(bench.image, toy_parse, bench.shaper, None, bench.other)
    assert np.array_equal(again.mask([FACE, PartShape("hair", "sample", 1.0, 3)]), both) and np.array_equal(again.mask([FACE]), alone)


def test_without_a_semantic_vae_a_brush_still_works(bench):
    plain = Workbench(bench.image, toy_parse, None, None, bench.other)
    assert (plain.mask([HAIR]) == 17).any() and torch.equal(plain.picture([HAIR]), bench.image)
    with pytest.raises(ValueError, match="no Semantic-VAE"):
        plain.mask([HAIR, FACE])


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_the_picture_changes_where_the_mask_does(bench):
    assert torch.equal(bench.picture(()), bench.image)
    picture, changed = bench.picture([HAIR]), bench.mask([HAIR]) != bench.original
    difference = (picture - bench.image)[0].abs().sum(0).numpy()
    assert (difference[changed] > 0).all() and difference[20:].max() == 0, "far away it is the source"
    assert picture.shape == bench.image.shape and -1 <= picture.min() <= picture.max() <= 1
    whole = bench.picture([HAIR], whole=True)
    assert torch.equal(whole, bench.painter.paint(torch.from_numpy(bench.mask([HAIR]))[None], bench.image, torch.from_numpy(bench.original)[None]))
    assert not torch.equal(bench.picture((), whole=True), bench.image)


def test_the_painting_fades_out_around_the_change(monkeypatch):
    monkeypatch.setattr(laying, "SURE", 1 / 16)
    monkeypatch.setattr(laying, "REACH", 5 / 16)
    before, after = np.zeros((16, 16), np.uint8), np.zeros((16, 16), np.uint8)
    assert not change_weight(before, after).any()
    after[:, 0] = 1
    weight = change_weight(before, after)
    assert weight[4, :7] == pytest.approx([1, 1, 0.5 + 0.5 * 2**-0.5, 0.5, 0.5 - 0.5 * 2**-0.5, 0, 0], abs=1e-6)


def test_a_class_keeps_the_colour_that_the_picture_has_elsewhere():
    after = np.zeros((32, 32), np.uint8)
    after[16:], after[:4, :4] = 1, 2
    weight = np.zeros((32, 32), np.float32)
    weight[12:20], weight[:4, :4] = 1, 1
    picture = np.where(after[..., None] == 0, 0.5, -0.25).astype(np.float32).repeat(3, 2)
    painting = np.where(after[..., None] == 0, 0.2, 0.1).astype(np.float32).repeat(3, 2)
    found = matched(picture, painting, after, weight)
    assert found[13, 10] == pytest.approx([0.5] * 3, abs=1e-3) and found[18, 10] == pytest.approx([-0.25] * 3, abs=1e-3)
    assert found[1, 1] == pytest.approx([0.1] * 3, abs=1e-6), "a class that is nowhere else stays as it was painted"
    before = after.copy()
    before[16:18] = 0
    laid = laid_over(*(torch.from_numpy(image).permute(2, 0, 1)[None] for image in (picture, painting)), before, after)
    assert laid[0, 0, 16, 10] == pytest.approx(-0.25, abs=1e-3) and laid[0, 0, 30, 10] == -0.25, "no seam"
    with pytest.raises(ValueError, match="not of one size"):
        laid_over(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16), after, after)


# --- files ------------------------------------------------------------------------------------------------------------


def picture_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (200, 150, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_recipe_travels_in_the_png():
    shape, mask = Shape("the face of seed 3", picture_png(), (FACE, HAIR), True), np.full((SIDE, SIDE), 17, np.uint8)
    data = shape_png(Image.new("RGB", (SIDE, SIDE)), shape, {"pack": "p", "semantic-vae": "s"}, mask)
    found = shape_from_png(data, "mine.png")
    assert found.shape == shape and found.for_networks({"pack": "p", "semantic-vae": "s"}) == (shape, True)
    other, same = found.for_networks({"pack": "p", "semantic-vae": "t"})
    assert not same and other.edits == (GivenMask(mask_png(mask)),) and other.png == shape.png
    brushed = Shape("a face", picture_png(), (HAIR,))
    found = shape_from_png(shape_png(Image.new("RGB", (SIDE, SIDE)), brushed, {"pack": "p"}, mask), "mine.png")
    assert found.for_networks({"pack": "q"}) == (brushed, True), "strokes need no network"
    assert shape_from_png(picture_png(), "plain.png") is None and shape_from_png(b"no png", "x") is None


def test_a_damaged_recipe_is_named():
    shape, mask = Shape("a face", picture_png()), np.zeros((SIDE, SIDE), np.uint8)
    good = shape_png(Image.new("RGB", (SIDE, SIDE)), shape, {}, mask)
    for old, new, words in ((b'"version": 1', b'"version": 7', "version"), (b'"title"', b'"titel"', "title"), (b'"edits": []', b'"edits": {}', "a list")):
        assert good.count(old) == 1
        damaged = rechecked(good.replace(old, new))
        with pytest.raises(ValueError, match=f"mine.png holds a damaged recipe: .*{words}"):
            shape_from_png(damaged, "mine.png")


def test_a_picture_that_is_too_large_for_a_shape_is_not_decoded(monkeypatch):
    buffer = io.BytesIO()
    Image.new("L", (MAX_SIDE + 1, 1)).save(buffer, "PNG")
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda picture: pytest.fail("decoded"))
    assert shape_from_png(buffer.getvalue(), "large.png") is None


def rechecked(png: bytes) -> bytes:
    """A PNG whose texts were changed, with the checksums that they have now."""
    import struct
    import zlib

    place, parts = 8, [png[:8]]
    while place < len(png):
        size = struct.unpack(">I", png[place:place + 4])[0]
        content = png[place + 4:place + 8 + size]
        parts.append(png[place:place + 4] + content + struct.pack(">I", zlib.crc32(content)))
        place += 12 + size
    return b"".join(parts)


# --- packs ------------------------------------------------------------------------------------------------------------


def test_a_pack_brings_them_or_says_that_it_does_not(tiny_pack, tmp_path):
    folder = shutil.copytree(tiny_pack, tmp_path / "pack")
    empty = load_pack(folder)
    for opening, words in ((open_shaper, "holds no semantic_vae.safetensors.*ship semantic-vae RUN/model.safetensors"),
                           (open_painter, "holds no maskgan.safetensors.*ship maskgan RUN/maskgan.safetensors")):
        with pytest.raises(ValueError, match=words):
            opening(empty)
    ship_semantic_vae(folder, tmp_path)
    ship_maskgan(folder, tmp_path)
    pack = load_pack(folder)
    bench = Workbench(torch.zeros(1, 3, 32, 32), pack.parser, open_shaper(pack), open_painter(pack), None)
    assert bench.mask([FACE]).shape == (32, 32) and bench.picture([HAIR]).shape == (1, 3, 32, 32)
    assert needs(pack) != needs(empty) and "editors" not in pack.info
    with pytest.raises(CannotServe, match="Shape page"):
        bench.shaper.edit(Samples(bench.image), Request("", "Bangs"))
