"""Linear-chain conditional random fields, always in float32.

A sentence is a matrix of potentials, `[time, tags]`, and the score of a tagging is the
sum of its potentials and of the transitions between its neighbours. The scores of all
taggings, exponentiated and divided by their sum, are their probabilities (Lafferty et
al. 2001; over a recurrent network, Lample et al. 2016).

What is summed over all taggings is computed by one loop from the end of the sentence to
its beginning: for each step and tag, the weight of all that may follow. With it the
chain falls apart into one softmax a step, given the tag before, so that training needs
no loss of its own: see `ChainLogits`. The weights are exponentials, scaled at each step
so that the largest is 1, which makes a step one matrix product. A weight below `LEAST`
counts for that much: where transitions are forbidden, sums are wrong if potentials of
one step that matter are more than 69 nats apart. Viterbi's maxima have no such limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

FORBIDDEN = -1e4  # the score of a forbidden transition, finite so that nothing is NaN
LEAST = 1e-30  # the smallest weight of a future: float32 ends at 1e-38


@keras.saving.register_keras_serializable("recurrent_zoo")
class CRF(keras.layers.Layer):
    """The scores of a linear chain of tags (Collobert et al. 2011).

    The output is a matrix of potentials: the emissions, with the scores of beginning
    and of ending with a tag added where that happens. The layer's `scores` between
    neighbours belong to it, as the functions of this module take them.

    Args:
        num_tags: number of tags.
        allowed: bool `[num_tags + 1, num_tags + 1]`, from a tag to its successor, where
            the last row is of what may begin a sentence and the last column of what may
            end one; a forbidden transition scores `FORBIDDEN`. None allows all.

    Call arguments:
        emissions: float `[batch, time, num_tags]`.
        mask: bool `[batch, time]`, true at real steps, which are on the left.

    Returns:
        float32 `[batch, time, num_tags]`, 0 at padding.

    Raises:
        ValueError: if `allowed` is of another shape.
    """

    def __init__(
        self, num_tags: int, allowed: Sequence[Sequence[bool]] | None = None, **kwargs
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.supports_masking = True
        shape = (num_tags + 1, num_tags + 1)
        found = np.ones(shape, bool) if allowed is None else np.array(allowed, bool)
        if found.shape != shape:
            raise ValueError(f"allowed: expected the shape {shape}, got {found.shape}")
        self.num_tags, self._penalties = num_tags, np.where(found, 0.0, FORBIDDEN)

    def build(self, emissions_shape, mask_shape=None):
        for name in ("start", "end"):
            weight = self.add_weight(
                shape=(self.num_tags,), initializer="uniform", name=name
            )
            setattr(self, name, weight)
        self.transitions = self.add_weight(
            shape=(self.num_tags, self.num_tags),
            initializer="uniform",
            name="transitions",
        )

    @property
    def scores(self):
        """The scores of one tag after another, float32 `[before, after]`."""
        return self.transitions + ops.cast(self._penalties[:-1, :-1], "float32")

    def call(self, emissions, mask):
        first = ops.logical_and(mask, ops.arange(ops.shape(mask)[1]) == 0)
        last = ops.logical_xor(mask, _next(mask))
        start = self.start + ops.cast(self._penalties[-1, :-1], "float32")
        end = self.end + ops.cast(self._penalties[:-1, -1], "float32")
        x = ops.where(mask[..., None], emissions, 0.0)
        x += ops.where(first[..., None], start, 0.0)
        return x + ops.where(last[..., None], end, 0.0)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def get_config(self):
        allowed = (self._penalties == 0).tolist()
        return {**super().get_config(), "num_tags": self.num_tags, "allowed": allowed}


class ChainLogits(keras.layers.Layer):
    """Logits of each tag given the tag before it, for training a CRF.

    By the chain rule the cross-entropies of a sentence add up to the negative
    log-likelihood of its tagging, so the loss is Keras's own, in nats per token, and so
    are the weights of the tokens.

    Args:
        crf: the layer whose potentials come in; its weights are shared.

    Call arguments:
        potentials: float32 `[batch, time, num_tags]`.
        mask: bool `[batch, time]`.
        tags: the right ones, int32 `[batch, time]`.

    Returns:
        float32 `[batch, time, num_tags]`; the tag itself has no part in the logits of
        its own step.
    """

    def __init__(self, crf: CRF, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.crf, self.supports_masking = crf, True

    def call(self, potentials, mask, tags):
        scores = self.crf.scores
        after = log_futures(potentials, scores, mask)
        between = ops.take(scores, tags[:, :-1], axis=0)
        between = ops.pad(between, ((0, 0), (1, 0), (0, 0)))
        return potentials + after + between

    def compute_mask(self, inputs, previous_mask=None):
        return None


def log_futures(potentials, transitions, mask):
    """Sums over all that may follow each tag.

    Args:
        potentials: float32 `[batch, time, tags]`.
        transitions: float32 `[before, after]`.
        mask: bool `[batch, time]`, true at real steps, which are on the left.

    Returns:
        For each step and tag the logarithm of the sum, over the taggings of the later
        steps, of their exponentiated scores; float32 `[batch, time, tags]`, up to a
        number for each step, which the gradient takes for constant.
    """

    @ops.custom_gradient
    def compute(potentials, transitions, real):
        steps = _weights(potentials, transitions, real)
        _, futures, _ = steps

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            passed, shares = _pass_on(upstream, *steps)
            return passed, _pairs(shares, *steps), ops.zeros_like(real)

        return ops.log(futures), gradient

    return compute(potentials, transitions, ops.cast(mask, "float32"))


def log_normalizers(potentials, transitions, mask):
    """Shares the logarithm of the sum over all taggings out among the steps.

    Args:
        potentials: float32 `[batch, time, tags]`.
        transitions: float32 `[before, after]`.
        mask: bool `[batch, time]`.

    Returns:
        float32 `[batch, time]`, 0 at padding. Potentials from which it is subtracted
        give every tagging the logarithm of its probability as its score.
    """
    x = potentials + log_futures(potentials, transitions, mask)
    later = ops.stop_gradient(ops.max(x, axis=-1) + ops.max(transitions))
    first = ops.logsumexp(x[:, :1], axis=-1)
    shares = ops.concatenate([first, later[:, 1:]], axis=1)
    return ops.where(mask, shares, 0.0)


def marginals(potentials, transitions, mask):
    """Returns the probability of each tag at each step (Rabiner 1989).

    It is handed on from the first step to the last, by the probability of each tag
    given the one before it.

    Args:
        potentials: float32 `[batch, time, tags]`.
        transitions: float32 `[before, after]`.
        mask: bool `[batch, time]`.

    Returns:
        float32 `[batch, time, tags]`, 0 at padding.
    """
    real = ops.cast(mask, "float32")
    steps = _weights(potentials, transitions, real)
    first = potentials[:, :1] + ops.log(steps[1][:, :1])
    first = ops.exp(first - ops.logsumexp(first, axis=-1, keepdims=True))
    first *= real[:, :1, None]
    first = ops.pad(first, ((0, 0), (0, ops.shape(mask)[1] - 1), (0, 0)))
    return first + _pass_on(first, *steps)[0]


def best_paths(potentials, transitions, mask, n_best: int):
    """Finds the taggings of the highest scores (Viterbi 1967; n best: Soong 1990).

    Args:
        potentials: float32 `[batch, time, tags]`.
        transitions: float32 `[before, after]`.
        mask: bool `[batch, time]`, true at real steps, which are on the left.
        n_best: how many.

    Returns:
        The taggings, int32 `[batch, n_best, time]`, 0 at padding, the best one first;
        and their scores, float32 `[batch, n_best]`, which are -infinity where there are
        not as many taggings.
    """
    num_tags = potentials.shape[-1]
    # A state is a tag with the rank of a path that ends in it.
    states = ops.arange(num_tags * n_best, dtype="int32")
    states = ops.reshape(states, (1, num_tags, n_best))
    into = ops.transpose(transitions)[None, :, :, None]

    def advance(carry, step):
        scores = carry[0] + step[:, :-1, None]
        candidates = ops.reshape(
            scores[:, None] + into, (-1, num_tags, num_tags * n_best)
        )
        best, origins = _largest(candidates, n_best)
        another = step[:, -1, None, None] > 0
        carry = ops.where(another, best, scores), ops.where(another, origins, states)
        return carry, carry

    batch = ops.shape(potentials)[0]
    none = np.where(np.arange(n_best) == 0, 0.0, -np.inf).astype("float32")
    start = (
        ops.zeros((batch, num_tags, 1)) + none,
        ops.zeros((batch, 1, 1), "int32") + states,
    )
    masked = ops.where(mask[..., None], potentials, 0.0)
    another = ops.cast(_next(mask), "float32")[..., None]
    steps = _time_first(ops.concatenate([masked, another], axis=-1))
    (scores, _), (_, origins) = ops.scan(advance, start, steps)
    origins = ops.reshape(origins, (-1, batch, num_tags * n_best))
    scores, state = _largest(ops.reshape(scores, (-1, num_tags * n_best)), n_best)

    def go_back(state, origins):
        state = ops.take_along_axis(origins, state, axis=1)
        return state, state

    _, path = ops.scan(go_back, state, origins, reverse=True)
    tags = ops.transpose(path // n_best, (1, 2, 0))
    return ops.where(mask[:, None], tags, 0), scores


def _weights(potentials, transitions, real):
    """Runs the loop from the end to the beginning.

    Returns:
        For each step and tag the weight of the tag with what follows it, scaled to a
        maximum of 1, 0 at padding; that of what follows alone; both `[batch, time,
        tags]`; and those of the transitions `[before, after]`.
    """
    links = ops.exp(transitions - ops.max(transitions))
    own = ops.exp(potentials - ops.max(potentials, axis=-1, keepdims=True))
    own *= real[..., None]

    def scaled(weights):
        largest = ops.max(weights, axis=-1, keepdims=True)
        return weights / ops.maximum(largest, LEAST), largest > 0

    # A scan of Keras on TensorFlow takes one input only, if its length is not known.
    def step(future, own):
        weights, is_real = scaled(own * future)
        past = ops.maximum(ops.matmul(weights, ops.transpose(links)), LEAST)
        return ops.where(is_real, past, future), future

    start = ops.ones_like(own[:, 0])
    _, futures = ops.scan(step, start, _time_first(own), reverse=True)
    futures = _time_first(futures)
    return scaled(own * futures)[0], futures, links


def _pass_on(amounts, weights, futures, links):
    """Hands amounts on from step to step, from each tag to what may follow it.

    Returns:
        What comes to each step and tag from the one before; and what goes out from
        each, over the weight of its future; both `[batch, time, tags]`.
    """

    def step(coming, inputs):
        return ops.matmul(inputs[0] + coming * inputs[1], links), coming

    inputs = ops.stack([amounts / futures, weights / futures])
    inputs = ops.transpose(inputs, (2, 0, 1, 3))
    _, coming = ops.scan(step, ops.zeros_like(amounts[:, 0]), inputs)
    passed = _time_first(coming) * weights
    return passed, (amounts + passed) / futures


def _pairs(shares, weights, futures, links):
    """Returns what is handed on from each tag to each, `[before, after]`."""
    size = ops.shape(links)[0]
    before = ops.reshape(shares[:, :-1], (-1, size))
    after = ops.reshape(weights[:, 1:], (-1, size))
    return links * ops.matmul(ops.transpose(before), after)


def _largest(x, count: int):
    """Returns the largest values of the last axis and their indices, int32."""
    values, indices = ops.top_k(x, count)
    return values, ops.cast(indices, "int32")


def _next(mask):
    """Tells at each step whether the next one is real."""
    return ops.pad(mask[:, 1:], ((0, 0), (0, 1)))


def _time_first(x):
    """Exchanges the first two axes."""
    return ops.swapaxes(x, 0, 1)
