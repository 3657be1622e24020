"""What a pack's attribute classifier can be asked: its attributes, which of them a text is about, and which belong together.

The classifier was taught by the drawn world, which knows all of that; this is the door through which others ask.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from portraits.asked import asked_attributes, other_end, unsaid
from portraits.scene import ATTRIBUTES
from portraits.side_effects import bound, hidden_by, others

__all__ = ["ATTRIBUTES", "asked_attributes", "asking", "bound", "hidden_by", "other_end", "others", "others_of_all", "unsaid"]

WORDINGS = 8  # that are looked at for one prompt


def others_of_all(names: Iterable[str], avoidable: bool = False) -> Tensor:
    """bool [A]: the attributes that `others` counts beside each of these."""
    return torch.stack([others(name, avoidable) for name in names]).all(dim=0)


def asking(attribute: str, value: bool = True) -> str:
    """A prompt that asks for an attribute, or for its absence, and is understood so: "a person with bangs", "a person with no bangs".

    Raises ValueError for an attribute that has no words.
    """
    from portraits.clip_evaluation import prompts_for

    found = [prompt for prompt in prompts_for(attribute, value, limit=WORDINGS) if asked_attributes(prompt) == {attribute: value}]
    if not found:
        raise ValueError(f"there are no words for {attribute!r} being {value}; accepted: attributes that portraits/phrases.py has words for")
    plain = next((prompt for prompt in found if prompt.startswith("a person")), found[0])
    return f"an{plain[1:]}" if plain[2] in "aeiou" else plain
