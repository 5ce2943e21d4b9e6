"""Streams of a text, contiguous from batch to batch."""

import numpy as np
import pytest

from zoo.data.streams import Streams


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
