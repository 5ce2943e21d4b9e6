"""One fit for every recipe: optimizer, learning-rate schedule, the best checkpoint."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras

from zoo.data.prefetching import prefetch
from zoo.evaluation.token_metrics import TokenMetric
from zoo.training.callbacks import BestWeights
from zoo.training.config import TrainingConfig
from zoo.training.optimizers import DelayedTraining, make_optimizer


def fit(
    model: keras.Model,
    train: keras.utils.PyDataset,
    dev: keras.utils.PyDataset,
    config: TrainingConfig,
    *,
    loss,
    metric: keras.metrics.Metric | None,
    score: tuple[str, Literal["max", "min"]],
    save: Callable[[], None],
    history_file: Path,
    evaluate: Callable[[], dict[str, float]] | None = None,
    late: DelayedTraining | None = None,
) -> list[dict[str, float]]:
    """Trains a model, keeps its best weights, and leaves the model with them.

    Args:
        model: to train in place.
        train: batches of (x, y, sample_weight); their order is their own.
        dev: batches of the development split.
        config: how to train.
        loss: a Keras loss; give it `reduction="mean_with_sample_weight"`.
        metric: a Keras metric, weighted by real tokens, or None for the loss alone.
        score: name of the development score in the history, and whether the largest or
            the smallest is best.
        save: writes the checkpoint with the model's present weights.
        history_file: CSV to write, a row for each epoch.
        evaluate: returns more development scores, once an epoch.
        late: what begins to be trained after some epochs only.

    Returns:
        The rows of the history.

    Raises:
        TrainingDiverged: if the loss becomes NaN; names the step.
    """
    keeper = BestWeights(*score, config, save, history_file, evaluate)
    model.compile(
        make_optimizer(config, len(train), late),
        loss,
        weighted_metrics=[TokenMetric(metric)] if metric else None,
        # XLA on JAX; on TensorFlow it takes cuDNN away and compiles for every length.
        jit_compile=keras.backend.backend() == "jax",
    )
    try:
        with _on_interrupt(keeper.interrupt):
            (batches, callbacks), (dev_batches, _) = prefetch(train), prefetch(dev)
            model.fit(
                batches,
                validation_data=dev_batches,
                epochs=config.epochs,
                shuffle=False,
                verbose=1 if sys.stderr.isatty() and sys.stdout.isatty() else 2,
                callbacks=[keeper, *callbacks],
            )
    except KeyboardInterrupt:
        if keeper.best_weights is None:
            save()
        raise KeyboardInterrupt(
            f"interrupted in epoch {keeper.epoch + 1}; {history_file.parent} holds the "
            "best checkpoint so far"
        ) from None
    model.set_weights(keeper.best_weights)
    return keeper.rows


@contextlib.contextmanager
def _on_interrupt(handler: Callable):
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
