"""The continuous cache: words of the recent past are likelier to come again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Cache:
    """The continuous cache pointer of Grave et al. (2017), which is not trained.

    A language model's probability of the next token is mixed with that of a cache, in
    which each of the last `size` tokens has a share by how much the state before it
    resembles the present one: the softmax of `sharpness` times their product.

    Args:
        size: how many tokens are remembered.
        weight: of the cache, from 0 for none up to 1; the model has the rest.
        sharpness: 0 counts how often a token occurs in the cache.

    Raises:
        ValueError: if a value is out of its range.
    """

    size: int = 2000
    weight: float = 0.1
    sharpness: float = 0.3

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size: expected at least 1, got {self.size}")
        if not 0 <= self.weight < 1:
            raise ValueError(
                f"weight: expected a number from 0 up to 1, got {self.weight}"
            )
        if not 0 <= self.sharpness < float("inf"):
            raise ValueError(f"sharpness: expected at least 0, got {self.sharpness}")


class CacheMemory:
    """What a cache remembers of one text.

    Args:
        cache: its size, weight and sharpness.
        units: size of the states.
    """

    def __init__(self, cache: Cache, units: int):
        self.cache = cache
        self._states = np.zeros((0, units), np.float32)
        self._ids = np.zeros(0, np.int32)

    def mix(self, logs: np.ndarray, states: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Mixes in the cache, and remembers the tokens.

        Args:
            logs: log-probabilities of the next tokens by the model, `[time]`.
            states: the states by which they were predicted, `[time, units]`.
            ids: the tokens, int32 `[time]`.

        Returns:
            The log-probabilities of the mixture, `[time]`. The first token of a text,
            for which nothing is remembered, keeps the model's.
        """
        past, size = len(self._ids), self.cache.size
        self._states = np.concatenate([self._states, states.astype(np.float32)])
        self._ids = np.concatenate([self._ids, ids])
        places = np.arange(len(self._ids))
        now = past + np.arange(len(ids))
        scores = self.cache.sharpness * (states.astype(np.float32) @ self._states.T)
        within = (places < now[:, None]) & (places >= now[:, None] - size)
        scores = np.where(within, scores.astype(np.float64), -np.inf)
        highest = np.where(within.any(1), scores.max(1), 0)
        shares = np.exp(scores - highest[:, None])
        same = (shares * (self._ids == ids[:, None])).sum(1)
        total, weight = shares.sum(1), self.cache.weight
        found = total > 0
        mixed = (1 - weight) * np.exp(logs) + weight * same / np.where(found, total, 1)
        self._states, self._ids = self._states[-size:], self._ids[-size:]
        return np.log(np.where(found, mixed, np.exp(logs)))
