"""Sequences of any length, cut into chunks, against Keras's layers."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo.layers.chunks import CHUNK
from zoo.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX compiles whole sequences"
)
PAIRS = {
    "lstm": (LSTM, keras.layers.LSTM),
    "gru": (GRU, keras.layers.GRU),
    "simple": (SimpleRNN, keras.layers.SimpleRNN),
}
LENGTHS = [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5]
FEATURES = 3


def weighted_sum(array):
    weights = tf.cos(tf.range(tf.size(array), dtype=array.dtype))
    return tf.reduce_sum(weights * tf.reshape(array, [-1]))


def of_any_length(layer, training):
    """Returns a graph of values and gradients, in which no length is known."""
    x = tf.TensorSpec((None, None, FEATURES))
    mask = tf.TensorSpec((None, None), tf.bool)

    @tf.function(input_signature=[x, mask])
    def run(x, mask):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, mask=mask, training=training)
            loss = sum(
                tf.reduce_sum(
                    tf.cos(tf.range(tf.size(o), dtype=o.dtype)) * tf.reshape(o, [-1])
                )
                for o in outputs
            )
        variables = [v.value for v in layer.trainable_variables]
        return [*outputs, *tape.gradient(loss, [x, *variables])]

    return run


def pair(cell, both, backwards=False):
    """Returns our layer and Keras's with the same weights."""
    options = {
        "units": 5, "return_sequences": True, "return_state": True,
        "zero_output_for_mask": True, "go_backwards": backwards,
    }  # fmt: skip
    layers = [kind(**options) for kind in PAIRS[cell]]
    if both:
        layers = [
            wrapper(layer)
            for wrapper, layer in zip(
                (Bidirectional, keras.layers.Bidirectional), layers
            )
        ]
    for layer in layers:
        layer.build((None, None, FEATURES))
    random = np.random.default_rng(3)
    weights = [random.normal(scale=0.5, size=w.shape) for w in layers[1].weights]
    for layer in layers:
        layer.set_weights(weights)
    return layers


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cell", sorted(PAIRS))
@pytest.mark.parametrize("form", ["forwards", "backwards", "both"])
def test_every_length_is_as_in_keras(cell, form, training):
    layers = pair(cell, form == "both", form == "backwards")
    ours, theirs = (of_any_length(layer, training) for layer in layers)
    random = np.random.default_rng(1)
    for rows, time in zip([9, 9, 3, 9, 9, 9], LENGTHS):
        x = random.normal(size=(rows, time, FEATURES)).astype(np.float32)
        real = np.arange(time) < random.integers(1, time + 1, rows)[:, None]
        for found, expected in zip(ours(x, real), theirs(x, real), strict=True):
            scale = max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(found, expected, atol=2e-5 * scale)


PROGRAMS = """
import tensorflow as tf
from zoo.layers.recurrent import LSTM
layer = LSTM(5, return_sequences=True)
layer.build((None, None, 3))
@tf.function(input_signature=[tf.TensorSpec((None, None, 3))])
def run(x):
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(x, training=True))
    return tape.gradient(y, [v.value for v in layer.trainable_variables])
for time in (1, 7, 16, 17, 40, 90):
    run(tf.zeros((4, time, 3)))
"""


def test_one_program_serves_all_lengths():
    """XLA says how many it has compiled: one forward and one backward."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "device_compiler=1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"#called: (\d+)", done.stderr)[-1] == "2"


@pytest.mark.parametrize("time", [CHUNK, 3 * CHUNK - 2])
def test_outside_a_graph_and_inside_xla_it_is_the_same(time):
    layer, _ = pair("gru", True)
    x = np.random.default_rng(0).normal(size=(4, time, FEATURES)).astype(np.float32)
    mask = np.arange(time) < np.array([[time], [1], [5], [time - 1]])
    run = of_any_length(layer, training=False)
    expected = run(x, mask)[0]
    np.testing.assert_allclose(layer(x, mask=mask)[0], expected, atol=1e-5)
    compiled = tf.function(lambda x, m: layer(x, mask=m), jit_compile=True)
    np.testing.assert_allclose(compiled(x, mask)[0], expected, atol=1e-5)
