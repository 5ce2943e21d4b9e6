"""Beam search for what follows a text."""

from __future__ import annotations

import keras
from keras import ops

from zoo.decoding.beam import BeamOptions, beam_search
from zoo.decoding.steps import (
    compile_for_prediction,
    first_states,
    language_model_step,
)


class Continuation(keras.Model):
    """Searches for continuations by a language model in one compiled call.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        options: how to search; `max_length` must be given, and there is no coverage.
        end: the id that ends a continuation.

    Call arguments:
        given: int32 `[batch, length]`, 0 after a row's last id; the first column must
            be given.

    Returns:
        The best first: ids, int32 `[batch, n_best, max_length]`, without those given;
        scores and log-probabilities, float32 `[batch, n_best]`.

    Raises:
        ValueError: if `max_length` is not given.
    """

    def __init__(self, model: keras.Model, options: BeamOptions, end: int):
        super().__init__(name="continuation")
        if options.max_length is None:
            raise ValueError("max_length: expected the length of continuations")
        self.model, self.options, self.end = model, options, end
        self.max_length = options.max_length
        compile_for_prediction(self)

    def call(self, given):
        step = language_model_step(self.model)
        last, states = self._read(given)
        limits = ops.full_like(last, self.max_length)
        return beam_search(
            step, last, states, limits, self.max_length, self.options, self.end
        )

    def _read(self, given) -> tuple:
        """Returns the last id of each row, `[batch]`, and the states before it."""
        batch, length = ops.shape(given)
        step = language_model_step(self.model)

        def goes_on(t, *_):
            return t < length

        def advance(t, last, *states):
            _, new = step(last, list(states))
            ids = ops.take(given, t, axis=1)  # [batch]
            real = ids != 0
            merged = [ops.where(real[:, None], n, s) for n, s in zip(new, states)]
            return (t + 1, ops.where(real, ids, last), *merged)

        start = ops.convert_to_tensor(1, "int32"), given[:, 0]
        _, last, *states = ops.while_loop(
            goes_on, advance, (*start, *first_states(self.model, batch))
        )
        return last, states
