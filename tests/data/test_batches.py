"""Padded batches, batches ahead of their use, and streams."""

import threading

import keras
import numpy as np
import pytest

from zoo.data.batches import (
    Batches,
    classification_batch,
    tagging_batch,
    translation_batch,
)
from zoo.data.prefetching import Prefetcher, prefetch
from zoo.data.ragged import Ragged
from zoo.data.streams import Streams
from zoo.text.vocabulary import END, START

LENGTHS = [3, 1, 7, 2, 2, 12, 5, 1, 9, 4, 4]


def arrays(lengths, *shape, seed=0, dtype=np.int32):
    random = np.random.default_rng(seed)
    return [random.integers(1, 90, (n, *shape)).astype(dtype) for n in lengths]


def numbered(lengths):
    """Example `i` repeats the id `i + 1`."""
    return Ragged.pack(np.full(n, i + 1, np.int32) for i, n in enumerate(lengths))


def columns_as_they_are(columns, weights):
    return columns, None, weights


def shapes_of(data):
    """Returns the shape of each side of every batch."""
    found = []
    for i in range(len(data)):
        columns, _, _ = data[i]
        found.append([c.shape for n, c in columns.items() if n.endswith("_ids")])
    return found


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
            longest = (ids > 0).sum(1).max()
            assert ids.shape[1] == min(n for n in data.ladder if n >= longest)
            kept = ids[weights == 1]
            assert set(weights.tolist()) <= {0.0, 1.0} and weights.dtype == np.float32
            assert data.rows(i).tolist() == (kept[:, 0] - 1).tolist()
            for row in kept:
                n = LENGTHS[row[0] - 1]
                assert (row[:n] == row[0]).all() and not row[n:].any()
            seen += data.rows(i).tolist()
        assert sorted(seen) == list(range(len(LENGTHS)))
        data.on_epoch_end()


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    "lengths",
    [
        ([2] * 6 + [9],),
        ([2] + [9] * 6,),
        ([4, 4, 2, 2, 2], [6, 8, 6, 6, 6]),
        ([2, 2, 4, 4], [3, 5, 3, 5]),
        ([3] * 5, [1, 8, 8, 8, 8]),
    ],
)
def test_the_first_two_batches_differ_in_every_length_that_varies(lengths, shuffle):
    columns = dict(zip(("source_ids", "target_ids"), map(numbered, lengths)))
    data = Batches(columns, columns_as_they_are, 1, shuffle)
    for _ in range(5):
        for side, shapes in zip(lengths, zip(*shapes_of(data))):
            assert (shapes[0] != shapes[1]) is (len(set(side)) > 1)
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


def test_without_shuffling_epochs_are_alike():
    data = Batches({"token_ids": numbered(LENGTHS)}, columns_as_they_are, 3)
    before = order(data)
    data.on_epoch_end()
    assert order(data) == before != order(shuffled(0, 0, 3))


@pytest.mark.parametrize("options", [{"batch_size": 4}, {"batch_tokens": 600}], ids=str)
@pytest.mark.parametrize("sides", [1, 2])
def test_shapes_are_few_and_the_same_in_every_epoch(sides, options):
    random = np.random.default_rng(0)
    lengths = random.integers(1, 257, 600)
    others = np.maximum(1, lengths + random.integers(-9, 9, 600))
    columns = {"source_ids": numbered(lengths), "target_ids": numbered(others)}
    columns = dict(list(columns.items())[:sides])
    data = Batches(columns, columns_as_they_are, shuffle=True, **options)
    first = sorted(shapes_of(data))
    data.on_epoch_end()
    assert sorted(shapes_of(data)) == first
    assert len({str(shape) for shape in first}) == data.num_shapes()
    assert len(data.ladder) <= 32 and data.num_shapes() <= (32 if sides == 1 else 96)


def test_padding_waste_of_a_corpus_of_usual_lengths():
    random = np.random.default_rng(0)
    source = np.ceil(random.gamma(6, 2.2, 8000)).astype(int)
    target = np.maximum(1, source + random.normal(0, 2, 8000).round().astype(int))
    columns = {"source_ids": numbered(source), "target_ids": numbered(target)}
    data = Batches(columns, columns_as_they_are, 64, shuffle=True)
    assert data.padding_waste() <= 0.05 and data.num_shapes() <= 80


@pytest.mark.parametrize("budget", [12, 13, 40, 100, 10_000])
def test_a_batch_holds_its_tokens_and_no_more(budget):
    columns = {
        "source_ids": numbered(LENGTHS * 9),
        "target_ids": numbered(LENGTHS[::-1] * 9),
    }
    data = Batches(columns, columns_as_they_are, shuffle=True, batch_tokens=budget)
    by_length, seen = {}, []
    for i, shapes in enumerate(shapes_of(data)):
        assert shapes[0][0] == shapes[1][0]
        (rows, longer), seen = max(shapes), seen + data.rows(i).tolist()
        assert rows * longer <= budget and (rows < 8 or rows % 8 == 0)
        by_length.setdefault(longer, set()).add(rows)
        assert data[i][2].tolist() == [1] * len(data.rows(i)) + [0] * (
            rows - len(data.rows(i))
        )
    assert sorted(seen) == list(range(len(LENGTHS) * 9))
    assert all(len(rows) == 1 for rows in by_length.values())
    for longer, (rows,) in by_length.items():
        assert (rows + (1 if rows < 8 else 8)) * longer > budget


def test_tokens_of_a_batch_that_do_not_hold_the_longest_example():
    with pytest.raises(ValueError, match="^batch_tokens: expected at least 12, .* 11$"):
        Batches({"token_ids": numbered(LENGTHS)}, columns_as_they_are, batch_tokens=11)


@pytest.mark.parametrize("both", [(None, 0), (4, 100)])
def test_rows_or_tokens_of_a_batch_but_not_both(both):
    message = "expected one of them, got {} and {}$".format(*both)
    with pytest.raises(ValueError, match=message):
        Batches(
            {"token_ids": numbered(LENGTHS)},
            columns_as_they_are,
            both[0],
            batch_tokens=both[1],
        )


@pytest.mark.parametrize(
    "names",
    [
        ("token_ids", "tags"),
        ("source_ids", "target_ids"),
        ("token_ids", "character_ids"),
    ],
)
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


def test_a_memory_map_makes_the_same_batches(monkeypatch):
    def found():
        columns = {"token_ids": numbered(LENGTHS)}
        data = Batches(columns, columns_as_they_are, 3, shuffle=True)
        return [data[i][0]["token_ids"] for i in range(len(data))]

    in_memory = found()
    monkeypatch.setattr(Ragged, "memory_limit", 30)
    assert all(map(np.array_equal, found(), in_memory))


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


@pytest.mark.parametrize(
    "total, batch_size, steps",
    [
        (2, 1, 4),
        (2, 3, 4),
        (13, 1, 4),
        (13, 3, 4),
        (14, 3, 2),
        (25, 4, 6),
        (30, 4, 100),
        (7, 8, 3),
        (10, 4, 2),
    ],
)
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


@pytest.mark.parametrize(
    "total, batch_size, steps", [(2, 1, 4), (100, 3, 8), (1001, 4, 16), (90, 2, 3)]
)
def test_streams_of_random_steps_hold_every_token_once(total, batch_size, steps):
    ids = np.arange(1, total + 1, dtype=np.int32)
    plain = Streams(ids, batch_size, steps)
    data = Streams(ids, batch_size, steps, random_steps=True, seed=3)
    batches = [plain[i] for i in range(len(plain))]
    expected = [np.concatenate(arrays, 1) for arrays in zip(*batches)]
    kept = expected[2].astype(bool)
    seen = []
    for _ in range(3):
        assert len(data) == len(plain)
        parts = [data[i] for i in range(len(data))]
        widths = [x.shape[1] for x, _, _ in parts]
        assert data.num_shapes() == len(set(widths)) <= 9
        assert all(1 <= width <= 1.5 * steps + 1 for width in widths)
        x, y, weights = (np.concatenate(arrays, 1) for arrays in zip(*parts))
        assert data.padding_waste() == pytest.approx(1 - weights.mean(), abs=1e-6)
        for row in range(batch_size):
            for found, wanted in zip((x, y), expected):
                real = weights[row] == 1
                assert found[row][real].tolist() == wanted[row][kept[row]].tolist()
        seen.append(widths)
        data.on_epoch_end()
    again = Streams(ids, batch_size, steps, random_steps=True, seed=3)
    assert [again[i][0].shape[1] for i in range(len(again))] == seen[0]
    if total > 90:
        assert seen[0] != seen[1] != seen[2]


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
