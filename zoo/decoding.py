"""Decoding over `step(ids, state) -> (logits, state)`, the whole loop compiled.

The searches are `keras.Model`s, so that `predict_on_batch` compiles each as one program
on every backend. Logits are float32 `[batch, vocabulary]`.
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.crf import CRF, best_paths, log_normalizers, marginals
from zoo.vocabulary import END, START


def greedy(step, ids, state, max_length: int, end: int = END):
    """Takes the likeliest token at each step until every row has ended.

    Args:
        step: from ids, int32 `[batch]`, and a list of states to logits and states.
        ids: the first ids, int32 `[batch]`.
        state: a list of tensors.
        max_length: of the output.
        end: the id that ends a row.

    Returns:
        int32 `[batch, max_length]`, 0 after a row's end; the end itself is kept.
    """
    batch = ops.shape(ids)[0]

    def go_on(t, ids, done, out, *state):
        return ops.logical_and(t < max_length, ops.logical_not(ops.all(done)))

    def advance(t, ids, done, out, *state):
        logits, state = step(ids, list(state))
        ids = ops.where(done, 0, ops.cast(ops.argmax(_real(logits), -1), "int32"))
        out = ops.slice_update(out, (0, t), ops.expand_dims(ids, 1))
        return (t + 1, ids, ops.logical_or(done, ids == end), out, *state)

    start = (
        ops.convert_to_tensor(0, "int32"),
        ids,
        ops.zeros((batch,), "bool"),
        ops.zeros((batch, max_length), "int32"),
        *state,
    )
    return ops.while_loop(go_on, advance, start)[3]


def sample(step, given, uniform, temperature, state):
    """Reads given ids and draws the others from the model's distribution.

    Args:
        step: as for `greedy`.
        given: int32 `[batch, length]`; where it is 0 a token is drawn. The first
            column must be given.
        uniform: random numbers in [0, 1), float32 `[batch, length]`; the text is a
            function of them, on every backend.
        temperature: float32 `[batch, 1]`; the logits are divided by it, and 0 takes the
            likeliest token.
        state: a list of tensors.

    Returns:
        int32 `[batch, length]`, the given and the drawn ids.
    """
    length = ops.shape(given)[1]
    sharpness = 1.0 / ops.maximum(temperature, 1e-4)

    def go_on(t, out, *state):
        return t < length - 1

    def advance(t, out, *state):
        logits, state = step(ops.take(out, t, axis=1), list(state))
        probabilities = ops.softmax(_real(logits) * sharpness, axis=-1)
        cumulative = ops.cumsum(probabilities, axis=-1)
        # Scaled to the sum that was reached, lest rounding leave the last id too large.
        threshold = ops.take(uniform, t + 1, axis=1)[:, None] * cumulative[:, -1:]
        drawn = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1)
        likeliest = ops.cast(ops.argmax(_real(logits), axis=-1), "int32")
        drawn = ops.where(temperature[:, 0] == 0, likeliest, drawn)
        wanted = ops.take(given, t + 1, axis=1)
        ids = ops.where(wanted != 0, wanted, drawn)
        out = ops.slice_update(out, (0, t + 1), ops.expand_dims(ids, 1))
        return (t + 1, out, *state)

    start = (ops.convert_to_tensor(0, "int32"), given, *state)
    return ops.while_loop(go_on, advance, start)[1]


def _real(logits):
    """Rules out padding, unknown and start, which are never written."""
    ids = ops.arange(ops.shape(logits)[-1])
    return ops.where(ids < END, -1e9, logits)


class GreedySearch(keras.Model):
    """Greedy translation of a batch in one compiled call.

    Args:
        encoder: from `source_ids` to the decoder's states and context.
        decoder: from `[target_ids, *states, *context]` to `[logits, *states, ...]`.
        num_states: how many of what the encoder returns are states.

    Call arguments:
        source_ids: int32 `[batch, time]`.

    Returns:
        Target ids, int32 `[batch, 2 * time + 10]`.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, num_states: int):
        super().__init__(name="greedy_search")
        self.encoder, self.decoder, self.num_states = encoder, decoder, num_states
        compile_for_prediction(self)

    def call(self, source_ids):
        # Keras returns a single output bare, not as the list it was declared as.
        encoded = keras.tree.flatten(self.encoder(source_ids))
        states, context = split(encoded, self.num_states)

        def step(ids, states):
            outputs = self.decoder([ids[:, None], *states, *context])
            return outputs[0][:, 0], outputs[1 : 1 + self.num_states]

        batch, time = ops.shape(source_ids)
        first = ops.full((batch,), START, "int32")
        return greedy(step, first, states, 2 * time + 10)


class Sampling(keras.Model):
    """Sampling from a language model in one compiled call.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.

    Call arguments:
        inputs: a dict of `given`, int32 `[batch, length]`, `uniform`, float32 of the
            same shape, and `temperature`, float32 `[batch, 1]`; see `sample`.

    Returns:
        int32 `[batch, length]`.
    """

    def __init__(self, model: keras.Model):
        super().__init__(name="sampling")
        self.model = model
        compile_for_prediction(self)

    def call(self, inputs):
        batch = ops.shape(inputs["given"])[0]
        states = [
            ops.zeros((batch, state.shape[-1]), state.dtype)
            for state in self.model.inputs[1:]
        ]

        def step(ids, states):
            logits, *new = self.model([ids[:, None], *states])
            # A loop keeps its types, also where the layers compute in bfloat16.
            return logits[:, 0], [ops.cast(n, s.dtype) for n, s in zip(new, states)]

        return sample(
            step, inputs["given"], inputs["uniform"], inputs["temperature"], states
        )


class ChainSearch(keras.Model):
    """Base of what decodes taggings of a batch in one compiled call.

    Args:
        model: a tagger, from a dict with `token_ids` to potentials.
        crf: its layer with the scores between neighbouring tags; None for none.

    Call arguments:
        inputs: the tagger's.
    """

    def __init__(self, model: keras.Model, crf: CRF | None):
        super().__init__()
        self.model, self.crf = model, crf
        compile_for_prediction(self)

    def chain(self, inputs):
        """Returns potentials, transitions and mask; see `zoo.layers.crf`."""
        potentials = self.model(inputs)
        size = potentials.shape[-1]
        scores = self.crf.scores if self.crf else ops.zeros((size, size))
        return potentials, scores, ops.not_equal(inputs["token_ids"], 0)


class ViterbiSearch(ChainSearch):
    """Finds the best tagging.

    Returns:
        int32 `[batch, time]`, 0 at padding.
    """

    def call(self, inputs):
        return best_paths(*self.chain(inputs), 1)[0][:, 0]


class BestTaggings(ChainSearch):
    """Finds the `n_best` likeliest taggings.

    Returns:
        int32 `[batch, n_best, time]`, and the logarithms of their probabilities,
        float32 `[batch, n_best]`, -infinity where there are not as many taggings.
    """

    def __init__(self, model: keras.Model, crf: CRF | None, n_best: int):
        super().__init__(model, crf)
        self.n_best = n_best

    def call(self, inputs):
        potentials, scores, mask = self.chain(inputs)
        shares = log_normalizers(potentials, scores, mask)
        return best_paths(potentials - shares[..., None], scores, mask, self.n_best)


class Marginals(ChainSearch):
    """Computes the probability of every tag of every word.

    Returns:
        float32 `[batch, time, tags]`, 0 at padding.
    """

    def call(self, inputs):
        return marginals(*self.chain(inputs))


def split(values: list, count: int) -> tuple[list, list]:
    """Splits a list behind its first `count` values."""
    return list(values[:count]), list(values[count:])


def compile_for_prediction(model: keras.Model) -> None:
    """Sets how `predict_on_batch` compiles: by XLA on JAX, as a graph on TensorFlow."""
    model.jit_compile = keras.backend.backend() == "jax"
