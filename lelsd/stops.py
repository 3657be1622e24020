"""Where an edit ends: no face is taken further than faces of the pack go.

A step in W that gives bangs to most faces is too long for those that nearly have them, and twice the step is a burnt patch on any.
What pictures are asked for is nearly linear in w, so one readout, a regression on the survey's samples, tells how much of it
a face has already, and how much the step adds. The edit of each face ends where it has as much as faces have that are so
by nature, and in the other direction where it has as little as those that are not: strength 1 is all the way there, wherever it begins, but for
faces that are so far off that the way would break them.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Sequence

import torch
from torch import Tensor

from lelsd.sensitivity import ridge
from lelsd.survey import CALIBRATE, LEARN, Survey

if TYPE_CHECKING:
    from lelsd.objective import Objective

FURTHER = 1.25  # of the calibrated step, at most, for faces that are further from their end than the samples were: others' edits lead away from it
EXAMPLES = 20  # fewer samples of a kind do not tell where it ends
LEAST_CORRELATION = 0.6  # of the readout with the score, on samples that it was not made from: below, it is no guide
TAILS = 0.01  # of the scores on either side that are cut: a judge's last certainty is not what w should tell
LOW = 0.05  # of the samples without it have less of it than where an edit away from it ends
# where an edit towards it may end: 0 is the median of the samples without it, 1 of those with it. What is far from linear in w, like
# hair that turns blond, needs more than the readout says
ENDS = (1.0, 1.15, 1.3, 1.6, 2.0)
USUAL = 1.3  # where no picture was looked at
ENOUGH = 0.95  # of the pictures that become as asked without an end


@dataclass(frozen=True, eq=False)
class Stops:
    """readout [D]: what a w with its score has more of, per unit. low, high: for each of K directions, between which readings edits move.
    reach: how many steps a face is taken at most, where so many are left to it."""

    readout: Tensor
    low: tuple[float, ...]
    high: tuple[float, ...]
    reach: float = 1.0

    def room(self, w_plus: Tensor, delta: Tensor, index: int = 0) -> tuple[Tensor, Tensor]:
        """How many steps are left to faces w_plus [N, L, D] against and along delta [L, D]: [N] each, 0 for one that is beyond already.

        Only the rows that the delta moves are read. Infinite for a delta that leads away by the readout.
        """
        rows, readout = delta.any(dim=1), self.readout.to(delta)
        has, gain = w_plus[:, rows].to(delta).mean(dim=1) @ readout, delta[rows].mean(dim=0) @ readout
        if gain <= 0:
            return torch.full_like(has, torch.inf), torch.full_like(has, torch.inf)
        return ((has - self.low[index]) / gain).clamp_min(0.0), ((self.high[index] - has) / gain).clamp_min(0.0)

    def one(self, index: int) -> "Stops":
        """Those of one direction."""
        return replace(self, low=self.low[index:index + 1], high=self.high[index:index + 1])


def limited(stops: Stops | None, w_plus: Tensor, delta: Tensor, size: float) -> Tensor:
    """`size` steps of w_plus [N, L, D] along delta, or as many as the stops of one direction leave: [N, L, D]; without, as delta [L, D] or [S]."""
    if stops is None:
        return delta * size
    against, along = stops.room(w_plus, delta)
    return (along.clamp_max(size) if size > 0 else -against.clamp_max(-size))[:, None, None] * delta


def usual_stops(objective: "Objective", end: float = USUAL) -> Stops | None:
    """Stops of one direction by the survey alone, with one of `ENDS`; None where w does not tell what the prompt asks for."""
    learn, rest = (objective.survey.part(rows) for rows in (LEARN, CALIBRATE))
    scores = _scores(objective, learn)
    readout = ridge(learn.w, scores.clamp(scores.quantile(TAILS), scores.quantile(1 - TAILS))[:, None])[:, 0]
    told = torch.corrcoef(torch.stack([rest.w @ readout, _scores(objective, rest)]))[0, 1]
    having, lacking = scores > max(0.0, objective.effect.clear), scores <= 0
    if not told >= LEAST_CORRELATION or min(int(having.sum()), int(lacking.sum())) < EXAMPLES:
        return None
    readings = learn.w @ readout
    without, with_it = readings[lacking].median(), readings[having].median()
    if not with_it > without:
        return None
    return Stops(readout, (float(readings[lacking].quantile(LOW)),), (float(without + end * (with_it - without)),), FURTHER)


@torch.no_grad()
def find_stops(objective: "Objective", score: Callable[[Stops], Sequence[float]], best: Sequence[float]) -> Stops | None:
    """The nearest stops at which nearly as many pictures become as asked, clearly, as without any; None if there are none.

    score: stops -> the scores [n] of samples that lack what is asked for, after an edit that keeps to them. best: the same of that edit without stops.
    """
    clear = objective.effect.clear
    for end in ENDS:
        stops = usual_stops(objective, end)
        if stops is None or share_above(score(stops), clear) >= ENOUGH * share_above(best, clear):
            return stops
    return None


def together(stops: Sequence[Stops | None]) -> Stops | None:
    """Those of K directions, each of one and of the same prompt, as one; None unless all have them."""
    if not all(stops):
        return None
    return replace(stops[0], low=tuple(one.low[0] for one in stops), high=tuple(one.high[0] for one in stops))


def share_above(scores: Sequence[float], wanted: float) -> float:
    """Share of some pictures whose score is above `wanted`."""
    return sum(score > wanted for score in scores) / len(scores)


def _scores(objective: "Objective", survey: Survey) -> Tensor:
    return objective.effect.of_survey(survey).to(survey.w)
