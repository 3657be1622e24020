"""Losses against values computed by hand."""
from __future__ import annotations

import math

import pytest
import torch

from lelsd import losses

X, Y = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])


def test_clip_loss_of_known_angles():
    images = torch.stack([X, Y, -X, (X + Y) / math.sqrt(2)])
    assert torch.allclose(losses.clip_loss(images, X), torch.tensor([0.0, 1.0, 2.0, 1 - math.sqrt(0.5)]), atol=1e-6)


def test_directional_loss_follows_the_sign():
    before = torch.zeros(4, 2)
    after = torch.stack([X, X, Y, -3 * X])
    sign = torch.tensor([1.0, -1.0, 1.0, -1.0])
    assert torch.allclose(losses.directional_clip_loss(before, after, X, sign), torch.tensor([0.0, 2.0, 1.0, 0.0]), atol=1e-6)


def test_gain_and_shortfall():
    before, after = torch.zeros(3, 2), torch.stack([0.5 * X, 2 * X, -X])
    assert losses.clip_gain(before, after, X).tolist() == [0.5, 2.0, -1.0]
    sign = torch.tensor([1.0, 1.0, 1.0])
    assert losses.shortfall_loss(before, after, X, sign, target=1.0).tolist() == [0.5, 0.0, 2.0]
    assert losses.shortfall_loss(before, after, X, -sign, target=1.0).tolist() == [1.5, 3.0, 0.0]


def test_sideways():
    before, after = torch.zeros(2, 2), torch.stack([3 * X, X + Y])
    assert losses.sideways_loss(before, after, Y[None], target=0.5).tolist() == [0.0, 4.0]
    assert losses.sideways_loss(before, after, torch.stack([Y, -Y, X]), target=1.0).tolist() == [9.0, 3.0]


def test_localization_is_the_share_outside():
    before = torch.zeros(2, 2, 2, 2)
    after = before.clone()
    after[0, :, 0, 0] = 1.0  # inside
    after[0, :, 1, 1] = 2.0  # outside: 4 of 5 in squares
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).expand(2, 1, 2, 2)
    assert torch.allclose(losses.changed_outside(before, after, mask), torch.tensor([0.8, 0.0]), atol=1e-6)


def test_soft_mask_and_several_maps():
    before, after = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    mask = losses.average_mask(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    assert losses.changed_outside(before, after, mask).item() == pytest.approx(0.5)
    big = torch.zeros(1, 3, 4, 4)
    changed = big.clone()
    changed[..., :2] = 1.0
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]]).view(1, 1, 2, 2)  # enlarged to 4 x 4: columns 1, .75, .25, 0
    expected = 1 - (1 + 0.75) / 2
    assert losses.localization_loss([big, before], [changed, after], left).item() == pytest.approx((expected + 0.5) / 2)
    with pytest.raises(ValueError):
        losses.localization_loss([big], [changed, after], left)


def test_localization_has_a_gradient_at_no_change():
    after = torch.zeros(1, 1, 2, 2, requires_grad=True)
    losses.changed_outside(torch.zeros(1, 1, 2, 2), after, torch.zeros(1, 1, 2, 2)).sum().backward()
    assert torch.isfinite(after.grad).all()


def test_correlation_between_directions():
    rows = torch.stack([X, 2 * X, Y])
    assert torch.allclose(losses.correlation_loss(rows), torch.tensor([0.5, 0.5, 0.0]), atol=1e-6)
    assert losses.correlation_loss(torch.stack([X, -X])).tolist() == pytest.approx([1.0, 1.0])
    assert losses.correlation_loss(torch.randn(1, 3, 4)).item() == pytest.approx(0.0, abs=1e-6)


def test_layer_disagreement():
    assert losses.layer_disagreement(torch.stack([X, X])[None]).item() == pytest.approx(0.0)
    assert losses.layer_disagreement(torch.stack([X, -X])[None]).item() == pytest.approx(1.0)
    assert losses.layer_disagreement(torch.stack([X, Y])[None]).item() == pytest.approx(0.5)


def test_gradients_agree_with_differences():
    torch.manual_seed(0)
    before, after = torch.randn(2, 3, dtype=torch.double), torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    move, sign = torch.nn.functional.normalize(torch.randn(3, dtype=torch.double), dim=0), torch.tensor([1.0, -1.0]).double()
    assert torch.autograd.gradcheck(lambda x: losses.directional_clip_loss(before, x, move, sign), (after,))
    assert torch.autograd.gradcheck(lambda x: losses.clip_loss(x, move), (after,))
    maps = torch.randn(1, 2, 3, 3, dtype=torch.double, requires_grad=True)
    mask = torch.rand(1, 1, 3, 3, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x: losses.changed_outside(torch.zeros_like(x), x, mask).float().double(), (maps,), eps=1e-3, atol=1e-3)


def test_masks_become_one():
    before, after = torch.tensor([0.0, 1.0, 0.4]), torch.tensor([1.0, 1.0, 0.8])
    found = {name: join(before, after).tolist() for name, join in losses.MASKS.items()}
    assert found == {"average": pytest.approx([0.5, 1.0, 0.6]), "union": pytest.approx([1.0, 1.0, 0.8]), "intersection": pytest.approx([0.0, 1.0, 0.4])}


def test_what_counts_as_change():
    before = torch.tensor([[3.0, 4.0], [1.0, 0.0]]).T.reshape(1, 2, 1, 2)  # two pixels: (3, 4) and (1, 0)
    after = torch.tensor([[6.0, 8.0], [0.0, 2.0]]).T.reshape(1, 2, 1, 2)
    assert {name: change(before, after).flatten().tolist() for name, change in losses.CHANGES.items()} == {
        "l2": pytest.approx([12.5, 2.5]), "l1": pytest.approx([3.5, 1.5]), "cosine": pytest.approx([0.0, 1.0], abs=1e-6)}
    left = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    shares = [losses.changed_outside(before, after, left, change).item() for change in losses.CHANGES.values()]
    assert shares == pytest.approx([2.5 / 15, 1.5 / 5, 1.0], abs=1e-6)


def test_maps_can_be_weighted():
    before, inside, outside = torch.zeros(1, 1, 1, 2), torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2), torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    assert losses.localization_loss([before, before], [inside, outside], inside, weights=[3.0, 1.0]).item() == pytest.approx(0.25)


@pytest.mark.parametrize("name", ["l1", "cosine"])
def test_gradients_of_changes(name):
    maps = torch.rand(1, 3, 2, 2, dtype=torch.double, requires_grad=True)
    before = torch.rand(1, 3, 2, 2, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x: losses.CHANGES[name](before, x).double(), (maps,), eps=1e-3, atol=2e-2)
