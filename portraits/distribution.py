"""How far two sets of pictures lie apart, by their features: precision and recall, and what lies outside (`packs.frechet`: the distance)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

NEIGHBOURS = 3  # of the manifold estimate, as in the paper
OUTSIDE = 0.99  # share of renders that count as inside


def _gaussian(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    values = features.double().cpu().numpy()
    return values.mean(0), np.cov(values, rowvar=False)


def precision_recall(real: Tensor, generated: Tensor, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Share of generated samples on the manifold of the real ones, and of real ones on that of the generated.

    A sample lies on a set's manifold if it is no further from some member than that member's `neighbours`-th nearest in
    the set (Kynkäänniemi et al. 2019, section 2). Features [N, F] and [M, F]. ValueError for sets that are too small.
    """
    if min(len(real), len(generated)) <= neighbours:
        raise ValueError(f"sets of {len(real)} and {len(generated)} samples are too small; at least {neighbours + 1} each are accepted")
    return _inside(generated, real, neighbours), _inside(real, generated, neighbours)


def _inside(samples: Tensor, members: Tensor, neighbours: int) -> float:
    radii = torch.cdist(members, members).kthvalue(neighbours + 1, dim=1).values  # the nearest is the member itself
    return float((torch.cdist(samples, members) <= radii).any(1).float().mean())


class Familiar:
    """What renders look like to the classifier: a Gaussian of their features, and how far from its centre they lie.

    fit, held_out: features [N, F] of different renders; `OUTSIDE` of the second are inside by definition.
    """

    def __init__(self, fit: Tensor, held_out: Tensor):
        mean, covariance = _gaussian(fit)
        ridge = 1e-3 * np.trace(covariance) / len(covariance)  # features that never vary must not rule
        self.mean = torch.from_numpy(mean)
        self.precision = torch.from_numpy(np.linalg.inv(covariance + ridge * np.eye(len(covariance))))
        self.limit = self.distance(held_out).quantile(OUTSIDE)

    def distance(self, features: Tensor) -> Tensor:
        """Squared Mahalanobis distances [N] (Lee et al. 2018, with one class)."""
        off = features.double().cpu() - self.mean
        return ((off @ self.precision) * off).sum(1)

    def outside(self, features: Tensor) -> float:
        """Share of samples further out than nearly all renders."""
        return float((self.distance(features) > self.limit).double().mean())
