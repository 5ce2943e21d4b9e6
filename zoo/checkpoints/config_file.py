"""The file `config.json` of a checkpoint, which carries a checksum of itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zoo.checkpoints.files import parse_json, read_file

FORMAT = 2  # in which the file has a checksum of its own; in format 1 it had none
CHECKSUM = "sha256"
TYPES = {"format": int, "task": str, "model": dict, "settings": dict, "files": dict}


def to_bytes(config: dict[str, Any]) -> bytes:
    """Returns the content of a configuration file, with its format and checksum.

    Args:
        config: task, model, settings and files.

    Raises:
        ValueError: if a number in it is not finite.
    """
    config = {"format": FORMAT, **config}
    written = json.loads(json.dumps(config, allow_nan=False))  # as it will be read
    config[CHECKSUM] = _checksum(written)
    text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # half a character as JSON has it


def read(file: Path, required: str) -> dict[str, Any]:
    """Reads and verifies a configuration file.

    Args:
        file: of this format or of an earlier one.
        required: a name that must be among its files.

    Returns:
        Its entries: task, model, settings and files.

    Raises:
        ValueError: if it is damaged or of another format; one line.
    """
    content = read_file(file)
    try:
        config = parse_json(content)
        _check_form(config)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file}: not a checkpoint's configuration ({error})"
        ) from None
    try:
        _check_values(config, required)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return {name: config[name] for name in TYPES if name != "format"}


def _check_form(config: Any) -> None:
    """Raises an error unless a configuration has the entries of its format."""
    if not _is_known(config["format"]):
        return
    known = {*TYPES, CHECKSUM} if config["format"] == FORMAT else {*TYPES}
    for name in known:
        config[name]
    if unknown := sorted(config.keys() - known):
        raise ValueError(f"unknown entry {unknown[0][:40]!r}")


def _check_values(config: dict[str, Any], required: str) -> None:
    if not _is_known(config["format"]):
        raise ValueError(
            f"format {str(config['format'])[:40]}; expected format {FORMAT}, or 1"
        )
    wrong = [n for n, expected in TYPES.items() if not isinstance(config[n], expected)]
    names = [*config["files"]]
    if not wrong and (
        required not in names
        or any(name in ("", "..") or Path(name).name != name for name in names)
    ):
        wrong = ["files"]
    if wrong:
        raise ValueError(f"{wrong[0]} has a wrong value")
    if config["format"] == FORMAT and config[CHECKSUM] != _checksum(config):
        raise ValueError("changed since it was saved (its sha256 is another)")


def _is_known(value: Any) -> bool:
    return type(value) is int and value in (1, FORMAT)


def _checksum(config: dict[str, Any]) -> str:
    """Returns the SHA-256 of the entries of a configuration but its checksum."""
    rest = {name: value for name, value in config.items() if name != CHECKSUM}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
