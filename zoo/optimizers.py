"""Optimizers: Adam in one pass."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` (Kingma and Ba 2015), in one pass over each variable.

    On TensorFlow, Keras updates a variable in a dozen operations, each of which reads
    and writes all of it; for the large embeddings of small recurrent models that is
    much of a training step; TensorFlow's own fused operation takes one. JAX compiles
    Keras's form into one pass by itself.

    It differs from Keras's on TensorFlow where a token occurs several times in a batch:
    there Keras squares the parts of the embedding's sparse gradient one by one; here,
    as in Keras on JAX, the gradient of a vector is the sum of its parts.
    """

    def update_step(self, gradient, variable, learning_rate):
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        if tf.distribute.has_strategy():
            return super().update_step(gradient, variable, learning_rate)
        index, dtype = self._get_variable_index(variable), variable.dtype
        step = ops.cast(self.iterations + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, dtype), step),
            beta2_power=ops.power(ops.cast(self.beta_2, dtype), step),
            lr=ops.cast(learning_rate, dtype),
            beta1=ops.cast(self.beta_1, dtype),
            beta2=ops.cast(self.beta_2, dtype),
            epsilon=ops.cast(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )
