"""Edits as values, strokes as pixels, masks as files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from baselines.shape.edits import ERASER, GivenMask, PartShape, Stroke, from_json, to_json
from baselines.shape.following import depths, following
from baselines.shape.masks import brushed, covered, given_mask, is_mask, mask_png
from segmentation.parser import read_labels


def test_a_dab_is_round_and_a_stroke_is_the_way_between_its_points():
    dab = covered(Stroke(17, 0.5, ((0.5, 0.5),)), 8)  # a radius of 2 pixels around (4, 4)
    assert dab.astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]
    line = covered(Stroke(17, 0.125, ((0.0625, 0.5), (0.9375, 0.5))), 8)
    assert line[3:5].all() and line.sum() == 16
    assert covered(Stroke(17, 0.001, ((0.5, 0.5),)), 8).any(), "the smallest brush leaves something"
    assert not covered(Stroke(17, 0.1, ((1.5, -0.5), (1.9, -0.9))), 8).any(), "outside the picture"


def test_a_stroke_leaves_its_class_and_an_eraser_brings_the_original_back():
    original = np.arange(16, dtype=np.uint8).reshape(4, 4)
    everywhere = ((0.5, 0.5),)
    painted = brushed(original, Stroke(17, 1.0, everywhere), original)
    assert (painted == 17).sum() == 12 and painted[0, 0] == 0 and painted.dtype == np.uint8
    assert np.array_equal(brushed(painted, Stroke(ERASER, 1.0, everywhere), original), original)


def test_edits_travel_as_json():
    edits = (PartShape("nose", "perturb", 1.5, 7), Stroke(17, 0.1, ((0.25, 0.5), (0.3, 0.5))), GivenMask(b"png"),
             PartShape("hair", "morph", 0.5, 3, 0.7))
    assert from_json(to_json(edits)) == edits


@pytest.mark.parametrize("value, words", [
    ([{"part": "noses", "how": "sample", "amount": 1, "number": 0, "truncation": 1}], "unknown part"),
    ([{"part": "nose", "how": "sample", "amount": 1.5, "number": 0, "truncation": 1}], "0 to 1"),
    ([{"part": "nose", "how": "swap", "amount": 1, "number": 0, "truncation": 1}], "sample, perturb, morph, transplant"),
    ([{"part": "nose", "how": "morph", "amount": 1, "number": -1, "truncation": 1}], "number is -1"),
    ([{"part": "nose"}], "no edit"),
    ([{"label": 19, "size": 0.1, "points": [[0, 0]]}], "0 to 18"),
    ([{"label": 1, "size": 0, "points": [[0, 0]]}], "size 0"),
    ([{"label": 1, "size": 0.1, "points": []}], "0 points"),
    ([{"label": 1, "size": 0.1, "points": [[0, float("nan")]]}], "leaves the picture"),
    ([{"label": 1, "size": 0.1, "points": [0]}], "no stroke"),
    ([3], "no edit"),
    ("all", "a list"),
])
def test_what_is_no_edit(value, words):
    with pytest.raises(ValueError, match=words):
        from_json(value)


def test_a_mask_is_a_png_of_class_numbers():
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 17
    data = mask_png(mask)
    assert np.array_equal(read_labels(data, 32), mask) and is_mask(data)
    assert np.array_equal(read_labels(given_mask(data, 64, "mine.png").png, 64), mask.repeat(2, 0).repeat(2, 1))
    assert Image.open(io.BytesIO(data)).mode == "P"


def test_what_is_no_mask():
    def png(picture, kind="PNG"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        return buffer.getvalue()

    for data, words in ((png(Image.new("RGB", (32, 32))), "RGB picture"), (png(Image.new("L", (32, 16))), "32 x 16"),
                        (png(Image.new("L", (32, 32), 19)), "number 19"), (b"nothing", "no mask"), (png(Image.new("L", (32, 32)), "JPEG"), "no PNG")):
        with pytest.raises(ValueError, match=words):
            read_labels(data, 32, "mine.png")
        assert not is_mask(data)


# --- edges that move --------------------------------------------------------------------------------------------------


def columns(*widths):
    """A mask [8, 8] of columns: so many of class 0, so many of class 1, and so on."""
    return np.repeat(np.arange(len(widths)), widths)[None].repeat(8, 0).astype(np.uint8)


def test_edges_move_as_those_of_the_reconstruction_did():
    mask = columns(3, 2, 3)
    mask[0, 7] = 17  # what the reconstruction does not have
    for before, after, expected in (
        (columns(3, 2, 3), columns(3, 2, 3), columns(3, 2, 3)),
        (columns(3, 2, 3), columns(2, 3, 3), columns(2, 3, 3)),
        (columns(2, 2, 4), columns(1, 3, 4), columns(2, 3, 3)),  # a pixel further, from where it is
        (columns(3, 2, 3), columns(3, 0, 5), columns(3, 0, 5)),  # gone
    ):
        found = following(mask, depths(mask), before, after, (1,))
        assert found[0, 7] == 17 and np.array_equal(found[1:], expected[1:]), (before[0], after[0], found)


def test_what_the_reconstruction_did_not_have_comes_and_sizes_may_differ():
    mask = np.zeros((8, 8), np.uint8)
    after = mask.copy()
    after[2:5, 2:5] = 6
    assert np.array_equal(following(mask, depths(mask), mask, after, (6,)), after)
    there = mask.copy()
    there[7, 0] = 6
    found = following(there, depths(there), mask, after, (6,))
    assert found[7, 0] == 6 and (found == 6).sum() == 10, "the one that it had stays"
    four = columns(3, 2, 3).repeat(4, 0).repeat(4, 1)
    large = following(four, depths(four), columns(3, 2, 3), columns(2, 3, 3), (1,))
    assert large.shape == (32, 32) and (large == columns(2, 3, 3).repeat(4, 0).repeat(4, 1)).mean() > 0.95


def test_what_changes_far_from_the_edited_part_or_in_a_crumb_is_not_meant():
    mask = np.zeros((128, 128), np.uint8)
    mask[8:40, 8:40], mask[100:110, 100:110] = 17, 4
    after = mask.copy()
    after[8:40, 8:48], after[60, 60], after[98:112, 98:112] = 17, 17, 4
    found = following(mask, depths(mask), mask, after, (17,))
    assert (found[8:40, 8:48] == 17).all() and found[60, 60] == 0 and (found == 4).sum() == 100
    assert (following(mask, depths(mask), mask, after, (4,)) == 4).sum() == 14 * 14
    after[40:44, 8:40] = 1
    assert (following(mask, depths(mask), mask, after, (17,)) == 1).sum() > 100, "what lies beside it follows"


def test_a_small_hole_in_what_is_new_is_mended():
    mask = np.zeros((128, 128), np.uint8)
    mask[20:120, 20:108], mask[70:80, 60:68] = 1, 10  # a face and its nose
    after = mask.copy()
    after[10:60, 20:108], after[30:36, 40:60] = 18, 1  # the forehead shows through the hat
    found = following(mask, depths(mask), mask, after, (18,))
    assert (found[12:58, 22:106] == 18).all() and (found == 10).sum() == 80, "the nose is no hole of the face"
    after[20:50, 30:100] = 1
    found = following(mask, depths(mask), mask, after, (18,))
    assert (found[25:45, 35:95] == 1).all(), "so large a hole is meant"


def test_a_hole_that_was_there_stays():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 10:50], mask[20:24, 20:24] = 17, 1
    after = mask.copy()
    after[10:50, 50:56] = 17
    found = following(mask, depths(mask), mask, after, (17,))
    assert (found[20:24, 20:24] == 1).all() and (found[12:48, 50:55] == 17).all()
