"""Inception Score, a batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor

SUBSETS = 10


class InceptionScore:
    """Salimans et al. 2016, section 4: exp(E KL(p(y|x) || p(y))), the mean over disjoint subsets of the pictures.

    A network that answers one question (which of 1000 things is it?) gives the published score, 1 to 1000. One that answers
    many (is it bald? does it smile?) gives the mean of the questions' scores, for yes or no 1 to 2 each. Pictures are dealt
    out to the subsets by chance, as the pool comes attribute by attribute.
    """

    def __init__(self, subsets: int = SUBSETS, seed: int = 0) -> None:
        if subsets < 1:
            raise ValueError(f"there are {subsets} subsets; accepted: at least 1")
        self._random, self._subsets = torch.Generator().manual_seed(seed), subsets
        self._counts = torch.zeros(subsets, dtype=torch.float64)
        self._totals: Tensor | None = None  # sums of p by subset [S, Q, C], and of p log p [S, Q]
        self._entropies: Tensor | None = None

    def add(self, probabilities: Tensor) -> None:
        """[N, Q, C]: of C answers to each of Q questions. Raises ValueError for another shape."""
        if probabilities.ndim != 3:
            raise ValueError(f"probabilities have shape {list(probabilities.shape)}; accepted: [pictures, questions, answers]")
        values = probabilities.detach().double().cpu()
        if self._totals is None:
            self._totals = values.new_zeros(self._subsets, *values.shape[1:])
            self._entropies = values.new_zeros(self._subsets, values.shape[1])
        subset = torch.randint(self._subsets, (len(values),), generator=self._random)
        self._counts.index_add_(0, subset, torch.ones(len(values), dtype=torch.float64))
        self._totals.index_add_(0, subset, values)
        self._entropies.index_add_(0, subset, torch.xlogy(values, values).sum(dim=2))

    def score(self) -> float:
        """The mean over questions and subsets. Raises ValueError if no picture was added."""
        filled = self._counts > 0
        if not bool(filled.any()):
            raise ValueError("no picture was looked at; accepted: at least one")
        counts = self._counts[filled]
        marginal = self._totals[filled] / counts[:, None, None]
        divergence = self._entropies[filled] / counts[:, None] - torch.xlogy(marginal, marginal).sum(dim=2)
        return float(divergence.exp().mean())
