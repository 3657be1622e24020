"""The losses of section 3, one value a sample [N]; the means over the batch and the weights are the trainer's business."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def critic(real: Tensor, fake: Tensor) -> Tensor:
    """The first two terms of equations (1) and (6), of a discriminator's scores [N, ...] of real and edited samples.

    A discriminator of patches counts with the mean over its patches, as StarGAN's does.
    """
    return fake.flatten(1).mean(1) - real.flatten(1).mean(1)


def deception(fake: Tensor) -> Tensor:
    """Equations (2) and (7): minus the score [N, ...] of what the generator made."""
    return -fake.flatten(1).mean(1)


def gradient_penalty(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """The last term of equations (1) and (6): (||gradient of the score|| - 1)^2 at points between real and fake.

    real, fake [N, C, H, W]; share [N] in [0, 1] says how far each point is from real to fake. The printed square stands outside
    the expectation; WGAN-GP's is inside, and so it is here. A score of several patches is summed, as in StarGAN.
    """
    between = torch.lerp(real, fake, share[:, None, None, None]).detach().requires_grad_()
    gradient, = torch.autograd.grad(score(between).float().sum(), between, create_graph=True)
    return (gradient.float().flatten(1).norm(dim=1) - 1).square()


def classification(logits: Tensor, labels: Tensor, summed: bool) -> Tensor:
    """The binary cross entropy that equations (3), (4), (8) and (9) mean: logits [N, A] before the sigmoid, labels [N, A] of 0 and 1.

    As printed, -y log D + (1-y)(1 - log D), an absent attribute would be asked for by the same sign as a present one. summed:
    over the attributes (the dot product of the paper), else their mean.
    """
    values = F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none")
    return values.sum(1) if summed else values.mean(1)


def reconstruction(image: Tensor, again: Tensor) -> Tensor:
    """Equation (5), as a mean over pixels and colours, which is what both published codes weigh: images [N, 3, H, W]."""
    return (image - again).abs().flatten(1).mean(1)


def cross_entropy(mask: Tensor, log_probability: Tensor) -> Tensor:
    """Equations (10), (11) and (12): a one-hot mask [N, S, H, W] against log probabilities of the same shape, mean over the pixels."""
    return -(mask * log_probability).sum(dim=1).flatten(1).mean(1)
