"""The directory format of trained models.

A checkpoint is a directory of `config.json`, `weights.safetensors` keyed by variable
path, one text file for each vocabulary, and what else the model needs, such as subword
models; a `card.json` may be added. Every other file is verified by its checksum.
Loading only parses: nothing in it is executed or unpickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zoo.atomic_files import write_bytes

if TYPE_CHECKING:
    import keras

from zoo.keras_compat import set_initial_value

FORMAT = 1
CONFIG, WEIGHTS, CARD = "config.json", "weights.safetensors", "card.json"


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
        directory: where to; its parent must exist.
        checkpoint: what to write.
        dtype: converts the weights, for example to `np.float16`.

    Raises:
        OSError: if it cannot be written; an older checkpoint is then still there.
    """
    directory = Path(directory)
    contents = _contents(checkpoint, dtype)
    temporary = Path(tempfile.mkdtemp(prefix=".checkpoint-", dir=directory.parent))
    try:
        temporary.chmod(0o755)
        for name, content in contents.items():
            write_bytes(temporary / name, content)
        _replace(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


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
        contents[f"{name}.txt"] = "".join(lines).encode()
    config = {
        "format": FORMAT,
        "task": checkpoint.task,
        "model": checkpoint.model,
        "settings": checkpoint.settings,
        "files": {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()},
    }
    text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
    return {**contents, CONFIG: text.encode()}


def previous(directory: Path) -> Path:
    """Returns where the older checkpoint is while a new one takes its place."""
    return directory.with_name(directory.name + ".previous")


def _replace(temporary: Path, directory: Path) -> None:
    older = previous(directory)
    if directory.exists():
        shutil.rmtree(older, ignore_errors=True)
        directory.rename(older)
    temporary.rename(directory)
    shutil.rmtree(older, ignore_errors=True)


def find(path: str | os.PathLike[str]) -> Path:
    """Returns the checkpoint directory that `path` is or holds.

    Args:
        path: a checkpoint, or a run directory with one.

    Raises:
        ValueError: if there is none.
    """
    path = Path(path)
    places = [path, path / "checkpoint", previous(path / "checkpoint")]
    if path.name and not path.exists():
        places.append(previous(path))
    for place in places:
        if (place / CONFIG).is_file():
            return place
    what = "holds no checkpoint" if path.is_dir() else "is not a directory"
    raise ValueError(f"{path}: {what}; expected a run directory or a checkpoint")


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
    config = _read_config(directory / CONFIG)
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
    foreign = sorted(p.name for p in directory.iterdir() if p.name not in known)
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
    except (ValueError, SafetensorError) as error:
        raise ValueError(f"{file}: cannot be read ({error})") from None


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        _check_config(config)
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{file}: not a checkpoint's configuration ({error})"
        ) from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return config


def _check_config(config: Any) -> None:
    """Raises an error unless a configuration has all entries, of the right types."""
    if config["format"] != FORMAT:
        raise ValueError(f"format {config['format']}; expected format {FORMAT}")
    types = {"task": str, "model": dict, "settings": dict, "files": dict}
    wrong = [n for n, expected in types.items() if not isinstance(config[n], expected)]
    names = [*config["files"]]
    if not wrong and (
        WEIGHTS not in names
        or any(name in ("", "..") or Path(name).name != name for name in names)
    ):
        wrong = ["files"]
    if wrong:
        raise ValueError(f"{wrong[0]} has a wrong value")


def _verified(file: Path, digest: str) -> bytes:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{file}: missing from the checkpoint") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(
            f"{file}: changed since it was saved (its sha256 is not that of {CONFIG})"
        )
    return content


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns the weights of a Keras model by variable path.

    Raises:
        ValueError: if two variables share a path.
    """
    weights = {v.path: v.numpy() for v in model.weights}
    if len(weights) != len(model.weights):
        raise ValueError("model: two variables share a path; name every layer apart")
    return weights


def fill(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Assigns weights by variable path, converting them to the variables' types.

    Variables that a `keras.StatelessScope` has left without a value start with theirs.

    Raises:
        ValueError: if paths or shapes differ from the model's.
    """
    import keras

    variables = {v.path: v for v in model.weights}
    differing = sorted(variables.keys() ^ weights.keys())
    if differing:
        side = "the model" if differing[0] in variables else "the checkpoint"
        raise ValueError(f"{WEIGHTS}: {differing[0]} is only in {side}")
    for path, variable in variables.items():
        if tuple(variable.shape) != weights[path].shape:
            raise ValueError(
                f"{WEIGHTS}: {path} has the shape {weights[path].shape}; "
                f"expected {tuple(variable.shape)}"
            )
    for path, variable in variables.items():
        set_initial_value(variable, weights[path].astype(variable.dtype))
    with keras.StatelessScope():
        pass  # at whose end variables without a value get one
