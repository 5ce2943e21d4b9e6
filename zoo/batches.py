"""Padded batches of encoded corpora, and streams of a text.

A batch is `(x, y, sample_weight)`. Every array is padded on the right with zeros to a
length from the ladder that fits the corpus, and the last batch is filled up with rows
of weight 0, so that a compiled model sees few shapes and little padding. The order is a
function of (seed, epoch) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from zoo.ladders import ladders_for
from zoo.ragged import Ragged
from zoo.vocabulary import END, START

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
        for self.ladder in ladders_for(lengths, self._rows_of(average), WASTE):
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


class Ahead(keras.utils.PyDataset):
    """A data set whose next batch is built in a thread while the present one is used.

    Keras's own `workers` would do for one epoch, but what they have built when `fit`
    starts over, they hand out again in the next.

    Args:
        data: the data set.
    """

    def __init__(self, data: keras.utils.PyDataset):
        super().__init__()
        self.data, self._thread, self._next = data, ThreadPoolExecutor(1), {}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Batch:
        ready = self._next.pop(index, None)
        self._next = {}
        batch = ready.result() if ready else self.data[index]
        if index + 1 < len(self):
            self._next[index + 1] = self._thread.submit(
                self.data.__getitem__, index + 1
            )
        return batch

    def on_epoch_end(self) -> None:
        self._next = {}
        self.data.on_epoch_end()


def feed(data: keras.utils.PyDataset) -> tuple[Any, list[keras.callbacks.Callback]]:
    """Has a data set's batches built ahead, whatever the backend.

    On TensorFlow it becomes a `tf.data.Dataset`, as Keras would make it but for the
    tuning: where all cores compute, the thread in which tf.data tunes itself was often
    seen to hold up the end of an epoch for a sixth of the epoch's time.

    Args:
        data: of finite length.

    Returns:
        What `fit` or `evaluate` is to be given for the data set, and the callbacks that
        `fit` needs with it.
    """
    if keras.backend.backend() != "tensorflow":
        return Ahead(data), []
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    batches = PyDatasetAdapter(data).get_tf_dataset().prefetch(1).with_options(options)
    batches = batches.apply(tf.data.experimental.assert_cardinality(len(data)))
    order = keras.callbacks.LambdaCallback(
        on_train_begin=lambda *_: data.on_epoch_end(),  # as Keras does
        on_epoch_end=lambda *_: data.on_epoch_end(),
    )
    return batches, [order]


class Streams(keras.utils.PyDataset):
    """One long text as `batch_size` contiguous streams, cut into steps.

    Row `r` of batch `i + 1` goes on where row `r` of batch `i` ended, so that a model
    which carries its state reads every stream from its beginning (truncated
    back-propagation through time).

    Args:
        token_ids: int32 `[total]`, at least two.
        batch_size: the number of streams.
        steps: the length of a batch, and of back-propagation.
        random_steps: whether that length varies, so that an epoch cuts the text in
            other places than the one before (Merity et al. 2018): each cut is moved by
            up to a quarter of `steps`, in eighths, which leaves the number of batches.
        seed: of the cuts, which are a function of it and the epoch.
    """

    def __init__(
        self,
        token_ids: np.ndarray,
        batch_size: int = 32,
        steps: int = 64,
        random_steps: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        if len(token_ids) < 2:
            raise ValueError(f"expected at least 2 tokens, got {len(token_ids)}")
        self.token_ids, self.batch_size, self.steps = token_ids, batch_size, steps
        self.stream_length = -(-(len(token_ids) - 1) // batch_size)
        self.random_steps, self.seed, self.epoch = random_steps, seed, 0
        self._cut()

    def _cut(self) -> None:
        """Chooses where the batches of this epoch begin."""
        starts = np.arange(0, self.stream_length, self.steps)
        if self.random_steps:
            unit = max(1, self.steps // 8)
            random = np.random.default_rng((self.seed, self.epoch))
            reach = min(2, (self.steps - 1) // (2 * unit))  # lest two cuts meet
            starts[1:] += unit * random.integers(-reach, reach + 1, len(starts) - 1)
            starts[1:] = np.minimum(starts[1:], self.stream_length - 1)
        self._starts = np.append(starts, self.stream_length)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._cut()

    def _width(self, index: int) -> int:
        """Returns the length of a batch; only the last has padding."""
        size = int(self._starts[index + 1] - self._starts[index])
        if not self.random_steps:
            return self.steps
        unit = max(1, self.steps // 8)
        return -(-size // unit) * unit

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Batch:
        x = np.zeros((self.batch_size, self._width(index)), np.int32)
        y, weights = np.zeros_like(x), np.zeros(x.shape, np.float32)
        begin, size = self._starts[index], self._starts[index + 1] - self._starts[index]
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
        cells = self.batch_size * sum(map(self._width, range(len(self))))
        return 1 - self.num_tokens() / cells

    def num_shapes(self) -> int:
        """Returns the number of shapes that this epoch's batches take."""
        return len({self._width(index) for index in range(len(self))})


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
