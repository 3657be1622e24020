"""The losses, as pure functions that return one value a sample; the loop weighs and averages them.

CLIP: eCLIPsed, section 3 (plain) and Gal et al. 2021, "StyleGAN-NADA", section 4.1 (directional). Localization:
Pajouheshgar, Zhang and Süsstrunk 2021, "Optimizing latent space directions for GAN-based local image editing", section 3;
theirs is a score to maximise, ours its complement. Correlation: the same, section 3.
"""
from __future__ import annotations

from typing import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-8
STRIP = 2**19  # elements of a feature map that are worked on at a time: what of them is float32 stays in the cache


def clip_loss(image_embeddings: Tensor, text_embedding: Tensor) -> Tensor:
    """1 - cosine, in [0, 2]: image_embeddings [N, E], text_embedding [E] or [N, E] -> [N]."""
    return 1.0 - F.cosine_similarity(image_embeddings, text_embedding.expand_as(image_embeddings), dim=1)


def clip_gain(before: Tensor, after: Tensor, text_move: Tensor) -> Tensor:
    """How far the edit moves the picture along the text: before, after [N, E], text_move [E] of unit length -> [N]."""
    return (after - before) @ text_move


def directional_clip_loss(before: Tensor, after: Tensor, text_move: Tensor, sign: Tensor) -> Tensor:
    """1 - cosine between the picture's move and the text's, in [0, 2].

    before, after [N, E]; text_move [E]; sign [N]: +1 where the edit goes towards the text, -1 away from it -> [N].
    """
    wanted = sign[:, None] * text_move[None]
    return 1.0 - F.cosine_similarity(after - before, wanted, dim=1, eps=1e-6)


def shortfall_loss(before: Tensor, after: Tensor, text_move: Tensor, sign: Tensor, target: float) -> Tensor:
    """How much of the gain asked for is missing, as a share: 0 at `target` and beyond, 1 at no gain -> [N].

    The directional loss judges where an edit goes but not whether anything happens; this one does.
    """
    return F.relu(1.0 - sign * clip_gain(before, after, text_move) / target)


def sideways_loss(before: Tensor, after: Tensor, other_moves: Tensor, target: float) -> Tensor:
    """How far the edit moves the picture along what it should leave alone, in squared units of `target`.

    before, after [N, E]; other_moves [M, E] of unit length -> [N]. With an early generator such a term cut the drift of
    other attributes by 40%.
    """
    return ((after - before) @ other_moves.T / target).square().sum(dim=1)


def average_mask(before: Tensor, after: Tensor) -> Tensor:
    """The part's mask of an edit: the mean of its probability before and after, [N, 1, H, W] each."""
    return 0.5 * (before + after)


def changed_outside(before: Tensor, after: Tensor, mask: Tensor) -> Tensor:
    """Share of the squared change that lies outside the mask, in [0, 1].

    before, after [N, C, h, w]; mask [N, 1, H, W] in [0, 1], resized to h x w -> [N]. No change at all counts as 0.
    """
    change = squared_change(before, after)
    if mask.shape[-2:] != change.shape[-2:]:
        mask = F.interpolate(mask, change.shape[-2:], mode="bilinear", align_corners=False, antialias=True)
    total = change.sum(dim=(1, 2, 3))
    return (change * (1.0 - mask)).sum(dim=(1, 2, 3)) / (total + EPSILON)


def squared_change(before: Tensor, after: Tensor) -> Tensor:
    """Mean over the channels of the squared difference, [N, C, h, w] each -> [N, 1, h, w], in float32 at least.

    The largest maps of a step are these. Written out, the difference, its square and the gradients of both are six more
    of them in float32; here a strip at a time is looked at, forward and backward, and nothing is kept but the two maps.
    """
    return _SquaredChange.apply(before, after)


class _SquaredChange(torch.autograd.Function):
    @staticmethod
    def forward(ctx, before: Tensor, after: Tensor) -> Tensor:
        ctx.save_for_backward(before, after)
        change = before.new_empty(len(before), 1, *before.shape[2:], dtype=_precise(after.dtype))
        for sample, rows in _strips(before):
            difference = after[sample, :, rows].to(change.dtype) - before[sample, :, rows].to(change.dtype)
            change[sample, 0, rows] = difference.square_().mean(dim=0)
        return change

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        before, after = ctx.saved_tensors
        slope = gradient * (2 / before.shape[1])
        result = torch.empty_like(after)
        for sample, rows in _strips(before):
            difference = after[sample, :, rows].to(slope.dtype) - before[sample, :, rows].to(slope.dtype)
            result[sample, :, rows] = difference.mul_(slope[sample, :, rows])
        return (-result).to(before.dtype) if ctx.needs_input_grad[0] else None, result


def _precise(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def _strips(maps: Tensor) -> Iterator[tuple[int, slice]]:
    """(sample, rows) of maps [N, C, h, w], in strips of about `STRIP` elements; whole samples where there is no cache to fit."""
    height = maps.shape[2]
    step = height if maps.is_cuda else max(1, STRIP // max(1, maps.shape[1] * maps.shape[3]))
    for sample in range(len(maps)):
        for top in range(0, height, step):
            yield sample, slice(top, top + step)


def localization_loss(before: Iterable[Tensor], after: Iterable[Tensor], mask: Tensor) -> Tensor:
    """Mean of `changed_outside` over several maps (features of several layers, or pictures) -> [N], in [0, 1]."""
    return torch.stack([changed_outside(x, y, mask) for x, y in zip(before, after, strict=True)]).mean(dim=0)


def correlation_loss(directions: Tensor) -> Tensor:
    """Mean absolute correlation of each direction with the others, in [0, 1]: [K, F] (or [K, L, D]) -> [K]; 0 for K = 1."""
    unit = F.normalize(directions.flatten(1), dim=1)
    others = (unit @ unit.T).abs() - torch.eye(len(unit), device=unit.device, dtype=unit.dtype)
    return others.sum(dim=1) / max(1, len(unit) - 1)


def layer_disagreement(directions: Tensor) -> Tensor:
    """Share of each direction that is not common to its layers, in [0, 1]: [K, L, D] -> [K]; 0 when all rows agree.

    Tov et al. 2021, "Designing an encoder for StyleGAN image manipulation": w+ whose rows lie close together edits better.
    """
    apart = (directions - directions.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2))
    return apart / (directions.square().sum(dim=(1, 2)) + EPSILON)
