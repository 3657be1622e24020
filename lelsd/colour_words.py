"""Words for colours, and the prompts that ask for nothing else: "a person with pink hair", "a blue shirt", "a person whose hat is red".

Nobody in a pack need have such hair, and its CLIP need not know the word: a colour is one by itself. What attributes have names
for, like red or grey hair, is not meant as such: it is as faces have it.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lelsd.prompt import Prompt

# red, green and blue from 0 to 255, as such things look in a portrait
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 45), "scarlet": (205, 35, 40), "crimson": (170, 20, 50), "burgundy": (115, 25, 50), "maroon": (110, 25, 40), "rose": (225, 90, 120),
    "pink": (235, 120, 170), "magenta": (210, 40, 150), "fuchsia": (215, 45, 150), "coral": (240, 120, 100), "salmon": (240, 140, 120),
    "orange": (235, 130, 40), "peach": (250, 180, 140), "yellow": (240, 210, 70), "gold": (215, 170, 60), "golden": (215, 170, 60),
    "beige": (215, 195, 160), "cream": (245, 235, 210), "tan": (190, 150, 110), "brown": (110, 70, 45), "olive": (120, 125, 60),
    "lime": (150, 205, 60), "green": (70, 150, 80), "emerald": (30, 140, 100), "mint": (150, 220, 185), "teal": (30, 130, 130),
    "turquoise": (60, 190, 190), "aqua": (90, 200, 210), "cyan": (60, 190, 215), "blue": (60, 100, 210), "navy": (35, 45, 100),
    "indigo": (70, 55, 150), "purple": (120, 60, 160), "violet": (135, 80, 190), "plum": (110, 50, 100), "mauve": (170, 130, 160),
    "lavender": (180, 160, 220), "lilac": (195, 155, 210), "black": (35, 33, 35), "charcoal": (60, 60, 64), "grey": (135, 135, 138),
    "gray": (135, 135, 138), "silver": (185, 188, 192), "white": (240, 240, 240),
}
LIGHTER, DARKER = ("light", "pale", "pastel", "soft"), ("dark", "deep")
# the parts that can have any colour: of others, pictures break far from the colours that faces have (tried on lips, skin and eyebrows)
OF_ANY_COLOUR = ("hair", "clothes", "background")
# worn things that can too, and how one speaks of the thing and of its colour alone: "a red hat" is both
WORN = {"hat": ("a hat", "whose hat is")}
TOLERANCE = 0.4  # of the distance to a colour, the range of each channel being 2: nearer, a picture has it


@dataclass(frozen=True)
class NamedColour:
    """A part of the face and the colour that it is asked to have, rgb from 0 to 255."""

    part: str
    rgb: tuple[int, int, int]

    @property
    def is_worn(self) -> bool:
        """Whether only those have such a part who wear it, so that the colour alone can be asked of them."""
        return self.part in WORN

    @property
    def values(self) -> Tensor:
        """The colour as pictures have it, [3] in [-1, 1]."""
        return torch.tensor(self.rgb) / 127.5 - 1.0

    def score(self, colours: Tensor, there: Tensor) -> Tensor:
        """Mean colours of the part in pictures [N, 3], bool [N] whether it is there -> [N], above 0 where it has the colour, at most 1."""
        near = 1.0 - (colours - self.values.to(colours)).norm(dim=1) / TOLERANCE
        return torch.where(there, near, near.clamp_max(-1.0))


def named_colour(prompt: "Prompt") -> NamedColour | None:
    """The colour that is all a prompt asks for; None if it asks for something else, or for what has a name of its own."""
    from lelsd.spoken import plainly
    from packs.attributes import asked_attributes
    mentions = prompt.counted
    if prompt.decided_by != "lexicon" or prompt.part not in (*OF_ANY_COLOUR, *WORN) or not mentions:
        return None
    if any(mention.negated or mention.area or mention.part != prompt.part for mention in mentions):
        return None
    is_all = WORN[prompt.part][1] in prompt.text.lower() if prompt.part in WORN else not asked_attributes(prompt.target_text())
    found = colours_in(prompt.text) or colours_in(plainly(prompt.text))
    return NamedColour(prompt.part, found[0]) if len(found) == 1 and is_all else None


def said_by_colour(prompt: "Prompt") -> frozenset[str]:
    """The words, in lower case, that a prompt which names a colour is understood by; none of any other. The pack's CLIP need not know them."""
    if named_colour(prompt) is None:
        return frozenset()
    said = " ".join(prompt.text[mention.start:mention.end] for mention in prompt.counted)
    return frozenset(re.findall(r"[a-z]+", said.lower())) | {"whose"} | frozenset(COLOURS) | frozenset(LIGHTER) | frozenset(DARKER)


def colours_in(text: str) -> list[tuple[int, int, int]]:
    """The colours that a text names, in order, lighter or darker as it says."""
    words = re.findall(r"[a-z]+", text.lower())
    return [_shaded(COLOURS[word], words[place - 1] if place else "") for place, word in enumerate(words) if word in COLOURS]


def _shaded(rgb: tuple[int, int, int], before: str) -> tuple[int, int, int]:
    """The colour, lighter or darker by the word before it."""
    if before in LIGHTER:
        return tuple(round(0.6 * channel + 0.4 * 255) for channel in rgb)
    return tuple(round(0.55 * channel) for channel in rgb) if before in DARKER else rgb
