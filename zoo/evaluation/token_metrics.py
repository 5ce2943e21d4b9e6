"""Keras metrics in which every real token weighs the same."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class TokenMetric(keras.metrics.Metric):
    """A metric in which every token weighs the same, whatever the length of its batch.

    Keras averages over the steps of each sequence first, padding included, so that a
    token of a short batch would weigh more than one of a long batch.

    Args:
        metric: what to measure. It is updated with weights `[batch]` of sequences or
            `[batch, time]` of tokens.
    """

    def __init__(self, metric: keras.metrics.Metric):
        super().__init__(name=metric.name)
        self.metric = metric

    def update_state(self, y_true, y_pred, sample_weight):
        if len(sample_weight.shape) == 2:
            y_true, y_pred, sample_weight = (  # [batch * time, ...]
                ops.reshape(x, (-1, *x.shape[2:]))
                for x in (y_true, y_pred, sample_weight)
            )
        self.metric.update_state(y_true, y_pred, sample_weight)

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        return {"metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["metric"]))
