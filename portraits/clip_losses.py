"""What the built-in CLIP learns by: which captions are true of which pictures, and what is lost when it does not know."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def agreement(said: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Which captions are true of which pictures, and of which it is known: two bool tensors [texts, images].

    said int8 [texts, T]: 1 says that a topic holds, -1 that it does not, 0 nothing; shown int8 [images, T]: 1, 0, or -1
    for not to be seen.
    """
    says_yes, says_no = (said == 1).float(), (said == -1).float()
    is_so, is_not = (shown == 1).float(), (shown == 0).float()
    agreed = says_yes @ is_so.T + says_no @ is_not.T
    denied = says_yes @ is_not.T + says_no @ is_so.T
    true = agreed == (says_yes + says_no).sum(1, keepdim=True)
    return true, true | (denied > 0)


def contrastive_loss(similarity: Tensor, scale: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """InfoNCE (Radford et al. 2021) in both directions, the target shared evenly by all pairs that are true.

    similarity [texts, images]; true, known bool of the same shape; unknown pairs are outside the softmax.
    """
    logits = (scale * similarity).masked_fill(~known, -1e4)
    losses = []
    for direction, positive in ((logits, true), (logits.T, true.T)):
        target = positive.float() / positive.sum(1, keepdim=True).clamp_min(1)
        # the entropy of the target is taken off, so that 0 is perfect whatever the number of positives
        entropy = -torch.xlogy(target, target).sum(1)
        losses.append((-(target * direction.log_softmax(1)).sum(1) - entropy).mean())
    return (losses[0] + losses[1]) / 2


def truth_loss(similarity: Tensor, scale: Tensor, bias: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """Is this caption true of this picture? (Zhai et al. 2023, pairwise sigmoid), for each caption the pictures that it
    is true of weighing as much as those that it is not true of. This is what an edit by text asks of CLIP."""
    logits = scale * similarity + bias
    wrong = known & ~true
    right_loss = (F.softplus(-logits) * true).sum(1) / true.sum(1).clamp_min(1)
    wrong_loss = (F.softplus(logits) * wrong).sum(1) / wrong.sum(1).clamp_min(1)
    return (right_loss + wrong_loss).mean() / 2


def topic_loss(embedding: Tensor, prototypes: Tensor, scale: Tensor, bias: Tensor, target: Tensor, unit: bool = True) -> Tensor:
    """How well single topics can be read from embeddings [N, E] by their similarity to prototypes [T, E].

    target int8 [N, T]: 1 or 0 where the topic is known, -1 where not. Positives and negatives of a topic weigh the same.
    Pictures and sentences are read with the same prototypes: each then has something to learn by before the other
    makes sense, which is what takes most of the time in the plain contrastive game. `unit`: prototypes count by direction.
    """
    logits = scale * embedding @ (F.normalize(prototypes, dim=1) if unit else prototypes).T + bias
    yes, no = target == 1, target == 0
    right = (F.softplus(-logits) * yes).sum(0) / yes.sum(0).clamp_min(1)
    wrong = (F.softplus(logits) * no).sum(0) / no.sum(0).clamp_min(1)
    return (right + wrong).mean() / 2


def pair_loss(pictures: Tensor, wanted: Tensor, unwanted: Tensor, scale: Tensor, target: Tensor) -> Tensor:
    """Is a picture nearer to "a person with X" or to "a person without X"? What zero-shot classification asks, and an edit uses.

    pictures [N, E]; wanted, unwanted [T, E], one prompt each for T topics; target int8 [N, T] as for `topic_loss`. Positives and
    negatives of a topic weigh the same, and there is no bias: the boundary must lie half-way between the two prompts.
    """
    return topic_loss(pictures, wanted - unwanted, scale, torch.zeros((), device=pictures.device), target, unit=False)
