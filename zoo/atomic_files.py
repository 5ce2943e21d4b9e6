"""Files written completely or not at all, and paths as people write them."""

from __future__ import annotations

import fnmatch
import os
import secrets
from pathlib import Path

# What operating systems put into directories without being asked.
SYSTEM_FILES = (
    ".DS_Store",
    "._*",
    ".localized",
    "*thumbs.db",
    "desktop.ini",
    ".directory",
)


def is_system_file(name: str) -> bool:
    """Tells whether a name is of a file that operating systems add to a directory.

    >>> is_system_file("Thumbs.db"), is_system_file("notes.txt")
    (True, False)
    """
    lowered = name.lower()
    return any(fnmatch.fnmatchcase(lowered, p.lower()) for p in SYSTEM_FILES)


def expand(path: str | os.PathLike[str]) -> Path:
    """Returns a path with the home directory in place of `~`.

    Raises:
        ValueError: if there is no such home directory.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{os.fspath(path)}: there is no such home directory; expected another path"
        ) from None


def write_text(file: Path, text: str) -> None:
    """Writes a text file in UTF-8, completely or not at all; see `write_bytes`."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Writes a file, completely or not at all.

    Raises:
        OSError: if it cannot be written; an older file of that name is then unchanged.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        with open(temporary, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
