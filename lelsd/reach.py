"""How far must an edit go until most pictures are as the prompt asks? Measured on samples of its own, with the prompt's judge.

A strength that is set by what CLIP gains says little about whether anybody would see curls; whether the judge now finds
them does. So the distance at which `WANTED_RATE` of the pictures that were not so are so, as clearly as most samples that are so
by nature (`Effect.clear`), is what alpha 1 means.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from lelsd.objective import Objective
from lelsd.survey import CALIBRATE
from stylegan2.steps import edited

WANTED_RATE = 0.9
NEARLY = 0.9  # of the best rate, where none reaches the wanted one: the last few pictures cost the others too much
SAMPLES, FEWEST = 24, 6  # pictures that are not as asked
LEAST_RATE = 0.25  # below, the judge sees no effect to go by
DISTANCES = (0.1, 0.14, 0.2, 0.27, 0.35, 0.43, 0.52)  # in spreads of W; at 0.8 and beyond pictures of the built-in pack break


@dataclass(frozen=True)
class Reach:
    """distance in spreads of W, the share of the samples that are as asked there, clearly or not, and of how many samples."""

    distance: float
    rate: float
    samples: int


@torch.no_grad()
def reach(objective: Objective, delta: Tensor, lowest_layer: int) -> Reach | None:
    """Where delta, [L, D] of unit rows or [S], does what it should; None where the judge cannot say: too few samples that are not
    so already, or no effect. Deterministic; `SAMPLES` pictures a distance, from near to far until the rate is reached."""
    w_plus = lacking(objective)
    if w_plus is None:
        return None
    synthesis = objective.generator.synthesis
    batches = [(some, synthesis.state_below(some, lowest_layer)) for some in w_plus.split(objective.at_once)]
    scores = []
    for distance in (0.0, *DISTANCES):
        step = delta * (distance * objective.spread)
        images = (edited(synthesis, some, step, state=state, resolution=objective.resolution) for some, state in batches)
        scores.append(torch.cat([objective.scores(image) for image in images]).tolist())
        lacked = [row for row, score in enumerate(scores[0]) if score <= 0]
        if len(lacked) < FEWEST:
            return None
        if _rate([scores[-1][row] for row in lacked], objective.effect.clear) >= WANTED_RATE:
            break
    return find_reach((0.0, *DISTANCES), [[row[index] for index in lacked] for row in scores], objective.effect.clear)


def lacking(objective: Objective) -> Tensor | None:
    """The w+ [n, L, D] of calibration samples that are not as asked, `SAMPLES` at most; None if they are too few."""
    survey = objective.survey.part(CALIBRATE)
    rows = (objective.effect.score(survey.logits, survey.embeddings) <= 0).nonzero()[:SAMPLES, 0]
    return objective.w_plus(survey.z[rows]) if len(rows) >= FEWEST else None


def find_reach(distances: Sequence[float], scores: Sequence[Sequence[float]], clear: float = 0.0) -> Reach | None:
    """distances from 0 up, scores [T][n] at the first T of them -> where scores of `clear` have the wanted rate, but no nearer than where
    those above 0 have it, which may be so where neither is reached; None if no rate of these is worth the name."""
    if max(_rate(row, 0.0) for row in scores) < LEAST_RATE:
        return None
    return max((_reached(distances, scores, wanted) for wanted in (0.0, clear)), key=lambda reach: reach.distance)


def _reached(distances: Sequence[float], scores: Sequence[Sequence[float]], wanted: float) -> Reach:
    """Where the wanted rate of the scores is above `wanted`, scores being linear between two distances; else the first with nearly
    the best rate."""
    count, rates = len(scores[0]), [_rate(row, wanted) for row in scores]
    if max(rates) < WANTED_RATE:
        index = next(index for index, rate in enumerate(rates) if rate >= NEARLY * max(rates))
        return Reach(distances[index], _rate(scores[index], 0.0), count)
    index = next(index for index, rate in enumerate(rates) if rate >= WANTED_RATE)
    near, far, before, after = distances[index - 1], distances[index], scores[index - 1], scores[index]
    crossings = sorted(0.0 if x > wanted else (wanted - x) / (y - x) for x, y in zip(before, after) if y > wanted)
    share = crossings[math.ceil(WANTED_RATE * count - 1e-9) - 1]
    return Reach(near + share * (far - near), _rate(after, 0.0), count)


def _rate(scores: Sequence[float], wanted: float) -> float:
    """Share of some pictures whose score is above `wanted`."""
    return sum(score > wanted for score in scores) / len(scores)
