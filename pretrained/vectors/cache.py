"""What was read from a file of vectors, kept for the next run with the same tokens.

One .npz file for each pair of a source and a list of tokens: the rows, and the checksum
of the source. It is valid as long as the size and modification time of the source are
the same; a damaged one is ignored.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from pretrained.vectors.files import Facts
from pretrained.vectors.rows import Rows

_VERSION = 2  # raise it if a change makes a different matrix of the same file


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
        file = source.parent if source.parent.is_file() else source
        status = os.stat(file)
        self._state = [_VERSION, status.st_size, status.st_mtime_ns]
        key = json.dumps([str(source), tokens, first]).encode()
        self.path = directory / f"vectors-{hashlib.sha256(key).hexdigest()[:32]}.npz"

    def restore(self, rows: Rows) -> Facts | None:
        """Fills `rows` from the cache, if the source has not changed.

        Returns:
            Facts about the source; None if nothing was restored.
        """
        try:
            with np.load(self.path, allow_pickle=False) as kept:
                about = json.loads(str(kept["about"]))
                if about["state"] != self._state:
                    return None
                matrix, kinds = kept["matrix"], kept["kinds"]
                facts = Facts(**about["facts"])
                repeated, others = about["repeated"], about["others"]
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError):
            return None
        rows.matrix, rows.kinds, rows.repeated = matrix, kinds, repeated
        rows.tokens += others
        return facts

    def save(self, rows: Rows, facts: Facts) -> None:
        """Keeps what was read, completely or not at all.

        If the cache cannot be written, nothing is kept.
        """
        about = json.dumps(
            {
                "state": self._state,
                "facts": dataclasses.asdict(facts),
                "repeated": rows.repeated,
                "others": rows.tokens[rows.wanted :],
            }
        )
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent)
            try:
                with open(handle, "wb") as file:
                    np.savez(file, matrix=rows.matrix, kinds=rows.kinds, about=about)
                os.replace(name, self.path)
            except BaseException:
                os.unlink(name)
                raise
