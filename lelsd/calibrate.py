"""How far is alpha 1? Found by what an edit does to held-out samples, so that -2 to 2 means the same for every direction.

eCLIPsed had to hunt for the alpha range of each model anew (6 to 7 for some, below 1 for others; section 3.3). Here the
distance at which the CLIP move reaches a fixed share of the most it reaches is called 1, limited by how far apart random
samples of the pack lie, beyond which pictures break.
"""
from __future__ import annotations

from typing import Sequence

from torch import Tensor

from lelsd.objective import HELD_OUT, Before, Objective, sample_noise

SAMPLES = 16
BATCH = 8
TYPICAL_SHARE = 0.6  # of the largest mean CLIP move
DISTANCES = (0.08, 0.16, 0.24, 0.32, 0.4, 0.5, 0.6)  # in spreads of W; twice the last is as far as random samples lie apart


def calibrate(objective: Objective, deltas: Tensor, layers: Sequence[int]) -> tuple[tuple[float, ...], dict]:
    """deltas [K, L, D] of unit rows -> (distance in W of alpha 1 for each, quality measured there). Deterministic."""
    befores = held_out(objective, min(layers))
    calibration, qualities = [], []
    for delta in deltas:
        moves = [objective.measure_all(befores, delta * (distance * objective.spread))["clip_move"] for distance in DISTANCES]
        distance = typical_distance(DISTANCES, moves) * objective.spread
        towards, away = (objective.measure_all(befores, delta * (sign * distance)) for sign in (1.0, -1.0))
        calibration.append(distance)
        qualities.append({**towards, "clip_move_away": away["clip_move"]})
    mean = {name: round(sum(quality[name] for quality in qualities) / len(qualities), 6) for name in qualities[0]}
    return tuple(calibration), {**mean, "samples": SAMPLES}


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
