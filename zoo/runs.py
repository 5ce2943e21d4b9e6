"""Runs: an experiment from its data to its report, and the directory it writes."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import keras
import yaml

from zoo.atomic_files import write_text
from zoo.command_line import command
from zoo.configuration import configuration, option
from zoo.data.config import DataConfig
from zoo.data.corpus_files import Splits
from zoo.hardware import device, versions
from zoo.inference.trained_model import TrainedModel
from zoo.training.callbacks import Row, best_epoch
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.objectives import Objective
from zoo.training.optimizers import DelayedTraining


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
        baseline: name and score of the baseline.
        predict: subcommand and arguments that use the model; `{run}` stands for the
            run directory.
        others: further entries of `metrics.json`.
    """

    metric: str
    unit: str
    split: str
    score: float
    dev_score: float
    baseline: tuple[str, float]
    predict: str
    others: dict[str, Any] = field(default_factory=dict)


class RunDirectory:
    """A run directory: `checkpoint/`, `config.yaml`, `history.csv`, `metrics.json`,
    pictures.

    Nothing is written before `create`, so that bad data leaves no directory.

    Args:
        recipe: name of the recipe.
        run_dir: the directory; None for the first free one under `runs/`.

    Raises:
        ValueError: if `run_dir` exists and is not empty.
    """

    def __init__(self, recipe: str, run_dir: str | None = None):
        self.recipe, self.path = recipe, _free_directory(recipe, run_dir)
        self.started = time.perf_counter()

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is."""
        return self.path / "checkpoint"

    def create(self, config: RunConfig) -> None:
        """Makes the directory, with its `config.yaml`."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False)
        try:
            write_text(self.path / "config.yaml", text)
        except OSError:
            self.path.rmdir()  # which is still empty
            raise

    def write_history(self, rows: list[Row]) -> None:
        """Writes `history.csv`, a row for each epoch."""
        table = io.StringIO()
        writer = csv.DictWriter(table, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / "history.csv", table.getvalue())

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`."""
        text = json.dumps(metrics, indent=1, ensure_ascii=False) + "\n"
        write_text(self.path / "metrics.json", text)


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
            print(f"{name.replace('_', ' ')}: {_in_words(decision)}")
        self.model.keras_model.summary(print_fn=print)
        try:
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
        report = self.write_report(self)
        metrics = self._metrics(report)
        path = self.directory.path
        self.directory.write_metrics(metrics)
        _print_table(metrics)
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
            "baseline": {"name": report.baseline[0], "score": report.baseline[1]},
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
            **report.others,
        }


def _in_words(decision: Any) -> str:
    """Returns a decision in one line."""
    if isinstance(decision, dict):
        return ", ".join(f"{key} {_in_words(value)}" for key, value in decision.items())
    if isinstance(decision, (list, tuple)):
        return ", ".join(map(_in_words, decision))
    return str(decision)


def _print_table(metrics: dict[str, Any]) -> None:
    baseline = metrics["baseline"]
    rows = [
        (f"{metrics['metric']} ({metrics['unit']})", f"{metrics['score']:.4g}"),
        (f"baseline: {baseline['name']}", f"{baseline['score']:.4g}"),
        ("scored on", metrics["split"]),
        ("parameters", f"{metrics['parameters']:,}"),
        ("seconds", f"{metrics['seconds']:.0f}"),
        ("training tokens per second", f"{metrics['tokens_per_second']:,.0f}"),
        ("padding waste", f"{metrics['padding_waste']:.1%}"),
        ("batch shapes", f"{metrics['batch_shapes']}"),
    ]
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    print()


def _free_directory(recipe: str, run_dir: str | None) -> Path:
    if run_dir is None:
        names = [recipe, *(f"{recipe}-{i}" for i in range(2, 10_000))]
        return next(p for p in (Path("runs", n) for n in names) if not p.exists())
    path = Path(run_dir)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"run_dir: {path} exists already; expected a new directory")
    return path


def set_seed(seed: int) -> None:
    """Seeds all that a model draws: weights, dropout, samples."""
    keras.utils.set_random_seed(seed)
