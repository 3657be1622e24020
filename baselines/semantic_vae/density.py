"""Where the codes of a part lie: a Gaussian, fitted after the training to the codes of masks in which the part is seen.

Training presses codes towards N(0, 1), not into it. Its draws are off the codes of any mask: a hat that is drawn from it is
mostly none, long hair is never drawn, and the left eye knows nothing of the right one. A density that is fitted to the codes
of a trained autoencoder mends that (ex-post density estimation; Ghosh et al., "From Variational to Deterministic
Autoencoders", 2020, section 4). A part's classes are fitted together, so that pairs match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from segmentation.parts import PARTS, label_mask

if TYPE_CHECKING:
    from baselines.semantic_vae.model import SemanticVAE

RANK = 48  # axes that are kept, at most ...
SPREAD = 0.99  # ... and as many as hold this share of the variance
LEAST = 8  # masks with the part; of fewer nothing is fitted
PREFIX = "density."


@dataclass(frozen=True, eq=False)
class CodeDensity:
    """mean [K, D] of the codes of a part's K classes, and axes [A, K, D]: a code is the mean and N(0, 1) along each axis."""

    mean: Tensor
    axes: Tensor

    def noise(self, count: int, rng: torch.Generator) -> Tensor:
        """Differences from the mean, [count, K, D]. rng: of the density's device."""
        weights = torch.randn(count, len(self.axes), generator=rng, device=self.axes.device, dtype=self.axes.dtype)
        return torch.einsum("na,akd->nkd", weights, self.axes)

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """Codes of the part, [count, K, D]. rng: of the density's device."""
        return self.mean + self.noise(count, rng)

    def to(self, device: torch.device | str) -> Self:
        return type(self)(self.mean.to(device), self.axes.to(device))


@torch.inference_mode()
def fit_densities(model: "SemanticVAE", batches: Iterable[Tensor]) -> dict[str, CodeDensity]:
    """Of each part that at least `LEAST` of the masks (class numbers [B, S, S]) show. Means of codes count, not their variances."""
    device = next(model.parameters()).device
    codes, seen = [], []
    for masks in batches:
        masks = masks.long().to(device)
        codes.append(model.encode(masks).cpu())
        seen.append(torch.stack([label_mask(masks, part).flatten(1).any(1) for part in PARTS], 1).cpu())
    every, shown = torch.cat(codes), torch.cat(seen)
    of_parts = {name: every[shown[:, column]][:, list(part.classes)] for column, (name, part) in enumerate(PARTS.items())}
    return {name: _fitted(rows).to(device) for name, rows in of_parts.items() if len(rows) >= LEAST}


def _fitted(rows: Tensor) -> CodeDensity:
    """The density of codes [N, K, D]: its axes are principal axes, as long as the codes spread along them."""
    mean = rows.mean(0)
    _, spreads, axes = torch.linalg.svd((rows - mean).flatten(1).double(), full_matrices=False)
    shares = spreads.square().cumsum(0) / spreads.square().sum().clamp_min(1e-12)
    kept = min(RANK, int((shares < SPREAD).sum()) + 1)
    scaled = axes[:kept] * spreads[:kept, None] / len(rows) ** 0.5
    return CodeDensity(mean, scaled.float().unflatten(1, mean.shape))


def to_tensors(densities: Mapping[str, CodeDensity]) -> dict[str, Tensor]:
    """As they stand in a model's file: density.PART.mean and density.PART.axes."""
    return {f"{PREFIX}{part}.{name}": getattr(density, name) for part, density in densities.items() for name in ("mean", "axes")}


def from_tensors(tensors: Mapping[str, Tensor], dim: int) -> dict[str, CodeDensity]:
    """The reverse, of codes with `dim` entries. Raises ValueError for an unknown part or tensors that do not fit."""
    found = {}
    for part in dict.fromkeys(name.split(".")[1] for name in tensors):
        if part not in PARTS:
            raise ValueError(f"{PREFIX}{part} is of no part; accepted: {', '.join(PARTS)}")
        mean, axes = (tensors.get(f"{PREFIX}{part}.{name}") for name in ("mean", "axes"))
        shape = (len(PARTS[part].classes), dim)
        if mean is None or axes is None or mean.shape != shape or axes.ndim != 3 or axes.shape[1:] != shape:
            raise ValueError(f"{PREFIX}{part} lacks a tensor or is of another shape; accepted: mean {list(shape)} and axes [A, {shape[0]}, {dim}]")
        found[part] = CodeDensity(mean.float(), axes.float())
    return found
