"""Bucketing: the few lengths that sequences are padded to.

Every length is a shape that XLA compiles, and every step between a sequence's end and
its bucket length is wasted, so the choice trades one for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

CANDIDATES = 512  # lengths to choose from at most; the choice takes their square
MOST_LENGTHS = 32


def bucket_length(length: int) -> int:
    """Returns the bucket length for a sequence: eight of them between powers of two.

    It is for prediction, where the lengths to come are not known.

    >>> [bucket_length(n) for n in (1, 9, 17, 33, 100, 1000)]
    [2, 10, 18, 36, 104, 1024]
    """
    step = max(2, 2 ** max(0, (length - 1).bit_length() - 4))
    return -(-length // step) * step


def choose_bucket_lengths(
    lengths: Sequence[np.ndarray], rows: int, waste: float
) -> Iterator[np.ndarray]:
    """Yields the best bucket lengths for a corpus, one more of them each time.

    They minimize the total padding of batches of sorted sequences for this number of
    lengths, by dynamic programming.

    Args:
        lengths: of the sequences, int `[count]`, for each side of the corpus.
        rows: of a batch.
        waste: share of the steps that may be padding. The first yield is the first to
            waste no more if each side were padded by itself; sides of one batch, which
            are padded together, waste more.

    Yields:
        The lengths, int `[buckets]`, rising; the last is that of the longest sequence.

    >>> side = np.array([1, 4, 4, 5, 5, 9])
    >>> [best.tolist() for best in choose_bucket_lengths([side], rows=1, waste=0.2)]
    [[5, 9], [1, 5, 9], [1, 4, 5, 9]]
    """
    # Only the longest sequence of each batch counts; batches begin with the longest.
    longest = np.concatenate([np.sort(side)[::-1][::rows] for side in lengths])
    steps, counts = np.unique(longest, return_counts=True)
    kept = np.unique(np.linspace(0, len(steps) - 1, CANDIDATES).round().astype(int))
    steps, counts = steps[kept], np.cumsum(counts)[kept]
    # cells[j, i]: the size of the batches of steps i to j if all are padded to step j.
    before = np.concatenate([[0], counts[:-1]])
    cells = rows * steps[:, None] * (counts[:, None] - before).astype(float)
    cells[np.triu_indices(len(steps), 1)] = np.inf
    best = cells[:, 0]  # [steps], with one length; with one more at each turn
    choices: list[np.ndarray] = []  # the last but one length of the best, by the last
    tokens = sum(int(side.sum()) for side in lengths)
    while True:
        last = len(choices) + 1 == min(MOST_LENGTHS, len(steps))
        if last or best[-1] * (1 - waste) <= tokens:
            chosen = [len(steps) - 1]
            for previous in reversed(choices):
                chosen.append(previous[chosen[-1]])
            yield steps[chosen[::-1]]
        if last:
            return
        totals = cells[:, 1:] + best[:-1]  # [steps, steps - 1]
        choices.append(totals.argmin(1))
        best = totals.min(1)
