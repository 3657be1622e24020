"""Where a direction is learned: rows of W+ (all alike: W), or the channels of StyleSpace that those rows feed.

Training knows only parameters [K, n, D], `n` rows of unit root mean square length; a space says how they begin and what
step they mean. In StyleSpace n is 1 and D the number of channels, each in units of its own spread over random samples,
as Wu, Lischinski and Shechtman 2021 ("StyleSpace Analysis", section 4) compare channels.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from stylegan2.style_space import style_layers, styles

if TYPE_CHECKING:
    from lelsd.objective import Objective


class RowSpace:
    """W+, or W with `freedom` 0: a step is [L, D], zero in the rows that are not edited."""

    def __init__(self, objective: "Objective", layers: Sequence[int], freedom: float) -> None:
        self.layers, self.freedom, self.num_ws = list(layers), freedom, objective.generator.num_ws
        self.shape = (len(self.layers), objective.generator.w_dim)

    def begin(self, gradient: Tensor) -> Tensor:
        """Parameters [n, D] for a direction that was found for each row of w+, [L, D]."""
        return tied_rows(gradient[self.layers], self.freedom)

    def noise(self, noise: Tensor) -> Tensor:
        """Random parameters from numbers [K, n, D]."""
        return noise if self.freedom else noise[:, :1].expand_as(noise).contiguous()

    def tied(self, gradient: Tensor) -> Tensor:
        """The gradient of parameters [K, n, D], of rows that learn together to some degree."""
        return tied_rows(gradient, self.freedom)

    def steps(self, rows: Tensor) -> Tensor:
        """Parameters of unit length [K, n, D] -> steps of distance 1 in W, [K, L, D]; differentiable."""
        return spread_rows(rows, self.layers, self.num_ws)


class StyleSpace:
    """Channels of all layers that the edited rows feed: a step is [S], zero in the other channels."""

    def __init__(self, objective: "Objective", layers: Sequence[int], samples: Tensor) -> None:
        """samples [n, L, D]: random w+, untruncated, by which the spread of each channel is told."""
        self.synthesis = objective.generator.synthesis
        found = style_layers(self.synthesis)
        self.size = found[-1].stop
        self.channels = [channel for layer in found if layer.row in set(layers) for channel in range(layer.start, layer.stop)]
        self.shape = (1, len(self.channels))
        with torch.no_grad():
            spread = styles(self.synthesis, samples).std(dim=0)[self.channels].clamp_min(1e-6)
        self.spread = spread * len(self.channels) ** 0.5 / objective.spread  # so that a distance means about what it does in W

    @torch.no_grad()
    def begin(self, gradient: Tensor) -> Tensor:
        """Parameters [1, n] for a direction that was found for each row of w+, [L, D]: what it does to the styles."""
        moved, still = (styles(self.synthesis, rows[None]) for rows in (gradient, torch.zeros_like(gradient)))
        return ((moved - still)[:, self.channels] / self.spread).float()

    def noise(self, noise: Tensor) -> Tensor:
        return noise

    def tied(self, gradient: Tensor) -> Tensor:
        """Channels learn apart from one another."""
        return gradient

    def steps(self, rows: Tensor) -> Tensor:
        """Parameters of unit length [K, 1, n] -> steps of about distance 1 in W, [K, S]; differentiable."""
        full = rows.new_zeros(len(rows), self.size)
        return full.index_copy(1, torch.tensor(self.channels, device=rows.device), rows[:, 0] * self.spread)


def unit_rows(raw: Tensor) -> Tensor:
    """Directions [K, n, D] scaled so that the root mean square length of their rows is 1."""
    return raw * (raw.shape[1] ** 0.5 / raw.flatten(1).norm(dim=1).clamp_min(1e-12))[:, None, None]


def tied_rows(values: Tensor, freedom: float) -> Tensor:
    """Rows [..., n, D] pulled to their mean: 1 leaves them, 0 makes them equal. Applied to gradients, it ties how rows learn.

    A generator that was trained with one w for all rows knows best what to do with rows that agree.
    """
    mean = values.mean(dim=-2, keepdim=True)
    return mean + freedom * (values - mean)


def spread_rows(rows: Tensor, layers: list[int], num_layers: int) -> Tensor:
    """Rows of the chosen layers [K, n, D] -> [K, L, D], zero elsewhere; differentiable."""
    full = rows.new_zeros(len(rows), num_layers, rows.shape[2])
    return full.index_copy(1, torch.tensor(layers, device=rows.device), rows)
