"""One fit for every recipe: optimizer, learning-rate schedule, the best checkpoint."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
from keras import ops

from zoo.averaging import is_stuck
from zoo.batches import feed
from zoo.command_line import check_types
from zoo.optimizers import Late, make_optimizer


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train.

    Args:
        optimizer: `"adam"`, `"adagrad"` or `"sgd"` (with momentum 0.9).
        learning_rate: the highest of the schedule.
        warmup_steps: steps over which the learning rate rises from 0.
        decay: after that `"constant"`, or down to 0 at the last step by `"linear"` or
            `"cosine"`.
        clip_norm: largest global norm of the gradients; 0 turns clipping off.
        epochs: passes over the training data at most.
        patience: epochs without a better development score before training stops; 0
            for never. The best weights are kept in any case.
        average: whether the mean of the weights after each step is to take their place
            in evaluation and in the checkpoint, once they alone get no better, while
            training goes on with them (Merity et al. 2018; see `zoo.averaging`). Meant
            for `"sgd"` and a `"constant"` rate; it costs the memory of the weights once
            more. The history tells how many steps' weights were `averaged`.
        average_after: averaging begins when the development score is worse than the
            best of all but the last so many epochs before it. Patience then begins
            anew; with less of it than that, training may end first.
        batch_size: examples (or streams) of a batch.
        seed: of the weights, the dropout and the order of the batches.
    """

    optimizer: Literal["adam", "adagrad", "sgd"] = "adam"
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    decay: Literal["constant", "linear", "cosine"] = "linear"
    clip_norm: float = 1.0
    epochs: int = 10
    patience: int = 0
    average: bool = False
    average_after: int = 5
    batch_size: int = 32
    seed: int = 0

    def __new__(cls, **given):
        config = super().__new__(cls)
        # For `adapted`, since what is given may well be equal to the default.
        names = {name for name, value in given.items() if value is not None}
        object.__setattr__(config, "_given", names)
        return config

    def check(self, **smallest: int) -> None:
        """Raises ValueError if a value is of another type or out of its range.

        Args:
            smallest: the smallest values of further fields.
        """
        check_types(self)
        smallest = {
            "learning_rate": 0,
            "warmup_steps": 0,
            "clip_norm": 0,
            "patience": 0,
            "average_after": 0,
            "epochs": 1,
            "batch_size": 1,
            "seed": 0,
            **smallest,
        }
        for name, least in smallest.items():
            value = getattr(self, name)
            if value is not None and not (value >= least and math.isfinite(value)):
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        if self.seed >= 2**32:
            raise ValueError(f"seed: expected less than 2**32, got {self.seed}")

    def adapted(self, **values):
        """Returns a copy with `values` for those fields that were not given."""
        left = {n: v for n, v in values.items() if n not in self._given}
        config = dataclasses.replace(self, **left)
        object.__setattr__(config, "_given", self._given | left.keys())
        return config


def write_text(file: Path, text: str) -> None:
    """Writes a text file as `write_bytes` does, in UTF-8."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Writes a file, all or nothing.

    Raises:
        OSError: if it cannot be written; an older file then still stands.
    """
    temporary = file.with_name(f".{file.name}.new")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class TrainingDiverged(ValueError):
    """The loss became NaN or infinite."""


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
    late: Late | None = None,
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
        weighted_metrics=[EachToken(metric)] if metric else None,
        # XLA on JAX; on TensorFlow it takes cuDNN away and compiles for every length.
        jit_compile=keras.backend.backend() == "jax",
    )
    try:
        with _on_interrupt(keeper.interrupt):
            (batches, callbacks), (dev_batches, _) = feed(train), feed(dev)
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


@keras.saving.register_keras_serializable("recurrent_zoo")
class EachToken(keras.metrics.Metric):
    """A metric in which every token weighs the same, whatever the length of its batch.

    Keras averages over the steps of each sequence first, padding included, so that a
    token of a short batch would weigh more than one of a long batch.

    Args:
        metric: what to measure; its weights are of sequences `[batch]` or of tokens
            `[batch, time]`.
    """

    def __init__(self, metric: keras.metrics.Metric):
        super().__init__(name=metric.name)
        self.metric = metric

    def update_state(self, y_true, y_pred, sample_weight):
        if len(sample_weight.shape) == 2:
            y_true, y_pred, sample_weight = (
                ops.reshape(x, (-1, *x.shape[2:]))
                for x in (y_true, y_pred, sample_weight)
            )
        self.metric.update_state(y_true, y_pred, sample_weight)

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        return {"metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["metric"]))


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


class BestWeights(keras.callbacks.Callback):
    """Writes the history, saves the best weights, stops early or when the loss is NaN.

    It also puts streams back to their beginning where an epoch or an evaluation begins.
    """

    def __init__(self, name, mode, config, save, history_file, evaluate):
        super().__init__()
        self.name, self.mode, self.config = name, mode, config
        self.save, self.history_file, self.evaluate = save, history_file, evaluate
        self.rows: list[dict[str, float]] = []
        self.best_weights, self.best, self.waited = None, None, 0
        self.epoch, self.step = 0, 0
        self.interrupted, self.evaluating, self.averaging = False, False, False

    def interrupt(self, signal_number, frame):
        """Ends the training at the next batch; a second Ctrl-C ends it at once.

        Raised where it arrives, the exception may be lost in a destructor or a callback
        of the backend, and the training would go on.
        """
        at_once, self.interrupted = self.interrupted or self.evaluating, True
        if at_once:
            raise KeyboardInterrupt

    def _end_if_interrupted(self) -> None:
        if self.interrupted:
            raise KeyboardInterrupt

    def _reset_streams(self) -> None:
        for layer in self.model.layers:
            if layer.name == "carried_state":
                layer.reset()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.started = epoch, time.perf_counter()
        self._reset_streams()

    def on_test_begin(self, logs=None):
        self._reset_streams()
        if self.averaging:
            self.model.optimizer.exchange()

    def on_test_batch_end(self, batch, logs=None):
        self._end_if_interrupted()

    def on_train_batch_end(self, batch, logs=None):
        self._end_if_interrupted()
        self.step += 1
        if not math.isfinite(float(logs["loss"])):
            self._stop("loss", float(logs["loss"]))

    def _stop(self, what: str, value: float) -> None:
        kept = (
            f"the checkpoint holds the best weights ({self.name} {self.best:.4f})"
            if self.best is not None
            else "there is no checkpoint yet"
        )
        raise TrainingDiverged(
            f"the {what} is {value} at step {self.step} (epoch {self.epoch + 1}); "
            f"{kept}; expected a finite {what}: try a smaller learning_rate"
        )

    def on_epoch_end(self, epoch, logs=None):
        self._end_if_interrupted()
        if self.evaluate:
            self.evaluating = True
            logs.update(self.evaluate())
            self.evaluating = False
        seconds = time.perf_counter() - self.started
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}}
        if self.config.average:
            row["averaged"] = self.model.optimizer.averaged
        self.rows.append({**row, "seconds": seconds})
        table = io.StringIO()
        writer = csv.DictWriter(table, self.rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.history_file, table.getvalue())
        value = row[self.name]
        if not math.isfinite(value):
            self._stop(self.name, value)
        better = self.best is None or (
            value > self.best if self.mode == "max" else value < self.best
        )
        self.waited = 0 if better else self.waited + 1
        if better:
            self.save()  # first, lest an interrupt in it pass for a saved checkpoint
            self.best, self.best_weights = value, self.model.get_weights()
        if self.averaging:
            self.model.optimizer.exchange()
        elif self.config.average and self._is_stuck():
            self.model.optimizer.begin()
            self.averaging, self.waited = True, 0
        if 0 < self.config.patience <= self.waited:
            self.model.stop_training = True

    def _is_stuck(self) -> bool:
        scores = [row[self.name] for row in self.rows]
        return is_stuck(scores, self.mode, self.config.average_after)
