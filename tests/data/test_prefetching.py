"""Batches that are built ahead are the same batches, in the same order."""

import threading

import keras
import numpy as np
import pytest

from zoo.data.assembly import classification_batch
from zoo.data.batches import Batches
from zoo.data.prefetching import Prefetcher, prefetch
from zoo.data.ragged import Ragged

LENGTHS = [3, 1, 7, 2, 2, 12, 5, 1, 9, 4, 4]


def numbered(lengths):
    """Example `i` repeats the id `i + 1`."""
    return Ragged.pack(np.full(n, i + 1, np.int32) for i, n in enumerate(lengths))


def columns_as_they_are(columns, weights):
    return columns, None, weights


def shuffled(seed, epoch, batch_size=2):
    data = Batches(
        {"token_ids": numbered(LENGTHS * 3)},
        columns_as_they_are,
        batch_size,
        shuffle=True,
        seed=seed,
    )
    for _ in range(epoch):
        data.on_epoch_end()
    return data


def test_batches_ahead_are_the_same_batches():
    def found(data):
        epochs = []
        for _ in range(3):
            epochs.append([str(data[i]) for i in (*range(len(data)), 1, 0, 0, 2)])
            data.on_epoch_end()
        return epochs

    expected = found(shuffled(3, 0))
    assert found(Prefetcher(shuffled(3, 0))) == expected
    assert expected[0] != expected[1]


def test_fit_is_fed_the_same_batches():
    def data():
        ids = numbered(LENGTHS * 3)
        targets = Ragged(np.zeros(len(ids), np.int32), np.arange(len(ids) + 1))
        columns = {"token_ids": ids, "targets": targets}
        return Batches(columns, classification_batch, 2, shuffle=True, seed=3)

    expected, orders, found = [], data(), []
    for _ in range(3):
        orders.on_epoch_end()
        expected.append([orders[i][0].tolist() for i in range(len(orders))])
    batches, callbacks = prefetch(data())

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if isinstance(batches, Prefetcher):
                found.append([batches[i][0].tolist() for i in range(len(batches))])
            else:
                found.append([x.numpy().tolist() for x, _, _ in batches])

    model = keras.Sequential(
        [keras.layers.Embedding(99, 1), keras.layers.GlobalMaxPooling1D()]
    )
    model.compile("sgd", "mse")
    history = model.fit(
        batches, epochs=3, shuffle=False, verbose=0, callbacks=[Look(), *callbacks]
    )
    assert found == expected and expected[0] != expected[1]
    assert history.params["steps"] == len(orders)


class Noticed:
    """Tells when a batch is being built, and fails to build batch 2."""

    def __init__(self):
        self.built = [threading.Event() for _ in range(3)]

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.built[index].set()
        if index == 2:
            raise OSError("no such file")
        return index


def test_a_batch_is_built_before_it_is_asked_for():
    noticed = Noticed()
    data = Prefetcher(noticed)
    assert data[0] == 0 and noticed.built[1].wait(10) and not noticed.built[2].is_set()
    assert data[1] == 1 and noticed.built[2].wait(10)
    with pytest.raises(OSError, match="no such file"):
        data[2]
