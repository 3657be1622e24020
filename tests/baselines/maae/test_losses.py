"""Each loss against numbers found by hand."""

from __future__ import annotations

from math import log

import pytest
import torch

from baselines.maae.losses import Weights, fake_loss, identity_loss, judged_as, kl_divergence, l1, mask_loss, real_loss, weighted


def test_kl_of_a_gaussian_of_unit_variance():
    mean = torch.tensor([[[[2.0, 0.0], [0.0, 4.0]]], [[[1.0, 1.0], [1.0, 1.0]]]])
    assert kl_divergence(mean).tolist() == [0.5 * (4 + 16) / 4, 0.5]
    exact = torch.distributions.kl_divergence(torch.distributions.Normal(mean, 1.0), torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(kl_divergence(mean), exact.flatten(1).mean(1))


def test_the_mask_loss_looks_at_the_background_alone():
    before, after = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    after[0, :, 0, 0], after[0, :, 1, 1] = 0.5, -2.0
    background = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert l1(before, after).tolist() == [(0.5 + 2.0) / 4]
    assert mask_loss(before, after, background).tolist() == [0.5 / 4]


def test_the_identity_loss_is_a_share_of_the_features():
    before, after = torch.tensor([[3.0, 4.0], [0.0, 5.0]]), torch.tensor([[3.0, 3.0], [0.0, 0.0]])
    assert identity_loss(before, after).tolist() == pytest.approx([(1 / 2) / 12.5, (25 / 2) / 12.5])
    assert torch.allclose(identity_loss(100 * before, 100 * after), identity_loss(before, after))


def test_adversarial_losses_are_logarithms_of_the_sigmoid():
    logits = torch.tensor([[[0.0, 0.0]], [[log(3.0), log(3.0)]]])  # D is 1/2 and 3/4
    assert real_loss(logits).tolist() == pytest.approx([log(2), -log(0.75)])
    assert fake_loss(logits).tolist() == pytest.approx([log(2), -log(0.25)])


def test_each_picture_is_judged_as_its_side():
    logits = torch.arange(8.0).view(2, 2, 1, 2)
    assert judged_as(logits, torch.tensor([1, 0])).tolist() == [[[2.0, 3.0]], [[4.0, 5.0]]]


def test_the_objective_has_the_published_weights():
    one = torch.ones(2)
    names = ("kl", "reconstruction", "gan", "identity", "cycle", "mask")
    alone = {name: float(weighted({name: one}, Weights())) for name in names}
    assert alone == pytest.approx({"kl": 0.01, "reconstruction": 8.0, "gan": 10.0, "identity": 20.0, "cycle": 80.0, "mask": 80.0})
    assert float(weighted({name: one for name in names}, Weights())) == pytest.approx(198.01)
    with pytest.raises(ValueError, match="weight cycle is -1"):
        Weights(cycle=-1)
