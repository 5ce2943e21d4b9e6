"""Padded batches of encoded corpora, and streams of a text.

A batch is `(x, y, sample_weight)`. Every array is padded on the right with zeros to a
length from the ladder that fits the corpus, and the last batch is filled up with rows
of weight 0, so that a compiled model sees few shapes and little padding. The order is a
function of (seed, epoch) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from zoo.data.bucketing import choose_bucket_lengths
from zoo.data.ragged import Ragged
from zoo.text.vocabulary import END, START

Batch = tuple[Any, np.ndarray, np.ndarray]
TOKEN_COLUMNS = ("token_ids", "source_ids", "target_ids")
WASTE = 0.045  # share of padding that is worth no further shape to save


class Batches(keras.utils.PyDataset):
    """Batches of examples of similar length.

    An example belongs to the lengths of the ladder that hold its sides. Each epoch
    mixes the examples of the same lengths, and then the batches, so the shapes of an
    epoch's batches are always the same ones.

    Args:
        columns: the encoded parts of the examples, by name; equally many of each. The
            lengths of `TOKEN_COLUMNS` vary; another column is as long as the first of
            them, or of one length.
        assemble: turns the padded columns (a dict of arrays `[batch, length, ...]`) and
            the row weights (float32 `[batch]`, 0 for a row that only fills up the
            batch) into a batch.
        batch_size: rows of every batch.
        shuffle: whether each epoch has an order of its own.
        seed: of the order.
        batch_tokens: instead of `batch_size`, the cells of a batch at most, padding
            included, counted on its longer side.

    Raises:
        ValueError: if not just one of `batch_size` and `batch_tokens` is given, or
            `batch_tokens` does not hold the longest example.
    """

    def __init__(
        self,
        columns: Mapping[str, Ragged],
        assemble: Callable[[dict[str, np.ndarray], np.ndarray], Batch],
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
        batch_tokens: int = 0,
    ):
        super().__init__()
        if bool(batch_size) == bool(batch_tokens):
            raise ValueError(
                "batch_size and batch_tokens: expected one of them, got "
                f"{batch_size} and {batch_tokens}"
            )
        self.columns, self.assemble = dict(columns), assemble
        self.batch_size, self.batch_tokens = batch_size, batch_tokens
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0
        self._sides = [name for name in self.columns if name in TOKEN_COLUMNS]
        first = self.columns[self._sides[0]].offsets
        self._fixed = {
            name: int(column.lengths.max())
            for name, column in self.columns.items()
            if name not in self._sides and not np.array_equal(column.offsets, first)
        }
        self._cut()
        self._order()

    def _cut(self) -> None:
        """Cuts batches, on the first ladder that wastes little."""
        lengths = [self.columns[name].lengths for name in self._sides]
        longest = max(side.max() for side in lengths)
        if 0 < self.batch_tokens < longest:
            raise ValueError(
                f"batch_tokens: expected at least {longest}, the tokens of the longest "
                f"example, got {self.batch_tokens}"
            )
        average = int(np.mean([side.mean() for side in lengths]))
        for self.ladder in choose_bucket_lengths(
            lengths, self._rows_of(average), WASTE
        ):
            places = [np.searchsorted(self.ladder, side) for side in lengths]
            self._cut_at(np.array(places, np.int16))
            if self.padding_waste() <= WASTE:
                break

    def _cut_at(self, places: np.ndarray) -> None:
        """Cuts batches of examples `[sides, count]` given by places on the ladder."""
        # By the longer side, the longest first. Among these by the difference of the
        # sides, up and down in turn, so that neighbours differ little on both.
        top = places.max(0)
        difference = (places[0] - places[-1]) * (-1) ** (top % 2)
        keys = difference - (top << 8)
        self._rows = np.argsort(keys, kind="stable").astype(np.int32)
        keys = keys[self._rows]
        self._groups = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        places, top = places[:, self._rows], top[self._rows]
        starts, rows = [0], []  # from the longest examples on
        while starts[-1] < len(top):
            rows.append(self._rows_of(int(self.ladder[top[starts[-1]]])))
            starts.append(starts[-1] + rows[-1])
        self._starts, self._num_rows = np.array(starts), np.array(rows)
        # [sides, batches]
        self._lengths = self.ladder[np.maximum.reduceat(places, starts[:-1], axis=1)]

    def _rows_of(self, length: int) -> int:
        """Returns the rows of a batch of a length."""
        if not self.batch_tokens:
            return self.batch_size
        rows = max(1, self.batch_tokens // length)
        return rows if rows < 8 else rows // 8 * 8  # devices share a batch evenly

    def _order(self) -> None:
        """Mixes the examples of the same lengths, then the batches."""
        self._epoch_rows, self._sequence = self._rows, np.arange(len(self._num_rows))
        if self.shuffle:
            random = np.random.default_rng((self.seed, self.epoch))
            self._epoch_rows = self._rows.copy()
            for group in np.split(self._epoch_rows, self._groups):
                random.shuffle(group)
            random.shuffle(self._sequence)
        # Keras takes a dimension for fixed if it is the same in the first two batches,
        # and then fails at a later one, so these two differ in all that ever do.
        varying = self._lengths[np.ptp(self._lengths, axis=1) > 0][:, self._sequence]
        for first in range(len(self) if len(varying) else 0):
            others = np.flatnonzero((varying != varying[:, [first]]).all(0))
            if len(others):
                two = [first, others[0]]
                rest = np.delete(self._sequence, two)
                self._sequence = np.concatenate([self._sequence[two], rest])
                break

    def on_epoch_end(self) -> None:
        self.epoch += 1
        if self.shuffle:
            self._order()

    def __len__(self) -> int:
        return len(self._num_rows)

    def __getitem__(self, index: int) -> Batch:
        batch = self._sequence[index]
        rows, num_rows = self.rows(index), int(self._num_rows[batch])
        lengths = dict(zip(self._sides, self._lengths[:, batch].tolist()))
        for name, column in self.columns.items():
            lengths.setdefault(name, self._fixed.get(name, lengths[self._sides[0]]))
        padded = {
            name: column.padded(np.resize(rows, num_rows), lengths[name])
            for name, column in self.columns.items()
        }
        return self.assemble(padded, (np.arange(num_rows) < len(rows)).astype("f4"))

    def rows(self, index: int) -> np.ndarray:
        """Returns which examples batch `index` holds, in its order."""
        batch = self._sequence[index]
        return self._epoch_rows[self._starts[batch] : self._starts[batch + 1]]

    def num_tokens(self) -> int:
        """Returns the number of real tokens of an epoch, sources and targets alike."""
        return int(sum(self.columns[name].lengths.sum() for name in self._sides))

    def padding_waste(self) -> float:
        """Returns the share of an epoch's token cells that are padding."""
        return 1 - self.num_tokens() / int((self._num_rows * self._lengths).sum())

    def num_shapes(self) -> int:
        """Returns the number of shapes that the batches of any epoch take."""
        return len(set(zip(self._num_rows.tolist(), *self._lengths.tolist())))


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
