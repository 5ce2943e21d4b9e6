"""Beam search for what follows a text, and the reading of the text."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from zoo.decoding.beam import beam_search
from zoo.decoding.beam_options import BeamOptions
from zoo.decoding.steps import compile_for_prediction, language_model_step


class PromptReader(keras.Model):
    """Reads a piece of a text by a language model in one compiled call, step by step.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.

    Call arguments:
        inputs: a dict of `given`, int32 `[batch, length]`, 0 after a row's last id; and
            `states`, a list of those before the piece.

    Returns:
        A list of the states after the last id.
    """

    def __init__(self, model: keras.Model):
        super().__init__(name="prompt_reader")
        self.model = model
        compile_for_prediction(self)

    def call(self, inputs):
        given, step = inputs["given"], language_model_step(self.model)
        longest = ops.max(ops.sum(ops.cast(given != 0, "int32"), axis=1))

        def goes_on(t, *_):
            return t < longest

        def advance(t, *states):
            ids = ops.take(given, t, axis=1)  # [batch]
            _, new = step(ids, list(states))
            real = (ids != 0)[:, None]
            return (t + 1, *(ops.where(real, n, s) for n, s in zip(new, states)))

        start = ops.convert_to_tensor(0, "int32")
        return list(ops.while_loop(goes_on, advance, (start, *inputs["states"]))[1:])


class Continuation(keras.Model):
    """Searches for continuations by a language model in one compiled call.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        options: what is compiled, see `BeamOptions.program`; `max_length` must be
            given, and there is no coverage.
        end: the id that ends a continuation.

    Call arguments:
        inputs: a dict of `last`, the last id of each text, int32 `[batch]`; `states`, a
            list of those before it; `limits`, the longest length of each continuation,
            int32 `[batch]`; and `BeamOptions.numbers`.

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

    def find(
        self, last: np.ndarray, states: list[np.ndarray], options: BeamOptions
    ) -> tuple:
        """Searches for continuations of a batch of texts.

        Args:
            last: the last id of each text, int32 `[batch]`.
            states: those before it, `[batch, units]` each.
            options: how to search; of the same program as the model's.

        Returns:
            What the model returns, for the `n_best` of these options.
        """
        found = self.predict_on_batch(
            {
                "last": last,
                "states": states,
                "limits": np.full(last.shape, options.max_length, np.int32),
                **options.numbers(len(last)),
            }
        )
        return tuple(array[:, : options.n_best] for array in found)

    def call(self, inputs):
        return beam_search(
            language_model_step(self.model),
            inputs["last"],
            list(inputs["states"]),
            inputs["limits"],
            self.max_length,
            self.options,
            self.end,
            numbers=inputs,
        )
