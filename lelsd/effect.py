"""Is a picture as the prompt asks? The pack's attribute classifier says so where it knows what is asked for, else CLIP does.

The classifier is part of no loss; it measures. CLIP alone has no threshold of its own: "closer to the prompt than to the
neutral text" found 0.32 of the pictures that the classifier finds in the built-in pack, and 0.99 of those it does not
(means over 28 prompts, 3072 samples). The threshold that best splits the survey's scores in two finds 0.92 and 0.83.
"""
from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lelsd.survey import LEARN, Survey

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack

SHARPNESS = 4.0  # of CLIP's vote, in standard deviations of its scores


class Effect:
    """What a prompt asks of pictures. judge: "classifier" or "clip". asked: {attribute: value}, empty for CLIP."""

    def __init__(self, pack: "Pack", prompt: "Prompt", text_move: Tensor, survey: Survey) -> None:
        """text_move [E]: CLIP's way from the neutral text to the prompt. survey: of the pack, all of it."""
        self.pack, self.text_move = pack, text_move
        self.asked = {} if pack.classifier is None else _known(prompt.target_text(pack.neutral_text))
        self.judge = "classifier" if self.asked else "clip"
        seen = survey.part(LEARN).embeddings @ text_move
        self.threshold, self.spread = split_in_two(seen), float(seen.std().clamp_min(1e-6))

    def clip_score(self, embeddings: Tensor) -> Tensor:
        """[N, E] -> [N], above 0 where CLIP takes the pictures for what is asked, in standard deviations of unedited ones."""
        return (embeddings @ self.text_move - self.threshold) / self.spread

    def clip_vote(self, embeddings: Tensor) -> Tensor:
        """[N, E] -> [N] in (0, 1): the same, as how sure it is."""
        return torch.sigmoid(SHARPNESS * self.clip_score(embeddings))

    def score(self, logits: Tensor | None, embeddings: Tensor | None) -> Tensor:
        """logits [N, A] of the classifier, embeddings [N, E] of CLIP -> [N], above 0 where all that is asked for is there.

        Only what the judge goes by is looked at."""
        if not self.asked:
            return self.clip_score(embeddings)
        return (logits[:, self.columns] * self._signs.to(logits)).amin(dim=1)

    @cached_property
    def columns(self) -> list[int]:
        """Where the asked attributes stand among the classifier's."""
        from packs.attributes import ATTRIBUTES
        return [ATTRIBUTES.index(name) for name in self.asked]

    @cached_property
    def _signs(self) -> Tensor:
        return torch.tensor([1.0 if value else -1.0 for value in self.asked.values()])


def split_in_two(values: Tensor) -> float:
    """The threshold that splits values [N] into the two groups that lie furthest apart for how wide they are.

    Otsu 1979, "A threshold selection method from gray-level histograms", equation 18, on the values themselves. Midway
    between two of them; the value itself where all are equal.
    """
    ordered = values.detach().double().flatten().sort().values
    count = torch.arange(1, len(ordered), device=ordered.device)
    sums = ordered.cumsum(0)[:-1]
    between = count * (len(ordered) - count) * (sums / count - (ordered.sum() - sums) / (len(ordered) - count)).square()
    best = int(between.argmax()) if len(between) else 0
    return float(0.5 * (ordered[best] + ordered[min(best + 1, len(ordered) - 1)]))


def _known(text: str) -> dict[str, bool]:
    """What a text asks for, of what the classifier was taught."""
    from packs.attributes import asked_attributes
    return asked_attributes(text)
