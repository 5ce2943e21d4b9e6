"""Batches that are built while the ones before them are used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

from zoo.data.batches import Batch
from zoo.keras_compat import as_tf_dataset


class Prefetcher(keras.utils.PyDataset):
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


def prefetch(data: keras.utils.PyDataset) -> tuple[Any, list[keras.callbacks.Callback]]:
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
