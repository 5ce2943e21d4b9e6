"""Attention of a decoder over the encoder's memory."""

from __future__ import annotations

import math

import keras
from keras import ops


class Attention(keras.layers.Layer):
    """Base of the attention layers: masked weights, and the memory averaged by them.

    Each row of the memory may serve several neighboring rows of the query, the same
    number for every row: the beams of a search share the memory of their source.

    Call arguments:
        query: float `[rows, queries, query_size]`, rows a multiple of batch.
        keys: float `[batch, steps, units]`; they do not depend on the query, so the
            encoder computes them once.
        memory: float `[batch, steps, memory_size]`.
        mask: bool `[batch, steps]`; every row has at least one true step.
        coverage: float `[rows, queries, steps]`, the summed weights of earlier queries;
            only for layers that use it.

    Returns:
        The contexts `[rows, queries, memory_size]` and the weights, float32
        `[rows, queries, steps]`.
    """

    coverage = False  # whether the scores depend on the weights of earlier queries

    def build(self, query_shape, keys_shape, memory_shape, mask_shape=None):
        """Makes the weights, if the layer has any."""

    def scores(self, query, keys, coverage=None):
        """Returns how well each key matches each query, `[batch, queries, steps]`."""
        raise NotImplementedError

    def call(self, query, keys, memory, mask, coverage=None):
        rows, queries = ops.shape(query)[:2]
        batch, steps = ops.shape(memory)[:2]
        # Rows that share a memory become queries: [batch, queries', query_size].
        query = ops.reshape(query, (batch, -1, query.shape[-1]))
        if coverage is not None:
            coverage = ops.reshape(coverage, (batch, -1, steps))
        scores = ops.cast(self.scores(query, keys, coverage), "float32")
        # [batch, queries', steps], then [batch, queries', memory_size]
        weights = ops.softmax(ops.where(ops.expand_dims(mask, 1), scores, -1e9))
        context = ops.matmul(ops.cast(weights, memory.dtype), memory)
        return tuple(
            ops.reshape(array, (rows, queries, ops.shape(array)[-1]))
            for array in (context, weights)
        )


@keras.saving.register_keras_serializable("recurrent_zoo")
class AdditiveAttention(Attention):
    """Additive attention of Bahdanau et al. (2015).

    The weight of memory step `s` for query `t` is the softmax over `s` of
    `v . tanh(W q[t] + k[s])`, where the keys `k` are a projection of the memory. An
    array `[batch, queries, steps, units]` must fit in memory.

    Args:
        coverage: whether `w c[s]` is added inside the tanh, where `c` is the sum of the
            weights of the queries before `t` (Tu et al. 2016, in the form of See et al.
            2017), so that the layer can avoid what it has already attended to.

    >>> query, keys = ops.ones((2, 3, 4)), ops.ones((2, 5, 6))
    >>> mask = ops.ones((2, 5), "bool")
    >>> context, weights = AdditiveAttention()(query, keys, keys, mask)
    >>> tuple(context.shape), tuple(weights.shape)
    ((2, 3, 6), (2, 3, 5))
    """

    def __init__(self, coverage: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.coverage = coverage

    def build(self, query_shape, keys_shape, memory_shape, mask_shape=None):
        units = keys_shape[-1]
        self.kernel = self.add_weight(shape=(query_shape[-1], units), name="kernel")
        self.score = self.add_weight(shape=(units, 1), name="score")
        if self.coverage:
            self.coverage_kernel = self.add_weight(
                shape=(1, units), name="coverage_kernel"
            )

    def scores(self, query, keys, coverage=None):
        query = ops.expand_dims(ops.matmul(query, self.kernel), 2)
        hidden = query + ops.expand_dims(keys, 1)  # [batch, queries, steps, units]
        if coverage is not None:
            hidden = hidden + ops.expand_dims(coverage, -1) * self.coverage_kernel
        return ops.squeeze(ops.matmul(ops.tanh(hidden), self.score), -1)

    def get_config(self):
        return {**super().get_config(), "coverage": self.coverage}


@keras.saving.register_keras_serializable("recurrent_zoo")
class DotAttention(Attention):
    """Multiplicative attention of Luong et al. (2015).

    The weight of memory step `s` for query `t` is the softmax over `s` of
    `q[t] . k[s]`. The paper calls it "dot" if the keys are the memory itself, and
    "general" if they are a projection of it.

    Args:
        scaled: whether the product is divided by the square root of the size of the
            vectors (Vaswani et al. 2017).
    """

    def __init__(self, scaled: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.scaled = scaled

    def scores(self, query, keys, coverage=None):
        scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1)))
        return scores / math.sqrt(query.shape[-1]) if self.scaled else scores

    def get_config(self):
        return {**super().get_config(), "scaled": self.scaled}
