"""A checkpoint in place of an older one, all or nothing; nothing else is deleted.

The older one is renamed to `.NAME.previous`, the new one takes its name, and then the
files of the older one are removed by their names. Whenever the process dies, one of the
two is whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from zoo.atomic_files import is_system_file


def previous(directory: Path) -> Path:
    """Returns where the older checkpoint is while a new one takes its place."""
    return directory.with_name(f".{directory.name}.previous")


def check_replaceable(directory: Path, files: Callable[[Path], set[str]]) -> None:
    """Checks that what is in a place may be replaced.

    Args:
        directory: the place; nothing, or an empty directory, may always be replaced.
        files: returns the names of the files of a checkpoint; raises `ValueError` if
            the directory is none.

    Raises:
        ValueError: if something else than a checkpoint is there, or a file in it that
            is not the checkpoint's.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise ValueError(f"{directory}: is a file; expected a new directory")
    names = {path.name for path in directory.iterdir()}
    try:
        foreign = sorted(names - files(directory)) if names else []
    except (ValueError, OSError):
        raise ValueError(
            f"{directory}: neither empty nor a checkpoint, so it is not replaced; "
            "expected a new directory, or a checkpoint to replace"
        ) from None
    foreign = [name for name in foreign if not is_system_file(name)]
    if foreign:
        raise ValueError(
            f"{directory / foreign[0]}: no file of the checkpoint, which is therefore "
            "not replaced; expected a new directory, or a checkpoint to replace"
        )


def replace(
    temporary: Path, directory: Path, files: Callable[[Path], set[str]], last: str
) -> None:
    """Puts a directory in place of an older checkpoint.

    Args:
        temporary: the new one, in the same directory.
        directory: its name to be, which `check_replaceable` has checked.
        files: as for `check_replaceable`.
        last: of these, the file by which a checkpoint is known, removed last.

    Raises:
        ValueError: if what waits in the older one's place is no checkpoint.
        OSError: if a directory cannot be renamed; the older one is then in its place.
    """
    older = previous(directory)
    if directory.exists():
        check_replaceable(older, files)
        _remove(older, files, last)
        directory.rename(older)
    try:
        temporary.rename(directory)
    except BaseException:
        if older.exists() and not directory.exists():
            older.rename(directory)
        raise
    with contextlib.suppress(OSError, ValueError):  # the new one is in place
        check_replaceable(older, files)
        _remove(older, files, last)


def _remove(directory: Path, files: Callable[[Path], set[str]], last: str) -> None:
    """Removes a checkpoint: its files by their names, and then the directory."""
    if not directory.exists():
        return
    names = [path.name for path in directory.iterdir()]
    if names:
        known = files(directory)
        names = [n for n in names if n in known or is_system_file(n)]
        for name in sorted(names, key=lambda name: name == last):
            os.unlink(directory / name)
    directory.rmdir()
