"""How far must an edit go until most pictures are as the prompt asks? Measured on samples of its own, with the prompt's judge.

A strength that is set by what CLIP gains says little about whether anybody would see curls; whether the judge now finds
them does. So the distance at which `WANTED_RATE` of the pictures that were not so are so, as clearly as most samples that are so
by nature (`Effect.clear`), is what alpha 1 means.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

import torch
from torch import Tensor

from lelsd.objective import Objective
from lelsd.stops import Stops, find_stops, limited, share_above
from lelsd.survey import CALIBRATE
from stylegan2.steps import edited

if TYPE_CHECKING:
    from stylegan2.generator import SynthesisState

    Batch = tuple[Tensor, SynthesisState]

WANTED_RATE = 0.9
NEARLY = 0.9  # of the best rate, where none reaches the wanted one: the last few pictures cost the others too much
HELD_RATE, HELD_NEARLY = 0.95, 0.97  # the same of edits with stops, where the last few pictures cost the others nothing
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
def reach(objective: Objective, delta: Tensor, lowest_layer: int) -> tuple[Reach | None, Stops | None]:
    """Where delta, [L, D] of unit rows or [S], does what it should, and where faces stop on the way, if they do (`lelsd.stops`).

    None where the judge cannot say: too few samples that are not so already, or no effect. Deterministic; `SAMPLES` pictures a distance,
    from near to far until the rate is reached, first without stops, to see what they may not cost.
    """
    w_plus = lacking(objective)
    if w_plus is None:
        return None, None
    before = _scores(objective, in_batches(objective, w_plus, lowest_layer), delta, 0.0)
    lacked = before <= 0
    if int(lacked.sum()) < FEWEST:
        return None, None
    batches, before, clear = in_batches(objective, w_plus[lacked], lowest_layer), before[lacked].tolist(), objective.effect.clear
    scores = [before, *_until_reached(objective, batches, delta, None)]
    free = find_reach((0.0, *DISTANCES), scores, clear)
    if free is None or delta.ndim == 1:
        return free, None
    best = max(range(len(scores)), key=lambda index: share_above(scores[index], clear))
    stops = find_stops(objective, lambda some: _scores(objective, batches, delta, DISTANCES[best - 1], some).tolist(), scores[best])
    if stops is None:
        return free, None
    nearer = max(0, len(scores) - 3)  # with stops no less far is needed than without
    scores = [before, *_until_reached(objective, batches, delta, stops, DISTANCES[nearer:])]
    held = find_reach((0.0, *DISTANCES[nearer:]), scores, clear, HELD_RATE, HELD_NEARLY)
    return (free, None) if held is None else (held, stops)


def in_batches(objective: Objective, w_plus: Tensor, lowest_layer: int) -> list[Batch]:
    """w_plus [N, L, D] in parts, each with what no edit of `lowest_layer` and above changes, computed once for all edits."""
    return [(some, objective.generator.synthesis.state_below(some, lowest_layer)) for some in w_plus.split(objective.at_once)]


def _until_reached(objective: Objective, batches: Sequence[Batch], delta: Tensor, stops: Stops | None,
                   distances: Sequence[float] = DISTANCES) -> Iterator[list[float]]:
    """The scores [N] at the distances, up to the first at which the wanted rate is reached."""
    for distance in distances:
        scores = _scores(objective, batches, delta, distance, stops).tolist()
        yield scores
        if share_above(scores, objective.effect.clear) >= (HELD_RATE if stops else WANTED_RATE):
            return


def _scores(objective: Objective, batches: Sequence[Batch], delta: Tensor, distance: float, stops: Stops | None = None) -> Tensor:
    """How much pictures are as asked after a step of `distance` spreads of W -> [N]."""
    return scores_after(objective, batches, lambda some: limited(stops, some, delta, distance * objective.spread))


@torch.no_grad()
def scores_after(objective: Objective, batches: Sequence[Batch], step: Callable[[Tensor], Tensor]) -> Tensor:
    """How much pictures are as asked after `step`, of w_plus [N, L, D], -> [N]."""
    synthesis, size = objective.generator.synthesis, objective.resolution
    return torch.cat([objective.scores(edited(synthesis, some, step(some), state=state, resolution=size)) for some, state in batches])


def lacking(objective: Objective) -> Tensor | None:
    """The w+ [n, L, D] of calibration samples that are not as asked, `SAMPLES` at most; None if they are too few."""
    survey = objective.survey.part(CALIBRATE)
    rows = (objective.effect.of_survey(survey) <= 0).nonzero()[:SAMPLES, 0]
    return objective.w_plus(survey.z[rows]) if len(rows) >= FEWEST else None


def find_reach(distances: Sequence[float], scores: Sequence[Sequence[float]], clear: float = 0.0, rate: float = WANTED_RATE,
               nearly: float = NEARLY) -> Reach | None:
    """distances from 0 up, scores [T][n] at the first T of them -> where scores of `clear` have the wanted rate, but no nearer than where
    those above 0 have it, which may be so where neither is reached; None if no rate of these is worth the name."""
    if max(share_above(row, 0.0) for row in scores) < LEAST_RATE:
        return None
    return max((_reached(distances, scores, wanted, rate, nearly) for wanted in (0.0, clear)), key=lambda reach: reach.distance)


def _reached(distances: Sequence[float], scores: Sequence[Sequence[float]], wanted: float, rate: float, nearly: float) -> Reach:
    """Where the wanted rate of the scores is above `wanted`, scores being linear between two distances; else the first with nearly
    the best rate."""
    count, rates = len(scores[0]), [share_above(row, wanted) for row in scores]
    if max(rates) < rate:
        index = next(index for index, found in enumerate(rates) if found >= nearly * max(rates))
        return Reach(distances[index], share_above(scores[index], 0.0), count)
    index = next(index for index, found in enumerate(rates) if found >= rate)
    near, far, before, after = distances[index - 1], distances[index], scores[index - 1], scores[index]
    crossings = sorted(0.0 if x > wanted else (wanted - x) / (y - x) for x, y in zip(before, after) if y > wanted)
    share = crossings[math.ceil(rate * count - 1e-9) - 1]
    return Reach(near + share * (far - near), share_above(after, 0.0), count)
