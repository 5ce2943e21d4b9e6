"""Keras callbacks of `fit`: the best weights, the history, early ends."""

from __future__ import annotations

import csv
import io
import math
import time

import keras

from zoo.atomic_files import write_text
from zoo.training.weight_averaging import is_stuck


class TrainingDiverged(ValueError):
    """The loss became NaN or infinite."""


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
