"""Publishes runs: result file, checkpoint with its card, tables.

    python -m recipes.maintenance.publish NAME RUN_DIR [RUN_DIR ...] --card CARD.json
    python -m recipes.maintenance.publish --table    # only rewrites the tables

Several run directories are seeds of one configuration: their scores are averaged, and
the checkpoint is that of the best development score. Weights are stored in float16 if
that costs less than 0.1 points, which `publish` measures on the test split. The tables
are those of `recipes/results/README.md` and of the top README. Results that are only
there to be compared are those of `recipes.maintenance.comparisons`.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.maintenance import tables
from recipes.maintenance.results import (
    RESULTS,
    combine,
    read_config,
    read_metrics,
    read_results,
    write,
)
from zoo.checkpoints import CARD
from zoo.evaluation.metrics import LOWER_IS_BETTER

PAGE = RESULTS / "README.md"
README = RESULTS.parent.parent / "README.md"


def best(metric: str, runs: list[dict[str, Any]]) -> int:
    """Returns the index of the run with the best development score."""
    choose = min if metric in LOWER_IS_BETTER else max
    return choose(range(len(runs)), key=lambda i: runs[i]["dev_score"])


def publish(name: str, directories: list[Path], card: dict[str, Any]) -> None:
    """Writes the result file and the checkpoint of runs.

    Args:
        name: of the result and of the checkpoint.
        directories: the runs.
        card: task, data, licence, languages and limits of the checkpoint.
    """
    import zoo

    runs = [read_metrics(directory) for directory in directories]
    result = combine(name, runs)
    chosen = best(result["metric"], runs)
    full, target = zoo.load(directories[chosen]), pretrained_directory() / name
    recipe = importlib.import_module(f"recipes.{result['recipe']}")
    config = recipe.Config(**read_config(directories[chosen]))
    score = runs[chosen]["score"]
    stored = _save(full, target, recipe, config, score, _tolerance(result["metric"]))
    entries = {
        **card,
        "command": result["command"],
        "score": f"{stored:.4g} {result['unit']} ({result['metric']}), "
        f"{result['split']} of {result['data']}",
        "test_score": stored,
        "score_before_float16": score,
        "parameters": result["parameters"],
    }
    write(target / CARD, entries)
    write(RESULTS / f"{name}.json", result)
    print(f"{name}: {entries['score']} (trained: {score:.4f}, stored: {stored:.4f})")


def pretrained_directory() -> Path:
    """Returns the directory of the checkpoints."""
    import pretrained

    return Path(pretrained.__path__[0])


def _save(
    model: Any, target: Path, recipe: Any, config: Any, score: float, tolerance: float
) -> float:
    """Saves a model, in float16 if its score allows; returns the score as stored."""
    import numpy as np

    import zoo

    model.save(target, np.float16)
    stored = recipe.evaluate(zoo.load(target), config, "test")
    if abs(stored - score) < tolerance:
        return stored
    model.save(target)
    return score


def _tolerance(metric: str) -> float:
    """Returns what float16 may cost: 0.1 points, or 0.001 nats."""
    return 0.001 if metric == "cross-entropy" else 0.1


def write_tables() -> None:
    """Rewrites the tables of both READMEs."""
    results = read_results()
    for file, marks, table in (
        (PAGE, tables.RESULT_MARKS, tables.results_table(results)),
        (
            README,
            tables.MODEL_MARKS,
            tables.models_table(results, pretrained_directory()),
        ),
    ):
        text = file.read_text(encoding="utf-8")
        file.write_text(tables.between(text, marks, table), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Publishes runs, or rewrites the tables.

    Args:
        arguments: of the command line; those of this process if None.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("name", nargs="?")
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--card", type=Path, help="JSON: task, data, licence, limits")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args(arguments)
    if options.name:
        if not options.runs or not options.card:
            raise ValueError("expected NAME RUN_DIR ... --card CARD.json")
        card = json.loads(options.card.read_text(encoding="utf-8"))
        publish(options.name, options.runs, card)
    if options.name or options.table:
        write_tables()


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
