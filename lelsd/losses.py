"""The losses, as pure functions that return one value a sample; the loop weighs and averages them.

CLIP: eCLIPsed, section 3 (plain) and Gal et al. 2021, "StyleGAN-NADA", section 4.1 (directional). Localization:
Pajouheshgar, Zhang and Süsstrunk 2021, "Optimizing latent space directions for GAN-based local image editing", section 3;
theirs is a score to maximise, ours its complement. Correlation: the same, section 3.
"""
from __future__ import annotations

from typing import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops.squared_change import squared_change

EPSILON = 1e-8
MapPair = Callable[[Tensor, Tensor], Tensor]  # maps before and after -> one map


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


def union_mask(before: Tensor, after: Tensor) -> Tensor:
    """Where the part is before or after: what appears may appear, and what goes may go."""
    return torch.maximum(before, after)


def intersection_mask(before: Tensor, after: Tensor) -> Tensor:
    """Where the part is both before and after: its outline must stay."""
    return torch.minimum(before, after)


MASKS: dict[str, MapPair] = {"average": average_mask, "union": union_mask, "intersection": intersection_mask}
"""How the masks before and after an edit become one (LELSD's mask aggregation)."""


def absolute_change(before: Tensor, after: Tensor) -> Tensor:
    """Mean over the channels of the absolute difference, [N, C, H, W] each -> [N, 1, H, W]."""
    return (after.float() - before.float()).abs().mean(dim=1, keepdim=True)


def cosine_change(before: Tensor, after: Tensor) -> Tensor:
    """1 - the cosine between the channels of a pixel before and after, in [0, 2]: [N, C, H, W] each -> [N, 1, H, W]."""
    return 1.0 - F.cosine_similarity(before.float(), after.float(), dim=1, eps=1e-6).unsqueeze(1)


CHANGES: dict[str, MapPair] = {"l2": squared_change, "l1": absolute_change, "cosine": cosine_change}
"""What counts as change (LELSD's loss functions)."""


def changed_outside(before: Tensor, after: Tensor, mask: Tensor, change_of: MapPair = squared_change) -> Tensor:
    """Share of the change, squared unless said otherwise, that lies outside the mask, in [0, 1].

    before, after [N, C, h, w]; mask [N, 1, H, W] in [0, 1], resized to h x w -> [N]. No change at all counts as 0.
    """
    change = change_of(before, after)
    if mask.shape[-2:] != change.shape[-2:]:
        mask = F.interpolate(mask, change.shape[-2:], mode="bilinear", align_corners=False, antialias=True)
    total = change.sum(dim=(1, 2, 3))
    return (change * (1.0 - mask)).sum(dim=(1, 2, 3)) / (total + EPSILON)


def localization_loss(before: Iterable[Tensor], after: Iterable[Tensor], mask: Tensor, change_of: MapPair = squared_change,
                      weights: Sequence[float] | None = None) -> Tensor:
    """Mean of `changed_outside` over several maps (features of several layers, or pictures), weighted or not -> [N], in [0, 1]."""
    outside = torch.stack([changed_outside(x, y, mask, change_of) for x, y in zip(before, after, strict=True)])
    return outside.mean(dim=0) if weights is None else (outside * outside.new_tensor(weights)[:, None]).sum(dim=0) / sum(weights)


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
