"""Saving, finding and loading a checkpoint directory."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.atomic_files import expand, is_system_file, write_bytes
from zoo.checkpoints import config_file, replacing
from zoo.checkpoints.files import read_file
from zoo.checkpoints.replacing import previous
from zoo.checkpoints.weights import WEIGHTS

__all__ = ["CARD", "CONFIG", "Checkpoint", "find", "load", "previous", "save"]

CONFIG, CARD = "config.json", "card.json"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint directory holds.

    Args:
        task: a name of `zoo.tasks.TASKS`.
        model: the fields of the model's configuration.
        settings: what else prediction needs (tokenizer, target scale).
        vocabularies: lists of tokens or labels, by name.
        weights: arrays by variable path.
        files: contents of further files, by name; a name may not end in `.txt`.
    """

    task: str
    model: dict[str, Any]
    settings: dict[str, Any]
    vocabularies: dict[str, list[str]]
    weights: dict[str, np.ndarray]
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)


def save(
    directory: str | os.PathLike[str],
    checkpoint: Checkpoint,
    dtype: npt.DTypeLike | None = None,
) -> None:
    """Writes a checkpoint, in place of an older one, all or nothing.

    It is written to a temporary directory next to `directory`, synced and renamed. If
    the process dies between two renames, `load` finds the older one.

    Args:
        directory: where to; its parent must exist. It must be new, empty or a
            checkpoint, with no file in it that is not the checkpoint's.
        checkpoint: what to write.
        dtype: converts the weights, for example to `np.float16`.

    Raises:
        ValueError: if something else is in its place, which is left as it is.
        OSError: if it cannot be written; an older checkpoint is then still there.
    """
    directory = Path(os.path.realpath(expand(directory)))  # what a link leads to
    replacing.check_replaceable(directory, _names)
    contents = _contents(checkpoint, dtype)
    temporary = directory.with_name(f".checkpoint-{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        for name, content in contents.items():
            write_bytes(temporary / name, content)
        replacing.check_replaceable(directory, _names)
        replacing.replace(temporary, directory, _names, CONFIG)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _names(directory: Path) -> set[str]:
    """Returns the names of the files of a checkpoint; ValueError if it is none."""
    return {*config_file.read(directory / CONFIG, WEIGHTS)["files"], CONFIG, CARD}


def _contents(checkpoint: Checkpoint, dtype: npt.DTypeLike | None) -> dict[str, bytes]:
    """Returns the content of each file of a checkpoint, by name."""
    from safetensors.numpy import save as to_safetensors

    weights = {
        path: np.asarray(array, dtype, order="C")
        for path, array in checkpoint.weights.items()
    }
    contents = {WEIGHTS: to_safetensors(weights), **checkpoint.files}
    for name, entries in checkpoint.vocabularies.items():
        lines = [json.dumps(e, ensure_ascii=False)[1:-1] + "\n" for e in entries]
        text = "".join(lines)
        contents[f"{name}.txt"] = text.encode("utf-8", "backslashreplace")
    config = {
        "task": checkpoint.task,
        "model": checkpoint.model,
        "settings": checkpoint.settings,
        "files": {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()},
    }
    return {**contents, CONFIG: config_file.to_bytes(config)}


def find(path: str | os.PathLike[str]) -> Path:
    """Returns the checkpoint directory that `path` is or holds.

    Args:
        path: a checkpoint, or a run directory with one.

    Raises:
        ValueError: if there is none.
    """
    path = expand(path)
    places = [path, path / "checkpoint", *waiting(path / "checkpoint"), *waiting(path)]
    for place in places:
        if (place / CONFIG).is_file():
            return place
    what = "holds no checkpoint" if path.is_dir() else "is not a directory"
    raise ValueError(f"{path}: {what}; expected a run directory or a checkpoint")


def waiting(path: Path) -> list[Path]:
    """Returns where a checkpoint is whose replacement was cut short, if it is at all.

    Args:
        path: where it was.
    """
    if not path.name or path.exists():
        return []
    # Earlier versions left the older one under a name that is not hidden.
    places = previous(path), path.with_name(f"{path.name}.previous")
    return [place for place in places if place.is_dir()]


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Reads and verifies a checkpoint.

    Args:
        path: a checkpoint, or a run directory with one.

    Returns:
        The checkpoint, its weights as stored.

    Raises:
        ValueError: if a file is missing, changed or foreign, or is of another format.
    """
    from safetensors.numpy import load as from_safetensors

    directory = find(path)
    config = config_file.read(directory / CONFIG, WEIGHTS)
    _check_no_other_file(directory, {*config["files"], CONFIG, CARD})
    contents = {
        name: _verified(directory / name, digest)
        for name, digest in config["files"].items()
    }
    weights = contents.pop(WEIGHTS)
    return Checkpoint(
        task=config["task"],
        model=config["model"],
        settings=config["settings"],
        weights=_parsed(directory / WEIGHTS, from_safetensors, weights),
        vocabularies={
            name.removesuffix(".txt"): _parsed(directory / name, _entries, content)
            for name, content in contents.items()
            if name.endswith(".txt")
        },
        files={n: c for n, c in contents.items() if not n.endswith(".txt")},
    )


def _check_no_other_file(directory: Path, known: set[str]) -> None:
    names = {path.name for path in directory.iterdir()} - known
    foreign = sorted(name for name in names if not is_system_file(name))
    if foreign:
        raise ValueError(
            f"{directory / foreign[0]}: a foreign file; expected nothing but "
            + ", ".join(sorted(known))
        )


def _entries(content: bytes) -> list[str]:
    return [json.loads(f'"{line}"') for line in content.decode().split("\n")[:-1]]


def _parsed(file: Path, parse: Callable[[bytes], Any], content: bytes) -> Any:
    from safetensors import SafetensorError

    try:
        return parse(content)
    except (ValueError, KeyError, TypeError, OverflowError, SafetensorError) as error:
        raise ValueError(f"{file}: cannot be read ({error})") from None


def _verified(file: Path, digest: str) -> bytes:
    try:
        content = read_file(file)
    except FileNotFoundError:
        raise ValueError(f"{file}: missing from the checkpoint") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(
            f"{file}: changed since it was saved (its sha256 is not that of {CONFIG})"
        )
    return content
