"""CLIP as the judge of an edit: its own mean, standard deviation and resolution, differentiable in the pictures.

eCLIPsed fed CLIP through an untrained batch norm and an eightfold enlargement; here the pictures are resized once, to
what the pack's CLIP was trained on, and normalised as it was.
"""
from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Sequence
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from lelsd.similarity import EXAMPLES
from lelsd.vision import RoughVision, is_plain_transformer, reordered

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack

TEMPLATES = ("{}", "a portrait of {}", "a picture of {}", "a drawing of {}")
"""One sentence is one noisy point of the text space; the mean over a few wordings is steadier (Radford et al. 2021, 3.1.4)."""

_moves_of: "WeakKeyDictionary[Pack, Tensor]" = WeakKeyDictionary()
SAME_THING = 0.4  # cosine from which two moves are taken to mean the same ("glasses", "sunglasses")


class ClipGuide:
    """Embeddings of the pack's CLIP, of unit length, on the pack's device. The model is shared and stays frozen."""

    def __init__(self, pack: "Pack") -> None:
        self.pack = pack
        self.model = pack.clip_model
        self.vision = reordered(self.model.visual)
        preprocess = pack.clip_preprocess
        self.size = preprocess["size"]
        self.mean = torch.tensor(preprocess["mean"], device=pack.device).view(1, 3, 1, 1)
        self.std = torch.tensor(preprocess["std"], device=pack.device).view(1, 3, 1, 1)

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Sentences -> [N, E]. What does not fit the context is cut off, as CLIP does."""
        tokens = self.pack.tokenizer(list(texts)).to(self.pack.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=1)

    def encode_image(self, images: Tensor, rough: bool = False) -> Tensor:
        """images [N, 3, H, W] in [-1, 1] -> [N, E]; differentiable. rough: good enough for a loss that compares them with a text."""
        vision = self.rough_vision if rough else self.vision
        return F.normalize(vision(self.prepared(images)).float(), dim=1)

    def prepared(self, images: Tensor) -> Tensor:
        """images [N, 3, H, W] in [-1, 1] -> [N, 3, size, size] as CLIP was trained on them; differentiable."""
        images = images.float()
        if images.shape[-1] != self.size or images.shape[-2] != self.size:
            images = F.interpolate(images, (self.size, self.size), mode="bicubic", align_corners=False, antialias=True)
        return (images * 0.5 + 0.5 - self.mean) / self.std

    @cached_property
    def rough_vision(self) -> torch.nn.Module:
        """The vision tower in bfloat16 where the generator computes in it too; else, or where it is no plain ViT, the exact one."""
        fast = self.pack.generator.synthesis.dtype is torch.bfloat16 and is_plain_transformer(self.vision)
        return RoughVision(self.vision) if fast else self.vision

    def templates(self) -> list[str]:
        """The wordings whose own words this CLIP knows; always at least the bare one."""
        return [template for template in TEMPLATES if template == "{}" or not self.pack.unknown_words(template.format(""))]

    def encode_wordings(self, text: str) -> Tensor:
        """The mean embedding of `text` over the wordings, [E], of unit length."""
        return F.normalize(self.encode_text([template.format(text) for template in self.templates()]).mean(dim=0), dim=0)

    def text_move(self, prompt: "Prompt") -> Tensor:
        """The way from the text of the unedited picture to the prompt, [E], of unit length.

        All moves from the neutral text share a part that says only that something is being said (a cosine of 0.36 in the
        built-in pack: "with glasses" then closes eyes as well); it is taken out. Raises ValueError when CLIP cannot tell
        the two texts apart (all of the prompt's words unknown, say).
        """
        neutral = self.pack.neutral_text
        target, source = prompt.target_text(neutral), prompt.source_text(neutral)
        move = self.encode_wordings(target) - self.encode_wordings(source)
        if float(move.norm()) < 1e-4:
            raise ValueError(f"CLIP of pack {self.pack.name!r} sees no difference between {target!r} and {source!r}: "
                             "describe something that can be seen, in words it knows")
        return F.normalize(move if prompt.negated else _without(move, self._common), dim=0)

    def other_moves(self, text_move: Tensor) -> Tensor:
        """What an edit along `text_move` [E] should leave alone: moves to other prompts, at right angles to it, [M, E]."""
        moves = self.example_moves()[1]
        others = moves[(moves @ text_move) < SAME_THING]
        return F.normalize(_without(others, text_move), dim=1)

    def example_moves(self) -> tuple[tuple[str, ...], Tensor]:
        """What is typically said of each part, and CLIP's moves to it from the neutral text, [M, E] of unit length."""
        return tuple(phrase for group in EXAMPLES.values() for phrase in group), F.normalize(_without(self._example_moves, self._common), dim=1)

    @property
    def _example_moves(self) -> Tensor:
        """Moves from the neutral text to typical prompts about every part, [M, E]: the same for all prompts, so told once a pack."""
        if self.pack not in _moves_of:
            neutral = self.pack.neutral_text
            phrases = [phrase for group in EXAMPLES.values() for phrase in group]
            _moves_of[self.pack] = torch.stack([self.encode_wordings(f"{neutral} with {phrase}") for phrase in phrases]) - self.encode_wordings(neutral)
        return _moves_of[self.pack]

    @cached_property
    def _common(self) -> Tensor:
        """The direction [E] that all moves from the neutral text share."""
        return F.normalize(F.normalize(self._example_moves, dim=1).mean(dim=0), dim=0)


def _without(vectors: Tensor, direction: Tensor) -> Tensor:
    """vectors [..., E] less their part along `direction` [E], of unit length."""
    return vectors - (vectors @ direction)[..., None] * direction
