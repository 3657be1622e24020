"""Where faint things are, and batches in which they are common."""

import numpy as np
import pytest

from portraits.faint import ON_SKIN, PRESENT, balanced, faint_weights, places
from portraits.scene import appearance, appearance_names, sample

MIDDLE, MOUTH = 64, 84  # of a picture of 128 pixels


def test_freckles_are_on_the_face_and_small():
    found = places("freckles", 128)
    assert found.shape == (128, 128) and found.dtype == np.float32 and found.max() == 1 and found.min() >= 0
    spots = np.argwhere(found > 0.3)
    assert 20 < len(spots) < 800, "spots, and not the whole skin"
    assert (abs(spots[:, 1] - MIDDLE) < 40).all(), "between the ears"
    assert found[:16].max() < 0.05 > found[112:].max(), "neither on the backdrop nor on the clothes"


@pytest.mark.parametrize("name, above", [("mustache", True), ("goatee", False)])
def test_beards_are_by_the_mouth_and_nothing_else_changes_with_them(name, above):
    found = places(name, 128)
    rows, columns = np.nonzero(found > 0.3)
    assert (abs(columns - MIDDLE) < 20).all() and (rows.mean() < MOUTH + 10) == above
    assert found[: MOUTH - 15].max() < 0.05, "make-up, which beards rule out, would change the eyes"


def test_the_weights_are_those_of_all_things_together():
    weights = faint_weights(64)
    assert weights.dtype == np.float32 and weights.min() >= 0
    assert np.allclose(weights, sum(faint.weight * places(name, 64) for name, faint in ON_SKIN.items()))


def test_batches_hold_more_of_what_is_faint_and_lose_no_face():
    appearances = np.stack([appearance(sample(3, i)) for i in range(600)])
    indices = np.arange(100, 600)
    drawn = balanced(indices, appearances)
    assert set(drawn) == set(indices)
    present = {name: appearances[:, appearance_names().index(name)] >= PRESENT for name in (*ON_SKIN, "earrings", "earring_kind")}
    for name in ON_SKIN:
        assert present[name][drawn].mean() > 1.5 * present[name][indices].mean(), name
    hoops = present["earrings"] & present["earring_kind"]
    assert hoops[drawn].mean() > hoops[indices].mean()
    bare = ~np.any([*(present[name] for name in ON_SKIN), hoops], axis=0)
    assert np.bincount(drawn, minlength=600)[bare].max() == 1
