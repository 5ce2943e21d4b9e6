"""The bytes of a file of vectors: plain, gzipped or archived, and their checksum."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

EXPECTED = "GloVe or word2vec text, fastText .vec or word2vec binary (.bin)"

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Stream:
    """The bytes inside a file, read once from beginning to end.

    Args:
        path: The file; `archive.zip/member` if an archive holds several.

    Attributes:
        name: Of the file, or of the member of the archive.

    Raises:
        ValueError: If the file cannot be opened or the archive has no such member.
    """

    def __init__(self, path: Path):
        self.name = path.name
        self._path = path
        self._inside: _Readable
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, size: int) -> bytes:
        """Returns the next `size` bytes; fewer at the end."""
        return self._inside.read(size)

    def sha256(self) -> str:
        """Returns the checksum of the file on disk, once it was read to the end."""
        return self._sha256.hexdigest()

    def _open(self, stack: ExitStack) -> None:
        archive = self._path.parent
        if archive.suffix == ".zip" and archive.is_file():
            file = stack.enter_context(_open_file(archive))
            return self._open_member(file, stack, self._path.name)
        file = stack.enter_context(_open_file(self._path))
        magic = file.read(4)
        file.seek(0)
        if magic == _ZIP_MAGIC:
            return self._open_member(file, stack, None)
        self._inside = hashing = _Hashing(file)
        self._sha256 = hashing.sha256
        if magic.startswith(_GZIP_MAGIC):
            self._inside = stack.enter_context(gzip.GzipFile(fileobj=hashing))

    def _open_member(
        self, file: io.BufferedReader, stack: ExitStack, member: str | None
    ) -> None:
        self._sha256 = hashlib.file_digest(file, "sha256")
        try:
            archive = stack.enter_context(zipfile.ZipFile(file))
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if member is None and len(names) == 1:
                member = names[0]
            if member in names:
                self.name = member
                self._inside = stack.enter_context(archive.open(member))
        except Exception as error:  # zipfile raises many types on a damaged archive
            raise ValueError(
                f"{self._path}: not a readable .zip archive ({error}); expected "
                f"{EXPECTED}"
            ) from error
        if member not in names:
            raise ValueError(
                f"{self._path}: an archive of {len(names)} files; expected one of "
                f"them, as ARCHIVE.zip/FILE: {', '.join(map(repr, names[:8]))}"
            )


class _Hashing(io.BufferedIOBase):
    """A binary file that is hashed while it is read."""

    def __init__(self, file: io.BufferedReader):
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


def _open_file(path: Path) -> io.BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be opened ({error.strerror}); expected {EXPECTED}"
        ) from error
