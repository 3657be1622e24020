"""The losses of equations 2 to 6, as functions of what the networks gave; all return scalars.

The adversarial loss is the least squares one (Mao et al. 2017), as in pix2pixHD; as printed, E[1 - log D], it is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.maskgan.config import TrainSettings
from baselines.maskgan.critic import MultiscaleCritic
from baselines.maskgan.perceptual import PerceptualFeatures

Features = Sequence[Sequence[Tensor]]  # of each scale, of each layer; the last of a scale are its scores


def least_squares(features: Features, target: float) -> Tensor:
    """Mean squared distance of a scale's scores from `target`, summed over the scales."""
    return torch.stack([(scale[-1].float() - target).square().mean() for scale in features]).sum()


def critic_loss(real: Features, fake: Features) -> Tensor:
    """Half of what separates scores of pictures from 1 and scores of paintings from 0."""
    return 0.5 * (least_squares(real, 1.0) + least_squares(fake, 0.0))


def feature_matching(real: Features, fake: Features) -> Tensor:
    """L1 between the critic's features of a picture and of its painting (equation 4), weighted as in pix2pixHD: 4 / (layers
    before the scores), in the mean over the scales."""
    each = [_l1(r, f) * 4 / (len(r_scale) - 1) for r_scale, f_scale in zip(real, fake) for r, f in zip(r_scale[:-1], f_scale[:-1])]
    return torch.stack(each).sum() / len(real)


def perceptual_loss(features: PerceptualFeatures, real: Tensor, fake: Tensor) -> Tensor:
    """L1 between the features of a fixed network, weighted by layer (equation 5)."""
    with torch.no_grad():
        wanted = features(real)
    return torch.stack([weight * _l1(a, b) for weight, a, b in zip(features.weights, wanted, features(fake))]).sum()


def painting_losses(masks: Tensor, real: Tensor, fake: Tensor, critic: MultiscaleCritic, features: PerceptualFeatures | None,
                    settings: TrainSettings) -> dict[str, Tensor]:
    """Equation 6: {"loss", "adversarial", "feature", "perceptual"} of paintings [N, 3, H, W] of one-hot masks [N, C, H, W].

    `features` None leaves the perceptual loss out.
    """
    with torch.no_grad():
        of_real = critic(masks, real)
    of_fake = critic(masks, fake)
    found = {"adversarial": least_squares(of_fake, 1.0), "feature": feature_matching(of_real, of_fake)}
    found["perceptual"] = fake.new_zeros(()) if features is None else perceptual_loss(features, real, fake.float())
    total = found["adversarial"] + settings.feature_weight * found["feature"] + settings.perceptual_weight * found["perceptual"]
    return {"loss": total, **found}


def _l1(a: Tensor, b: Tensor) -> Tensor:
    return (a.float() - b.float()).abs().mean()
