"""Runs: an experiment from its data to its report, and the directory it writes."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, ParamSpec, Self, TypeVar

import keras

from zoo.command_line import command
from zoo.configuration import configuration, option
from zoo.data.config import DataConfig
from zoo.data.corpus_files import Splits
from zoo.evaluation.baselines import Baseline
from zoo.evaluation.tables import (
    Classes,
    class_entries,
    class_table,
    in_words,
    score_table,
)
from zoo.hardware import device, versions
from zoo.inference.trained_model import TrainedModel
from zoo.keras_compat import RandomState, seed_generators, undisturbed_generators
from zoo.training.callbacks import Row, best_epoch
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.objectives import Objective
from zoo.training.optimizers import DelayedTraining
from zoo.training.run_directory import RunDirectory


@configuration
class RunConfig(TrainingConfig, DataConfig):
    """What every recipe takes besides its model's options."""

    run_dir: str | None = option(
        None, "new directory for the results; else runs/<recipe>", group="output"
    )

    def resolved(self) -> Self:
        """Returns a copy in which no option that has a default is None.

        Where `batch_tokens` is given, it stands in place of `batch_size`.

        Raises:
            ValueError: if both are given.
        """
        if self.batch_tokens and self.batch_size is not None:
            raise ValueError(
                "batch_size, batch_tokens: expected one of them, got "
                f"{self.batch_size} and {self.batch_tokens}"
            )
        config = super().resolved()
        if self.batch_tokens:
            return dataclasses.replace(config, batch_size=None)
        return config


C = TypeVar("C", bound=RunConfig)
M = TypeVar("M", bound=TrainedModel)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Result(Generic[M]):
    """What a recipe returns.

    Attributes:
        metrics: what `metrics.json` holds; the main ones are `score` and `baseline`.
        model: the trained model, which takes strings.
        history: a dict of losses and scores for each epoch.
        directory: the run directory.
    """

    metrics: dict[str, Any]
    model: M
    history: list[Row]
    directory: Path


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a recipe says of a trained model.

    Attributes:
        metric: name of the score.
        unit: of the score and of the baseline.
        split: which examples the score is of, and how many.
        score: of the model.
        dev_score: the same of the development split.
        baseline: the simplest that could be done.
        strong_baseline: a strong model of another kind, if the recipe has one.
        classes: precision, recall and F1 of each class, of test and of dev, from
            `zoo.evaluation.metrics`; empty if there are no classes.
        predict: subcommand and arguments that use the model; `{run}` stands for the
            run directory.
        others: further entries of `metrics.json`.
    """

    metric: str
    unit: str
    split: str
    score: float
    dev_score: float
    baseline: Baseline
    predict: str
    strong_baseline: Baseline | None = None
    classes: Sequence[Classes] = ()
    others: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class Experiment(Generic[C, M]):
    """A model that is ready to be trained: what a recipe's `prepare` returns.

    Attributes:
        config: the configuration, resolved.
        splits: the corpora of `"train"`, `"dev"` and `"test"`.
        model: the model as users will hold it.
        trained: the Keras model that `fit` trains; it shares the weights of `model`.
        train: batches of the training split.
        dev: batches of the development split.
        objective: loss, metric and score.
        write_report: evaluates, draws, and says how good the model is.
        directory: where the run is written, once it is fitted.
        evaluate: returns more development scores, once an epoch.
        delayed: weights that are trained only after some epochs.
        notes: what `metrics.json` says of the vectors.
        decisions: what was found and decided about the data, by name, besides what
            `splits.decisions` says.
        history: a row for each epoch that has been trained.
        random_state: of the experiment, which starts with that of `prepare`; outside
            of its steps the caller's own is in force.
    """

    config: C
    splits: Splits
    model: M
    trained: keras.Model
    train: Any
    dev: Any
    objective: Objective
    write_report: Callable[[Experiment[C, M]], Report]
    directory: RunDirectory
    evaluate: Callable[[], Row] | None = None
    delayed: DelayedTraining | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    decisions: dict[str, Any] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    random_state: RandomState = field(default_factory=RandomState.capture, repr=False)

    @contextlib.contextmanager
    def _own_randomness(self) -> Iterator[None]:
        with undisturbed_generators():
            self.random_state.install()
            try:
                yield
            finally:
                self.random_state = RandomState.capture()

    def fit(self, callbacks: Sequence[keras.callbacks.Callback] = ()) -> list[Row]:
        """Trains the model, and leaves it and the checkpoint with its best weights.

        Args:
            callbacks: further ones of Keras.

        Returns:
            The history, a row for each epoch.

        Raises:
            TrainingDiverged: if the loss becomes NaN; names the step.
            KeyboardInterrupt: after Ctrl-C; says what is kept.
        """
        self.directory.create(self.config)
        for name, decision in self._decisions.items():
            print(f"{name.replace('_', ' ')}: {in_words(decision)}")
        self.model.keras_model.summary(print_fn=print)
        try:
            with self._own_randomness():
                self.history = fit(
                    self.trained,
                    self.train,
                    self.dev,
                    self.config,
                    self.objective,
                    save=self.save,
                    on_epoch=self.directory.write_history,
                    evaluate=self.evaluate,
                    delayed=self.delayed,
                    callbacks=callbacks,
                )
        except KeyboardInterrupt as interrupt:
            kept = f"{self.directory.path} holds the best checkpoint so far"
            raise KeyboardInterrupt(f"{interrupt}; {kept}") from None
        print(self._end())
        return self.history

    def _best_epoch(self) -> int:
        score = f"val_{self.objective.score}"
        return best_epoch(self.history, score, self.objective.mode)

    def _end(self) -> str:
        """Says which epoch was the best, and whether more of them may be better."""
        best, last = self._best_epoch(), len(self.history)
        if last < self.config.epochs:
            return (
                f"stopped after {last - best} epochs without a better score; "
                f"the best was epoch {best}"
            )
        if best == last:
            return f"the best epoch was the last, {last}: train longer (--epochs)"
        return f"the best of {last} epochs was epoch {best}"

    def save(self) -> None:
        """Writes the checkpoint with the present weights."""
        self.model.save(self.directory.checkpoint)

    def report(self) -> Result[M]:
        """Evaluates the model, writes pictures and `metrics.json`, prints the table.

        Returns:
            The metrics and the model.
        """
        with self._own_randomness():
            report = self.write_report(self)
        metrics = self._metrics(report)
        path = self.directory.path
        self.directory.write_metrics(metrics)
        if report.classes:
            print("\n" + class_table(*report.classes))
        print("\n" + score_table(metrics) + "\n")
        print(f"run directory: {path}")
        print(
            f"try it: python -m zoo {report.predict.format(run=shlex.quote(str(path)))}"
        )
        return Result(metrics, self.model, self.history, path)

    @property
    def _decisions(self) -> dict[str, Any]:
        names = ("epochs", "batch_size", "batch_tokens", "learning_rate", "patience")
        given = {n: getattr(self.config, n) for n in names}
        training = {n: value for n, value in given.items() if value}
        return {**self.splits.decisions, **self.decisions, "training": training}

    def _metrics(self, report: Report) -> dict[str, Any]:
        epochs = len(self.history)
        training_seconds = sum(row["seconds"] for row in self.history)
        return {
            "recipe": self.directory.recipe,
            "command": command(),
            "data": self.config.data_name,
            "split": report.split,
            "metric": report.metric,
            "unit": report.unit,
            "score": report.score,
            "baseline": report.baseline.entry(),
            "strong_baseline": report.strong_baseline
            and report.strong_baseline.entry(),
            "seed": self.config.seed,
            "epochs": epochs,
            "best_epoch": self._best_epoch(),
            "training_end": self._end(),
            "parameters": self.model.keras_model.count_params(),
            "seconds": time.perf_counter() - self.directory.started,
            "tokens_per_second": self.train.num_tokens() * epochs / training_seconds,
            "padding_waste": self.train.padding_waste(),
            "batch_shapes": self.train.num_shapes(),
            "device": device(),
            "versions": versions(),
            "dev_score": report.dev_score,
            "decisions": self._decisions,
            **self.notes,
            **class_entries(report.classes),
            **report.others,
        }


def set_seed(seed: int) -> None:
    """Seeds all that a model draws: weights, dropout, samples.

    The generators are global, so it belongs inside a step that `undisturbed` wraps.
    """
    seed_generators(seed)


def undisturbed(step: Callable[P, T]) -> Callable[P, T]:
    """Makes a step of a recipe leave the caller's random state as it was.

    Args:
        step: seeds and draws as it likes.
    """

    @functools.wraps(step)
    def leaving_state(*arguments: P.args, **options: P.kwargs) -> T:
        with undisturbed_generators():
            return step(*arguments, **options)

    return leaving_state
