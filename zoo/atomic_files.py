"""Files that are written completely or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(file: Path, text: str) -> None:
    """Writes a text file in UTF-8, completely or not at all; see `write_bytes`."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Writes a file, completely or not at all.

    Raises:
        OSError: if it cannot be written; an older file of that name is then unchanged.
    """
    temporary = file.with_name(f".{file.name}.new")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
