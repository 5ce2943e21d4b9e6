"""What `fit` is given for each task."""

import numpy as np
import pytest

from zoo.data.assembly import classification_batch, tagging_batch, translation_batch
from zoo.data.batches import Batches
from zoo.data.ragged import Ragged
from zoo.text.vocabulary import END, START


def arrays(lengths, *shape, seed=0, dtype=np.int32):
    random = np.random.default_rng(seed)
    return [random.integers(1, 90, (n, *shape)).astype(dtype) for n in lengths]


def numbered(lengths):
    """Packs examples of which example `i` repeats the id `i + 1`."""
    return Ragged.pack(np.full(n, i + 1, np.int32) for i, n in enumerate(lengths))


def test_classification_batch():
    columns = {
        "token_ids": Ragged.pack(arrays([3, 1, 2])),
        "targets": Ragged.pack(np.array([[i, 1 - i]], np.float32) for i in (0, 1, 0)),
    }
    x, y, weights = Batches(columns, classification_batch, 4)[0]
    assert (x > 0).sum(1).tolist() == [3, 1, 2, 3]
    assert y.tolist() == [[0, 1], [1, 0], [0, 1], [0, 1]]
    assert weights.tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("characters", [False, True])
def test_tagging_batch(characters):
    columns = {"token_ids": numbered([2, 3]), "tags": Ragged.pack(arrays([2, 3]))}
    if characters:
        columns["character_ids"] = Ragged.pack(arrays([2, 3], 5))
    x, y, weights = Batches(columns, tagging_batch, 3)[0]
    assert set(x) == set(columns) - {"tags"}
    if characters:
        assert x["character_ids"].shape == (3, 3, 5)
        assert np.array_equal(x["character_ids"][1, :3], columns["character_ids"][1])
    assert x["token_ids"].tolist() == [[1, 1, 0], [2, 2, 2], [1, 1, 0]]
    assert weights.tolist() == [[1, 1, 0], [1, 1, 1], [0, 0, 0]]
    first, second = columns["tags"][0].tolist(), columns["tags"][1].tolist()
    assert y.tolist() == [[*first, 0], second, [*first, 0]]


def test_translation_batch():
    y = np.array([[7, 8, 9, END], [5, END, 0, 0], [END, 0, 0, 0], [6, END, 0, 0]])
    source = np.array([[4, 3], [5, 3], [6, 3], [7, 3]])
    weights = np.array([1, 1, 1, 0], np.float32)
    x, targets, weights = translation_batch(
        {"source_ids": source, "target_ids": y}, weights
    )
    assert np.array_equal(x["source_ids"], source) and np.array_equal(targets, y)
    assert x["target_ids"].tolist() == [
        [START, 7, 8, 9],
        [START, 5, 0, 0],
        [START, 0, 0, 0],
        [START, 6, 0, 0],
    ]
    assert weights.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
