"""Schedules, clipping, early stopping and interrupts, on a layer of two weights."""

import contextlib
import csv
import errno
import math
import os
import signal
import threading

import keras
import numpy as np
import pytest

from zoo.training.fit import (
    BestWeights,
    TrainingConfig,
    TrainingDiverged,
    fit,
    write_text,
)
from zoo.training.optimizers import DelayedTraining, WarmupDecay
from zoo.training.weight_averaging import WeightAveragingMixin


class Line(keras.utils.PyDataset):
    """Batches of `y = 3 x`, of which the second is not a number where it `is_bad`."""

    def __init__(self, batches=2, is_bad=False):
        super().__init__()
        self.batches, self.is_bad = batches, is_bad

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        x = np.array([[1.0], [-1.0], [2.0], [0.5]], np.float32)
        y = 3 * x
        if index == 1 and self.is_bad:
            y = y * np.nan
        return x, y, np.ones(4, np.float32)


class Trainer:
    """A model of one weight and bias that is trained in a directory."""

    def __init__(self, directory):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((1,))
        self.model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        self.model.set_weights([np.full((1, 1), 1.0), np.zeros(1)])
        self.saved, self.history_file = [], directory / "history.csv"

    def save(self):
        self.saved.append(self.weights())

    def weights(self):
        return np.array([float(np.squeeze(w)) for w in self.model.get_weights()])

    def train(
        self, score=("val_loss", "min"), train=None, evaluate=None, late=None, **options
    ):
        options = {"decay": "constant", "learning_rate": 0.1, "epochs": 3, **options}
        reduction = "mean_with_sample_weight"
        return fit(
            self.model,
            train or Line(),
            Line(1),
            TrainingConfig(**options),
            loss=keras.losses.MeanSquaredError(reduction=reduction),
            metric=keras.metrics.MeanAbsoluteError("error"),
            score=score,
            save=self.save,
            history_file=self.history_file,
            evaluate=evaluate,
            late=late,
        )


@pytest.fixture
def trainer(tmp_path):
    return Trainer(tmp_path)


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


def scores(*values):
    """Returns a development score that takes the values one epoch after another."""
    values = iter(values)
    return lambda: {"val_score": next(values)}


def weights_of_each_epoch(trainer, late=None, **options):
    """Returns the kernel and the bias after each of three epochs, `[3, 2]`."""
    seen = []

    def evaluate():
        seen.append(trainer.weights())
        return {}

    trainer.model.set_weights([np.full((1, 1), 1.0), np.zeros(1)])
    trainer.train(evaluate=evaluate, late=late, **options)
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


def test_a_late_weight_waits_with_its_state(tmp_path):
    """Adam's averages follow the gradients meanwhile: no first step is too large."""
    trainer = Trainer(tmp_path)
    late = DelayedTraining((trainer.model.weights[1].path,), 1, 0.1)
    bias = weights_of_each_epoch(trainer, late, optimizer="adam", train=Line(20)).T[1]
    assert bias[0] == 0 and 0 < abs(bias[1]) <= 20 * 0.1


@pytest.mark.parametrize(
    "mode, values, epochs, best",
    [
        ("max", (1, 3, 2, 2.5, 9), 4, [1, 2]),
        ("min", (3, 2, 2, 2, 1), 4, [1, 2]),
        ("min", (5, 4, 6, 3, 7, 8, 1), 6, [1, 2, 4]),
    ],
)
def test_early_stopping(trainer, mode, values, epochs, best):
    evaluate = scores(*values)
    rows = trainer.train(
        score=("val_score", mode), evaluate=evaluate, patience=2, epochs=9
    )
    assert [row["epoch"] for row in rows] == list(range(1, epochs + 1))
    assert len(trainer.saved) == len(best)
    assert trainer.weights() == pytest.approx(trainer.saved[-1])


def test_the_best_weights_are_put_back_without_patience_too(trainer):
    seen = []

    def evaluate():
        seen.append(trainer.weights())
        return {"val_score": [1, 5, 2, 3][len(seen) - 1]}

    rows = trainer.train(score=("val_score", "max"), evaluate=evaluate, epochs=4)
    assert len(rows) == 4 and len(trainer.saved) == 2
    assert trainer.weights() == pytest.approx(seen[1])
    assert not np.allclose(seen[1], seen[3])


def test_history_file(trainer):
    rows = trainer.train(evaluate=scores(1, 2, 3))
    with open(trainer.history_file, newline="") as file:
        found = list(csv.DictReader(file))
    names = "epoch error loss val_error val_loss val_score seconds".split()
    assert sorted(found[0]) == sorted(names)
    assert [{k: float(v) for k, v in row.items()} for row in found] == rows
    assert [row["val_score"] for row in rows] == [1, 2, 3]
    assert os.listdir(trainer.history_file.parent) == ["history.csv"]


def test_a_loss_that_is_not_a_number_names_the_step(trainer):
    train = Line()

    def spoil():
        train.is_bad = True
        return {}

    with pytest.raises(TrainingDiverged, match=r"nan at step 4 \(epoch 2\)") as error:
        trainer.train(train=train, evaluate=spoil)
    assert "the checkpoint holds the best weights (val_loss" in str(error.value)
    assert len(trainer.saved) == 1 and np.isfinite(trainer.saved[0]).all()
    assert len(trainer.history_file.read_text().splitlines()) == 2


def test_a_loss_that_is_not_a_number_at_once_leaves_no_checkpoint(trainer):
    with pytest.raises(TrainingDiverged, match="step 2 .*there is no checkpoint"):
        trainer.train(train=Line(is_bad=True))
    assert trainer.saved == []


def test_a_development_score_that_is_not_a_number_stops_the_run(trainer):
    with pytest.raises(TrainingDiverged, match=r"val_score is nan at step 4 \(epoch 2"):
        trainer.train(
            score=("val_score", "max"), evaluate=scores(1, float("nan")), epochs=3
        )
    assert len(trainer.saved) == 1


def interrupt_at(monkeypatch, step):
    count = BestWeights.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        count(self, batch, logs)
        if self.step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(BestWeights, "on_train_batch_end", on_train_batch_end)


def test_an_interrupt_keeps_the_best_checkpoint(trainer, monkeypatch):
    interrupt_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 2") as error:
        trainer.train()
    assert str(trainer.history_file.parent) in str(error.value)
    assert len(trainer.saved) == 1


def test_an_interrupt_in_the_first_epoch_saves_a_checkpoint(trainer, monkeypatch):
    interrupt_at(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 1"):
        trainer.train()
    assert len(trainer.saved) == 1 and np.isfinite(trainer.saved[0]).all()
    assert trainer.saved[0] != pytest.approx([1.0, 0.0])


def test_the_next_batch_is_built_while_a_step_runs(trainer, monkeypatch):
    built, found = threading.Event(), []

    class Watched(Line):
        def __getitem__(self, index):
            if index == 3:
                built.set()
            return super().__getitem__(index)

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:  # nothing has asked for batch 3 yet
            found.append(built.wait(10))

    monkeypatch.setattr(BestWeights, "on_train_batch_end", on_train_batch_end)
    trainer.train(train=Watched(4), epochs=1)
    assert found == [True]


@pytest.fixture
def swallowed_interrupt(trainer, monkeypatch):
    """Ctrl-C in the third batch, where a destructor loses every exception."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    original, calls = Line.__getitem__, []

    def interrupted(self, index):
        calls.append(1)
        if len(calls) == 3:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return original(self, index)

    monkeypatch.setattr(Line, "__getitem__", interrupted)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_a_destructor_swallows(trainer, swallowed_interrupt):
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch"):
        trainer.train(epochs=50)
    assert 1 <= len(trainer.saved) < 50


def test_two_interrupts_before_the_first_epoch(trainer, monkeypatch):
    """Of an impatient user, while the model is traced."""

    def on_train_begin(self, logs=None):
        self.interrupt(signal.SIGINT, None)
        self.interrupt(signal.SIGINT, None)

    monkeypatch.setattr(BestWeights, "on_train_begin", on_train_begin)
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 1"):
        trainer.train()
    assert len(trainer.saved) == 1


def test_an_interrupt_that_is_lost_while_evaluating(trainer, monkeypatch):
    keepers = []

    def on_train_begin(self, logs=None):
        keepers.append(self)

    def evaluate():
        with contextlib.suppress(KeyboardInterrupt):
            keepers[0].interrupt(signal.SIGINT, None)
        return {"val_score": 1.0}

    monkeypatch.setattr(BestWeights, "on_train_begin", on_train_begin)
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 2"):
        trainer.train(score=("val_score", "max"), evaluate=evaluate, epochs=50)
    assert len(trainer.saved) == 1


def test_an_interrupt_while_the_first_checkpoint_is_saved(trainer, monkeypatch):
    save, calls = trainer.save, []

    def interrupted_once():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        save()

    monkeypatch.setattr(trainer, "save", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert len(trainer.saved) == 1


def test_no_space_left_for_the_checkpoint(trainer, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(trainer, "save", full)
    with pytest.raises(OSError, match="No space left"):
        trainer.train()


@pytest.fixture
def iterates(monkeypatch):
    """The weights after each step of a training."""
    count, seen = BestWeights.on_train_batch_end, []

    def on_train_batch_end(self, batch, logs=None):
        count(self, batch, logs)
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        seen.append([float(np.squeeze(w)) for w in self.model.get_weights()])

    monkeypatch.setattr(BestWeights, "on_train_batch_end", on_train_batch_end)
    return seen


AVERAGED = {"optimizer": "sgd", "learning_rate": 0.01, "average": True}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("mode, sign", [("min", 1), ("max", -1)])
def test_the_mean_is_evaluated_and_kept(trainer, iterates, optimizer, mode, sign):
    values, evaluated = iter([3, 4, 4, 2, 5, 1]), []

    def evaluate():
        evaluated.append(trainer.weights())
        return {"val_score": sign * next(values)}

    options = {**AVERAGED, "optimizer": optimizer, "average_after": 1, "epochs": 6}
    rows = trainer.train(score=("val_score", mode), evaluate=evaluate, **options)
    # Two steps an epoch; the third epoch is worse than the best but one: the first.
    steps, means = np.array(iterates), np.array(evaluated)
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


def test_training_goes_on_with_the_weights_themselves(trainer, iterates):
    start = trainer.model.get_weights()
    for average in (False, True):
        trainer.model.set_weights(start)
        options = {**AVERAGED, "average": average, "average_after": 0, "epochs": 6}
        rows = trainer.train(
            score=("val_score", "min"), evaluate=scores(1, 2, 3, 4, 5, 6), **options
        )
        assert ("averaged" in rows[-1]) is average
    np.testing.assert_allclose(iterates[12:], iterates[:12], rtol=1e-6)


def test_nothing_is_compiled_when_averaging_begins(trainer, monkeypatch):
    apply, calls, counts = WeightAveragingMixin.apply, [], []

    def counted(self, *arguments):
        calls.append(1)
        return apply(self, *arguments)

    def evaluate():
        counts.append(len(calls))
        return {"val_score": len(counts)}

    monkeypatch.setattr(WeightAveragingMixin, "apply", counted)
    options = {**AVERAGED, "average_after": 0, "epochs": 4}
    rows = trainer.train(score=("val_score", "min"), evaluate=evaluate, **options)
    assert rows[-1]["averaged"] == 5 and 1 <= counts[0] == counts[-1]


def test_patience_begins_anew_with_averaging(trainer):
    options = {**AVERAGED, "average_after": 0, "patience": 2, "epochs": 9}
    rows = trainer.train(
        score=("val_score", "min"), evaluate=scores(1, 2, 3, 0.5, 2, 2), **options
    )
    assert [row["averaged"] > 0 for row in rows] == [False] * 2 + [True] * 4
    assert len(trainer.saved) == 2


def test_a_score_that_gets_better_begins_no_averaging(trainer):
    expected = Trainer(trainer.history_file.parent)
    expected.train(**{**AVERAGED, "average": False})
    rows = trainer.train(**{**AVERAGED, "average_after": 0})
    assert [row["averaged"] for row in rows] == [0, 0, 0]
    np.testing.assert_allclose(trainer.weights(), expected.weights(), rtol=1e-6)


def test_a_loss_that_is_not_a_number_spares_the_mean(trainer, iterates):
    train, values = Line(), iter([2, 3, 1])

    def evaluate():
        value = next(values)
        train.is_bad = value == 1
        return {"val_score": value}

    options = {**AVERAGED, "average_after": 0, "epochs": 9}
    with pytest.raises(TrainingDiverged, match="at step 8 .*score 1.0000"):
        trainer.train(
            score=("val_score", "min"), train=train, evaluate=evaluate, **options
        )
    assert trainer.saved[-1] == pytest.approx(np.mean(iterates[3:6], 0), rel=1e-5)


def test_an_interrupt_keeps_the_mean(trainer, iterates, monkeypatch):
    interrupt_at(monkeypatch, 7)
    options = {**AVERAGED, "average_after": 0, "epochs": 9}
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 4"):
        trainer.train(score=("val_score", "min"), evaluate=scores(2, 3, 1), **options)
    assert len(trainer.saved) == 2
    assert trainer.saved[-1] == pytest.approx(np.mean(iterates[3:6], 0), rel=1e-5)


class Sentences(keras.utils.PyDataset):
    """A batch of 2 steps that is right, and one of 4: 3 count, all wrong by 1."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        x = np.ones((2, 2 + 2 * index, 1), np.float32)
        weights = np.ones(x.shape[:2], np.float32)
        weights[:, 3:] = 0
        return x, x + index, weights


def test_every_token_weighs_the_same_whatever_its_batch(tmp_path):
    inputs = keras.Input((None, 1))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    (row,) = fit(
        model,
        Sentences(),
        Sentences(),
        TrainingConfig(learning_rate=0.0, epochs=1),
        loss=keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
        metric=keras.metrics.MeanAbsoluteError("error"),
        score=("val_error", "min"),
        save=lambda: None,
        history_file=tmp_path / "history.csv",
    )
    assert row["val_error"] == row["error"] == pytest.approx(6 / 10)


def test_write_text_is_all_or_nothing(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_text(file, "old\n")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        write_text(file, "new\n")
    assert file.read_text() == "old\n" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("learning_rate", -1e-3, "learning_rate: expected at least 0, got -0.001"),
        ("learning_rate", math.nan, "learning_rate: .* got nan"),
        ("learning_rate", math.inf, "learning_rate: .* got inf"),
        ("warmup_steps", -1, "warmup_steps: expected at least 0, got -1"),
        ("clip_norm", -1.0, "clip_norm: expected at least 0"),
        ("patience", -1, "patience: expected at least 0"),
        ("average_after", -1, "average_after: expected at least 0, got -1"),
        ("epochs", 0, "epochs: expected at least 1, got 0"),
        ("batch_size", 0, "batch_size: expected at least 1"),
        ("seed", -1, "seed: expected at least 0"),
        ("seed", 2**32, "seed: expected less than"),
    ],
)
def test_values_out_of_range(name, value, expected):
    with pytest.raises(ValueError, match=expected):
        TrainingConfig(**{name: value}).check()


def test_check_takes_further_fields():
    TrainingConfig().check(batch_size=32)
    with pytest.raises(ValueError, match="batch_size: expected at least 33, got 32"):
        TrainingConfig().check(batch_size=33)


def test_adapted_changes_only_what_was_not_given():
    config = TrainingConfig(epochs=10, batch_size=None)  # 10 is the default as well
    adapted = config.adapted(epochs=2, patience=7).adapted(batch_size=4, patience=8)
    assert (adapted.epochs, adapted.batch_size, adapted.patience) == (10, 4, 7)
    assert (config.batch_size, config.patience) == (None, 0)
