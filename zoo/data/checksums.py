"""Checksums of corpora, which say what exactly a number was measured on."""

import functools
import hashlib
from pathlib import Path

from zoo.data.corpus_files import CorpusError, missing, visible_entries

_CHUNK = 1 << 20  # bytes


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file or of a directory of class folders.

    It is read once, in chunks, and again only if its size or its time has changed.

    Args:
        path: The file, of which the bytes as stored count, as `sha256sum` has it. Of a
            directory it is the SHA-256 of the lines `sum  folder/file`, sorted: of
            `sha256sum */* | sha256sum` in it.

    Raises:
        CorpusError: If it cannot be read.
    """
    try:
        if not path.is_dir():
            return _of_file(path.resolve(), *_stamp(path))
        lines = hashlib.sha256()
        for folder in visible_entries(path):
            for file in visible_entries(folder) if folder.is_dir() else ():
                if file.is_file():
                    summed = _of_file(file.resolve(), *_stamp(file))
                    line = f"{summed}  {folder.name}/{file.name}\n"
                    lines.update(line.encode(errors="surrogateescape"))
        return lines.hexdigest()
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); expected a readable file"
        ) from error


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@functools.lru_cache(1 << 16)
def _of_file(path: Path, size: int, nanoseconds: int) -> str:
    with open(path, "rb") as file:
        total = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()
