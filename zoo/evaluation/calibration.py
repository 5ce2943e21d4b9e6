"""Calibration: whether a classifier's confidence matches its accuracy.

`calibration_error` measures it, `find_temperature` improves it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The bounds of temperatures; a best one beyond them means that the split is too small.
SHARPEST, FLATTEST = 0.05, 20.0


def calibration_error(
    confidences: Sequence[float], is_right: Sequence[bool], bins: int = 15
) -> float:
    """Returns the expected calibration error (Naeini et al. 2015), 0 to 1.

    The answers are sorted by confidence into bins of equal width. The error of a bin is
    the difference between its mean confidence and its accuracy; the result is the mean
    over bins, weighted by their answers.

    Args:
        confidences: the probability of each answer, float `[answers]` in [0, 1].
        is_right: whether it is right, bool `[answers]`.
        bins: number of bins.

    >>> round(calibration_error([0.9, 0.9, 0.6], [True, False, True]), 4)
    0.4
    """
    p = np.asarray(confidences, np.float64)
    places = np.minimum((p * bins).astype(int), bins - 1)
    gaps = np.bincount(places, p - np.asarray(is_right, np.float64), bins)  # [bins]
    return float(np.abs(gaps).sum() / len(p))


def negative_log_likelihood(
    logits: np.ndarray, classes: np.ndarray, temperature: float = 1.0
) -> float:
    """Returns the mean negative log-likelihood of the right classes, in nats.

    Args:
        logits: float `[examples, classes]`.
        classes: int `[examples]`, the right ones.
        temperature: the logits are divided by it.
    """
    z = np.asarray(logits, np.float64) / temperature
    z -= z.max(axis=1, keepdims=True)
    right = np.take_along_axis(z, np.asarray(classes)[:, None], axis=1)[
        :, 0
    ]  # [examples]
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - right))


def find_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """Finds the temperature that makes the right classes likeliest (Guo et al. 2017).

    Dividing the logits by it changes no decision. As a function of 1 / temperature the
    likelihood has a single maximum, which golden-section search finds.

    Args:
        logits: float `[examples, classes]`, of examples that were not trained on.
        classes: int `[examples]`, the right ones.

    Returns:
        A temperature from `SHARPEST` to `FLATTEST`.
    """
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(SHARPEST), np.log(FLATTEST)

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(logits, classes, float(np.exp(logarithm)))

    while high - low > 1e-4:
        first, second = high - golden * (high - low), low + golden * (high - low)
        if loss(first) < loss(second):
            high = second
        else:
            low = first
    return float(np.exp((low + high) / 2))
