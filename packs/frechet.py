"""Fréchet distance between sets of pictures, by their features: of sets in memory, and of sets too large for it."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Mean and covariance of features that come a batch at a time; nothing but sums is kept, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | float = 0.0
        self._products: Tensor | float = 0.0
        self._first: Tensor | None = None  # sums are of differences from it: large means would cost digits

    def add(self, features: Tensor) -> "Moments":
        """features [n, F], on any device; returns itself. Raises ValueError for another shape."""
        if features.ndim != 2 or not len(features):
            raise ValueError(f"features have shape {list(features.shape)}; accepted: [n, F], at least one")
        values = features.detach().double()
        if self._first is None:
            self._first = values[0].clone()
        values = values - self._first
        self.count += len(values)
        self._sum = self._sum + values.sum(dim=0)
        self._products = self._products + values.T @ values
        return self

    @property
    def mean(self) -> Tensor:
        """[F]"""
        return self._first + self._sum / self.count

    @property
    def covariance(self) -> Tensor:
        """[F, F], of a sample: divided by one less than the count. Raises ValueError for fewer than two pictures."""
        if self.count < 2:
            raise ValueError(f"there are {self.count} pictures; accepted for a covariance: at least 2")
        offset = self._sum / self.count
        return (self._products - self.count * torch.outer(offset, offset)) / (self.count - 1)


def frechet_between(first: Moments, second: Moments) -> float:
    """Distance of two Gaussians (Heusel et al. 2017, equation 6): |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The last trace is the sum of the square roots of the eigenvalues of R C2 R, R the root of C1: these are symmetric, so
    that sets with fewer pictures than features, whose covariances have no inverse, are measured as well as any.
    """
    values, vectors = torch.linalg.eigh(first.covariance)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    shared = torch.linalg.eigvalsh(root @ second.covariance @ root).clamp_min(0).sqrt().sum()
    apart = (first.mean - second.mean).square().sum()
    return max(0.0, float(apart + first.covariance.trace() + second.covariance.trace() - 2 * shared))  # rounding may go below


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """`frechet_between` of features [N, F] and [M, F]. Falls with the number of pictures: compare sets of the same size."""
    return frechet_between(Moments().add(first), Moments().add(second))
