"""The Keras callback of `fit`: the history, the best weights, early ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from zoo.models.language_model import CarriedState
from zoo.training.config import TrainingConfig
from zoo.training.weight_averaging import is_stuck

Row = dict[str, float]


class TrainingDiverged(ValueError):
    """The loss became NaN or infinite."""


def best_epoch(rows: Sequence[Row], name: str, mode: Literal["max", "min"]) -> int:
    """Returns the best epoch of a history, counted from 1.

    Of several with the same score it is the one with the smallest development loss, and
    of these the first: the first epochs of a translator all have a BLEU of 0, and a
    small development split has few accuracies.

    Args:
        rows: the history, a row for each epoch.
        name: of the score, as in the rows.
        mode: whether the largest or the smallest score is best.

    >>> rows = [{"val_bleu": 0.0, "val_loss": 5.1}, {"val_bleu": 0.0, "val_loss": 4.2}]
    >>> best_epoch(rows, "val_bleu", "max")
    2
    """
    sign = -1 if mode == "max" else 1
    keys = [(sign * row[name], row.get("val_loss", 0.0)) for row in rows]
    return keys.index(min(keys)) + 1


class BestWeights(keras.callbacks.Callback):
    """Keeps the best weights, stops early, and ends the training when the loss is NaN.

    It also resets the state of streams where an epoch or an evaluation starts.

    Args:
        name: of the development score in the logs.
        mode: whether the largest or the smallest score is best.
        config: how to train; its patience and averaging count here.
        save: writes the checkpoint with the model's present weights.
        on_epoch: takes the rows of the history so far, after every epoch.
        evaluate: returns more development scores, once an epoch.

    Attributes:
        rows: the history, a row for each epoch.
        best_weights: those of the best epoch; None before the first.
        epoch: the present one, counted from 0.
    """

    def __init__(
        self,
        name: str,
        mode: Literal["max", "min"],
        config: TrainingConfig,
        save: Callable[[], None],
        on_epoch: Callable[[list[Row]], None],
        evaluate: Callable[[], Row] | None = None,
    ):
        super().__init__()
        self.name, self.mode, self.config = name, mode, config
        self.save, self.on_epoch, self.evaluate = save, on_epoch, evaluate
        self.rows: list[Row] = []
        self.best: float | None = None
        self.best_weights: list | None = None
        self.waited, self.epoch, self.step, self.started = 0, 0, 0, 0.0
        self.interrupted, self.evaluating, self.averaging = False, False, False

    def interrupt(self, signal_number: int, frame: Any) -> None:
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
            if isinstance(layer, CarriedState):
                layer.reset()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.started = epoch, time.perf_counter()
        self._reset_streams()

    def on_test_begin(self, logs=None):
        self._reset_streams()
        if self.averaging:
            self.model.optimizer.swap_averages()

    def on_test_batch_end(self, batch, logs=None):
        self._end_if_interrupted()

    def on_train_batch_end(self, batch, logs=None):
        self._end_if_interrupted()
        self.step += 1
        self._require_finite("loss", float(logs["loss"]))

    def _require_finite(self, what: str, value: float) -> None:
        if math.isfinite(value):
            return
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
        self._add_row(epoch, logs)
        value = self.rows[-1][self.name]
        self._require_finite(self.name, value)
        better = best_epoch(self.rows, self.name, self.mode) == len(self.rows)
        self.waited = 0 if better else self.waited + 1
        if better:
            self.save()  # first, or an interrupt in it would pass for a checkpoint
            self.best, self.best_weights = value, self.model.get_weights()
        self._average()
        if 0 < self.config.patience <= self.waited:
            self.model.stop_training = True

    def _add_row(self, epoch: int, logs: Row) -> None:
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}}
        if self.config.weight_averaging:
            row["averaged"] = self.model.optimizer.averaged
        seconds = time.perf_counter() - self.started
        self.rows.append({**row, "seconds": seconds})
        self.on_epoch(self.rows)

    def _average(self) -> None:
        """Puts the raw weights back, or starts averaging if the score is stuck."""
        if self.averaging:
            self.model.optimizer.swap_averages()
        elif self.config.weight_averaging:
            scores = [row[self.name] for row in self.rows]
            if is_stuck(scores, self.mode, self.config.averaging_window):
                self.model.optimizer.start_averaging()
                self.averaging, self.waited = True, 0
