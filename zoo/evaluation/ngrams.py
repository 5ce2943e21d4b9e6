"""A strong baseline of language modeling: interpolated n-grams.

Modified Kneser-Ney smoothing (Chen and Goodman 1998, section 4.1.6): counts are
discounted, what is taken away goes to the next shorter context, and shorter contexts
count in how many longer ones a token was seen, not how often. Below the single tokens
all tokens of the vocabulary are equally likely, so the probabilities sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_TOKENS = 3_000_000  # of training; of more the first ones are read


@dataclass(frozen=True)
class _Order:
    """The n-grams of one length.

    Attributes:
        keys: int64 `[ngrams]`, ascending: the index of the context among the n-grams
            of the length below, times the size of the vocabulary, plus the token.
        counts: what is left of the counts after the discount, float64 `[ngrams]`.
        totals: of the counts of each context, float64 `[contexts]`; 0 if it has none.
        left: the share that each context leaves to the shorter one, float64
            `[contexts]`.
    """

    keys: np.ndarray
    counts: np.ndarray
    totals: np.ndarray
    left: np.ndarray


class NGrams:
    """An interpolated n-gram model.

    Args:
        token_ids: int `[total]`, the training text.
        size: of the vocabulary.
        order: the longest n-grams: the number of tokens, with the one predicted.

    >>> model = NGrams(np.array([0, 1, 0, 1, 0, 2]), size=3, order=2)
    >>> bool(abs(model.probabilities([0]).sum() - 1) < 1e-12)
    True
    """

    def __init__(self, token_ids: np.ndarray, size: int, order: int):
        self.size = size
        ids = np.asarray(token_ids, np.int64)
        self.orders: list[_Order] = []
        contexts, num_contexts = np.zeros(len(ids), np.int64), 1
        longer = _unique(contexts * size + ids)
        for length in range(1, order + 1):
            keys, _, index, counts = longer
            contexts = index[:-1]  # of the token that follows each n-gram
            if length < order and len(contexts):
                longer = _unique(contexts * size + ids[length:])
                # In how many contexts, one token longer, each n-gram was seen.
                counts = np.bincount(index[longer[1] + 1], minlength=len(keys))
            self.orders.append(_discounted(keys, counts, size, num_contexts))
            num_contexts = len(keys)
            if not len(contexts):
                break

    def log_probabilities(self, token_ids: np.ndarray) -> np.ndarray:
        """Returns the log-probability of each token of a text after those before it.

        Args:
            token_ids: int `[total]`.

        Returns:
            float64 `[total]`, in nats.
        """
        ids = np.asarray(token_ids, np.int64)
        found = np.full(len(ids), 1 / self.size)
        contexts = np.zeros(len(ids), np.int64)  # -1: not in the training text
        for order in self.orders:
            index = _find(order.keys, contexts, ids, self.size)
            found = _interpolate(order, contexts, index, found)
            contexts = np.concatenate([[-1], index[:-1]])
        return np.log(found)

    def probabilities(self, context: Sequence[int]) -> np.ndarray:
        """Returns the probability of every token after a context, float64 `[size]`.

        Args:
            context: ids of the tokens before it.
        """
        tokens = np.arange(self.size)
        found = np.full(self.size, 1 / self.size)
        # The index of each suffix of the context, the shortest first.
        for length, order in enumerate(self.orders):
            if length > len(context):
                break
            place = self._index(context[len(context) - length :])
            contexts = np.full(self.size, place)
            index = _find(order.keys, contexts, tokens, self.size)
            found = _interpolate(order, contexts, index, found)
        return found

    def _index(self, tokens: Sequence[int]) -> int:
        """Returns the index of an n-gram among those of its length, or -1."""
        index = np.zeros(1, np.int64)
        for order, token in zip(self.orders, tokens):
            index = _find(order.keys, index, np.array([token]), self.size)
        return int(index[0])


def best_ngrams(
    train_ids: np.ndarray, dev_ids: np.ndarray, size: int, orders: Sequence[int]
) -> tuple[NGrams, int]:
    """Returns the n-gram model that predicts the development text best, and its order.

    Args:
        train_ids: int `[total]`; of more than `MOST_TOKENS` the first ones are read.
        dev_ids: int `[total]`.
        size: of the vocabulary.
        orders: to choose from.
    """
    best: tuple[float, NGrams, int] | None = None
    for order in orders:
        model = NGrams(train_ids[:MOST_TOKENS], size, order)
        score = float(model.log_probabilities(dev_ids).mean())
        if best is None or score > best[0]:
            best = score, model, order
    if best is None:
        raise ValueError("orders: expected at least one, got none")
    return best[1:]


def _unique(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns the keys, where each is first, the index of each, and their counts."""
    return np.unique(keys, return_index=True, return_inverse=True, return_counts=True)


def _discounted(
    keys: np.ndarray, counts: np.ndarray, size: int, contexts: int
) -> _Order:
    """Takes the discounts from counts, and gives them to the shorter contexts."""
    of = keys // size  # the context of each n-gram
    totals = np.bincount(of, counts, contexts)
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    taken = np.bincount(of, discounts, contexts)
    left = np.divide(taken, totals, out=np.ones(contexts), where=totals > 0)
    return _Order(keys, counts - discounts, totals, left)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """Returns what is taken from counts of 0, 1, 2, and 3 or more, float64 `[4]`."""
    n1, n2, n3, n4 = (int((counts == n).sum()) for n in range(1, 5))
    usual = np.array([0, 0.5, 0.75, 1.0])
    if not (n1 and n2 and n3 and n4):
        return usual
    y = n1 / (n1 + 2 * n2)
    found = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    most = np.array([0, 0.95, 1.9, 2.85])  # something must be left
    return np.where((found > 0) & (found < most), found, usual)


def _find(keys: np.ndarray, contexts: np.ndarray, ids: np.ndarray, size: int):
    """Returns the index of each n-gram, or -1; `contexts` may be -1 too."""
    wanted = contexts * size + ids
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((contexts >= 0) & (keys[index] == wanted), index, -1)


def _interpolate(
    order: _Order, contexts: np.ndarray, index: np.ndarray, shorter: np.ndarray
) -> np.ndarray:
    """Returns probabilities by a context and by those one token shorter."""
    totals = np.where(contexts >= 0, order.totals[contexts], 0)
    counts = np.where(index >= 0, order.counts[index], 0)
    share = np.divide(counts, totals, out=np.zeros(len(counts)), where=totals > 0)
    return share + np.where(totals > 0, order.left[contexts], 1) * shorter
