"""What Semantic-VAE is trained by (section 3.2): weighted cross entropy and the Kullback-Leibler divergence of the codes.

One value a sample; the training loop weighs and averages.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.parts import CLASSES


def class_weights(batches: Iterable[Tensor]) -> Tensor:
    """w [C] (float32): one minus the share of all pixels of the masks [N, H, W] that a class has (equation 1).

    Raises ValueError when there is no mask.
    """
    counts = torch.zeros(len(CLASSES), dtype=torch.int64)
    for masks in batches:
        counts += torch.bincount(masks.flatten(), minlength=len(CLASSES)).cpu()
    if not counts.sum():
        raise ValueError("class weights were asked of no masks; accepted: one or more")
    return (1 - counts.double() / counts.sum()).float()


def cross_entropy(logits: Tensor, masks: Tensor, weights: Tensor | None) -> Tensor:
    """Logits [N, C, H, W], masks [N, H, W] (int64), weights [C] or None for 1 -> [N]: the mean over the pixels of
    -w(y) log p(y) (equation 2, which has the sum; with a sum, the KL's printed weight would be nothing)."""
    return F.cross_entropy(logits.float(), masks, weights, reduction="none").mean((1, 2))


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of N(mean, exp(log_variance)) from N(0, 1), both [N, C, D] -> [N]: summed over the codes' entries."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum((1, 2))
