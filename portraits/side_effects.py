"""Which attributes an edit may leave alone: those that the asked one excludes or implies cannot.

Black hair that turns blond is no longer black; no editor can help that. The contract's `side_effect_rate` counts such
flips all the same; `avoidable_side_effect_rate` does not.
"""

from __future__ import annotations

import torch
from torch import Tensor

from portraits.classifier import NEVER
from portraits.scene import ATTRIBUTES

_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Red_Hair")
_TEXTURES = ("Straight_Hair", "Wavy_Hair", "Curly_Hair")
_HAIR = (*_COLOURS, *_TEXTURES, "Bangs", "Long_Hair", "Receding_Hairline")
_IRISES = ("Blue_Eyes", "Green_Eyes", "Brown_Eyes")
_LIDS = ("Eyes_Closed", "Sunglasses")

# Bound by the rules of portraits.scene, both ways: within a group each excludes or implies others ...
_GROUPS = (
    _COLOURS, _TEXTURES, _IRISES, ("Mustache", "Goatee", "No_Beard"), ("Narrow_Eyes", "Eyes_Closed"), ("Smiling", "Sad", "Angry"),
    ("Chubby", "Double_Chin", "Oval_Face"), ("Big_Nose", "Pointy_Nose"), ("Eyeglasses", "Sunglasses"),
    *(("Bald", name) for name in _HAIR), *((name, iris) for name in _LIDS for iris in _IRISES),
)
# ... and one way: the first hides the others from view, or moves them with it, as the world is drawn.
_HIDES = {
    "Wearing_Hat": ("Bald", "Bangs", "Receding_Hairline"), "Sunglasses": ("Eyes_Closed", "Narrow_Eyes", "Bags_Under_Eyes", "Heavy_Makeup"),
    "Long_Hair": ("Big_Ears", "Sideburns"), "No_Beard": ("Oval_Face", "Double_Chin", "Sideburns", "Wearing_Necklace"),
    "Surprised": ("Mouth_Slightly_Open",),
}


def bound(attribute: str) -> frozenset[str]:
    """The other attributes that cannot all stay when this one changes."""
    together = {name for group in _GROUPS if attribute in group for name in group} | set(_HIDES.get(attribute, ()))
    return frozenset(together - {attribute})


def hidden_by(attribute: str) -> tuple[str, ...]:
    """The attributes of a face that no edit for this one alone can show on: closed eyes have no colour, and neither have those behind dark glasses."""
    return _LIDS if attribute in _IRISES else ()


def others(attribute: str, avoidable: bool = False) -> Tensor:
    """bool [A]: the attributes other than the asked one; those that never occur are left out, they would flatter the mean.

    avoidable: leave out those that are bound to the asked one too.
    """
    left_out = {attribute, *NEVER} | (bound(attribute) if avoidable else frozenset())
    return torch.tensor([name not in left_out for name in ATTRIBUTES])
