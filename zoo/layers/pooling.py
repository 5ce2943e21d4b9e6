"""Padding masks, and pooling over the time axis."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class PaddingMask(keras.layers.Layer):
    """True where an id is not 0.

    Call arguments:
        token_ids: int32 `[batch, time]`.

    Returns:
        bool `[batch, time]`.

    >>> ops.convert_to_numpy(PaddingMask()(ops.array([[5, 2, 0]]))).tolist()
    [[True, True, False]]
    """

    def call(self, token_ids):
        return ops.not_equal(token_ids, 0)


class MaskedPooling(keras.layers.Layer):
    """Base of the pooling layers.

    Call arguments:
        x: float `[batch, time, features]`.
        mask: bool `[batch, time]`; every row has at least one true step.

    Returns:
        float `[batch, features]`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, inputs, previous_mask=None):
        return None  # only the explicit mask counts; Keras's implicit one ends here


@keras.saving.register_keras_serializable("recurrent_zoo")
class ZeroPadding(MaskedPooling):
    """No pooling: the features of every step, zero at padding."""

    def call(self, x, mask):
        return x * ops.expand_dims(ops.cast(mask, x.dtype), -1)


@keras.saving.register_keras_serializable("recurrent_zoo")
class MaxPooling(MaskedPooling):
    """The largest value of each feature over the real steps.

    >>> mask = ops.array([[True, True, False]])
    >>> pooled = MaxPooling()(ops.array([[[1.0], [3.0], [9.0]]]), mask)
    >>> ops.convert_to_numpy(pooled).tolist()
    [[3.0]]
    """

    def call(self, x, mask):
        lowest = ops.cast(-1e9, x.dtype)
        return ops.max(ops.where(ops.expand_dims(mask, -1), x, lowest), axis=1)


@keras.saving.register_keras_serializable("recurrent_zoo")
class MeanPooling(MaskedPooling):
    """The mean of each feature over the real steps."""

    def call(self, x, mask):
        weights = ops.expand_dims(ops.cast(mask, x.dtype), -1)  # [batch, time, 1]
        return ops.sum(x * weights, axis=1) / ops.sum(weights, axis=1)


@keras.saving.register_keras_serializable("recurrent_zoo")
class AttentionPooling(MaskedPooling):
    """A weighted mean over the real steps (Yang et al. 2016, without the hierarchy).

    The weight of step `t` is the softmax over time of `v . tanh(W x[t] + b)`.

    Args:
        units: size of the hidden projection.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, x_shape, mask_shape=None):
        self.kernel = self.add_weight(shape=(x_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(
            shape=(self.units,), initializer="zeros", name="bias"
        )
        self.score = self.add_weight(shape=(self.units, 1), name="score")

    def call(self, x, mask):
        scores = ops.matmul(
            ops.tanh(ops.matmul(x, self.kernel) + self.bias), self.score
        )  # [batch, time, 1]
        scores = ops.where(ops.expand_dims(mask, -1), ops.cast(scores, "float32"), -1e9)
        weights = ops.cast(ops.softmax(scores, axis=1), x.dtype)
        return ops.sum(x * weights, axis=1)  # [batch, features]

    def get_config(self):
        return {**super().get_config(), "units": self.units}
