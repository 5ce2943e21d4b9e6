"""Training each recipe on its real data, against keras.io's way and PyTorch.

    pip install '.[bench]'
    python -m recipes.benchmarks.recipes --data ../shared/data --json recipes.json

Three contestants train the same model on the same part of the training data, with the
same optimizer and schedule: the recipe as it is; the model as the examples of keras.io
are written (`recipes.benchmarks.keras_epochs`); and an idiomatic script of PyTorch
(`recipes.benchmarks.torch_epochs`). Each is a process of its own, and they train their
epochs in turns. An epoch is all of it: batches, steps and what follows each step. The
first one, in which programs are compiled, is reported apart. Tokens are real ones,
without padding. Memory is the most that the process ever held, its libraries included
(10^6 bytes, read from /proc, so this runs on Linux).
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from recipes.benchmarks import timing
from zoo.tasks import TASKS

RECIPES = tuple(name for task in TASKS.values() for name in task.recipes)
# Below the directory of all data, and further options.
DATA: dict[str, tuple[str | None, dict[str, Any]]] = {
    "classify": ("sst2_glue", {}),
    "tag": ("ud_ewt/r2.10", {}),
    "generate": ("tinyshakespeare/input.txt", {}),
    "translate": ("multi30k/raw", {"source": "de", "target": "en"}),
    "pronounce": (None, {"data": "cmudict"}),
}
ZOO, KERAS, TORCH = "zoo", "keras", "torch"


def compete(
    recipe: str,
    options: dict[str, Any],
    share: float,
    contestants: tuple[str, ...],
) -> dict[str, Any]:
    """Lets the contestants train a recipe in turns.

    Args:
        recipe: its name.
        options: of its `Config`, `epochs` among them.
        share: of the training data.
        contestants: which of them.

    Returns:
        The tokens of an epoch, and for each contestant its first epoch's seconds, those
        of the others, tokens per second, its development scores and its peak memory.

    Raises:
        ValueError: if a contestant fails; says what it said last.
    """
    epochs, tokens = _race(recipe, options, share, contestants)
    seconds = {n: [e["seconds"] for e in every[1:]] for n, every in epochs.items()}
    return {
        "tokens": tokens,
        "contestants": {
            name: {
                "first_epoch_seconds": every[0]["seconds"],
                "seconds": seconds[name],
                "tokens_per_second": timing.spread([tokens / s for s in seconds[name]]),
                "zoo_times_as_fast": timing.times_as_fast(seconds, ZOO, name),
                "dev": [epoch["dev"] for epoch in every],
                "peak_mb": every[-1]["peak_mb"],
            }
            for name, every in epochs.items()
        },
    }


def _race(
    recipe: str, options: dict[str, Any], share: float, contestants: tuple[str, ...]
) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Returns what each contestant answers after each epoch, and an epoch's tokens."""
    racing: dict[str, timing.Contestant] = {}
    with tempfile.TemporaryDirectory() as directory:
        file = str(Path(directory, "data.npz"))
        try:
            for name in contestants:
                if name == TORCH:
                    racing[name] = timing.Contestant("torch_epochs", file)
                    continue
                run = {**options, "run_dir": str(Path(directory, name))}
                exported = file if name == ZOO else None
                racing[name] = timing.Contestant(
                    "keras_epochs", name, recipe, run, share, exported
                )
            epochs: dict[str, list[dict[str, Any]]] = {name: [] for name in racing}
            for _ in range(options["epochs"]):
                for name, contestant in racing.items():
                    epochs[name].append(contestant.ask("epoch"))
            return epochs, racing[ZOO].ready["tokens"]
        finally:
            for contestant in racing.values():
                contestant.close()


def rows(recipe: str, result: dict[str, Any]) -> list[dict[str, str]]:
    """Returns the table of a recipe."""
    table = []
    for name, figures in result["contestants"].items():
        speed, ratio = figures["tokens_per_second"], figures["zoo_times_as_fast"]
        last = figures["dev"][-1]
        scores = ", ".join(f"{key} {value:.4g}" for key, value in last.items())
        table.append(
            {
                "recipe": recipe,
                "contestant": name,
                "tokens/s": f"{speed['median']:,.0f} "
                f"({speed['low']:,.0f}-{speed['high']:,.0f})",
                "zoo is faster": f"{ratio['median']:.2f} x",
                "first epoch, s": f"{figures['first_epoch_seconds']:.0f}",
                f"dev after {len(figures['dev'])} epochs": scores,
                "peak MB": f"{figures['peak_mb']:,.0f}",
            }
        )
    return table


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Returns the options that pairs of `NAME=VALUE` set."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError(f"--set: expected NAME=VALUE, got {pair!r}")
        found[name] = yaml.safe_load(value)
    return found


def main() -> None:
    """Trains every recipe, prints the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--recipes", nargs="*", default=RECIPES, choices=RECIPES)
    parser.add_argument("--without", nargs="*", default=[], choices=(KERAS, TORCH))
    parser.add_argument("--share", type=float, default=0.25, help="of the data")
    parser.add_argument("--epochs", type=int, default=4, help="the first is a warm-up")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="options of the recipes, as recurrent_dropout=0, which torch.nn lacks",
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    if options.epochs < 3 or not 0 < options.share <= 1:
        raise ValueError("expected --epochs of 3 or more and --share in (0, 1]")
    names = [n for n in (ZOO, KERAS, TORCH) if n not in options.without]
    given = settings(options.set)
    results: dict[str, Any] = {}
    table: list[dict[str, str]] = []
    for recipe in options.recipes:
        place, extra = DATA[recipe]
        chosen = {"epochs": options.epochs, **extra, **given}
        if place:
            chosen["data"] = str(options.data / place)
        results[recipe] = compete(recipe, chosen, options.share, tuple(names))
        table += rows(recipe, results[recipe])
        print(timing.markdown(rows(recipe, results[recipe])), "\n", flush=True)
    facts = {
        "share": options.share,
        "epochs": options.epochs,
        "set": given,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {n: version(n) for n in ("keras", "tensorflow", *names[2:])},
    }
    print(timing.markdown(table), "\n")
    print(facts)
    timing.write(options.json, {**facts, "recipes": results})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
