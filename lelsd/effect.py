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

from lelsd.colour_words import named_colour
from lelsd.survey import LEARN, Survey, class_colours, part_colour

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack

SHARPNESS = 4.0  # of CLIP's vote, in standard deviations of its scores
FAINTEST = 0.05  # of the pictures that have what is asked for have it too faintly to be an example
EXAMPLES = 20  # fewer pictures tell nothing of how clearly it is usually there
SHRINKAGE = 4.0  # of the covariance that the vote's discriminant divides by, in mean variances of an entry


class Effect:
    """What a prompt asks of pictures. judge: "classifier", "colour" or "clip". asked: {attribute: value}, only for the classifier. named: the colour that
    is all that is asked, which pictures show without a judge.

    clear: the score from which on it is as clearly there as in most samples that have it. 0 would do for what comes by degrees, but
    a classifier takes the haze of a hat for a hat too.
    """

    def __init__(self, pack: "Pack", prompt: "Prompt", text_move: Tensor, survey: Survey, colours: bool = True) -> None:
        """text_move [E]: CLIP's way from the neutral text to the prompt. survey: of the pack, all of it. colours: whether those that are named are aimed at."""
        self.pack, self.text_move = pack, text_move
        self.named = named_colour(prompt) if colours else None
        self.asked = {} if self.named or pack.classifier is None else _known(prompt.target_text(pack.neutral_text))
        self.judge = "classifier" if self.asked else "colour" if self.named else "clip"
        seen = survey.part(LEARN).embeddings
        self.threshold, self.spread = _scale(seen @ text_move)
        self._discriminant = discriminant(seen, text_move)
        self._vote_threshold, self._vote_spread = _scale(seen @ self._discriminant)
        self.clear = clear_score(self.of_survey(survey.part(LEARN)))

    def clip_score(self, embeddings: Tensor) -> Tensor:
        """[N, E] -> [N], above 0 where CLIP takes the pictures for what is asked, in standard deviations of unedited ones."""
        return (embeddings @ self.text_move - self.threshold) / self.spread

    def clip_vote(self, embeddings: Tensor) -> Tensor:
        """[N, E] -> [N] in (0, 1): how sure CLIP is, by a score that looks away from what pictures differ in anyway."""
        return torch.sigmoid(SHARPNESS * (embeddings @ self._discriminant - self._vote_threshold) / self._vote_spread)

    def of_survey(self, survey: Survey) -> Tensor:
        """How much its samples are as asked, above 0 where they are -> [N]."""
        if self.judge == "colour":
            return self.named.score(*survey.part_colour(self.named.part))
        return self.score(survey.logits, survey.embeddings)

    def is_hidden(self, survey: Survey) -> Tensor:
        """bool [N]: the samples on which what is asked for cannot show, whatever is done for it: a colour of eyes that are closed."""
        if not self.asked:
            return torch.zeros(len(survey.w), dtype=torch.bool, device=survey.w.device)
        from packs.attributes import ATTRIBUTES, hidden_by
        hiding = [ATTRIBUTES.index(name) for asked in self.asked for name in hidden_by(asked)]
        return (survey.logits[:, hiding] > 0).any(dim=1)

    def by_colour(self, images: Tensor, labels: Tensor) -> Tensor:
        """The same of pictures [N, 3, H, W] and their classes [N, H, W], of a named colour."""
        return self.named.score(*part_colour(**class_colours(images, labels), part=self.named.part))

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


def clear_score(scores: Tensor) -> float:
    """Scores [N] of samples -> what all but the `FAINTEST` of those above 0 reach; 0 if they are fewer than `EXAMPLES`."""
    having = scores[scores > 0]
    return float(having.quantile(FAINTEST)) if len(having) >= EXAMPLES else 0.0


def discriminant(embeddings: Tensor, text_move: Tensor) -> Tensor:
    """text_move [E] over the covariance of pictures' embeddings [N, E], -> [E]: Fisher's linear discriminant, whose covariance is
    shrunk towards a multiple of the identity (Friedman 1989, "Regularized discriminant analysis", equation 18).

    Whatever else a prompt's text leans to, and pictures differ in much, counts for less. Over the 28 prompts of the suite the
    regression of the vote on w leaned to other attributes 15% less, in units of its lean to the asked one, than with the text
    itself; the score itself tells the asked attribute no better (area under the curve 0.959, with the text 0.961).
    """
    centred = embeddings - embeddings.mean(dim=0)
    covariance = centred.T @ centred / len(centred)
    shrunk = covariance + SHRINKAGE * covariance.diagonal().mean().clamp_min(1e-12) * torch.eye(len(covariance), device=covariance.device)
    return torch.linalg.solve(shrunk, text_move.to(shrunk))


def _scale(scores: Tensor) -> tuple[float, float]:
    """The threshold that splits scores [N] in two, and their standard deviation."""
    return split_in_two(scores), float(scores.std().clamp_min(1e-6))


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
