"""Regularizers of language models (Merity et al. 2018)."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class EmbeddingDropout(keras.layers.Layer):
    """Drops tokens of the vocabulary from a whole batch, in training.

    A dropped token is zero wherever it occurs, and the vectors of the others are scaled
    up (Gal and Ghahramani 2016).

    Args:
        size: of the vocabulary.
        rate: share of the tokens dropped in training.

    Call arguments:
        vectors: of the tokens, float `[batch, time, features]`.
        token_ids: int32 `[batch, time]`.

    Returns:
        float `[batch, time, features]`.
    """

    def __init__(self, size: int, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.size, self.rate = size, rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, vectors, token_ids, training=False):
        if not training:
            return vectors
        kept = keras.random.dropout(
            ops.ones((self.size, 1)), self.rate, seed=self.seed_generator
        )  # [vocabulary, 1]
        return vectors * ops.cast(ops.take(kept, token_ids, axis=0), vectors.dtype)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "rate": self.rate}


@keras.saving.register_keras_serializable("recurrent_zoo")
class ActivationPenalty(keras.layers.Layer):
    """Adds a penalty for large and for quickly changing outputs to the training loss.

    It is `activation` times the mean square of the outputs after dropout, plus
    `temporal` times the mean square of the difference between neighboring steps before
    dropout.

    Args:
        activation: factor of the squares.
        temporal: factor of the differences.

    Call arguments:
        dropped: float `[batch, time, units]`, after dropout.
        raw: float `[batch, time, units]`, before dropout.

    Returns:
        `dropped`.
    """

    def __init__(self, activation: float, temporal: float, **kwargs):
        super().__init__(**kwargs)
        self.activation, self.temporal = activation, temporal

    def call(self, dropped, raw, training=False):
        if training:
            squares = ops.mean(ops.square(ops.cast(dropped, "float32")))
            raw = ops.cast(raw, "float32")
            changes = ops.mean(ops.square(raw[:, 1:] - raw[:, :-1]), axis=(0, 2))
            steps = ops.cast(ops.maximum(ops.shape(raw)[1] - 1, 1), "float32")
            changes = ops.sum(changes) / steps
            self.add_loss(self.activation * squares + self.temporal * changes)
        return dropped

    def get_config(self):
        own = {"activation": self.activation, "temporal": self.temporal}
        return {**super().get_config(), **own}
