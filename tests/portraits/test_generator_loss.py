"""What the generator's regression minimises, in numbers worked out by hand."""

import pytest
import torch

from portraits.generator_loss import BY_EARRINGS, IMPORTANCE, edge_loss, part_weights, picture_loss
from segmentation.parts import CLASSES


def test_small_parts_weigh_more():
    weights = part_weights(torch.tensor([[[CLASSES.index("skin"), CLASSES.index("l_eye")]]], dtype=torch.uint8))
    assert weights.flatten().tolist() == [IMPORTANCE["skin"], IMPORTANCE["l_eye"]] == [1.0, 6.0]


def test_what_is_by_an_earring_weighs_more():
    masks = torch.full((1, 64, 64), CLASSES.index("skin"), dtype=torch.uint8)
    masks[0, 20, 30] = CLASSES.index("ear_r")
    weights = part_weights(masks)[0, 0]
    assert weights[20, 30] == IMPORTANCE["ear_r"] and (weights[18:23, 28:33] >= BY_EARRINGS).all()
    assert (weights == 1).sum() == 64 * 64 - 36, "three cells of two pixels, both ways"


def test_places_of_faint_things_weigh_more_at_every_size():
    masks = torch.full((2, 4, 4), CLASSES.index("skin"), dtype=torch.uint8)
    faint = torch.zeros(8, 8)
    faint[:2, :2], faint[6, 6] = 40, 40
    weights = part_weights(masks, faint)
    assert torch.equal(weights[0], weights[1]) and weights[0, 0, 0, 0] == 41 and weights[0, 0, 1, 1] == 1
    assert weights[0, 0, 3, 3] == 11


def test_every_class_has_its_importance():
    assert set(IMPORTANCE) == set(CLASSES) and min(IMPORTANCE.values()) > 0


def test_a_missing_strand_costs_more_than_a_shade():
    """Two errors of the same mean: a line that is not there, and a shade over the same area."""
    target, weights = torch.zeros(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    line, shade = target.clone(), torch.full_like(target, 1 / 16)
    line[..., 8] = 1.0
    assert picture_loss(line, target, weights) > 1.5 * picture_loss(shade, target, weights)


def test_edges_are_missed_and_brightness_is_not():
    weights = torch.ones(1, 1, 4, 4)
    assert edge_loss(torch.full((1, 3, 4, 4), 0.5), weights).item() == 0
    error = torch.zeros(1, 3, 4, 4)
    error[..., 2] = 1  # a column: two differences in each row of three, none along the columns
    assert edge_loss(error, weights).item() == pytest.approx(2 / 3)


def test_the_loss_is_in_units_of_the_picture():
    target, weights = torch.zeros(1, 3, 8, 8), torch.full((1, 1, 8, 8), 7.0)
    off = picture_loss(torch.full((1, 3, 8, 8), 0.2), target, weights).item()
    assert off == pytest.approx(0.2 + 0.5 * 0.2), "L1, and L1 at a quarter of the size, whatever all pixels weigh"
    assert picture_loss(target, target, weights).item() == 0
