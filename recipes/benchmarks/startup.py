"""From the shell to the first training step, and to the first prediction.

    python -m recipes.benchmarks.startup --json startup.json
    python -m recipes.benchmarks.startup --commands "tag --data FILE" "predict sst2"

Every measure is a fresh process, on each backend in turns, and begins when the process
is started. A recipe is run up to the end of its first training step, and the seconds
are split where it has been imported, where its `prepare` has read the data and built
model and batches, and where the step ends, which traces and compiles. To prepare a
model that predicts is to load it. `shell` is the whole of `python -m zoo predict MODEL
TEXT`, which imports less, to its exit. A backend that is "cached" finds the programs
that XLA has compiled in an earlier process, by the variables of the environment in
`cache_variables`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from recipes.benchmarks import timing
from recipes.benchmarks.recipes import RECIPES

COMMANDS = (*RECIPES, "predict sst2")
BACKENDS = ("tensorflow", "tensorflow cached", "jax", "jax cached")
STAGES = ("import", "prepare", "first step")
TEXT = "a gorgeous, witty, seductive movie"


class FirstStepDone(Exception):
    """Ends a recipe whose first training step is over."""


class Clock:
    """Seconds of the stages of a start.

    Args:
        start: of the first stage, as `time.time()` has it.

    Attributes:
        seconds: by stage.
    """

    def __init__(self, start: float):
        self.seconds: dict[str, float] = {}
        self._last = start

    def mark(self, stage: str) -> None:
        """Ends a stage."""
        now = time.time()
        self.seconds[stage], self._last = now - self._last, now


def measure_recipe(name: str, arguments: list[str], start: float) -> dict[str, float]:
    """Runs a recipe up to its first training step in this process.

    Args:
        name: of the recipe.
        arguments: of its command line.
        start: when the process was started.

    Returns:
        The seconds of each stage.
    """
    clock = Clock(start)
    recipe = importlib.import_module(f"recipes.{name}")
    import keras

    from zoo.command_line import parse

    class FirstStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.mark("first step")
            raise FirstStepDone

    clock.mark("import")
    with tempfile.TemporaryDirectory() as directory:
        config = parse(recipe.Config, [*arguments, f"--run_dir={directory}/run"])
        experiment = recipe.prepare(config)
        clock.mark("prepare")
        with contextlib.suppress(FirstStepDone):
            experiment.fit([FirstStep()])
    return clock.seconds


def measure_prediction(model: str, start: float) -> dict[str, float]:
    """Loads a model and predicts in this process; as `measure_recipe`."""
    clock = Clock(start)
    import zoo
    from zoo import tasks

    load = zoo.load  # imports what loads, and the next line what is loaded
    _ = [task.trained_type for task in tasks.TASKS.values()]
    clock.mark("import")
    trained = load(model)
    clock.mark("prepare")
    tasks.find(trained.task).method(trained)(TEXT)
    clock.mark("first step")
    return clock.seconds


def cache_variables(directory: str) -> dict[str, str]:
    """Returns the environment in which compiled programs are kept in a directory."""
    return {
        "TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={directory}",
        "JAX_COMPILATION_CACHE_DIR": directory,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


def run(
    commands: tuple[str, ...], backends: tuple[str, ...], rounds: int
) -> list[dict[str, Any]]:
    """Measures every command on every backend in turns, in fresh processes.

    Args:
        commands: a recipe with its options, or `predict` and the name of a model.
        backends: of `BACKENDS`; a cached one is run once more, to fill its cache.
        rounds: how often.

    Returns:
        For each command and backend the spreads of the seconds: `total`, each stage,
        and for a prediction `shell`.

    Raises:
        ValueError: if a measure fails.
    """
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for command in commands:
            for backend in backends:
                if "cached" in backend:
                    _apart(command, backend, directory)
        for _ in range(rounds):
            for command in commands:
                for backend in backends:
                    seconds = _apart(command, backend, directory)
                    found.setdefault((command, backend), []).append(seconds)
    return [
        {
            "command": command,
            "backend": backend,
            "seconds": {
                stage: timing.spread([seconds[stage] for seconds in measures])
                for stage in measures[0]
            },
        }
        for (command, backend), measures in found.items()
    ]


def _apart(command: str, backend: str, directory: str) -> dict[str, float]:
    name, *cached = backend.split()
    variables = {"KERAS_BACKEND": name}
    if cached:
        variables.update(cache_variables(directory))
    given = ["--measure", command, "--start", str(time.time())]
    seconds = timing.apart("recipes.benchmarks.startup", *given, **variables)
    seconds = {"total": sum(seconds.values()), **seconds}
    if command.startswith("predict "):
        start = time.time()
        subprocess.run(
            [sys.executable, "-m", "zoo", *shlex.split(command), TEXT],
            env={**os.environ, **variables},
            capture_output=True,
            check=True,
        )
        seconds["shell"] = time.time() - start
    return seconds


def rows(results: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Returns the table: medians, of the total with quartiles."""
    table = []
    for result in results:
        seconds = result["seconds"]
        low, total, high = (seconds["total"][k] for k in ("low", "median", "high"))
        row = {
            "command": result["command"],
            "backend": result["backend"],
            "seconds": f"{total:.1f} ({low:.1f}-{high:.1f})",
        }
        for stage in (*STAGES, "shell"):
            row[stage] = f"{seconds[stage]['median']:.2f}" if stage in seconds else ""
        table.append(row)
    return table


def main() -> None:
    """Measures all, or (`--measure`) one start, and prints that as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commands", nargs="*", default=COMMANDS)
    parser.add_argument("--backends", nargs="*", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, *rest = shlex.split(options.measure)
        if name == "predict":
            seconds = measure_prediction(" ".join(rest), options.start)
        else:
            seconds = measure_recipe(name, rest, options.start)
        print(json.dumps(seconds))
        return
    results = run(tuple(options.commands), tuple(options.backends), options.rounds)
    print(timing.markdown(rows(results)), "\n")
    from zoo import hardware

    facts = {"device": hardware.device(), "versions": hardware.versions()}
    print(facts)
    timing.write(options.json, {**facts, "rounds": options.rounds, "starts": results})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
