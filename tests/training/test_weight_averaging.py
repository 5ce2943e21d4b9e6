"""When averaging begins, and that the mean is that of the weights after each step."""

import keras
import numpy as np
import pytest
from keras import ops
from trainer import AVERAGED, MEAN, Iterates, Line, Trainer, scores

from zoo.training.callbacks import TrainingDiverged
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


class Variables:
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
            self.optimizer.enable_averaging()
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
    trained, plain = Variables(kind), Variables(kind, averages=False)
    for _ in range(3):
        assert trained.step().tobytes() == plain.step().tobytes()
        assert trained.optimizer.averaged == 0
    trained.optimizer.start_averaging()
    iterates = [trained.weights()]
    for n in range(2, 7):
        iterates.append(trained.step())
        assert iterates[-1].tobytes() == plain.step().tobytes()
        assert trained.optimizer.averaged == n
        trained.optimizer.swap_averages()
        np.testing.assert_allclose(trained.weights(), np.mean(iterates, 0), atol=1e-6)
        assert np.abs(trained.weights() - iterates[-1]).max() > 1e-3
        trained.optimizer.swap_averages()
        assert trained.weights().tobytes() == iterates[-1].tobytes()


def test_without_averaging_an_optimizer_has_no_more_variables():
    with_mean, plain = (
        Variables(SGD, averages).optimizer for averages in (True, False)
    )
    assert len(with_mean.variables) == len(plain.variables) + 3


# --- In a training -------------------------------------------------------------------


@pytest.fixture
def trainer():
    return Trainer()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("mode, sign", [("min", 1), ("max", -1)])
def test_the_mean_is_evaluated_and_kept(trainer, optimizer, mode, sign):
    iterates = Iterates()
    values, evaluated = iter([3, 4, 4, 2, 5, 1]), []

    def evaluate():
        evaluated.append(trainer.weights())
        return {"val_score": sign * next(values)}

    options = {**AVERAGED, "optimizer": optimizer, "averaging_window": 1, "epochs": 6}
    rows = trainer.train(
        score=("score", mode), evaluate=evaluate, callbacks=[iterates], **options
    )
    # Two steps an epoch; the third epoch is worse than the best but one: the first.
    steps, means = np.array(iterates.weights), np.array(evaluated)
    assert [row["averaged"] for row in rows] == [0, 0, 0, 3, 5, 7]
    assert means[:3] == pytest.approx(steps[1:6:2])
    for epoch in (4, 5, 6):
        expected = steps[5 : 2 * epoch].mean(0)
        assert means[epoch - 1] == pytest.approx(expected, rel=1e-5)
        assert means[epoch - 1] != pytest.approx(steps[2 * epoch - 1], rel=1e-3)
    x = Line()[0][0]
    for row, (kernel, bias) in zip(rows, means):
        loss = np.mean(((kernel - 3) * x + bias) ** 2)
        assert row["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert np.array(trainer.saved) == pytest.approx(means[[0, 3, 5]], rel=1e-6)
    assert trainer.weights() == pytest.approx(means[5], rel=1e-6)


def test_training_goes_on_with_the_weights_themselves(trainer):
    start, iterates = trainer.model.get_weights(), Iterates()
    options = {**AVERAGED, "averaging_window": 0, "epochs": 6}
    for average in (False, True):
        trainer.model.set_weights(start)
        rows = trainer.train(
            score=("score", "min"),
            evaluate=scores(1, 2, 3, 4, 5, 6),
            callbacks=[iterates],
            **{**options, "weight_averaging": average},
        )
        assert ("averaged" in rows[-1]) is average
    weights = iterates.weights
    np.testing.assert_allclose(weights[12:], weights[:12], rtol=1e-6)


def test_nothing_is_compiled_when_averaging_begins(trainer):
    calls, counts = [], []

    class Traced(keras.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            calls.append(1)
            return super().call(y_true, y_pred)

    def evaluate():
        counts.append(len(calls))
        return {"val_score": len(counts)}

    rows = trainer.train(
        score=("score", "min"),
        loss=Traced(reduction=MEAN),
        evaluate=evaluate,
        **{**AVERAGED, "averaging_window": 0, "epochs": 4},
    )
    assert rows[-1]["averaged"] == 5 and 1 <= counts[0] == counts[-1]


def test_patience_starts_again_with_averaging(trainer):
    options = {**AVERAGED, "averaging_window": 0, "patience": 2, "epochs": 9}
    rows = trainer.train(
        score=("score", "min"), evaluate=scores(1, 2, 3, 0.5, 2, 2), **options
    )
    assert [row["averaged"] > 0 for row in rows] == [False] * 2 + [True] * 4
    assert len(trainer.saved) == 2


def test_a_score_that_gets_better_begins_no_averaging(trainer):
    expected = Trainer()
    expected.train(**{**AVERAGED, "weight_averaging": False})
    rows = trainer.train(**{**AVERAGED, "averaging_window": 0})
    assert [row["averaged"] for row in rows] == [0, 0, 0]
    np.testing.assert_allclose(trainer.weights(), expected.weights(), rtol=1e-6)


def test_a_loss_that_is_not_a_number_spares_the_mean(trainer):
    iterates, train, values = Iterates(), Line(), iter([2, 3, 1])

    def evaluate():
        value = next(values)
        train.is_bad = value == 1
        return {"val_score": value}

    options = {**AVERAGED, "averaging_window": 0, "epochs": 9}
    with pytest.raises(TrainingDiverged, match="at step 8 .*score 1.0000"):
        trainer.train(
            score=("score", "min"),
            train=train,
            evaluate=evaluate,
            callbacks=[iterates],
            **options,
        )
    expected = np.mean(iterates.weights[3:6], 0)
    assert trainer.saved[-1] == pytest.approx(expected, rel=1e-5)
