"""Padded batches of encoded corpora.

Every array is padded on the right with zeros to one of a few lengths that suit the
corpus, and the last batch of a length is filled up with rows of weight 0, so that a
compiled model sees few shapes and little padding. The order is a function of
(seed, epoch) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np

from zoo.data.assembly import Batch
from zoo.data.bucketing import choose_bucket_lengths
from zoo.data.ragged import Ragged

TOKEN_COLUMNS = ("token_ids", "source_ids", "target_ids")
WASTE = 0.045  # share of padding below which a further shape does not pay


class Batches(keras.utils.PyDataset):
    """Batches of examples of similar length.

    Each side of an example (source and target, or tokens alone) is padded to the
    smallest bucket length that holds it. Every epoch mixes the examples of the same
    bucket lengths, and then the batches, so that all epochs have the same shapes.

    Args:
        columns: the encoded parts of the examples, by name; equally many of each. The
            lengths of `TOKEN_COLUMNS` vary; another column is as long as the first of
            them, or has one fixed length.
        assemble: turns the padded columns (a dict of arrays `[batch, length, ...]`) and
            the row weights (float32 `[batch]`, 0 for a row that only fills up the
            batch) into a batch; see `zoo.data.assembly`.
        batch_size: rows of every batch.
        shuffle: whether each epoch has an order of its own.
        seed: of the order.
        batch_tokens: instead of `batch_size`, the largest number of tokens of a batch,
            padding included, counted on its longer side.

    Attributes:
        bucket_lengths: int `[buckets]`, rising; what the sides are padded to.

    Raises:
        ValueError: if not exactly one of `batch_size` and `batch_tokens` is given, or
            the longest example has more than `batch_tokens`.
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
        self._fixed_lengths = {
            name: int(column.lengths.max())
            for name, column in self.columns.items()
            if name not in self._sides and not np.array_equal(column.offsets, first)
        }
        self._choose_lengths()
        self._choose_order()

    def _choose_lengths(self) -> None:
        """Cuts batches by the first bucket lengths that waste little."""
        lengths = [self.columns[name].lengths for name in self._sides]
        longest = max(side.max() for side in lengths)
        if 0 < self.batch_tokens < longest:
            raise ValueError(
                f"batch_tokens: expected at least {longest}, the tokens of the longest "
                f"example, got {self.batch_tokens}"
            )
        average = int(np.mean([side.mean() for side in lengths]))
        choices = choose_bucket_lengths(lengths, self._num_rows_of(average), WASTE)
        for bucket_lengths in choices:
            self._cut(bucket_lengths, lengths)
            if self.padding_waste() <= WASTE:
                break

    def _cut(self, bucket_lengths: np.ndarray, lengths: list[np.ndarray]) -> None:
        """Sorts the examples by their buckets and cuts the rows of each batch.

        Args:
            bucket_lengths: int `[buckets]`, rising.
            lengths: of each side, int `[examples]`.
        """
        self.bucket_lengths = bucket_lengths
        buckets = np.array(  # [sides, examples]
            [np.searchsorted(bucket_lengths, side) for side in lengths], np.int16
        )
        # By the longer side, the longest first; within it by the difference of the
        # sides, rising and falling in turn, so that neighbors differ little on both.
        longer = buckets.max(0)  # [examples]
        difference = (buckets[0] - buckets[-1]) * (-1) ** (longer % 2)
        keys = difference - (longer << 8)
        self._sorted_rows = np.argsort(keys, kind="stable").astype(np.int32)
        keys = keys[self._sorted_rows]
        self._groups = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        buckets, longer = buckets[:, self._sorted_rows], longer[self._sorted_rows]
        starts, num_rows = [0], []
        while starts[-1] < len(longer):
            length = int(bucket_lengths[longer[starts[-1]]])
            num_rows.append(self._num_rows_of(length))
            starts.append(starts[-1] + num_rows[-1])
        self._starts = np.array(starts)  # [batches + 1]
        self._num_rows = np.array(num_rows)  # [batches]
        # [sides, batches]
        self._lengths = bucket_lengths[
            np.maximum.reduceat(buckets, starts[:-1], axis=1)
        ]

    def _num_rows_of(self, length: int) -> int:
        """Returns how many rows a batch of a length has."""
        if self.batch_size:
            return self.batch_size
        rows = max(1, self.batch_tokens // length)
        return rows if rows < 8 else rows // 8 * 8  # devices share a batch evenly

    def _choose_order(self) -> None:
        """Mixes the examples of the same bucket lengths, and then the batches."""
        self._rows = self._sorted_rows
        self._sequence = np.arange(len(self._num_rows))
        if self.shuffle:
            random = np.random.default_rng((self.seed, self.epoch))
            self._rows = self._sorted_rows.copy()
            for group in np.split(self._rows, self._groups):
                random.shuffle(group)
            random.shuffle(self._sequence)
        self._vary_first_two()

    def _vary_first_two(self) -> None:
        """Puts two batches first that differ in every length which ever varies.

        Keras takes a dimension for fixed if it is the same in the first two batches,
        and then fails at a later batch.
        """
        is_varying = np.ptp(self._lengths, axis=1) > 0  # [sides]
        varying = self._lengths[is_varying][:, self._sequence]
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
            self._choose_order()

    def __len__(self) -> int:
        return len(self._num_rows)

    def __getitem__(self, index: int) -> Batch:
        batch = self._sequence[index]
        rows, num_rows = self.rows(index), int(self._num_rows[batch])
        lengths = dict(zip(self._sides, self._lengths[:, batch].tolist()))
        first = lengths[self._sides[0]]
        padded = {}
        for name, column in self.columns.items():
            length = lengths.get(name, self._fixed_lengths.get(name, first))
            # The last rows repeat the first ones, with weight 0.
            padded[name] = column.padded(np.resize(rows, num_rows), length)
        return self.assemble(padded, (np.arange(num_rows) < len(rows)).astype("f4"))

    def rows(self, index: int) -> np.ndarray:
        """Returns which examples batch `index` holds, in its order."""
        batch = self._sequence[index]
        return self._rows[self._starts[batch] : self._starts[batch + 1]]

    def num_tokens(self) -> int:
        """Returns the number of real tokens of an epoch, sources and targets alike."""
        return int(sum(self.columns[name].lengths.sum() for name in self._sides))

    def padding_waste(self) -> float:
        """Returns the share of an epoch's tokens that are padding."""
        return 1 - self.num_tokens() / int((self._num_rows * self._lengths).sum())

    def num_shapes(self) -> int:
        """Returns the number of shapes that the batches of any epoch take."""
        return len(set(zip(self._num_rows.tolist(), *self._lengths.tolist())))
