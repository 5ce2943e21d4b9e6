"""Losses that Keras does not have, and a mean that it does not have."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class ClassWeighted(keras.losses.Loss):
    """Another loss, times a weight for each class of the examples.

    The mean is over the examples, not over their weights: a weight scales the gradient
    of its example whatever else is in its batch. Were the weights sample weights, a
    batch of one class would be divided by what it is multiplied with.

    Args:
        loss: of Keras, from integer classes; its reduction does not count.
        weights: of the classes.

    Call arguments:
        y_true: the classes, integers `[batch]` or `[batch, 1]`.
        y_pred: the outputs, `[batch, outputs]`.
    """

    def __init__(
        self,
        loss: keras.losses.Loss,
        weights: Sequence[float],
        reduction: str = "mean_with_sample_weight",
        name: str = "class_weighted",
        dtype=None,
    ):
        super().__init__(name, reduction, dtype)
        self.loss, self.weights = loss, [float(weight) for weight in weights]

    def call(self, y_true, y_pred):
        weights = ops.convert_to_tensor(self.weights, self.dtype)
        classes = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        return self.loss.call(y_true, y_pred) * ops.take(weights, classes)

    def get_config(self):
        loss = keras.losses.serialize(self.loss)
        return {**super().get_config(), "loss": loss, "weights": self.weights}

    @classmethod
    def from_config(cls, config):
        loss = keras.losses.deserialize(config["loss"])
        return cls(**{**config, "loss": loss})


@keras.saving.register_keras_serializable("recurrent_zoo")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy from logits with label smoothing (Szegedy et al. 2016).

    The right class has the probability `1 - smoothing`, and the rest is spread evenly
    over all classes, the right one included.

    Args:
        smoothing: share that is spread; 0 for the plain cross-entropy.

    Raises:
        ValueError: if `smoothing` is not in [0, 1).

    Call arguments:
        y_true: the classes, integers `[...]`.
        y_pred: their logits `[..., classes]`.
    """

    def __init__(
        self,
        smoothing: float = 0.1,
        reduction: str = "mean_with_sample_weight",
        name: str = "smoothed_crossentropy",
        dtype=None,
    ):
        super().__init__(name, reduction, dtype)
        if not 0 <= smoothing < 1:
            raise ValueError(
                "label_smoothing: expected a number of at least 0 and below 1, "
                f"got {smoothing}"
            )
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, "int32")
        plain = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        right = ops.take_along_axis(y_pred, y_true[..., None], axis=-1)[..., 0]
        return plain + self.smoothing * (right - ops.mean(y_pred, axis=-1))

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}
