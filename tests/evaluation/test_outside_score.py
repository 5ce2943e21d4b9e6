"""The search for the shift of the tag O."""

import pytest

from zoo.evaluation.outside_score import SHIFTS, tune_outside_score


@pytest.mark.parametrize("best", SHIFTS)
def test_the_best_shift_is_found(best):
    found, scores = tune_outside_score(lambda shift: 0.5 + 0.1 * (shift == best))
    assert found == best and scores == {s: 0.5 + 0.1 * (s == best) for s in SHIFTS}


def test_of_equally_good_shifts_the_first_is_taken():
    assert tune_outside_score(lambda shift: 0.3)[0] == 0.0
    assert tune_outside_score(lambda shift: float(shift < 0))[0] == -0.5
    assert tune_outside_score(lambda shift: float(shift in (1.0, -2.0)))[0] == 1.0


def test_each_shift_is_scored_once():
    seen = []

    def score(shift):
        seen.append(shift)
        return -abs(shift)

    tune_outside_score(score)
    assert seen == list(SHIFTS)
