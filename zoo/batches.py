"""Encoded corpora, and the padded batches made of them.

A batch is `(x, y, sample_weight)`. Every array is padded on the right with zeros to a
length from a fixed ladder, and the last batch is filled up with rows of weight 0, so
that a compiled model sees few shapes. The order is a function of (seed, epoch) alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from zoo.vocabulary import END, START

Batch = tuple[Any, np.ndarray, np.ndarray]
TOKEN_COLUMNS = ("token_ids", "source_ids", "target_ids")


class Ragged:
    """Arrays of unequal length, one after another in one flat array.

    Args:
        values: integers `[total, ...]`, in memory or memory-mapped.
        offsets: int64 `[count + 1]`; example `i` is
            `values[offsets[i]:offsets[i + 1]]`.
    """

    memory_limit = 1 << 28  # bytes; a larger corpus goes to an unnamed temporary file

    def __init__(self, values: np.ndarray, offsets: np.ndarray):
        self.values, self.offsets = values, offsets

    @classmethod
    def pack(cls, arrays: Iterable[np.ndarray]) -> Ragged:
        """Packs arrays that differ in their first axis only; reads `arrays` once.

        Raises:
            ValueError: if there is no array, or one is empty.
        """
        offsets, pending, pending_bytes, file = [0], [], 0, None
        for array in arrays:
            if not len(array):
                raise ValueError(f"example {len(offsets)} is empty once encoded")
            offsets.append(offsets[-1] + len(array))
            pending.append(array)
            pending_bytes += array.nbytes
            if pending_bytes > cls.memory_limit:
                file = file or tempfile.TemporaryFile()
                np.concatenate(pending).tofile(file)
                pending, pending_bytes = [], 0
        if len(offsets) == 1:
            raise ValueError("there are no examples to encode")
        if file is None:
            return cls(np.concatenate(pending), np.array(offsets))
        shape = (offsets[-1], *array.shape[1:])
        if pending:
            np.concatenate(pending).tofile(file)
        file.flush()
        return cls(np.memmap(file, array.dtype, "r", shape=shape), np.array(offsets))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Lengths of the examples, int64 `[count]`."""
        return np.diff(self.offsets)

    def padded(self, rows: Iterable[int], length: int) -> np.ndarray:
        """Returns the examples `rows`, padded on the right to `[rows, length, ...]`."""
        out = np.zeros(
            (len(rows), length, *self.values.shape[1:]), dtype=self.values.dtype
        )
        for i, row in enumerate(rows):
            example = self[row]
            out[i, : len(example)] = example
        return out


def ladder_length(length: int) -> int:
    """Returns the smallest permitted length that holds `length`: 8 steps an octave.

    >>> [ladder_length(n) for n in (1, 9, 17, 33, 100, 1000)]
    [2, 10, 18, 36, 104, 1024]
    """
    step = max(2, 2 ** max(0, (length - 1).bit_length() - 4))
    return -(-length // step) * step


class Batches(keras.utils.PyDataset):
    """Batches of examples of similar length.

    Args:
        columns: the encoded parts of the examples, by name; equally many of each.
        assemble: turns the padded columns (a dict of arrays `[batch, length, ...]`) and
            the row weights (float32 `[batch]`, 0 for a row that only fills up the
            batch) into a batch.
        batch_size: rows of every batch.
        shuffle: whether each epoch has an order of its own.
        seed: of the order.
    """

    def __init__(
        self,
        columns: Mapping[str, Ragged],
        assemble: Callable[[dict[str, np.ndarray], np.ndarray], Batch],
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        self.columns, self.assemble = dict(columns), assemble
        self.batch_size, self.shuffle, self.seed, self.epoch = (
            batch_size,
            shuffle,
            seed,
            0,
        )
        self._lengths = {name: c.lengths for name, c in self.columns.items()}
        self._order()

    def _order(self) -> None:
        """Sorts by length, equal lengths in random order; then shuffles the batches."""
        random = np.random.default_rng((self.seed, self.epoch))
        first, *others = self._lengths.values()
        keys = [random.random(len(first))] if self.shuffle else []
        rows = np.lexsort([*keys, *others, first])
        starts = np.arange(0, len(rows), self.batch_size)
        self._batches = [rows[s : s + self.batch_size] for s in starts]
        if self.shuffle:
            random.shuffle(self._batches)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        if self.shuffle:
            self._order()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        rows = self._batches[index]
        weights = np.zeros(self.batch_size, np.float32)
        weights[: len(rows)] = 1
        filled = np.resize(rows, self.batch_size)
        return self.assemble(
            {
                name: column.padded(filled, self._padded_length(name, index))
                for name, column in self.columns.items()
            },
            weights,
        )

    def _padded_length(self, name: str, index: int) -> int:
        def length(index):
            return ladder_length(int(self._lengths[name][self._batches[index]].max()))

        # Keras takes a dimension for fixed if it is the same in the first two batches,
        # and then fails at a later one, so these two always differ.
        if index == 1 and length(0) == length(1):
            return ladder_length(length(1) + 1)
        return length(index)

    def rows(self, index: int) -> np.ndarray:
        """Returns which examples batch `index` holds, in its order."""
        return self._batches[index]

    def num_tokens(self) -> int:
        """Returns the number of real tokens of an epoch, sources and targets alike."""
        return int(sum(self._lengths[name].sum() for name in self._token_columns()))

    def _token_columns(self) -> list[str]:
        return [name for name in self.columns if name in TOKEN_COLUMNS]

    def padding_waste(self) -> float:
        """Returns the share of an epoch's token cells that are padding."""
        cells = sum(
            self.batch_size * self._padded_length(name, index)
            for index in range(len(self))
            for name in self._token_columns()
        )
        return 1 - self.num_tokens() / cells


class Streams(keras.utils.PyDataset):
    """One long text as `batch_size` contiguous streams, cut into steps.

    Row `r` of batch `i + 1` goes on where row `r` of batch `i` ended, so that a model
    which carries its state reads every stream from its beginning (truncated
    back-propagation through time).

    Args:
        token_ids: int32 `[total]`, at least two.
        batch_size: the number of streams.
        steps: the length of a batch, and of back-propagation.
    """

    def __init__(self, token_ids: np.ndarray, batch_size: int = 32, steps: int = 64):
        super().__init__()
        if len(token_ids) < 2:
            raise ValueError(f"expected at least 2 tokens, got {len(token_ids)}")
        self.token_ids, self.batch_size, self.steps = token_ids, batch_size, steps
        self.stream_length = -(-(len(token_ids) - 1) // batch_size)

    def __len__(self) -> int:
        return -(-self.stream_length // self.steps)

    def __getitem__(self, index: int) -> Batch:
        x = np.zeros((self.batch_size, self.steps), np.int32)
        y, weights = np.zeros_like(x), np.zeros(x.shape, np.float32)
        begin = index * self.steps
        size = min(self.steps, self.stream_length - begin)
        for row in range(self.batch_size):
            start = row * self.stream_length + begin
            piece = self.token_ids[start : start + size + 1]
            if len(piece) > 1:
                n = len(piece) - 1
                x[row, :n], y[row, :n], weights[row, :n] = piece[:-1], piece[1:], 1
        return x, y, weights

    def num_tokens(self) -> int:
        """Returns the number of predicted tokens of an epoch."""
        return len(self.token_ids) - 1

    def padding_waste(self) -> float:
        """Returns the share of an epoch's cells that are padding."""
        return 1 - self.num_tokens() / (len(self) * self.batch_size * self.steps)


def classification_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles `token_ids` and `targets`, one row `[outputs]` an example."""
    return columns["token_ids"], columns["targets"][:, 0], weights


def tagging_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles `token_ids`, `character_ids` if there are any, and `tags`."""
    x = {name: value for name, value in columns.items() if name != "tags"}
    return x, columns["tags"], (x["token_ids"] != 0) * weights[:, None]


def translation_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles `source_ids` and `target_ids` for teacher forcing.

    `target_ids` holds the target and its end; the decoder reads the same, one step
    later, behind the start.
    """
    y = columns["target_ids"]
    start = np.full((len(y), 1), START, y.dtype)
    shifted = np.where(y == END, 0, y)[:, :-1]
    x = {
        "source_ids": columns["source_ids"],
        "target_ids": np.concatenate([start, shifted], 1),
    }
    return x, y, (y != 0) * weights[:, None]
