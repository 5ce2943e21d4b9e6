"""Searches for translations: an encoder, then a search over its decoder."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from zoo.decoding.beam import beam_search
from zoo.decoding.beam_options import BeamOptions
from zoo.decoding.greedy import greedy_search
from zoo.decoding.steps import compile_for_prediction
from zoo.text.vocabulary import START


class TranslationSearch(keras.Model):
    """Base of the searches for translations of a batch in one compiled call.

    Args:
        encoder: from `source_ids` to the decoder's states and context.
        decoder: from `[target_ids, *states, *context]` to `[logits, *states]`, which
            attention weights may follow.
        num_states: how many of what the encoder returns are states.

    Call arguments:
        source_ids: int32 `[batch, time]`.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, num_states: int):
        super().__init__()
        self.encoder, self.decoder, self.num_states = encoder, decoder, num_states
        compile_for_prediction(self)

    def encode(self, source_ids) -> tuple:
        """Returns the first ids, the states and the context of a batch."""
        # Keras returns a single output bare, not as the list it was declared as.
        encoded = keras.tree.flatten(self.encoder(source_ids))
        first = ops.full((ops.shape(source_ids)[0],), START, "int32")
        return first, encoded[: self.num_states], encoded[self.num_states :]

    def decode(self, ids, states: list, context: list) -> tuple:
        """Returns the logits of one step, `[rows, vocabulary]`, the states, and a list
        of the outputs that follow them."""
        logits, *rest = self.decoder([ids[:, None], *states, *context])
        return logits[:, 0], rest[: self.num_states], rest[self.num_states :]


class GreedySearch(TranslationSearch):
    """Takes the likeliest token at each step.

    Returns:
        Target ids, int32 `[batch, 2 * time + 10]`.
    """

    def call(self, source_ids):
        first, states, context = self.encode(source_ids)

        def step(ids, states):
            return self.decode(ids, states, context)[:2]

        return greedy_search(step, first, states, 2 * ops.shape(source_ids)[1] + 10)


class BeamSearch(TranslationSearch):
    """Keeps several hypotheses at a time; see `zoo.decoding.beam_search`.

    Args:
        options: what is compiled; see `BeamOptions.program`. A coverage penalty needs
            attention.

    Call arguments:
        inputs: a dict of `source_ids`, int32 `[batch, time]`; `limits`, the longest
            length of each translation, int32 `[batch]`; and `BeamOptions.numbers`.

    Returns:
        The best first: target ids, int32 `[batch, n_best, 2 * time + 10]`, or of
        `max_length`; scores and log-probabilities, float32 `[batch, n_best]`.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        num_states: int,
        options: BeamOptions,
    ):
        super().__init__(encoder, decoder, num_states)
        self.options = options

    def find(self, source_ids: np.ndarray, options: BeamOptions) -> tuple:
        """Searches for translations of a batch.

        A translation has at most `max_length` tokens; if that is None, 10 more than
        twice those of its source.

        Args:
            source_ids: int32 `[batch, time]`.
            options: how to search; of the same program as the model's.

        Returns:
            The best first: target ids, int32 `[batch, n_best, longest]`; scores and
            log-probabilities, float32 `[batch, n_best]`.
        """
        limits = 2 * np.count_nonzero(source_ids, axis=1) + 10  # [batch]
        if options.max_length is not None:
            limits[:] = options.max_length
        found = self.predict_on_batch(
            {
                "source_ids": source_ids,
                "limits": limits.astype(np.int32),
                **options.numbers(len(source_ids)),
            }
        )
        ids, scores, sums = (array[:, : options.n_best] for array in found)
        return ids[..., : options.max_length], scores, sums

    def call(self, inputs):
        options, source_ids = self.options, inputs["source_ids"]
        first, states, context = self.encode(source_ids)
        is_real = ops.repeat(source_ids != 0, options.beam_size, axis=0)  # [rows, time]
        longest = options.max_length or 2 * ops.shape(source_ids)[1] + 10
        covering = options.coverage_penalty > 0
        if covering:  # the attention that each word of the source has received
            states = [*states, ops.zeros(ops.shape(source_ids))]
        weights = ops.repeat(inputs["coverage_penalty"], options.beam_size)  # [rows]

        def step(ids, states):
            logits, new, rest = self.decode(ids, states[: self.num_states], context)
            if covering:
                new = [*new, states[-1] + rest[-1][:, 0]]
            return logits, new

        def penalty(states):
            received = ops.log(ops.clip(states[-1], 1e-9, 1.0))  # [rows, time]
            shortfall = ops.sum(ops.where(is_real, received, 0.0), axis=1)
            return weights * shortfall  # [rows]

        return beam_search(
            step,
            first,
            states,
            inputs["limits"],
            longest,
            options,
            penalty=penalty if covering else None,
            numbers=inputs,
        )
