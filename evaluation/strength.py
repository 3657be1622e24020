"""How strong must an edit be to be as effective as another? Strengths matched on the target rate, as measured.

Side effects grow with strength, so editors are comparable only at equal effect: each at the smallest strength whose target
rate on the held-out samples reaches a common one. Strengths are tried from weak to strong, then the gap below the first
that suffices is halved a few times; nothing is interpolated, every number that is reported was measured. Where the rate
falls again, pictures begin to break, and what the classifier takes them for at still larger strengths is no edit: there
the search ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.editor import Editor, Request
    from evaluation.measure import Judge

MATCHED_RATE = 0.9
LOWEST_RATE = 0.5  # below, an editor does not do what was asked, and its side effects are not compared
STRENGTHS = tuple(round(0.25 * 2 ** (half / 2), 3) for half in range(11))  # 0.25 to 8, each 1.41 times the last
HALVINGS = 4
FALL = 0.2  # below the best rate so far: the edit is past its peak


class Strengths:
    """The target rates of an editor for a request, by strength, each measured once."""

    def __init__(self, judge: "Judge", editor: "Editor", request: "Request", rates: dict[float, float] | None = None) -> None:
        """rates: those that are known from before."""
        self.judge, self.editor, self.request = judge, editor, request
        self.rates = dict(rates or {})

    def rate(self, alpha: float) -> float | None:
        """The target rate at a strength; None where it cannot be told (no classifier, or no sample that is not so already)."""
        if alpha not in self.rates:
            found = self.judge.target_rate(self.editor, replace(self.request, alpha=alpha))
            if found is None:
                return None
            self.rates[alpha] = found
        return self.rates[alpha]

    def smallest(self, target: float) -> float | None:
        """The smallest strength found to reach a target rate; None if none does before the rate falls, or no sample can tell.

        An editor that says how strong it can be at most (`strongest`) is not tried beyond.
        """
        below, best, strongest = 0.0, 0.0, getattr(self.editor, "strongest", None)
        for alpha in (alpha for alpha in STRENGTHS if strongest is None or alpha <= strongest):
            rate = self.rate(alpha)
            if rate is None or rate < best - FALL:
                return None
            if rate >= target:
                return self._halve(below, alpha, target)
            below, best = alpha, max(best, rate)
        return None

    @property
    def best(self) -> float | None:
        """The largest target rate of all strengths tried; None if none could be."""
        return max(self.rates.values(), default=None)

    def _halve(self, below: float, above: float, target: float) -> float:
        """The smallest strength that suffices, between one that does not and one that does."""
        for _ in range(HALVINGS):
            middle = round(0.5 * (below + above), 4)
            below, above = (below, middle) if self.rate(middle) >= target else (middle, above)
        return above


def common_rate(best: "list[float | None]") -> float | None:
    """The largest rate, up to `MATCHED_RATE`, that editors with these best rates all reach; None if one of them does not
    reach `LOWEST_RATE`, or there is nothing to compare."""
    if not best or any(rate is None or rate < LOWEST_RATE for rate in best):
        return None
    return min(MATCHED_RATE, *best)
