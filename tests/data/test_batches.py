"""Padded batches: every example once, few shapes, little padding."""

import numpy as np
import pytest

from zoo.data.batches import Batches
from zoo.data.ragged import Ragged

LENGTHS = [3, 1, 7, 2, 2, 12, 5, 1, 9, 4, 4]


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
            assert ids.shape[1] == min(n for n in data.bucket_lengths if n >= longest)
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
    assert len(data.bucket_lengths) <= 32 and data.num_shapes() <= (
        32 if sides == 1 else 96
    )


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
