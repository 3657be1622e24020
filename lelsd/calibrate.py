"""How far is alpha 1? Found by what an edit does to held-out samples, so that a strength means the same for every direction.

eCLIPsed had to hunt for the alpha range of each model anew (6 to 7 for some, below 1 for others; section 3.3). Here the
distance at which most pictures become as asked (`lelsd.reach`) is called 1, limited by how far apart random samples of the
pack lie, beyond which pictures break. Where nothing can tell, it is the distance at which the CLIP move reaches a fixed
share of the most it reaches.
"""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Sequence

import torch
from torch import Tensor

from lelsd.colour import RADII, ColourTarget
from lelsd.objective import HELD_OUT, Before, Objective, sample_noise
from lelsd.reach import in_batches, lacking, reach, scores_after
from lelsd.stops import ENOUGH, Stops, limited, share_above, together

if TYPE_CHECKING:
    from lelsd.direction import Direction

    Step = Callable[[Tensor, float], Tensor]  # w_plus [N, L, D], 1.0 or -1.0 for the way -> what to add to it

SAMPLES = 16
BATCH = 8
TYPICAL_SHARE = 0.6  # of the largest mean CLIP move
DISTANCES = (0.08, 0.16, 0.24, 0.32, 0.4, 0.5, 0.6)  # in spreads of W; twice the last is as far as random samples lie apart


def calibrated(objective: Objective, direction: "Direction") -> "Direction":
    """The direction with its alpha 1, where faces end, and its quality there; deterministic. The rest of it stays as it is."""
    if direction.colour is not None:
        colour, quality = find_radius(objective, direction.colour, direction.layers)
        return replace(direction, colour=colour, quality=quality)
    calibration, stops, quality = calibrate(objective, direction.deltas.to(objective.pack.device), direction.layers)
    return replace(direction, calibration=calibration, stops=stops, quality=quality)


def find_radius(objective: Objective, target: ColourTarget, layers: Sequence[int]) -> tuple[ColourTarget, dict]:
    """The target with the largest of `RADII` at which nearly as many pictures become as asked, clearly, as in its very middle, which a named colour keeps;
    its quality."""
    radii = RADII[-1:] if objective.effect.judge == "colour" else RADII
    targets, w_plus, rate = [replace(target, radius=radius) for radius in radii], lacking(objective), None
    if w_plus is not None:
        batches = in_batches(objective, w_plus, min(layers))
        scores = [scores_after(objective, batches, lambda w_plus, some=some: some.step(w_plus, 1.0)).tolist() for some in targets]
        least = ENOUGH * share_above(scores[-1], objective.effect.clear)
        best = next(index for index, found in enumerate(scores) if share_above(found, objective.effect.clear) >= least)
        target, rate = targets[best], round(share_above(scores[best], 0.0), 4)
    quality = quality_at(objective, held_out(objective, min(layers)), [target.step])
    return target, {**quality, "reached": rate, "judge": objective.effect.judge}


def calibrate(objective: Objective, deltas: Tensor, layers: Sequence[int]) -> tuple[tuple[float, ...], Stops | None, dict]:
    """deltas [K, L, D] of unit rows -> (distance in W of alpha 1 for each, their stops, quality measured there). Deterministic.

    quality["reached"]: the share of pictures that become as asked, the mean over the directions of which it can be told.
    """
    befores = held_out(objective, min(layers))
    found, ends = zip(*(reach(objective, delta, min(layers)) for delta in deltas))
    stops = together(ends)
    distances = [by_clip_moves(objective, befores, delta) if reached is None else reached.distance * objective.spread
                 for delta, reached in zip(deltas, found)]
    rates = [reached.rate for reached in found if reached is not None]
    quality = quality_at(objective, befores, _steps(deltas, distances, stops))
    return tuple(distances), stops, {**quality, "reached": round(sum(rates) / len(rates), 4) if rates else None, "judge": objective.effect.judge}


def by_clip_moves(objective: Objective, befores: Sequence[Before], delta: Tensor) -> float:
    """The distance in W at which the CLIP move of delta [L, D] is typical."""
    moves = [objective.measure_all(befores, [delta * (distance * objective.spread)] * len(befores))["clip_move"] for distance in DISTANCES]
    return typical_distance(DISTANCES, moves) * objective.spread


def calibrate_by_effect(objective: Objective, deltas: Tensor, layers: Sequence[int]) -> tuple[tuple[float, ...], dict]:
    """As `calibrate`, for directions that were made elsewhere: what they are called may mean nothing to CLIP.

    In place of the text, the way that CLIP sees pictures go at the furthest distance is what the moves are measured along.
    """
    befores = held_out(objective, min(layers))
    distances = []
    for delta in deltas:
        moved = [mean_move(objective, befores, delta * (distance * objective.spread)) for distance in DISTANCES]
        moves = (torch.stack(moved) @ moved[-1]).tolist()
        distances.append(typical_distance(DISTANCES, moves) * objective.spread)
    return tuple(distances), quality_at(objective, befores, _steps(deltas, distances, None))


@torch.no_grad()
def mean_move(objective: Objective, befores: Sequence[Before], delta: Tensor) -> Tensor:
    """How far CLIP sees held-out pictures go on average under delta [L, D] -> [E]."""
    moved = [before.encode(objective.after(before, delta.expand_as(before.w_plus), features=False)[0]) - before.embedding for before in befores]
    return torch.cat(moved).mean(dim=0)


def _steps(deltas: Tensor, distances: Sequence[float], stops: Stops | None) -> list["Step"]:
    """What deltas [K, L, D] do to faces at strength 1."""
    reach = stops.reach if stops else 1.0
    return [lambda w_plus, way, delta=delta, distance=distance, end=stops and stops.one(index): limited(end, w_plus, delta, way * distance * reach)
            for index, (delta, distance) in enumerate(zip(deltas, distances))]


def quality_at(objective: Objective, befores: Sequence[Before], steps: Sequence["Step"]) -> dict:
    """What the steps of K directions do, averaged over them."""
    qualities = []
    for step in steps:
        towards, away = (objective.measure_all(befores, [step(before.w_plus, way) for before in befores]) for way in (1.0, -1.0))
        qualities.append({**towards, "clip_move_away": away["clip_move"]})
    mean = {name: round(sum(quality[name] for quality in qualities) / len(qualities), 6) for name in qualities[0]}
    return {**mean, "samples": SAMPLES}


def held_out(objective: Objective, lowest_layer: int) -> list[Before]:
    """The unedited halves of samples that training never sees."""
    noise, _ = sample_noise(objective.config.seed, HELD_OUT + 2, (SAMPLES, objective.generator.z_dim))
    w_plus = objective.w_plus(noise).split(min(BATCH, objective.at_once))
    return [objective.before(some, lowest_layer, features=False) for some in w_plus]


def typical_distance(distances: Sequence[float], moves: Sequence[float], share: float = TYPICAL_SHARE) -> float:
    """Where the moves, linear between the points and from 0 at 0, first reach `share` of their largest.

    A direction that moves nothing the right way gets the middle distance: its slider must still do what it does.
    """
    wanted = share * max(moves)
    if wanted <= 0:
        return distances[len(distances) // 2]
    last_distance, last_move = 0.0, 0.0
    for distance, move in zip(distances, moves):
        if move >= wanted:
            return last_distance + (distance - last_distance) * (wanted - last_move) / (move - last_move)
        last_distance, last_move = distance, move
    return distances[-1]
