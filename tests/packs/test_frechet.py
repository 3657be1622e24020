"""The distance of Gaussians against what can be worked out by hand."""

from __future__ import annotations

import pytest
import torch

from packs.frechet import Moments, frechet_between, frechet_distance


def test_moved_and_stretched():
    features = torch.randn(4000, 3)
    moved = features + torch.tensor([3.0, 0.0, 4.0])
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-5)
    assert frechet_distance(features, moved) == pytest.approx(25, rel=1e-4)
    spread = features.double().var(0).sum().item()  # tr(C + 9C - 2 * 3C) = 4 tr(C) for one three times as wide about the mean
    wide = (features - features.mean(0)) * 3 + features.mean(0)
    assert frechet_distance(features, wide) == pytest.approx(4 * spread, rel=1e-4)


def test_covariances_that_do_not_commute_or_have_no_inverse():
    """Points at (±1, 0) and (0, ±1): C1 = diag(2, 0), C2 = diag(0, 2), whose product is nothing: 2 + 2 - 0."""
    across, upwards = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    assert frechet_distance(across, upwards) == pytest.approx(4, abs=1e-6)
    # against the diagonal, C2 = [[1, 1], [1, 1]]: C1 C2 = [[2, 2], [0, 0]] has the eigenvalues 2 and 0
    diagonal = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]) / 2**0.5
    assert frechet_distance(across, diagonal) == pytest.approx(2 + 2 - 2 * 2**0.5, abs=1e-6)


def test_batches_are_the_whole_even_far_from_zero():
    features = torch.randn(300, 4, dtype=torch.float64) + 1e6
    moments = Moments()
    for batch in features.split(70):
        moments.add(batch)
    assert moments.count == 300 and torch.allclose(moments.mean, features.mean(0), rtol=1e-12)
    assert torch.allclose(moments.covariance, features.T.cov(), rtol=1e-6)
    assert frechet_between(moments, Moments().add(features)) == pytest.approx(0, abs=1e-5)


def test_what_has_no_moments():
    with pytest.raises(ValueError, match="at least 2"):
        Moments().add(torch.ones(1, 3)).covariance
    with pytest.raises(ValueError, match=r"\[n, F\]"):
        Moments().add(torch.ones(3))
