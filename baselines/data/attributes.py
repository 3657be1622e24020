"""The 13 attributes that label-guided editors are trained on (SeCGAN, section 4.1; AttGAN and STGAN use the same).

Names are CelebA's, which are also those of the drawn world (`portraits.scene.ATTRIBUTES`). What the paper calls "gender" is
`Male`, "age" is `Young`, and "beard" is CelebA's `No_Beard`, whose value is the opposite.
"""

from __future__ import annotations

import torch
from torch import Tensor

ATTRIBUTES = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Male", "Mouth_Slightly_Open",
    "Mustache", "No_Beard", "Pale_Skin", "Young",
)  # fmt: skip


def index_of(attribute: str, attributes: tuple[str, ...] = ATTRIBUTES) -> int:
    """Column of an attribute. Raises ValueError that lists the accepted ones."""
    if attribute not in attributes:
        raise ValueError(f"unknown attribute {attribute!r}; accepted are {', '.join(attributes)}")
    return attributes.index(attribute)


def reversed_one(labels: Tensor, index: int) -> Tensor:
    """Target labels of a reversal (section 4.4): labels [N, A] of 0 and 1 with one column turned round, the others kept.

    A hair colour that is switched on leaves the other two as they are, as the paper's reversals do.
    """
    target = labels.clone()
    target[:, index] = 1 - target[:, index]
    return target


def permuted(labels: Tensor, rng: torch.Generator) -> Tensor:
    """Target labels for training: those of another picture of the batch, [N, A], as StarGAN and AttGAN draw them."""
    return labels[torch.randperm(len(labels), generator=rng, device=rng.device).to(labels.device)]
