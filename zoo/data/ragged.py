"""Encoded corpora: arrays of unequal length, in memory or memory-mapped."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np


class Ragged:
    """Arrays of unequal length, one after another in one flat array.

    Args:
        values: integers `[total, ...]`, in memory or memory-mapped.
        offsets: int64 `[count + 1]`; example `i` is
            `values[offsets[i]:offsets[i + 1]]`.
        file: the mapped file, which begins with the values; None if they are in memory.
    """

    memory_limit = 1 << 28  # bytes; a larger corpus goes to an unnamed temporary file

    def __init__(
        self, values: np.ndarray, offsets: np.ndarray, file: BinaryIO | None = None
    ):
        self.values, self.offsets, self.file = values, offsets, file

    @classmethod
    def pack(cls, arrays: Iterable[np.ndarray]) -> Ragged:
        """Packs arrays whose shapes differ in the first axis only.

        Args:
            arrays: integers `[length, ...]`; read once. Above `memory_limit` bytes they
                are written to a temporary file, which is then mapped.

        Raises:
            ValueError: if there is no array, or one is empty.
        """
        offsets, pending, pending_bytes = array("q", [0]), [], 0
        file: BinaryIO | None = None
        for example in arrays:
            if not len(example):
                raise ValueError(f"example {len(offsets)} is empty once encoded")
            offsets.append(offsets[-1] + len(example))
            pending.append(example)
            pending_bytes += example.nbytes
            if pending_bytes > cls.memory_limit:
                file = file or tempfile.TemporaryFile()
                np.concatenate(pending).tofile(file)
                pending, pending_bytes = [], 0
        if len(offsets) == 1:
            raise ValueError("there are no examples to encode")
        bounds = np.frombuffer(offsets, np.int64)
        if file is None:
            return cls(np.concatenate(pending), bounds)
        if pending:
            np.concatenate(pending).tofile(file)
        file.flush()
        shape = (offsets[-1], *example.shape[1:])
        return cls(np.memmap(file, example.dtype, "r", shape=shape), bounds, file)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Lengths of the examples, int64 `[count]`."""
        return np.diff(self.offsets)

    def padded(self, rows: Sequence[int] | np.ndarray, length: int) -> np.ndarray:
        """Returns the examples `rows`, padded on the right to `[rows, length, ...]`."""
        shape = (len(rows), length, *self.values.shape[1:])
        out = np.zeros(shape, self.values.dtype)  # [rows, length, ...]
        values = np.asarray(self.values)  # slices of a memory map are slow
        starts, ends = self.offsets[rows].tolist(), self.offsets[1:][rows].tolist()
        self._announce(starts, ends)
        for row, start, end in zip(out, starts, ends):
            row[: end - start] = values[start:end]
        return out

    def _announce(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        """Asks the system to read a mapped file's examples at once, not one by one."""
        if self.file is None or not hasattr(os, "posix_fadvise"):
            return
        width = self.values.nbytes // len(self.values)
        for start, end in zip(starts, ends):
            place, size = start * width, (end - start) * width
            os.posix_fadvise(self.file.fileno(), place, size, os.POSIX_FADV_WILLNEED)
