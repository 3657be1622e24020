"""What the generator's regression minimises, in numbers worked out by hand."""

import pytest
import torch

from portraits.generator_loss import FRECKLES, IMPORTANCE, edge_loss, part_weights, picture_loss
from segmentation.parts import CLASSES


def test_small_parts_weigh_more():
    weights = part_weights(torch.tensor([[[CLASSES.index("skin"), CLASSES.index("l_eye")]]], dtype=torch.uint8))
    assert weights.flatten().tolist() == [IMPORTANCE["skin"], IMPORTANCE["l_eye"]] == [1.0, 6.0]


def test_places_of_freckles_weigh_more_at_every_size():
    masks = torch.full((2, 4, 4), CLASSES.index("skin"), dtype=torch.uint8)
    places = torch.zeros(8, 8)
    places[:2, :2], places[6, 6] = 1, 1
    weights = part_weights(masks, places)
    assert torch.equal(weights[0], weights[1]) and weights[0, 0, 0, 0] == 1 + FRECKLES and weights[0, 0, 1, 1] == 1
    assert weights[0, 0, 3, 3] == 1 + FRECKLES / 4


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
