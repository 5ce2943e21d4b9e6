"""Reading files that may come from a stranger."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

DEEPEST = 16  # levels of brackets in JSON
LARGEST = 2**63  # what whole numbers in JSON are below
MOST_JSON = 1 << 26  # bytes


def read_file(file: Path) -> bytes:
    """Reads a regular file of a directory.

    Args:
        file: may be a link to another file of the same directory.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is a link that leads out of its directory, or something else
            than a file, such as a pipe, which one could wait for.
    """
    if file.is_symlink():
        try:
            inside = file.resolve(strict=True).parent == file.parent.resolve()
        except RuntimeError:  # a link to itself, before Python 3.13
            inside = False
        if not inside:
            raise ValueError(
                f"{file}: a link that leads out of its directory; expected a file"
            )
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise ValueError(f"{file}: not a regular file; expected one")
    return file.read_bytes()


def read_json(file: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a regular file of an object as `parse_json` takes it.
    """
    content = read_file(file)
    try:
        entries = parse_json(content)
    except ValueError as error:
        raise ValueError(f"{file}: not JSON ({error})") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{file}: expected a JSON object")
    return entries


def parse_json(content: bytes) -> Any:
    """Parses JSON in UTF-8.

    Raises:
        ValueError: if it is none, has a number that is not finite or has more than 64
            bits, names a key twice, or is nested more than 16 levels deep.

    >>> parse_json(b'[1e400]')
    Traceback (most recent call last):
    ValueError: the number 1e400 is out of range
    """
    if len(content) > MOST_JSON:
        raise ValueError(f"more than {MOST_JSON:,} bytes")
    try:
        value = json.loads(
            content.decode(),
            parse_constant=_refuse_number,
            parse_float=_finite,
            parse_int=_small,
            object_pairs_hook=_distinct,
        )
    except RecursionError:
        raise ValueError("brackets nested too deep") from None
    _check_depth(value, DEEPEST)
    return value


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _small(text: str) -> int:
    if len(text) > 20 or abs(value := int(text)) >= LARGEST:
        return _refuse_number(text)
    return value


def _refuse_number(text: str) -> Any:
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    raise ValueError(f"the number {shown} is out of range")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} is listed twice")
    return entries


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise ValueError("brackets nested too deep")
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for part in parts:
            _check_depth(part, left - 1)
