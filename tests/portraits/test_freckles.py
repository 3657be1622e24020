"""Where freckles are, and batches in which they are common."""

import numpy as np

from portraits.freckles import FRECKLED, balanced, freckle_places
from portraits.scene import appearance, appearance_names, sample


def test_freckles_are_on_the_face_and_small():
    places = freckle_places(128)
    assert places.shape == (128, 128) and places.dtype == np.float32 and places.max() == 1 and places.min() >= 0
    found = np.argwhere(places > 0.3)
    assert 20 < len(found) < 800, "spots, and not the whole skin"
    assert (abs(found[:, 1] - 64) < 40).all(), "between the ears"
    assert places[:16].max() < 0.05 > places[112:].max(), "neither on the backdrop nor on the clothes"


def test_batches_hold_as_many_freckled_faces_as_others_and_lose_none():
    appearances = np.stack([appearance(sample(3, i)) for i in range(400)])
    indices = np.arange(100, 400)
    drawn = balanced(indices, appearances)
    freckled = appearances[:, appearance_names().index("freckles")] >= FRECKLED
    assert set(drawn) == set(indices)
    assert 0.35 < freckled[drawn].mean() < 0.6 and 0.1 < freckled[indices].mean() < 0.3
    assert np.bincount(drawn, minlength=400)[~freckled].max() == 1
