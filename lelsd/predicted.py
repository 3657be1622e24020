"""The step in W that the survey finds for a prompt, and how long it should be: no picture is made of it.

Training begins there, first directions end there, and faces are dressed with it.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import torch

from lelsd.direction import Direction
from lelsd.reach import DISTANCES, WANTED_RATE
from lelsd.sensitivity import regress_gain, ridge
from lelsd.space import spread_rows
from lelsd.stops import usual_stops
from lelsd.survey import CALIBRATE, LEARN

if TYPE_CHECKING:
    from lelsd.objective import Objective


def predicted_step(objective: "Objective", layers: Sequence[int]) -> Direction:
    """The same step in each of the layers, with a strength that is predicted and ends that are usual. Deterministic."""
    pack, prompt = objective.pack, objective.prompt
    towards = regress_gain(objective)
    rows = spread_rows(towards.expand(1, len(layers), -1), list(layers), pack.generator.num_ws).float().cpu()
    distance = predicted_distance(objective, towards) * objective.spread
    return Direction(rows, tuple(layers), prompt.text, prompt.part, pack.name, pack.hash, (distance,), dict(prompt.parts), objective.config.to_dict(),
                     {"predicted": True, "judge": objective.effect.judge}, stops=usual_stops(objective))


def predicted_distance(objective: "Objective", direction: torch.Tensor) -> float:
    """How far along direction [D] most pictures that are not as asked should become so, clearly, in spreads of W, if the judge's
    score were linear in w; within what `reach` would try."""
    learn, rest = (objective.survey.part(rows) for rows in (LEARN, CALIBRATE))
    scores = objective.effect.of_survey(learn)
    slope = float(ridge(learn.w, scores[:, None])[:, 0] @ direction) * objective.spread
    scores = objective.effect.of_survey(rest)
    missing = objective.effect.clear - scores[scores <= 0]
    if slope <= 0 or not len(missing):
        return DISTANCES[len(DISTANCES) // 2]
    return float((torch.quantile(missing, WANTED_RATE) / slope).clamp(DISTANCES[0], DISTANCES[-1]))
