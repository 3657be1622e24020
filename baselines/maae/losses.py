"""The losses of M-AAE (paper, section 3.4 and 3.5), each one value a sample [N]; the training weighs and averages them.

The paper does not say whether its norms are sums or means. They are means here, over all entries of a picture or code, so that weights
mean the same at every size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """Of equations 2 and 6, as published in section 4.1."""

    vae: float = 0.1  # alpha 1
    gan: float = 10.0  # alpha 2
    identity: float = 20.0  # alpha 3
    cycle: float = 80.0  # alpha 4
    mask: float = 80.0  # alpha 5
    kl: float = 0.1  # lambda 1, inside the VAE loss
    reconstruction: float = 80.0  # lambda 2, the same

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:
                raise ValueError(f"weight {name} is {value}; accepted: numbers from 0 on")

    @classmethod
    def of(cls, changed: dict[str, float]) -> "Weights":
        """The published weights but for some. Raises ValueError for one that there is not."""
        unknown = [name for name in changed if name not in cls.__dataclass_fields__]
        if unknown:
            raise ValueError(f"unknown weight {unknown[0]!r}; accepted: {', '.join(cls.__dataclass_fields__)}")
        return cls(**changed)


def kl_divergence(mean: Tensor) -> Tensor:
    """KL(N(mean, 1) || N(0, 1)) of codes [N, C, H, W], equation 2: half the squared mean."""
    return 0.5 * mean.float().square().flatten(1).mean(1)


def l1(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference of pictures [N, 3, H, W]: reconstruction (equation 2) and cycle (equation 4)."""
    return (first.float() - second.float()).abs().flatten(1).mean(1)


def mask_loss(before: Tensor, after: Tensor, background: Tensor) -> Tensor:
    """Equation 1: what changed in the background. pictures [N, 3, H, W], background [N, 1, H, W] of the picture before, 1 where it is."""
    return l1(before * background, after * background)


def identity_loss(before: Tensor, after: Tensor) -> Tensor:
    """Equation 5: squared distance of features [N, ...], in units of the mean square of those before.

    So the weight means the same whatever network tells the faces apart: features of the published one are in the hundreds.
    """
    distance = (before.float() - after.float()).square().flatten(1).mean(1)
    return distance / before.float().square().mean().clamp_min(1e-12)


def real_loss(logits: Tensor) -> Tensor:
    """-log D for logits [N, H, W]: of real pictures in the discriminator's loss (equation 3), and of made ones in the generator's,
    which does not saturate as log(1 - D) does (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-logits.float()).flatten(1).mean(1)


def fake_loss(logits: Tensor) -> Tensor:
    """-log(1 - D) for logits [N, H, W] of made pictures (equation 3)."""
    return F.softplus(logits.float()).flatten(1).mean(1)


def judged_as(logits: Tensor, side: Tensor) -> Tensor:
    """Of the discriminator's logits [N, 2, H, W] those of a side [N], 0 without and 1 with the attribute: [N, H, W]."""
    return logits[torch.arange(len(logits), device=logits.device), side]


def weighted(found: dict[str, Tensor], weights: Weights) -> Tensor:
    """The generator's loss (equation 6), a scalar. found: [N] each of kl, reconstruction, gan, cycle, and identity and mask where used."""
    factors = asdict(weights)
    factors |= {name: weights.vae * factors[name] for name in ("kl", "reconstruction")}
    return sum(factors[name] * values.mean() for name, values in found.items())
