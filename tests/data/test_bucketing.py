"""Ladders of lengths: a fixed one, and the optimal one for a corpus."""

import doctest
import itertools

import numpy as np
import pytest

from zoo.data import bucketing
from zoo.data.bucketing import bucket_length, choose_bucket_lengths


def test_doctests():
    results = doctest.testmod(bucketing)
    assert results.attempted and not results.failed


def test_ladder_length():
    lengths = range(1, 2049)
    ladder = [bucket_length(n) for n in lengths]
    assert ladder == sorted(ladder)
    assert all(n <= m < n + max(2, n / 8) for n, m in zip(lengths, ladder))
    assert all(bucket_length(m) == m for m in ladder)
    assert all(m % 2 == 0 for m in ladder)
    for octave in (16, 32, 64, 512, 1024):
        assert len({m for m in ladder if octave < m <= 2 * octave}) == 8


def cells(longest, ladder):
    """Cells of a row for each of the longest, padded to a ladder."""
    return sum(min(step for step in ladder if step >= n) for n in longest)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_no_other_ladder_of_as_many_lengths_wastes_less(seed, rows):
    lengths = np.random.default_rng(seed).integers(1, 12, 30) ** 2
    longest = sorted(lengths.tolist(), reverse=True)[::rows]
    steps = sorted(set(longest))
    found = [
        ladder.tolist() for ladder in choose_bucket_lengths([lengths], rows, waste=1.0)
    ]
    assert [len(ladder) for ladder in found] == list(range(1, len(steps) + 1))
    for ladder in found:
        assert ladder[-1] == lengths.max()
        assert cells(longest, ladder) == min(
            cells(longest, [*chosen, steps[-1]])
            for chosen in itertools.combinations(steps[:-1], len(ladder) - 1)
        )


@pytest.mark.parametrize("waste", [0.01, 0.1, 0.3])
def test_the_first_ladder_has_as_few_lengths_as_the_waste_allows(waste):
    sides = [np.random.default_rng(seed).integers(1, 40, 300) for seed in (0, 1)]
    both = np.concatenate(sides)

    def wasted(ladder):
        return 1 - both.sum() / cells(both, ladder)

    found = next(choose_bucket_lengths(sides, 1, waste))
    shorter = [
        x for x in choose_bucket_lengths(sides, 1, 1.0) if len(x) == len(found) - 1
    ]
    assert wasted(found) <= waste < wasted(shorter[0])


def test_a_long_outlier_costs_one_length():
    usual = np.random.default_rng(0).integers(1, 30, 5000)
    without = next(choose_bucket_lengths([usual], 1, 0.1)).tolist()
    found = [
        x.tolist() for x in choose_bucket_lengths([np.append(usual, 10**6)], 1, 1.0)
    ]
    assert [*without, 10**6] in found


def test_lengths_of_all_kinds_take_no_more_than_32():
    many = np.random.default_rng(0).integers(1, 10**6, 5000)
    found = list(choose_bucket_lengths([many], 1, 0.001))
    assert len(found) == 1 and len(found[0]) == 32 and found[0][-1] == many.max()
    assert 1 - many.sum() / cells(many, found[0]) <= 0.04


def test_equal_lengths_need_one():
    found = list(choose_bucket_lengths([np.full(9, 4)], 4, 0.0))
    assert [ladder.tolist() for ladder in found] == [[4]]
