"""Attention of a decoder over the encoder's memory."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class AdditiveAttention(keras.layers.Layer):
    """Additive attention of Bahdanau et al. (2015).

    The weight of memory step `s` for query `t` is the softmax over `s` of
    `v . tanh(W q[t] + U m[s])`. It costs memory for `[batch, queries, steps, units]`.

    The keys `U m` do not depend on the query, so the encoder computes them once.
    Memory is needed for `[batch, queries, steps, units]` numbers.

    Call arguments:
        query: float `[batch, queries, query_size]`.
        keys: float `[batch, steps, units]`.
        memory: float `[batch, steps, memory_size]`.
        mask: bool `[batch, steps]`; every row has at least one true step.

    Returns:
        The contexts `[batch, queries, memory_size]` and the weights, float32
        `[batch, queries, steps]`.
    """

    def build(self, query_shape, keys_shape, memory_shape, mask_shape=None):
        units = keys_shape[-1]
        self.kernel = self.add_weight(shape=(query_shape[-1], units), name="kernel")
        self.score = self.add_weight(shape=(units, 1), name="score")

    def call(self, query, keys, memory, mask):
        query = ops.expand_dims(ops.matmul(query, self.kernel), 2)
        hidden = ops.tanh(query + ops.expand_dims(keys, 1))
        scores = ops.squeeze(ops.matmul(hidden, self.score), -1)
        scores = ops.where(ops.expand_dims(mask, 1), ops.cast(scores, "float32"), -1e9)
        weights = ops.softmax(scores, axis=-1)
        return ops.matmul(ops.cast(weights, memory.dtype), memory), weights
