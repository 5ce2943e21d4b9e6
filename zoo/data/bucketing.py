"""Ladders: the few lengths that sequences are padded to.

Every length is a shape that XLA compiles for, and every cell between a sequence's end
and the next length is wasted, so a ladder trades the one for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

CANDIDATES = 512  # lengths to choose from at most; the choice takes their square
MOST_LENGTHS = 32


def bucket_length(length: int) -> int:
    """Returns the smallest permitted length that holds `length`: 8 steps an octave.

    This ladder is for prediction, where what will come is not known.

    >>> [bucket_length(n) for n in (1, 9, 17, 33, 100, 1000)]
    [2, 10, 18, 36, 104, 1024]
    """
    step = max(2, 2 ** max(0, (length - 1).bit_length() - 4))
    return -(-length // step) * step


def choose_bucket_lengths(
    lengths: Sequence[np.ndarray], rows: int, waste: float
) -> Iterator[np.ndarray]:
    """Yields the best ladders for a corpus, each of one length more.

    No ladder of as many lengths rounds the batches of sorted sequences up by less in
    sum; dynamic programming finds it.

    Args:
        lengths: of the sequences, integers `[count]`, for each side of the corpus.
        rows: of a batch.
        waste: share of the cells that may be padding. The first ladder is the first to
            waste no more as far as each side goes by itself; sides that are padded
            together waste more.

    Yields:
        The lengths, rising; the last is that of the longest sequence.

    >>> side = np.array([1, 4, 4, 5, 5, 9])
    >>> [ladder.tolist() for ladder in choose_bucket_lengths([side], rows=1, waste=0.2)]
    [[5, 9], [1, 5, 9], [1, 4, 5, 9]]
    """
    # What matters is the longest sequence of each batch, as they are cut from the top.
    longest = np.concatenate([np.sort(side)[::-1][::rows] for side in lengths])
    steps, counts = np.unique(longest, return_counts=True)
    kept = np.unique(np.linspace(0, len(steps) - 1, CANDIDATES).round().astype(int))
    steps, counts = steps[kept], np.cumsum(counts)[kept]
    # cells[j, i] is what the batches of steps i to j take if they are all padded to j.
    before = np.concatenate([[0], counts[:-1]])
    cells = rows * steps[:, None] * (counts[:, None] - before).astype(float)
    cells[np.triu_indices(len(steps), 1)] = np.inf
    best, choices = cells[:, 0], []  # with one length, then with one more each time
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
        totals = cells[:, 1:] + best[:-1]
        choices.append(totals.argmin(1))
        best = totals.min(1)
