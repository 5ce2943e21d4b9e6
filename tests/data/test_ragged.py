"""Arrays of unequal length, in memory and memory-mapped."""

import numpy as np
import pytest

from zoo.data.ragged import Ragged

LENGTHS = [3, 1, 7, 2, 2, 12, 5, 1, 9, 4, 4]


def arrays(lengths, *shape, dtype=np.int32):
    random = np.random.default_rng(0)
    return [random.integers(1, 90, (n, *shape)).astype(dtype) for n in lengths]


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
        [9, 4, 0, 0],
        [5, 6, 7, 0],
        [9, 4, 0, 0],
    ]
    letters = Ragged(np.arange(1, 7).reshape(3, 2), np.array([0, 1, 3]))
    assert letters.padded([0, 1], 2).tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]


@pytest.mark.parametrize("advice", [True, False])
def test_padded_from_a_file(monkeypatch, advice):
    monkeypatch.setattr(Ragged, "memory_limit", 0)
    if not advice:  # as on macOS
        monkeypatch.delattr("os.posix_fadvise", raising=False)
    given = arrays(LENGTHS, 4, dtype=np.int16)
    padded = Ragged.pack(given).padded([10, 0, 5], 12)
    for row, i in zip(padded, [10, 0, 5]):
        assert np.array_equal(row[: LENGTHS[i]], given[i])
        assert not row[LENGTHS[i] :].any()


def test_padded_refuses_a_length_that_cuts():
    with pytest.raises(ValueError):
        Ragged.pack(arrays([3])).padded([0], 2)


def test_a_memory_map_pads_to_the_same(monkeypatch):
    given, rows = arrays(LENGTHS, 2), [5, 0, 0, 10]
    in_memory = Ragged.pack(given).padded(rows, 12)
    monkeypatch.setattr(Ragged, "memory_limit", 30)
    assert np.array_equal(Ragged.pack(given).padded(np.array(rows), 12), in_memory)
    assert in_memory[0, :12].all() and not in_memory[1, 3:].any()
