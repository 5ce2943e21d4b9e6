"""Calibration: the error by hand, and the temperature against a grid."""

import numpy as np
import pytest

from zoo.evaluation.calibration import (
    FLATTEST,
    SHARPEST,
    calibration_error,
    find_temperature,
    negative_log_likelihood,
)


def test_the_error_by_hand():
    # Two bins: 0.1 (one answer, right), and 0.6, 0.8, 1.0 (two right).
    found = calibration_error([0.1, 0.6, 0.8, 1.0], [True, True, False, True], 2)
    assert found == pytest.approx((0.9 + abs(2.4 - 2)) / 4)
    assert calibration_error([1.0, 1.0], [True, True]) == 0
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)


def test_the_likelihood_by_hand():
    logits, classes = np.log([[1.0, 3.0], [1.0, 1.0]]) + 700, np.array([1, 0])
    found = negative_log_likelihood(logits, classes)
    assert found == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
    found = negative_log_likelihood(logits, classes, 0.5)
    assert found == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 2)


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_the_temperature_is_the_scale_of_logits(scale):
    random = np.random.default_rng(0)
    true = random.normal(size=(4000, 3)) * 2
    noise = random.gumbel(size=true.shape)
    classes = (true + noise).argmax(1)  # drawn from softmax(true)
    found = find_temperature(scale * true, classes)
    assert found == pytest.approx(scale, rel=0.1)
    losses = [
        negative_log_likelihood(scale * true, classes, t)
        for t in np.geomspace(found / 2, found * 2, 41)
    ]
    assert np.argmin(losses) == 20


def test_temperatures_stay_in_bounds():
    logits = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert find_temperature(logits, [0, 1]) == pytest.approx(SHARPEST, abs=0.01)
    assert find_temperature(logits, [1, 0]) == pytest.approx(FLATTEST, rel=1e-3)
