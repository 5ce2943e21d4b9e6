"""Probabilities as often right as they say: the error of it, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHARPEST, FLATTEST = 0.05, 20.0  # temperatures: beyond these, a split is too small


def calibration_error(
    confidences: Sequence[float], is_right: Sequence[bool], bins: int = 15
) -> float:
    """Returns the expected calibration error (Naeini et al. 2015), 0 to 1.

    The answers are sorted into bins of equal width by their confidence. In each the
    mean confidence is compared with the share of right answers; what is returned is the
    mean of the differences, by answers.

    Args:
        confidences: the probability of each answer, in [0, 1].
        is_right: whether it is the right one.
        bins: number of bins.

    >>> round(calibration_error([0.9, 0.9, 0.6], [True, False, True]), 4)
    0.4
    """
    confidences = np.asarray(confidences, np.float64)
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    sums = np.bincount(places, confidences - np.asarray(is_right, np.float64), bins)
    return float(np.abs(sums).sum() / len(confidences))


def negative_log_likelihood(
    logits: np.ndarray, classes: np.ndarray, temperature: float = 1.0
) -> float:
    """Returns the mean of -log p of the right classes, in nats.

    Args:
        logits: float `[examples, classes]`.
        classes: int `[examples]`, the right ones.
        temperature: what the logits are divided by.
    """
    z = np.asarray(logits, np.float64) / temperature
    z -= z.max(axis=1, keepdims=True)
    right = np.take_along_axis(z, np.asarray(classes)[:, None], axis=1)[:, 0]
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - right))


def find_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """Finds the temperature that makes the right classes likeliest (Guo et al. 2017).

    The logits are to be divided by it, which changes no decision. In 1 / temperature
    the likelihood has one maximum only, so that a golden-section search finds it.

    Args:
        logits: float `[examples, classes]`, of examples that had no part in training.
        classes: int `[examples]`, the right ones.

    Returns:
        A number from `SHARPEST` to `FLATTEST`.
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
