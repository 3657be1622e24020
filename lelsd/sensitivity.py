"""Which layers of w+ do what the prompt says, found by trying each: the meaning of `--layers auto`.

eCLIPsed (section 3.3) chose layers by hand ("layers 7-8-9 seem to uniquely affect hair color"). Here a few samples give
the gradient of the CLIP gain with respect to each row of w+; a step along it in that row alone shows what the row can do,
and how much of what it changes lies in the part.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from lelsd import losses
from lelsd.objective import HELD_OUT, Before, Objective, sample_noise
from lelsd.survey import LEARN

SAMPLES = 8
RIDGE = 0.1  # of the largest variance of an entry of w
KEEP_SHARE = 0.2  # of the best layer's score


@dataclass(frozen=True)
class Sensitivity:
    """scores: per layer, CLIP gain times share of the change inside the part. gradient: [L, D], of the CLIP gain."""

    scores: tuple[float, ...]
    gradient: Tensor

    def layers(self, share: float = KEEP_SHARE) -> list[int]:
        """The range of layers from the first to the last that reaches `share` of the best score; all if none does anything."""
        best = max(self.scores)
        if best <= 0:
            return list(range(len(self.scores)))
        able = [layer for layer, score in enumerate(self.scores) if score >= share * best]
        return list(range(able[0], able[-1] + 1))


def regress_gain(objective: Objective) -> Tensor:
    """The direction in W, [D], of unit length, along which pictures agree more with the prompt, all else equal.

    Ridge regression of CLIP's vote for the survey's pictures on their w. A gradient knows only what happens next to a
    picture, where "glasses" are still a haze; this has seen people who wear them. The vote (a sigmoid about the threshold)
    left other attributes alone 14% better than the plain score did, at the same effect (28 prompts, built-in pack).
    """
    survey = objective.survey.part(LEARN)
    return torch.nn.functional.normalize(ridge(survey.w, objective.effect.clip_vote(survey.embeddings)[:, None])[:, 0], dim=0)


def ridge(w: Tensor, values: Tensor) -> Tensor:
    """Ridge regression of values [N, M] on w [N, D] -> float32 [D, M]: how much a step in W changes each."""
    centred = (w - w.mean(dim=0)).double()
    covariance = centred.T @ centred / len(w)
    weight = RIDGE * covariance.diagonal().max() * torch.eye(len(covariance), dtype=centred.dtype, device=w.device)
    return torch.linalg.solve(covariance + weight, centred.T @ (values - values.mean(dim=0)).double() / len(w)).float()


def measure_sensitivity(objective: Objective, direction: Tensor | None = None) -> Sensitivity:
    """Try each layer on a few held-out samples, along `direction` [D] or, without one, the gradient. About L + 4 passes."""
    generator = objective.generator
    noise, _ = sample_noise(objective.config.seed, HELD_OUT + 1, (SAMPLES, generator.z_dim))
    w_plus = objective.w_plus(noise)
    befores = [objective.before(some, 0, features=False) for some in w_plus.split(objective.at_once)]
    gradient = _mean_gradient(objective, befores) if direction is None else direction.expand(generator.num_ws, -1)
    size = 2 * objective.config.step_size * objective.spread
    scores = []
    for layer in range(objective.rows_seen):
        delta = torch.zeros_like(gradient)
        delta[layer] = size * torch.nn.functional.normalize(gradient[layer], dim=0)
        measured = objective.measure_all(befores, [delta] * len(befores))
        scores.append(measured["clip_move"] * measured["localization"])
    return Sensitivity(tuple(scores), gradient)


def _mean_gradient(objective: Objective, befores: Sequence[Before]) -> Tensor:
    """Gradient of the CLIP gain with respect to each row, averaged over the samples (each counts the same): [L, D]."""
    gradients = []
    for before in befores:
        delta = torch.zeros_like(before.w_plus, requires_grad=True)
        image, _ = objective.after(before, delta, features=False)
        gain = losses.clip_gain(before.embedding, objective.guide.encode_image(image), objective.text_move)
        gradients += torch.autograd.grad(gain.sum(), delta)
    gradient = torch.cat(gradients)
    per_sample = gradient / gradient.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
    return per_sample.mean(dim=0)
