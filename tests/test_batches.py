"""Ragged arrays, padded batches and streams."""

import doctest

import numpy as np
import pytest

from zoo import batches
from zoo.batches import (
    Batches,
    Ragged,
    Streams,
    classification_batch,
    ladder_length,
    tagging_batch,
    translation_batch,
)
from zoo.vocabulary import END, START

LENGTHS = [3, 1, 7, 2, 2, 12, 5, 1, 9, 4, 4]


def arrays(lengths, *shape, seed=0, dtype=np.int32):
    random = np.random.default_rng(seed)
    return [random.integers(1, 90, (n, *shape)).astype(dtype) for n in lengths]


def numbered(lengths):
    """Example `i` repeats the id `i + 1`."""
    return Ragged.pack(np.full(n, i + 1, np.int32) for i, n in enumerate(lengths))


def columns_as_they_are(columns, weights):
    return columns, None, weights


def test_doctests():
    results = doctest.testmod(batches)
    assert results.attempted and not results.failed


@pytest.mark.parametrize("shape", [(), (4,)], ids=["flat", "letters"])
@pytest.mark.parametrize("limit", [None, 0, 40, 90], ids=str)
def test_pack_keeps_every_array(monkeypatch, limit, shape):
    if limit is not None:
        monkeypatch.setattr(Ragged, "memory_limit", limit)
    given = arrays(LENGTHS, *shape, dtype=np.int16)
    ragged = Ragged.pack(iter(given))
    assert isinstance(ragged.values, np.memmap) is (limit is not None)
    assert ragged.values.dtype == np.int16 and len(ragged) == len(LENGTHS)
    assert ragged.lengths.tolist() == LENGTHS
    for i, array in enumerate(given):
        assert np.array_equal(ragged[i], array)


def test_memory_map_cannot_be_changed(monkeypatch):
    monkeypatch.setattr(Ragged, "memory_limit", 0)
    with pytest.raises(ValueError, match="read-only"):
        Ragged.pack(arrays(LENGTHS)).values[0] = 1


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_pack_refuses_nothing_and_empty_arrays(monkeypatch, limit):
    monkeypatch.setattr(Ragged, "memory_limit", limit)
    with pytest.raises(ValueError, match="^there are no examples to encode$"):
        Ragged.pack([])
    with pytest.raises(ValueError, match="^example 3 is empty once encoded$"):
        Ragged.pack(arrays([1, 2, 0, 4]))


def test_padded():
    ragged = Ragged(np.array([5, 6, 7, 8, 9, 4]), np.array([0, 3, 4, 6]))
    assert ragged.padded([2, 0, 2], 4).tolist() == [
        [9, 4, 0, 0], [5, 6, 7, 0], [9, 4, 0, 0],
    ]
    letters = Ragged(np.arange(1, 7).reshape(3, 2), np.array([0, 1, 3]))
    assert letters.padded([0, 1], 2).tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]


def test_padded_refuses_a_length_that_cuts():
    with pytest.raises(ValueError):
        numbered([3]).padded([0], 2)


def test_ladder_length():
    lengths = range(1, 2049)
    ladder = [ladder_length(n) for n in lengths]
    assert ladder == sorted(ladder)
    assert all(n <= m < n + max(2, n / 8) for n, m in zip(lengths, ladder))
    assert all(ladder_length(m) == m for m in ladder)
    assert all(m % 2 == 0 for m in ladder)
    for octave in (16, 32, 64, 512, 1024):
        assert len({m for m in ladder if octave < m <= 2 * octave}) == 8


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 11, 20])
def test_every_example_once_per_epoch(batch_size, shuffle):
    ragged = numbered(LENGTHS)
    data = Batches({"token_ids": ragged}, columns_as_they_are, batch_size, shuffle)
    for _ in range(3):
        seen = []
        for i in range(len(data)):
            columns, _, weights = data[i]
            ids = columns["token_ids"]
            assert ids.shape[0] == batch_size
            least = ladder_length(int((ids > 0).sum(1).max()))
            longer = ladder_length(least + 1) if i == 1 else least
            assert ids.shape[1] in (least, longer)
            kept = ids[weights == 1]
            assert set(weights.tolist()) <= {0.0, 1.0} and weights.dtype == np.float32
            assert data.rows(i).tolist() == (kept[:, 0] - 1).tolist()
            for row in kept:
                n = LENGTHS[row[0] - 1]
                assert (row[:n] == row[0]).all() and not row[n:].any()
            seen += data.rows(i).tolist()
        assert sorted(seen) == list(range(len(LENGTHS)))
        data.on_epoch_end()


@pytest.mark.parametrize("lengths", [[2] * 6, [2] * 3 + [9] * 3, [1] * 3])
def test_the_first_two_batches_differ_in_length(lengths):
    data = Batches({"token_ids": numbered(lengths)}, columns_as_they_are, 1, True)
    for _ in range(3):
        shapes = [data[i][0]["token_ids"].shape for i in range(len(data))]
        assert shapes[0] != shapes[1]
        for i in (0, *range(2, len(shapes))):
            assert shapes[i] == (1, ladder_length(lengths[data.rows(i)[0]]))
        data.on_epoch_end()


def test_filling_rows_are_examples_of_weight_0():
    data = Batches({"token_ids": numbered([2, 2, 2])}, columns_as_they_are, 5)
    columns, _, weights = data[0]
    assert weights.tolist() == [1, 1, 1, 0, 0]
    assert (columns["token_ids"][:, 0] > 0).all()


def order(data):
    return [data.rows(i).tolist() for i in range(len(data))]


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


def test_order_is_a_function_of_seed_and_epoch():
    for seed in (0, 7):
        for epoch in (0, 1, 3):
            np.random.seed(epoch)
            assert order(shuffled(seed, epoch)) == order(shuffled(seed, epoch))
    orders = [str(order(shuffled(s, epoch))) for s in (0, 1) for epoch in range(4)]
    assert len(set(orders)) == 8


def test_epochs_group_equal_lengths_differently():
    data, again = shuffled(0, 0), shuffled(0, 1)
    first, second = ({frozenset(rows) for rows in order(d)} for d in (data, again))
    assert first != second


def test_without_shuffling_epochs_are_alike_and_sorted():
    data = Batches({"token_ids": numbered(LENGTHS)}, columns_as_they_are, 3)
    before = order(data)
    data.on_epoch_end()
    assert order(data) == before
    lengths = [LENGTHS[row] for row in sum(before, [])]
    assert lengths == sorted(LENGTHS)


def test_shapes_are_bounded():
    lengths = np.random.default_rng(0).integers(1, 257, 600)
    data = Batches({"token_ids": numbered(lengths)}, columns_as_they_are, 2, True)
    shapes = set()
    for _ in range(3):
        shapes |= {data[i][0]["token_ids"].shape for i in range(len(data))}
        data.on_epoch_end()
    assert len(shapes) <= len({ladder_length(n) for n in range(1, 257)}) == 40


@pytest.mark.parametrize("names", [
    ("token_ids", "tags"), ("source_ids", "target_ids"), ("token_ids", "character_ids"),
])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 16])
def test_padding_waste(names, batch_size):
    columns = {
        names[0]: numbered(LENGTHS),
        names[1]: numbered(LENGTHS[::-1] if names[1] == "target_ids" else LENGTHS),
    }
    data = Batches(columns, columns_as_they_are, batch_size, shuffle=True)
    counted = [n for n in names if n.endswith("_ids") and n != "character_ids"]
    cells = real = 0
    for i in range(len(data)):
        found, _, weights = data[i]
        for name in counted:
            cells += found[name].size
            real += (found[name][weights == 1] > 0).sum()
    assert data.num_tokens() == real == sum(LENGTHS) * len(counted)
    assert data.padding_waste() == pytest.approx(1 - real / cells)


@pytest.mark.parametrize("total, batch_size, steps", [
    (2, 1, 4), (2, 3, 4), (13, 1, 4), (13, 3, 4), (14, 3, 2), (25, 4, 6), (30, 4, 100),
    (7, 8, 3), (10, 4, 2),
])
def test_streams(total, batch_size, steps):
    ids = np.arange(1, total + 1, dtype=np.int32)
    data = Streams(ids, batch_size, steps)
    parts = [data[i] for i in range(len(data))]
    assert {a.shape for part in parts for a in part} == {(batch_size, steps)}
    x, y, weights = (np.concatenate(arrays, 1) for arrays in zip(*parts))
    assert x.dtype == y.dtype == np.int32 and weights.dtype == np.float32
    assert sorted(y[weights == 1]) == list(range(2, total + 1))  # each exactly once
    assert (y == np.where(weights == 1, x + 1, 0)).all()
    assert not x[weights == 0].any() and set(weights.ravel()) <= {0, 1}
    for row, real in zip(x, weights == 1):
        count = real.sum()
        assert real[:count].all()  # contiguous across batches, padded on the right
        assert row[:count].tolist() == list(range(row[0], row[0] + count))
    assert data.num_tokens() == weights.sum() == total - 1
    assert data.padding_waste() == pytest.approx(1 - weights.mean())


@pytest.mark.parametrize("ids", [[], [4]])
def test_streams_need_two_tokens(ids):
    with pytest.raises(ValueError, match=f"expected at least 2 tokens, got {len(ids)}"):
        Streams(np.array(ids, np.int32))


def test_classification_batch():
    columns = {
        "token_ids": Ragged.pack(arrays([3, 1, 2])),
        "targets": Ragged.pack(np.array([[i, 1 - i]], np.float32) for i in (0, 1, 0)),
    }
    x, y, weights = Batches(columns, classification_batch, 4)[0]
    assert (x > 0).sum(1).tolist() == [1, 2, 3, 1]
    assert y.tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert weights.tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("characters", [False, True])
def test_tagging_batch(characters):
    columns = {"token_ids": numbered([2, 3]), "tags": Ragged.pack(arrays([2, 3]))}
    if characters:
        columns["character_ids"] = Ragged.pack(arrays([2, 3], 5))
    x, y, weights = Batches(columns, tagging_batch, 3)[0]
    assert set(x) == set(columns) - {"tags"}
    if characters:
        assert x["character_ids"].shape == (3, 4, 5)
        assert np.array_equal(x["character_ids"][1, :3], columns["character_ids"][1])
    assert x["token_ids"].tolist() == [[1, 1, 0, 0], [2, 2, 2, 0], [1, 1, 0, 0]]
    assert weights.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    first, second = columns["tags"][0].tolist(), columns["tags"][1].tolist()
    assert y.tolist() == [[*first, 0, 0], [*second, 0], [*first, 0, 0]]


def test_translation_batch():
    y = np.array([[7, 8, 9, END], [5, END, 0, 0], [END, 0, 0, 0], [6, END, 0, 0]])
    source = np.array([[4, 3], [5, 3], [6, 3], [7, 3]])
    weights = np.array([1, 1, 1, 0], np.float32)
    x, targets, weights = translation_batch(
        {"source_ids": source, "target_ids": y}, weights
    )
    assert np.array_equal(x["source_ids"], source) and np.array_equal(targets, y)
    assert x["target_ids"].tolist() == [
        [START, 7, 8, 9], [START, 5, 0, 0], [START, 0, 0, 0], [START, 6, 0, 0],
    ]
    assert weights.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
