"""Backward messages, partition function, marginals and Viterbi of a linear chain.

All functions take the chain of `zoo.layers.crf`: potentials, float32 `[batch, time,
tags]`; transitions, the scores of one tag following another, float32 `[before, after]`;
and a mask, bool `[batch, time]`, true at real steps, which are on the left.

Sums over all taggings come from one loop from the end of the sentence to its beginning,
which computes the backward messages: for each step and tag, the summed weight of all
that may follow it. Given those, the chain is one softmax per step, conditioned on the
tag before, so that training needs no loss of its own: see `zoo.layers.crf.ChainLogits`.

Weights are exponentials of scores, rescaled at each step so that the largest is 1; a
step is then one matrix product. Weights below `SMALLEST_WEIGHT` are raised to it, so
where transitions are forbidden, sums are wrong if potentials of one step that matter
are more than 69 nats apart. Viterbi's maxima have no such limit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

SMALLEST_WEIGHT = 1e-30  # of a backward message: float32 ends at 1e-38


def log_backward(potentials, transitions, mask):
    """Returns the logarithms of the backward messages.

    The backward message of a step and tag is the sum, over all taggings of the later
    steps, of their exponentiated scores, given that tag.

    Args:
        potentials, transitions, mask: the chain.

    Returns:
        float32 `[batch, time, tags]`, up to an additive constant for each step, whose
        gradient is not taken.
    """

    @ops.custom_gradient
    def compute(potentials, transitions, real):
        chain = _backward_pass(potentials, transitions, real)

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            received, sent = _forward_pass(upstream, chain)
            return received, _transition_sums(sent, chain), ops.zeros_like(real)

        return ops.log(chain.messages), gradient

    return compute(potentials, transitions, ops.cast(mask, "float32"))


def log_partition_terms(potentials, transitions, mask):
    """Splits the log-partition function into one term per step, so that token losses
    add up.

    Args:
        potentials, transitions, mask: the chain.

    Returns:
        float32 `[batch, time]`, 0 at padding. If they are subtracted from the
        potentials, the score of every tagging is the logarithm of its probability.
    """
    x = potentials + log_backward(potentials, transitions, mask)
    later = ops.stop_gradient(ops.max(x, axis=-1) + ops.max(transitions))
    first = ops.logsumexp(x[:, :1], axis=-1)  # [batch, 1]
    terms = ops.concatenate([first, later[:, 1:]], axis=1)  # [batch, time]
    return ops.where(mask, terms, 0.0)


def marginals(potentials, transitions, mask):
    """Returns the probability of each tag at each step (Rabiner 1989).

    A forward pass carries it from the first step to the last, by the probability of
    each tag given the one before it.

    Args:
        potentials, transitions, mask: the chain.

    Returns:
        float32 `[batch, time, tags]`, 0 at padding.
    """
    real = ops.cast(mask, "float32")
    chain = _backward_pass(potentials, transitions, real)
    first = potentials[:, :1] + ops.log(chain.messages[:, :1])
    first = ops.exp(first - ops.logsumexp(first, axis=-1, keepdims=True))
    first *= real[:, :1, None]  # [batch, 1, tags]
    first = ops.pad(first, ((0, 0), (0, ops.shape(mask)[1] - 1), (0, 0)))
    received, _ = _forward_pass(first, chain)
    return first + received  # [batch, time, tags]


def viterbi_paths(potentials, transitions, mask, n_best: int):
    """Finds the taggings with the highest scores (Viterbi 1967; n best: Soong 1990).

    Args:
        potentials, transitions, mask: the chain.
        n_best: how many.

    Returns:
        The taggings, int32 `[batch, n_best, time]`, 0 at padding, the best one first;
        and their scores, float32 `[batch, n_best]`, -infinity where there are not as
        many taggings.
    """
    batch, num_tags = ops.shape(potentials)[0], potentials.shape[-1]
    # A state is a tag and the rank of a path that ends in it.
    states = ops.arange(num_tags * n_best, dtype="int32")
    states = ops.reshape(states, (1, num_tags, n_best))
    ranked = np.where(np.arange(n_best) == 0, 0.0, -np.inf).astype("float32")
    start = (
        ops.zeros((batch, num_tags, 1)) + ranked,
        ops.zeros((batch, 1, 1), "int32") + states,
    )
    masked = ops.where(mask[..., None], potentials, 0.0)
    another = ops.cast(next_is_real(mask), "float32")[..., None]
    # A scan of Keras on TensorFlow takes one input only, if its length is unknown.
    steps = _time_first(ops.concatenate([masked, another], axis=-1))
    (scores, _), (_, origins) = ops.scan(
        _viterbi_step(transitions, states, n_best), start, steps
    )
    origins = ops.reshape(origins, (-1, batch, num_tags * n_best))
    scores, last = _largest(ops.reshape(scores, (-1, num_tags * n_best)), n_best)

    def go_back(state, origins):
        state = ops.take_along_axis(origins, state, axis=1)  # [batch, n_best]
        return state, state

    _, path = ops.scan(go_back, last, origins, reverse=True)
    tags = ops.transpose(path // n_best, (1, 2, 0))  # [batch, n_best, time]
    return ops.where(mask[:, None], tags, 0), scores


def _viterbi_step(transitions, states, n_best: int):
    """Returns the step of the Viterbi loop, for `ops.scan`.

    It carries the scores of the `n_best` best paths into each tag and the states that
    these come from, both `[batch, tags, n_best]`. Its input is the potentials and, as
    the last column, whether another step follows, `[batch, tags + 1]`.
    """
    num_tags = states.shape[1]
    into = ops.transpose(transitions)[None, :, :, None]  # [1, after, before, 1]

    def advance(carry, step):
        scores = carry[0] + step[:, :-1, None]  # [batch, tags, n_best]
        candidates = ops.reshape(
            scores[:, None] + into, (-1, num_tags, num_tags * n_best)
        )
        best, origins = _largest(candidates, n_best)  # [batch, tags, n_best]
        another = step[:, -1, None, None] > 0
        carry = ops.where(another, best, scores), ops.where(another, origins, states)
        return carry, carry

    return advance


class _Chain(NamedTuple):
    """A chain after the backward pass.

    Attributes:
        weights: of each step and tag with all that follows, rescaled to a maximum of 1,
            0 at padding, `[batch, time, tags]`.
        messages: the backward messages, the weight of what follows alone, `[batch,
            time, tags]`.
        links: the exponentiated transitions `[before, after]`.
    """

    weights: Any
    messages: Any
    links: Any


def _backward_pass(potentials, transitions, real) -> _Chain:
    """Runs the loop from the end to the beginning; `real` is the mask in float32."""
    links = ops.exp(transitions - ops.max(transitions))
    own = ops.exp(potentials - ops.max(potentials, axis=-1, keepdims=True))
    own *= real[..., None]  # [batch, time, tags]

    def rescaled(weights):
        largest = ops.max(weights, axis=-1, keepdims=True)
        return weights / ops.maximum(largest, SMALLEST_WEIGHT), largest > 0

    def step(message, own):
        weights, is_real = rescaled(own * message)
        before = ops.matmul(weights, ops.transpose(links))  # [batch, tags]
        before = ops.maximum(before, SMALLEST_WEIGHT)
        return ops.where(is_real, before, message), message

    last = ops.ones_like(own[:, 0])
    _, messages = ops.scan(step, last, _time_first(own), reverse=True)
    messages = _time_first(messages)  # [batch, time, tags]
    return _Chain(rescaled(own * messages)[0], messages, links)


def _forward_pass(amounts, chain: _Chain) -> tuple:
    """Carries amounts from each step and tag to what may follow it, by probability.

    Args:
        amounts: what starts at each step and tag, `[batch, time, tags]`.
        chain: after the backward pass.

    Returns:
        What each step and tag receives from the step before; and what it sends to the
        next one, divided by its backward message; both `[batch, time, tags]`.
    """
    weights, messages, links = chain

    def step(received, inputs):
        sent = inputs[0] + received * inputs[1]  # [batch, tags]
        return ops.matmul(sent, links), received

    inputs = ops.stack([amounts / messages, weights / messages])
    inputs = ops.transpose(inputs, (2, 0, 1, 3))  # [time, 2, batch, tags]
    _, received = ops.scan(step, ops.zeros_like(amounts[:, 0]), inputs)
    received = _time_first(received) * weights  # [batch, time, tags]
    return received, (amounts + received) / messages


def _transition_sums(sent, chain: _Chain):
    """Returns what is carried from each tag to each, summed, `[before, after]`.

    Args:
        sent: the second result of `_forward_pass`.
        chain: after the backward pass.
    """
    size = ops.shape(chain.links)[0]
    before = ops.reshape(sent[:, :-1], (-1, size))  # [batch * (time - 1), tags]
    after = ops.reshape(chain.weights[:, 1:], (-1, size))
    return chain.links * ops.matmul(ops.transpose(before), after)


def next_is_real(mask):
    """Tells at each step whether the next one is real, bool `[batch, time]`."""
    return ops.pad(mask[:, 1:], ((0, 0), (0, 1)))


def _largest(x, count: int) -> tuple:
    """Returns the largest values of the last axis and their indices, int32."""
    values, indices = ops.top_k(x, count)
    return values, ops.cast(indices, "int32")


def _time_first(x):
    """Exchanges the first two axes."""
    return ops.swapaxes(x, 0, 1)
