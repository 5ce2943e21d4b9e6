"""Reading long texts by a language model, in streams and windows."""

from __future__ import annotations

import functools

import keras
import numpy as np

from zoo.decoding.steps import compile_for_prediction
from zoo.inference.cache import Cache, CacheMemory
from zoo.inference.trained_model import chosen_log_probabilities
from zoo.models.language_model import LanguageModelConfig, build_observed_model

WINDOW = 256  # steps of one forward pass


def zero_states(model: keras.Model, rows: int) -> list[np.ndarray]:
    """Returns a language model's states before the first token.

    Args:
        model: from `[token_ids, *states]`.
        rows: of the batch.

    Returns:
        float32 `[rows, units]` for each state.
    """
    return [np.zeros((rows, s.shape[-1]), np.float32) for s in model.inputs[1:]]


class StreamReader:
    """Scores long texts by a language model.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        config: of the model.
    """

    def __init__(self, model: keras.Model, config: LanguageModelConfig):
        self.model, self.config = model, config

    @functools.cached_property
    def _observed(self) -> keras.Model:
        """The model, with the last recurrent outputs after its own."""
        model = build_observed_model(self.model, self.config.num_layers)
        compile_for_prediction(model)
        return model

    def log_probabilities(
        self, ids: np.ndarray, boundary: int, streams: int, cache: Cache | None
    ) -> np.ndarray:
        """Returns the log-probability of each id given those before it.

        Args:
            ids: int32 `[time]`.
            boundary: the id before the first.
            streams: the number of streams that a long text is cut into and that are
                read at once. Each but the first sees only `WINDOW` tokens before it.
            cache: mix in a cache, which is empty at the start of each stream.

        Returns:
            float64 `[time]`, in nats.
        """
        size = -(-len(ids) // streams)
        if size < WINDOW:
            streams, size = 1, len(ids)
        before, wanted = (np.zeros((streams, size), np.int32) for _ in range(2))
        before.flat[: len(ids)] = np.concatenate([[boundary], ids[:-1]])
        wanted.flat[: len(ids)] = ids
        states = zero_states(self.model, streams)
        if streams > 1:
            states = self._read_context(before, states)
        logs = self._read_windows(before, wanted, states, cache)  # [streams, size]
        return logs.ravel()[: len(ids)]

    def _read_context(
        self, before: np.ndarray, states: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Returns the states of all streams but the first after the tokens before it.

        Args:
            before: the tokens that streams read, int32 `[streams, size]`.
            states: zeros, `[streams, units]` each.
        """
        context = np.roll(before[:, -WINDOW:], 1, axis=0)  # [streams, window]
        _, *states = self.model.predict_on_batch([context, *states])
        return [np.concatenate([np.zeros_like(s[:1]), s[1:]]) for s in states]

    def _read_windows(
        self,
        before: np.ndarray,
        wanted: np.ndarray,
        states: list[np.ndarray],
        cache: Cache | None,
    ) -> np.ndarray:
        """Reads streams window by window.

        Args:
            before: the token before each, int32 `[streams, size]`.
            wanted: the tokens, int32 `[streams, size]`.
            states: the first ones, `[streams, units]` each.
            cache: to mix in.

        Returns:
            The log-probabilities of the tokens, float64 `[streams, size]`.
        """
        streams, size = before.shape
        model, memories = self.model, []
        if cache:
            model = self._observed
            memories = [CacheMemory(cache, self.config.units) for _ in range(streams)]
        out = np.zeros((streams, size))
        for start in range(0, size, WINDOW):
            piece = slice(start, start + WINDOW)
            length = before[:, piece].shape[1]
            padded = np.zeros((streams, WINDOW), np.int32)
            padded[:, :length] = before[:, piece]
            logits, *states = model.predict_on_batch([padded, *states])
            out[:, piece] = chosen_log_probabilities(
                logits[:, :length], wanted[:, piece]
            )
            if not cache:
                continue
            hidden = states.pop()  # [streams, window, units]
            for row, memory in enumerate(memories):
                out[row, piece] = memory.mix(
                    out[row, piece], hidden[row, :length], wanted[row, piece]
                )
        return out
