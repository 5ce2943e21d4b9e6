"""What was read from files of vectors, kept for the next time.

An `Entry` is one .npz file for each pair of a source and a list of tokens: the rows,
and facts about the source. It is valid as long as the source's size, times, device and
number are the same. If the source had just been written when it was read, these do not
tell whether it was written again, and its checksum is compared as well.

`keep` and `kept` hold rows by their own checksum: those that a checkpoint leaves out.

Every file ends in a checksum of all that precedes it, or is named by it; a damaged one
is ignored, and replaced when the source has been read again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
import struct
import tempfile
import time
from pathlib import Path

import numpy as np

from pretrained.vectors.files import Facts
from pretrained.vectors.rows import Rows

_VERSION = 3  # raise it if a change makes a different matrix of the same file
_SETTLED = 3.0  # seconds after which a file's times tell one writing from the next
_DIGEST_SIZE = 64


class Entry:
    """The place in the cache for a source and a list of tokens.

    Args:
        directory: The cache.
        source: The file; `archive.zip/member` if it is in an archive.
        tokens: What is wanted.
        first: Number of rows at its beginning that are wanted in addition.

    Raises:
        OSError: If there is no such source.
    """

    def __init__(
        self, directory: Path, source: Path, tokens: list[str], first: int = 0
    ):
        source = source.absolute()
        self._file = source.parent if source.parent.is_file() else source
        self._state = self._present_state()
        key = json.dumps([str(source), tokens, first]).encode()
        self.path = directory / f"vectors-{hashlib.sha256(key).hexdigest()[:32]}.npz"

    def _present_state(self) -> list[int]:
        status = os.stat(self._file)
        times = [status.st_mtime_ns, status.st_ctime_ns]
        return [_VERSION, status.st_size, status.st_dev, status.st_ino, *times]

    def _is_settled(self) -> bool:
        """Whether another writing of the source would have given it other times."""
        return time.time() - max(self._state[-2:]) / 1e9 > _SETTLED

    def restore(self, rows: Rows) -> Facts | None:
        """Fills `rows` from the cache, if the source has not changed.

        Returns:
            Facts about the source; None if nothing was restored.
        """
        content = _read(self.path)
        if content is None or not _is_whole(content):
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as kept:
                about = json.loads(str(kept["about"]))
                matrix, kinds = kept["matrix"], kept["kinds"]
        except Exception:  # written by another version of NumPy or of this module
            return None
        if about["state"] != self._state:
            return None
        facts = Facts(**about["facts"])
        if not about["settled"]:
            if self._checksum_of_source() != facts.sha256:
                return None
            if self._is_settled():
                self._write({**about, "settled": True}, matrix, kinds)
        rows.matrix, rows.kinds, rows.repeated = matrix, kinds, about["repeated"]
        rows.tokens += about["others"]
        return facts

    def _checksum_of_source(self) -> str | None:
        with contextlib.suppress(OSError), open(self._file, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return None

    def save(self, rows: Rows, facts: Facts) -> None:
        """Keeps what was read, completely or not at all.

        If the cache cannot be written, or the source has changed since, nothing is
        kept.
        """
        with contextlib.suppress(OSError):
            if self._present_state() != self._state:
                return
        about = {
            "state": self._state,
            "settled": self._is_settled(),
            "facts": dataclasses.asdict(facts),
            "repeated": rows.repeated,
            "others": rows.tokens[rows.wanted :],
        }
        self._write(about, rows.matrix, rows.kinds)

    def _write(self, about: dict, matrix: np.ndarray, kinds: np.ndarray) -> None:
        stream = io.BytesIO()
        np.savez(stream, matrix=matrix, kinds=kinds, about=json.dumps(about))
        # The checksum is the comment of the archive, the length of which precedes it.
        content = stream.getvalue()[:-2] + struct.pack("<H", _DIGEST_SIZE)
        _write(self.path, content + hashlib.sha256(content).hexdigest().encode())


def _is_whole(content: bytes) -> bool:
    digest = hashlib.sha256(memoryview(content)[:-_DIGEST_SIZE]).hexdigest()
    return content[-_DIGEST_SIZE:] == digest.encode()


def keep(directory: Path, matrix: np.ndarray) -> None:
    """Keeps rows under their checksum; if the cache cannot be written, does nothing.

    Args:
        directory: The cache.
        matrix: `[tokens, dimension]`.
    """
    content = np.ascontiguousarray(matrix, "<f4").tobytes()
    path = _place(directory, hashlib.sha256(content).hexdigest())
    if _read(path) != content:
        _write(path, content)


def kept(directory: Path, sha256: str, tokens: int) -> np.ndarray | None:
    """Returns the rows of a checksum.

    Args:
        directory: The cache.
        sha256: Of the rows as little-endian float32.
        tokens: Number of rows.

    Returns:
        float32 `[tokens, dimension]`; None if they are not there.
    """
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        return None
    content = _read(_place(directory, sha256))
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        return None
    if not content or len(content) % (4 * tokens):
        return None
    return np.frombuffer(content, "<f4").reshape(tokens, -1)


def _place(directory: Path, sha256: str) -> Path:
    return directory / f"rows-{sha256}.f32"


def _read(path: Path) -> bytes | None:
    """Returns the content of a regular file; None if there is none."""
    with contextlib.suppress(OSError):
        if path.is_file():
            return path.read_bytes()
    return None


def _write(path: Path, content: bytes) -> None:
    """Writes a file of the cache, completely or not at all, if it can be written."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
