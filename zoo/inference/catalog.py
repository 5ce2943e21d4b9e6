"""The trained models that come with the package."""

from __future__ import annotations

import difflib
import os
from importlib import resources
from pathlib import Path
from typing import Any

from zoo import checkpoints, tasks
from zoo.atomic_files import expand
from zoo.checkpoints import CARD, CONFIG, read_json
from zoo.checkpoints.directory import waiting

COLUMNS = ("name", "task", "language", "score", "parameters", "MB")  # of `summary`
NUMBERS = ("parameters", "MB")  # columns that are aligned on the right
SCORE_WIDTH = 32  # a longer score is shown without its metric, which its unit implies


def _home() -> Path:
    return Path(str(resources.files("pretrained")))


def list_models() -> list[str]:
    """Returns the names of the trained models, in alphabetical order."""
    return sorted(file.parent.name for file in _home().glob(f"*/{CARD}"))


def find(name: str | os.PathLike[str]) -> Path:
    """Returns where a model is: one of `list_models()`, or a path.

    Raises:
        ValueError: if it is neither.
    """
    if str(name) in list_models():
        return _home() / name
    path = expand(name)
    if path.exists() or waiting(path):
        return path
    near = difflib.get_close_matches(str(name), list_models(), 1)
    hint = f"did you mean {near[0]!r}?" if near else "see python -m zoo list"
    raise ValueError(f"{name}: neither a model of the zoo nor a run directory; {hint}")


def card(name: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the card of a model; without one, what its configuration says.

    Args:
        name: one of `list_models()`, or the path of a run directory or a checkpoint.

    Raises:
        ValueError: if there is no such model or its card cannot be read.
    """
    directory = checkpoints.find(find(name))
    card_file = directory / CARD
    is_there = os.path.lexists(card_file)
    content = read_json(card_file if is_there else directory / CONFIG)
    for name in () if is_there else ("files", "sha256"):
        content.pop(name, None)
    return content


def summary(name: str | os.PathLike[str]) -> tuple[str, ...]:
    """Returns what a line of the list of models says, a text for each of `COLUMNS`.

    Args:
        name: as for `card`.

    Raises:
        ValueError: as `card` does.
    """
    directory = checkpoints.find(find(name))
    entries = card(name)
    languages, parameters = entries.get("languages", []), entries.get("parameters", 0)
    if not isinstance(languages, list) or type(parameters) is not int:
        raise ValueError(
            f"{directory / CARD}: expected a list of languages and a whole number of "
            f"parameters, got {languages!r:.40} and {parameters!r:.40}"
        )
    score = str(entries.get("score", "")).split(",")[0]
    if len(score) > SCORE_WIDTH:
        score = score.split(" (")[0]
    task = str(read_json(directory / CONFIG).get("task", ""))
    size = sum(file.lstat().st_size for file in directory.iterdir())
    return (
        str(name),
        tasks.TASKS[task].noun if task in tasks.TASKS else task,
        "-".join(map(str, languages)),
        score,
        f"{parameters:,}" if "parameters" in entries else "",
        f"{size / 1e6:.1f}",
    )
