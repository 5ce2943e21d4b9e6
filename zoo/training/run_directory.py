"""The directory that a run writes, which no other run can take."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from zoo.atomic_files import expand, is_system_file, write_text
from zoo.evaluation.plain_numbers import json_text
from zoo.training.callbacks import Row
from zoo.training.config import TrainingConfig

CONFIG = "config.yaml"


class RunDirectory:
    """A run directory: `checkpoint/`, `config.yaml`, `history.csv`, `metrics.json`,
    pictures.

    Nothing is written before `create`, so that bad data leaves no directory.

    Args:
        recipe: name of the recipe.
        run_dir: the directory; None for the first free one under `runs/`.

    Attributes:
        path: the directory; that under `runs/` is known for sure after `create`.

    Raises:
        ValueError: if `run_dir` exists and is not empty.
    """

    def __init__(self, recipe: str, run_dir: str | None = None):
        self.recipe, self._is_free, self._is_taken = recipe, run_dir is None, False
        if run_dir is None:
            self.path = next(p for p in _numbered(recipe) if not os.path.lexists(p))
        else:
            self.path = expand(run_dir)
            _check_new(self.path)
        self.started = time.perf_counter()

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is."""
        return self.path / "checkpoint"

    def create(self, config: TrainingConfig) -> None:
        """Takes the directory, which no other run then can, and writes `config.yaml`.

        Raises:
            ValueError: if another run has taken it since.
            OSError: if it cannot be made or written.
        """
        if not self._is_taken:
            made = self._take()
        text = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False)
        try:
            write_text(self.path / CONFIG, text)
        except OSError:
            if not self._is_taken:  # what was made for it goes
                (self.path / CONFIG).unlink(missing_ok=True)
                if made:
                    self.path.rmdir()
            raise
        self._is_taken = True

    def _take(self) -> bool:
        """Takes the directory, or the next free one, and tells whether it was made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._is_free:
            paths = _numbered(self.recipe)
            self.path = next(path for path in paths if _make(path) and _claim(path))
            return True
        made = _make(self.path)
        if not made:
            _check_new(self.path)
        if not _claim(self.path):
            raise _exists_already(self.path)
        return made

    def write_history(self, rows: list[Row]) -> None:
        """Writes `history.csv`, a row for each epoch."""
        table = io.StringIO()
        writer = csv.DictWriter(table, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / "history.csv", table.getvalue())

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`, in which a number that is not finite is null."""
        write_text(self.path / "metrics.json", json_text(metrics, indent=1) + "\n")


def _numbered(recipe: str) -> Iterator[Path]:
    """Yields the default directories of a recipe."""
    yield Path("runs", recipe)
    yield from (Path("runs", f"{recipe}-{i}") for i in itertools.count(2))


def _make(path: Path) -> bool:
    """Makes a directory unless it exists, and tells whether it did."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _claim(path: Path) -> bool:
    """Makes the first file of a directory, and tells whether nobody else had."""
    try:
        open(path / CONFIG, "x").close()
    except FileExistsError:
        return False
    return True


def _check_new(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_dir() or not all(is_system_file(p.name) for p in path.iterdir()):
        raise _exists_already(path)


def _exists_already(path: Path) -> ValueError:
    return ValueError(f"run_dir: {path} exists already; expected a new directory")
