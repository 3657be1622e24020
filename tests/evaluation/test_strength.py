"""Matching strengths: the smallest that suffices, found by trying and halving, each strength measured once."""

from __future__ import annotations

import pytest

from evaluation.editor import Request
from evaluation.strength import HALVINGS, STRENGTHS, Strengths, common_rate

CURLY = Request("a person with curly hair", "Curly_Hair")


class Stub:
    """A judge whose target rate is a function of the strength."""

    def __init__(self, rate) -> None:
        self.rate_of, self.asked = rate, []

    def target_rate(self, editor, request):
        self.asked.append(request.alpha)
        return self.rate_of(request.alpha)


def search(rate, rates=None) -> tuple[Strengths, Stub]:
    judge = Stub(rate)
    return Strengths(judge, None, CURLY, rates), judge


@pytest.mark.parametrize(("slope", "exact"), [(2.0, 0.45), (0.62, 1.4516), (0.12, 7.5), (100.0, 0.009)])
def test_the_smallest_strength_that_reaches_the_rate(slope, exact):
    strengths, judge = search(lambda alpha: min(1.0, slope * alpha))
    found = strengths.smallest(0.9)
    gap = next(high - low for low, high in zip((0.0, *STRENGTHS), STRENGTHS) if high >= exact) / 2**HALVINGS
    assert exact <= found <= exact + gap + 1e-3 and strengths.rate(found) >= 0.9
    assert len(judge.asked) == len(set(judge.asked))


def test_a_rate_that_rises_and_falls_again_is_met_where_it_first_rises():
    strengths, _ = search(lambda alpha: 1.0 if 1.2 < alpha < 3 else 0.0)
    assert strengths.smallest(0.9) == pytest.approx(1.2, abs=0.05) and strengths.best == 1.0


def test_what_breaks_before_it_is_reached_is_not_reached_later():
    strengths, judge = search(lambda alpha: alpha if alpha < 0.8 else 0.3 if alpha < 5 else 1.0)
    assert strengths.smallest(0.9) is None and strengths.best == 0.707 and max(judge.asked) == 1.0
    assert strengths.smallest(0.6) == pytest.approx(0.6, abs=0.02)
    slight, _ = search(lambda alpha: 0.8 if alpha < 2 else 0.65 if alpha < 4 else 0.95)  # within what 64 samples vary by
    assert slight.smallest(0.9) == pytest.approx(4.0, abs=0.1)


def test_what_is_never_reached_says_how_far_it_came():
    strengths, judge = search(lambda alpha: 0.3 if alpha < 1 else 0.6)
    assert strengths.smallest(0.9) is None and strengths.best == 0.6 and judge.asked == list(STRENGTHS)
    assert strengths.smallest(0.6) == pytest.approx(1.0, abs=0.03)


def test_without_a_rate_there_is_nothing_to_match():
    strengths, judge = search(lambda alpha: None)
    assert strengths.smallest(0.9) is None and strengths.best is None and judge.asked == [STRENGTHS[0]]


def test_rates_from_before_are_not_measured_again():
    known = {alpha: min(1.0, 0.5 * alpha) for alpha in STRENGTHS}
    strengths, judge = search(lambda alpha: min(1.0, 0.5 * alpha), known)
    assert strengths.smallest(0.7) == pytest.approx(1.4, abs=0.03) and len(judge.asked) == HALVINGS


@pytest.mark.parametrize(("best", "rate"), [([1.0, 0.95], 0.9), ([1.0, 0.7, 0.8], 0.7), ([1.0, 0.4], None), ([1.0, None], None), ([], None), ([0.5], 0.5)])
def test_editors_are_compared_at_what_all_of_them_reach(best, rate):
    assert common_rate(best) == rate
