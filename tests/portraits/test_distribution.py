"""Distances of sets against what can be worked out by hand."""

import pytest
import torch

from portraits.distribution import OUTSIDE, Familiar, precision_recall


def test_precision_and_recall_of_half_a_distribution():
    """Real samples in two places, generated ones in the first and nowhere else: all precise, half recalled."""
    left, right = torch.rand(50, 2), torch.rand(50, 2) + 10
    precision, recall = precision_recall(torch.cat([left, right]), left + 1e-3)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.05)
    assert precision_recall(left, right) == (0, 0)


def test_manifolds_need_samples():
    with pytest.raises(ValueError, match="too small"):
        precision_recall(torch.zeros(3, 2), torch.zeros(30, 2))


def test_what_lies_outside():
    familiar = Familiar(torch.randn(2000, 4), torch.randn(1000, 4))
    assert familiar.outside(torch.randn(2000, 4)) == pytest.approx(1 - OUTSIDE, abs=0.01)
    assert familiar.outside(torch.randn(100, 4) + 10) == 1
