"""One fit for every recipe: optimizer, learning-rate schedule, the best weights."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from zoo.data.prefetching import prefetch
from zoo.evaluation.token_metrics import TokenMetric
from zoo.training.callbacks import BestWeights, Row
from zoo.training.config import TrainingConfig
from zoo.training.objectives import Objective
from zoo.training.optimizers import DelayedTraining, make_optimizer


def fit(
    model: keras.Model,
    train: keras.utils.PyDataset,
    dev: keras.utils.PyDataset,
    config: TrainingConfig,
    objective: Objective,
    *,
    save: Callable[[], None],
    on_epoch: Callable[[list[Row]], None],
    evaluate: Callable[[], Row] | None = None,
    delayed: DelayedTraining | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[Row]:
    """Trains a model and leaves it with its best weights.

    Args:
        model: to train in place.
        train: batches of (x, y, sample_weight), in an order of their own.
        dev: batches of the development split.
        config: how to train.
        objective: loss, metric, and the score by which weights are best.
        save: writes the checkpoint with the model's present weights.
        on_epoch: takes the rows of the history so far, after every epoch.
        evaluate: returns more development scores, once an epoch.
        delayed: weights that are trained only after some epochs.
        callbacks: further ones of Keras, called after our own.

    Returns:
        The history, a row for each epoch: losses, scores and seconds.

    Raises:
        TrainingDiverged: if the loss becomes NaN; names the step.
        KeyboardInterrupt: after Ctrl-C, once there is a checkpoint; names the epoch.
    """
    keeper = BestWeights(
        f"val_{objective.score}", objective.mode, config, save, on_epoch, evaluate
    )
    optimizer = make_optimizer(config, len(train), delayed)
    _compile(model, optimizer, objective)
    try:
        with _on_interrupt(keeper.interrupt):
            (batches, feeders), (dev_batches, _) = prefetch(train), prefetch(dev)
            model.fit(
                batches,
                validation_data=dev_batches,
                epochs=config.epochs,
                shuffle=False,
                verbose=1 if sys.stderr.isatty() and sys.stdout.isatty() else 2,
                callbacks=[keeper, *feeders, *callbacks],
            )
    except KeyboardInterrupt:
        if keeper.best_weights is None:
            save()
        raise KeyboardInterrupt(f"interrupted in epoch {keeper.epoch + 1}") from None
    model.set_weights(keeper.best_weights)
    return keeper.rows


def _compile(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective
) -> None:
    metric = objective.metric
    model.compile(
        optimizer,
        objective.loss,
        weighted_metrics=[TokenMetric(metric)] if metric else None,
        # XLA on JAX; on TensorFlow it takes cuDNN away and compiles for every length.
        jit_compile=keras.backend.backend() == "jax",
    )


@contextlib.contextmanager
def _on_interrupt(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handles Ctrl-C, where Python lets us: in the main thread, if nobody else does."""
    present = signal.getsignal(signal.SIGINT)
    ours = (
        threading.current_thread() is threading.main_thread()
        and present is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, present)
