"""The identity loss of StyleCLIP (equation 2) and StyleMC, with the pack's own measure in the place of a face recognition network.

Drawn faces have no recognition network; `packs.metrics.identity` is what their identity is measured by. An editor with
this loss is thus helped by the very classifier that judges it, and still keeps to what its paper says.
"""
from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lelsd.objective import HELD_OUT, sample_noise
from packs import metrics

if TYPE_CHECKING:
    from packs.pack import Pack

SAMPLES, BATCH = 64, 8  # pictures that the mean face is measured on


class IdentityLoss:
    """1 - identity, one value a picture; 0 for a pack that has no attribute classifier, which then cannot tell faces apart."""

    def __init__(self, pack: "Pack") -> None:
        self.pack = pack

    def __call__(self, before: Tensor, after: Tensor) -> Tensor:
        """Pictures [N, 3, R, R] before and after -> [N] in [0, 2]; differentiable in `after`."""
        classifier = self.pack.classifier
        if classifier is None:
            return after.new_zeros(len(after))
        return 1.0 - metrics.identity(classifier.features(before), classifier.features(after), self._centre)

    @cached_property
    def _centre(self) -> Tensor:
        """The mean feature of unedited samples, [F]."""
        generator = self.pack.generator
        noise, _ = sample_noise(0, HELD_OUT + 11, (SAMPLES, generator.z_dim))
        with torch.no_grad():
            w_plus = generator.mapping(noise.to(self.pack.device), truncation=self.pack.truncation)
            return torch.cat([self.pack.classifier.features(generator.synthesis(rows)) for rows in w_plus.split(BATCH)]).mean(dim=0)
