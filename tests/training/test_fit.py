"""Schedules, clipping, delayed training, early stopping, on a model of two weights."""

import errno
import math
import os
import threading

import keras
import numpy as np
import pytest
from trainer import MEAN, AtStep, Line, Trainer, scores

from zoo.training.callbacks import TrainingDiverged
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.objectives import Objective
from zoo.training.optimizers import DelayedTraining, WarmupDecay


@pytest.fixture
def trainer():
    return Trainer()


@pytest.mark.parametrize(
    "decay, warmup, expected",
    [
        ("constant", 0, {0: 2.0, 5: 2.0, 12: 2.0}),
        ("constant", 4, {0: 0.5, 1: 1.0, 2: 1.5, 3: 2.0, 4: 2.0, 12: 2.0}),
        ("linear", 0, {0: 2.0, 3: 1.5, 6: 1.0, 12: 0.0, 99: 0.0}),
        ("linear", 4, {0: 0.5, 3: 2.0, 4: 2.0, 6: 1.5, 8: 1.0, 12: 0.0}),
        ("cosine", 4, {1: 1.0, 4: 2.0, 6: 1 + math.sqrt(0.5), 8: 1.0, 12: 0.0}),
    ],
)
def test_learning_rate(decay, warmup, expected):
    schedule = WarmupDecay(2.0, warmup, 12, decay)
    found = {step: float(schedule(step)) for step in expected}
    assert found == pytest.approx(expected, abs=1e-6)


def test_schedule_survives_its_configuration():
    schedule = WarmupDecay(2.0, 4, 12, "cosine")
    again = WarmupDecay.from_config(schedule.get_config())
    assert float(again(6)) == float(schedule(6))


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_each_optimizer_trains(trainer, optimizer):
    rows = trainer.train(optimizer=optimizer, epochs=4)
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]


def test_clipping_bounds_the_global_norm_of_an_update(trainer):
    trainer.train(
        train=Line(1), optimizer="sgd", learning_rate=1.0, clip_norm=0.5, epochs=1
    )
    step = trainer.weights() - [1.0, 0.0]
    assert np.linalg.norm(step) == pytest.approx(0.5, rel=1e-5)


def test_without_clipping_a_step_is_the_gradient(trainer):
    trainer.train(
        train=Line(1), optimizer="sgd", learning_rate=1.0, clip_norm=0.0, epochs=1
    )
    # Of mean((w x + b - 3 x) ** 2) at w = 1, b = 0: -4 mean(x ** 2), -4 mean(x).
    step = trainer.weights() - [1.0, 0.0]
    assert step == pytest.approx([6.25, 2.5], rel=1e-5)


def test_the_first_step_of_a_warmup_is_small(trainer):
    trainer.train(
        train=Line(1), optimizer="sgd", learning_rate=1.0, clip_norm=0.5, epochs=1,
        warmup_steps=10,
    )  # fmt: skip
    step = trainer.weights() - [1.0, 0.0]
    assert np.linalg.norm(step) == pytest.approx(0.05, rel=1e-5)


def weights_of_each_epoch(trainer, delayed=None, **options):
    """Returns the kernel and the bias after each of three epochs, `[3, 2]`."""
    seen = []

    def evaluate():
        seen.append(trainer.weights())
        return {}

    trainer.model.set_weights([np.full((1, 1), 1.0), np.zeros(1)])
    trainer.train(evaluate=evaluate, delayed=delayed, **options)
    return np.array(seen)


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_a_weight_that_learns_late(trainer, optimizer):
    path = trainer.model.weights[1].path
    options = {"optimizer": optimizer, "learning_rate": 0.01, "decay": "linear"}
    options["train"] = Line(1)
    expected = weights_of_each_epoch(trainer, **options)
    assert (np.abs(np.diff(expected, axis=0)) > 0).all()
    at_once = weights_of_each_epoch(
        trainer, DelayedTraining((path,), 0, 0.01), **options
    )
    np.testing.assert_allclose(at_once, expected, rtol=1e-6)
    kernel, bias = weights_of_each_epoch(
        trainer, DelayedTraining((path,), 2, 0.01), **options
    ).T
    assert bias[0] == bias[1] == 0 and bias[2] != 0
    assert kernel[0] == pytest.approx(expected[0, 0], rel=1e-6)
    fast = weights_of_each_epoch(
        trainer, DelayedTraining((path,), 2, 0.03), **options
    ).T[1]
    assert fast[2] == pytest.approx(3 * bias[2], rel=1e-4)


def test_a_late_weight_waits_with_its_state():
    """Adam's averages follow the gradients meanwhile: no first step is too large."""
    trainer = Trainer()
    delayed = DelayedTraining((trainer.model.weights[1].path,), 1, 0.1)
    bias = weights_of_each_epoch(trainer, delayed, optimizer="adam", train=Line(20)).T[
        1
    ]
    assert bias[0] == 0 and 0 < abs(bias[1]) <= 20 * 0.1


@pytest.mark.parametrize(
    "mode, values, epochs, best",
    [
        ("max", (1, 3, 2, 2.5, 9), 4, [1, 2]),
        ("min", (3, 2, 2.5, 2.1, 1), 4, [1, 2]),
        ("min", (5, 4, 6, 3, 7, 8, 1), 6, [1, 2, 4]),
    ],
)
def test_early_stopping(trainer, mode, values, epochs, best):
    evaluate = scores(*values)
    rows = trainer.train(score=("score", mode), evaluate=evaluate, patience=2, epochs=9)
    assert [row["epoch"] for row in rows] == list(range(1, epochs + 1))
    assert len(trainer.saved) == len(best)
    assert trainer.weights() == pytest.approx(trainer.saved[-1])


def test_ties_of_the_score_are_broken_by_the_loss(trainer):
    """As in the first epochs of a translator, which all have a BLEU of 0."""
    seen = []

    def evaluate():
        seen.append(trainer.weights())
        return {"val_score": 0.0}

    rows = trainer.train(score=("score", "max"), evaluate=evaluate, epochs=4)
    losses = [row["val_loss"] for row in rows]
    best = losses.index(min(losses))
    assert best > 0
    assert trainer.weights() == pytest.approx(seen[best])


def test_the_best_weights_are_put_back_without_patience_too(trainer):
    seen = []

    def evaluate():
        seen.append(trainer.weights())
        return {"val_score": [1, 5, 2, 3][len(seen) - 1]}

    rows = trainer.train(score=("score", "max"), evaluate=evaluate, epochs=4)
    assert len(rows) == 4 and len(trainer.saved) == 2
    assert trainer.weights() == pytest.approx(seen[1])
    assert not np.allclose(seen[1], seen[3])


def test_the_history_is_told_after_every_epoch(trainer):
    rows = trainer.train(evaluate=scores(1, 2, 3))
    names = "epoch error loss val_error val_loss val_score seconds".split()
    assert sorted(rows[0]) == sorted(names)
    assert trainer.histories == [rows[:1], rows[:2], rows]
    assert [row["val_score"] for row in rows] == [1, 2, 3]


def test_a_loss_that_is_not_a_number_names_the_step(trainer):
    train = Line()

    def spoil():
        train.is_bad = True
        return {}

    with pytest.raises(TrainingDiverged, match=r"nan at step 4 \(epoch 2\)") as error:
        trainer.train(train=train, evaluate=spoil)
    assert "the checkpoint holds the best weights (val_loss" in str(error.value)
    assert len(trainer.saved) == 1 and np.isfinite(trainer.saved[0]).all()
    assert len(trainer.histories) == 1


def test_a_loss_that_is_not_a_number_at_once_leaves_no_checkpoint(trainer):
    with pytest.raises(TrainingDiverged, match="step 2 .*there is no checkpoint"):
        trainer.train(train=Line(is_bad=True))
    assert trainer.saved == []


def test_a_development_score_that_is_not_a_number_stops_the_run(trainer):
    with pytest.raises(TrainingDiverged, match=r"val_score is nan at step 4 \(epoch 2"):
        trainer.train(
            score=("score", "max"), evaluate=scores(1, float("nan")), epochs=3
        )
    assert len(trainer.saved) == 1


class Sentences(keras.utils.PyDataset):
    """A batch of 2 steps that is right, and one of 4: 3 count, all wrong by 1."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        x = np.ones((2, 2 + 2 * index, 1), np.float32)
        weights = np.ones(x.shape[:2], np.float32)
        weights[:, 3:] = 0
        return x, x + index, weights


def test_every_token_weighs_the_same_whatever_its_batch():
    inputs = keras.Input((None, 1))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    (row,) = fit(
        model,
        Sentences(),
        Sentences(),
        TrainingConfig(learning_rate=0.0, epochs=1),
        Objective(
            loss=keras.losses.MeanSquaredError(reduction=MEAN),
            metric=keras.metrics.MeanAbsoluteError("error"),
            score="error",
            mode="min",
        ),
        save=lambda: None,
        on_epoch=lambda rows: None,
    )
    assert row["val_error"] == row["error"] == pytest.approx(6 / 10)


def test_the_next_batch_is_built_while_a_step_runs(trainer):
    built, found = threading.Event(), []

    class Watched(Line):
        def __getitem__(self, index):
            if index == 3:
                built.set()
            return super().__getitem__(index)

    # After the third step nothing has asked for the fourth batch yet.
    wait = AtStep(3, lambda: found.append(built.wait(10)))
    trainer.train(train=Watched(4), epochs=1, callbacks=[wait])
    assert found == [True]


def test_no_space_left_for_the_checkpoint(trainer):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        trainer.train(save=full)
