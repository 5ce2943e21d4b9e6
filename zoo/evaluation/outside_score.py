"""How much to shift the score of the tag `O`, so that the F1 of spans is best.

Most words are outside of all spans. Where a tagger is in doubt, the likeliest tagging
has no span, so that it misses more spans than it invents (Mohit et al. 2012). F1 is
best where these two errors balance.
"""

from __future__ import annotations

from collections.abc import Callable

# Candidates, in nats. Negative shifts make `O` rarer.
SHIFTS = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, -2.0, -2.5, -3.0, -4.0)


def tune_outside_score(
    score_with_shift: Callable[[float], float],
) -> tuple[float, dict[float, float]]:
    """Finds the best of `SHIFTS`, to be added to the score of the tag `O`.

    Args:
        score_with_shift: scores the development split with this shift, in nats; called
            once for each shift.

    Returns:
        The shift with the highest score (of several the one that comes first in
        `SHIFTS`, where 0 comes before all others), and the score of every shift.

    >>> best, scores = tune_outside_score(lambda shift: -abs(shift + 1))
    >>> best, scores[0.0], scores[best]
    (-1.0, -1.0, -0.0)
    """
    scores = {shift: score_with_shift(shift) for shift in SHIFTS}
    return max(SHIFTS, key=scores.__getitem__), scores
