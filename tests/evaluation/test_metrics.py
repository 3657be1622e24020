"""The metrics against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from packs import metrics
from portraits.scene import ATTRIBUTES
from portraits.side_effects import bound, others


def bools(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.bool)


def test_target_rate_counts_only_what_was_not_so_before():
    before, after = bools(0, 0, 1, 1), bools(1, 0, 1, 0)
    wanted, unwanted = (metrics.target_rate(before, after, value) for value in (True, False))
    assert wanted[:2].tolist() == [1.0, 0.0] and wanted[2:].isnan().all()
    assert unwanted[:2].isnan().all() and unwanted[2:].tolist() == [0.0, 1.0]
    assert metrics.mean(wanted) == 0.5
    assert metrics.mean(metrics.target_rate(bools(1, 1), bools(1, 0), True)) is None


def test_side_effects_are_the_share_of_counted_attributes_that_flip():
    before = torch.stack([bools(0, 1, 0, 1), bools(0, 0, 0, 0)])
    after = torch.stack([bools(1, 0, 0, 1), bools(0, 0, 0, 1)])
    assert metrics.side_effect_rate(before, after, bools(0, 1, 1, 1)).tolist() == pytest.approx([1 / 3, 1 / 3])
    assert metrics.side_effect_rate(before, after, bools(0, 1, 0, 0)).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="no attribute is counted"):
        metrics.side_effect_rate(before, after, bools(0, 0, 0, 0))


def test_localization_is_the_share_of_squared_change_inside():
    before, after = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    mask_before, mask_after = torch.zeros(2, 1, 1, 8, 8, dtype=torch.bool)
    mask_before[0, 0, 1, 1] = mask_after[0, 0, 6, 6] = True
    after[0, 0, 1, 1] = after[0, 1, 6, 6] = 0.3  # squared 0.09 each, one in either mask
    after[0, 0, 2, 2] = 0.6  # 0.36, a pixel from the mask
    after[0, :, 4, 4] = -0.3  # 3 x 0.09, two pixels from both
    exact = metrics.localization(before, after, mask_before, mask_after, 0)
    grown = metrics.localization(before, after, mask_before, mask_after, 1)
    assert exact.item() == pytest.approx(0.18 / 0.81) and grown.item() == pytest.approx(0.54 / 0.81)


def test_localization_sees_pictures_as_they_are_shown():
    before, after = torch.full((1, 3, 4, 4), 1.0), torch.full((1, 3, 4, 4), 1.0)
    after[..., 0, 0], after[..., 3, 3] = 0.5, 7.0  # white and whiter than white look the same
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 0, 0] = True
    assert metrics.localization(before, after, mask, mask, 0).item() == 1.0


def test_no_change_has_no_place():
    images, mask = torch.rand(2, 3, 4, 4), torch.ones(2, 1, 4, 4, dtype=torch.bool)
    assert metrics.localization(images, images.clone(), mask, mask, 1).isnan().all()


def test_dilation():
    mask = torch.zeros(1, 1, 7, 7, dtype=torch.bool)
    mask[..., 3, 3] = True
    assert [int(metrics.dilate(mask, radius).sum()) for radius in (0, 1, 2)] == [1, 9, 25]
    assert [metrics.dilation_radius(size) for size in (16, 128, 1024)] == [1, 4, 32]


def test_identity_is_measured_from_the_centre():
    centre = torch.tensor([10.0, 10.0])
    before = centre + torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    after = centre + torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    assert metrics.identity(before, after, centre).tolist() == pytest.approx([1.0, 0.0, -1.0], abs=1e-6)


def test_clip_gain_is_a_difference_of_cosines():
    text = torch.tensor([0.0, 1.0])
    before, after = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.6, 0.8], [0.6, -0.8]])
    assert metrics.clip_gain(before, after, text).tolist() == pytest.approx([0.8, -1.8])


def test_mean_leaves_out_nan():
    assert metrics.mean(torch.tensor([1.0, math.nan, 4.0])) == 2.5
    assert metrics.mean(torch.tensor([math.nan])) is None


def test_the_asked_attribute_and_those_that_never_occur_are_no_side_effects():
    counted = dict(zip(ATTRIBUTES, others("Blond_Hair").tolist()))
    assert [name for name, there in counted.items() if not there] == ["Blond_Hair", "Attractive", "Blurry"]


def test_what_no_editor_can_keep():
    avoidable = dict(zip(ATTRIBUTES, others("Blond_Hair", avoidable=True).tolist()))
    assert not avoidable["Black_Hair"] and not avoidable["Bald"] and avoidable["Curly_Hair"] and avoidable["Male"]
    assert "Bangs" in bound("Bald") and "Bald" in bound("Bangs") and "Wearing_Hat" not in bound("Bangs") and bound("Freckles") == frozenset()
    assert all(bound(name) <= set(ATTRIBUTES) for name in ATTRIBUTES)
