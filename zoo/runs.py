"""Run directories, and what a recipe returns and prints."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import yaml

from zoo.atomic_files import write_text
from zoo.hardware import device
from zoo.inference import TrainedModel
from zoo.training.config import TrainingConfig

PACKAGES = ("keras", "tensorflow", "jax", "numpy")


@dataclass(frozen=True)
class Result:
    """What a recipe returns.

    Attributes:
        metrics: what `metrics.json` holds; the main ones are `score` and `baseline`.
        model: the trained model, which takes strings.
        history: a dict of losses and scores for each epoch.
        directory: the run directory.
    """

    metrics: dict[str, Any]
    model: TrainedModel
    history: list[dict[str, float]]
    directory: Path


class Run:
    """A run directory: `checkpoint/`, `config.yaml`, `history.csv`, `metrics.json`,
    pictures.

    Args:
        recipe: name of the recipe.
        config: its configuration, with a `run_dir` (None: the first free one under
            `runs/`) and a `seed`, which is set here.

    Nothing is written before `create`, so that bad data leaves no directory behind.

    Raises:
        ValueError: if `run_dir` exists and is not empty.
    """

    def __init__(self, recipe: str, config: TrainingConfig):
        self.recipe, self.config = recipe, config
        self.directory = _free_directory(recipe, config.run_dir)
        self.checkpoint = self.directory / "checkpoint"
        self.history_file = self.directory / "history.csv"
        self.started = time.perf_counter()
        keras.utils.set_random_seed(config.seed)

    def create(self) -> None:
        """Makes the directory, with its `config.yaml`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(dataclasses.asdict(self.config), sort_keys=False)
        try:
            write_text(self.directory / "config.yaml", text)
        except OSError:
            self.directory.rmdir()  # which is still empty
            raise

    def finish(
        self,
        trained: TrainedModel,
        history: list[dict[str, float]],
        train: Any,
        *,
        metric: str,
        unit: str,
        split: str,
        score: float,
        baseline: tuple[str, float],
        predict: str,
        **others: Any,
    ) -> Result:
        """Writes `metrics.json`, prints the table and the command that predicts.

        Args:
            trained: the model.
            history: rows of the training.
            train: the training batches.
            metric: name of the score.
            unit: of the score and of the baseline, for the table.
            split: which examples the score is of, and how many.
            score: of the model.
            baseline: name and score of the baseline.
            predict: subcommand and arguments that use the model; `{run}` stands for
                the run directory.
            others: further entries of `metrics.json`.
        """
        training_seconds = sum(row["seconds"] for row in history)
        metrics = {
            "recipe": self.recipe,
            "command": command(),
            "data": self.config.data or "embedded default",
            "split": split,
            "metric": metric,
            "unit": unit,
            "score": score,
            "baseline": {"name": baseline[0], "score": baseline[1]},
            "seed": self.config.seed,
            "epochs": len(history),
            "parameters": trained.keras_model.count_params(),
            "seconds": time.perf_counter() - self.started,
            "tokens_per_second": train.num_tokens() * len(history) / training_seconds,
            "padding_waste": train.padding_waste(),
            "batch_shapes": train.num_shapes(),
            "device": device(),
            "versions": versions(),
            **others,
        }
        text = json.dumps(metrics, indent=1, ensure_ascii=False) + "\n"
        write_text(self.directory / "metrics.json", text)
        _print_table(metrics)
        print(f"run directory: {self.directory}")
        place = shlex.quote(str(self.directory))
        print("try it: python -m zoo " + predict.format(run=place))
        return Result(metrics, trained, history, self.directory)


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


def command() -> str:
    """Returns the command line of this process, as one would type it."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"python -m {main.name}" if main else Path(sys.argv[0]).name
    return " ".join([program, *map(shlex.quote, sys.argv[1:])])


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
