"""Prefetching: the next batch is built while the present one is used."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras

from zoo.data.assembly import Batch
from zoo.keras_compat import as_tf_dataset


class Prefetcher(keras.utils.PyDataset):
    """A data set whose next batch is built in a thread while the present one is used.

    Keras's own `workers` would do for one epoch, but in the next they return batches
    again that they had built when `fit` started over.

    Args:
        data: the data set.
    """

    def __init__(self, data: keras.utils.PyDataset):
        super().__init__()
        self.data, self._thread = data, ThreadPoolExecutor(1)
        self._next: dict[int, Future[Batch]] = {}

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


def prefetch(data: keras.utils.PyDataset) -> tuple[Any, list[keras.callbacks.Callback]]:
    """Builds a data set's batches ahead of their use, on any backend.

    On TensorFlow it becomes a `tf.data.Dataset`, as Keras would make it, but without
    autotuning: where all cores compute, tf.data's tuning thread often delayed the end
    of an epoch by a sixth of the epoch's time.

    Args:
        data: of finite length.

    Returns:
        What to pass to `fit` or `evaluate` in place of the data set, and the callbacks
        that `fit` needs with it.
    """
    if keras.backend.backend() != "tensorflow":
        return Prefetcher(data), []
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    batches = as_tf_dataset(data).prefetch(1).with_options(options)
    batches = batches.apply(tf.data.experimental.assert_cardinality(len(data)))
    order = keras.callbacks.LambdaCallback(
        on_train_begin=lambda *_: data.on_epoch_end(),  # as Keras does
        on_epoch_end=lambda *_: data.on_epoch_end(),
    )
    return batches, [order]
