"""Ctrl-C at every stage of a training: what is kept, and that it is never lost."""

import contextlib
import signal

import keras
import numpy as np
import pytest
from trainer import AVERAGED, AtStep, Iterates, Line, Trainer, interrupt, scores


@pytest.fixture
def trainer():
    return Trainer()


@pytest.fixture
def sigint():
    """Python's own handling of Ctrl-C, which `fit` replaces and puts back."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    found = signal.signal(signal.SIGINT, before)
    assert found is signal.default_int_handler


def lose_an_interrupt():
    """Ctrl-C where a destructor or a callback of the backend loses every exception."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


class AtStart(keras.callbacks.Callback):
    """Does something before the first epoch."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def on_train_begin(self, logs=None):
        self.action()


def test_an_interrupt_keeps_the_best_checkpoint(trainer):
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 2"):
        trainer.train(callbacks=[AtStep(3, interrupt)])
    assert len(trainer.saved) == 1


def test_an_interrupt_in_the_first_epoch_saves_a_checkpoint(trainer):
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 1"):
        trainer.train(callbacks=[AtStep(1, interrupt)])
    assert len(trainer.saved) == 1 and np.isfinite(trainer.saved[0]).all()
    assert trainer.saved[0] != pytest.approx([1.0, 0.0])


def test_an_interrupt_that_a_destructor_swallows(trainer, sigint):
    calls = []

    class Interrupted(Line):
        def __getitem__(self, index):
            calls.append(1)
            if len(calls) == 3:
                lose_an_interrupt()
            return super().__getitem__(index)

    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch"):
        trainer.train(train=Interrupted(), epochs=50)
    assert 1 <= len(trainer.saved) < 50


def test_two_interrupts_before_the_first_epoch(trainer, sigint):
    """Of an impatient user, while the model is traced."""

    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 1"):
        trainer.train(callbacks=[AtStart(twice)])
    assert len(trainer.saved) == 1


def test_an_interrupt_that_is_lost_while_evaluating(trainer, sigint):
    def evaluate():
        lose_an_interrupt()
        return {"val_score": 1.0}

    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 2"):
        trainer.train(score=("score", "max"), evaluate=evaluate, epochs=50)
    assert len(trainer.saved) == 1


def test_an_interrupt_while_the_first_checkpoint_is_saved(trainer):
    calls = []

    def interrupted_once():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        trainer.save()

    with pytest.raises(KeyboardInterrupt):
        trainer.train(save=interrupted_once)
    assert len(trainer.saved) == 1


def test_an_interrupt_keeps_the_mean(trainer):
    iterates = Iterates()
    options = {**AVERAGED, "averaging_window": 0, "epochs": 9}
    with pytest.raises(KeyboardInterrupt, match="interrupted in epoch 4"):
        trainer.train(
            score=("score", "min"),
            evaluate=scores(2, 3, 1),
            callbacks=[iterates, AtStep(7, interrupt)],
            **options,
        )
    assert len(trainer.saved) == 2
    expected = np.mean(iterates.weights[3:6], 0)
    assert trainer.saved[-1] == pytest.approx(expected, rel=1e-5)
