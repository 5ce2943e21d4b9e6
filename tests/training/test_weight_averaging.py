"""When averaging begins, and that the mean is that of the weights after each step."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.training.optimizers import SGD, Adagrad, Adam
from zoo.training.weight_averaging import is_stuck


def first_stuck(scores, mode, after):
    """Returns after how many evaluations averaging begins; None if it never does."""
    lengths = range(1, len(scores) + 1)
    return next((n for n in lengths if is_stuck(scores[:n], mode, after)), None)


@pytest.mark.parametrize(
    "scores, after, expected",
    [
        ([5, 4, 3, 2, 1], 0, None),
        ([2, 2, 2, 2], 0, None),  # no better is not worse
        ([3, 2, 2.5], 0, 3),
        ([3, 2, 2.5, 2.6, 2.4], 1, 4),  # in the third, the only early one is the 3
        ([3, 2, 2.5, 2.6, 2.4], 2, 5),
        ([3, 2, 2.5, 2.6, 1.9], 2, None),
        ([3, 4, 2, 2.5, 1], 2, None),
        ([3, 9, 3.5, 3.1], 2, 4),
        ([1, 2, 2, 2, 2, 2, 2], 5, 7),
        ([1, 2, 2, 2, 2, 2], 5, None),
    ],
)
def test_when_averaging_begins(scores, after, expected):
    assert first_stuck(scores, "min", after) == expected
    assert first_stuck([-score for score in scores], "max", after) == expected


def test_it_begins_if_an_early_evaluation_was_better():
    random = np.random.default_rng(0)
    found = set()
    for _ in range(300):
        scores = random.integers(0, 9, random.integers(1, 9)).tolist()
        after = int(random.integers(0, 6))
        last = len(scores) - 1
        expected = any(scores[i] < scores[last] for i in range(last - after))
        assert is_stuck(scores, "min", after) is expected
        assert is_stuck([-score for score in scores], "max", after) is expected
        found.add(expected)
    assert found == {True, False}


class TrainedModel:
    """Two variables and the optimizer that trains them, without a model."""

    def __init__(self, kind, averages=True):
        random = np.random.default_rng(0)
        self.variables = [
            keras.Variable(random.standard_normal(shape), dtype="float32")
            for shape in [(3, 2), (2,)]
        ]
        self.gradients = random.standard_normal((20, 8))
        self.optimizer = kind(0.1)
        if averages:
            self.optimizer.average()
        self.optimizer.build(self.variables)
        self.steps = 0

    def step(self):
        gradient = np.float32(self.gradients[self.steps])
        parts = gradient[:6].reshape(3, 2), gradient[6:]
        self.optimizer.apply([ops.convert_to_tensor(p) for p in parts])
        self.steps += 1
        return self.weights()

    def weights(self):
        return np.concatenate([v.numpy().ravel() for v in self.variables])


@pytest.mark.parametrize("kind", [Adam, Adagrad, SGD])
def test_the_mean_is_of_the_weights_since_it_began(kind):
    trained, plain = TrainedModel(kind), TrainedModel(kind, averages=False)
    for _ in range(3):
        assert trained.step().tobytes() == plain.step().tobytes()
        assert trained.optimizer.averaged == 0
    trained.optimizer.begin()
    iterates = [trained.weights()]
    for n in range(2, 7):
        iterates.append(trained.step())
        assert iterates[-1].tobytes() == plain.step().tobytes()
        assert trained.optimizer.averaged == n
        trained.optimizer.exchange()
        np.testing.assert_allclose(trained.weights(), np.mean(iterates, 0), atol=1e-6)
        assert np.abs(trained.weights() - iterates[-1]).max() > 1e-3
        trained.optimizer.exchange()
        assert trained.weights().tobytes() == iterates[-1].tobytes()


def test_without_averaging_an_optimizer_has_no_more_variables():
    with_mean, plain = (
        TrainedModel(SGD, averages).optimizer for averages in (True, False)
    )
    assert len(with_mean.variables) == len(plain.variables) + 3
