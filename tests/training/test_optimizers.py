"""Adam in one pass equals Keras's."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.training.optimizers import Adam


class DenseAdam(keras.optimizers.Adam):
    """Keras's, of gradients whose parts have been added up."""

    def update_step(self, gradient, variable, learning_rate):
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            gradient = tf.convert_to_tensor(gradient)
        super().update_step(gradient, variable, learning_rate)


@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_it_equals_keras(clip_norm):
    random = np.random.default_rng(0)
    ids = np.array([[1, 2, 2], [0, 4, 1]], np.int32)
    targets = random.standard_normal((2, 3, 2))
    weights = []
    for kind in (DenseAdam, Adam):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(6, 3)(inputs)  # whose gradients are sparse
        model = keras.Model(inputs, keras.layers.Dense(2)(x))
        model.compile(kind(0.01, global_clipnorm=clip_norm), "mse", jit_compile=False)
        for _ in range(5):
            model.train_on_batch(ids, targets)
        state = [v.numpy() for v in model.optimizer.variables]
        weights.append([*model.get_weights(), *state])
    assert len(weights[0]) == len(weights[1]) > 6
    for theirs, ours in zip(*weights):
        np.testing.assert_allclose(ours, theirs, rtol=5e-5, atol=1e-8)


def test_in_a_strategy_and_with_amsgrad_it_is_keras():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile(Adam(0.1), "mse", jit_compile=False)
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    variable = keras.Variable(ops.ones(2))
    optimizer = Adam(0.1, amsgrad=True)
    optimizer.apply([ops.ones(2)], [variable])
    assert (ops.convert_to_numpy(variable.value) < 1).all()
