"""Which path the layers of a model take, and the same model of Keras's own layers."""

import keras
import numpy as np

import zoo
from zoo.layers.paths import to_keras
from zoo.layers.recurrent import GRU, LSTM, Bidirectional


def two_layers():
    inputs = keras.Input((None, 3))
    x = Bidirectional(LSTM(4, return_sequences=True), name="first")(inputs)
    return keras.Model(inputs, GRU(2, engine="keras", name="second")(x))


def test_a_model_explains_its_layers():
    found = zoo.explain(two_layers())
    assert {name: path for name, (path, *_) in found.items()} == {
        "first forward": "scan",
        "first backward": "scan",
        "second": "loop",
    }


def test_a_model_of_keras_own_layers():
    model = two_layers()
    copy = to_keras(model)
    kinds = [type(layer) for layer in copy.layers[1:]]
    assert kinds == [keras.layers.Bidirectional, keras.layers.GRU]
    assert type(copy.layers[1].backward_layer) is keras.layers.LSTM
    assert [layer.name for layer in copy.layers[1:]] == ["first", "second"]
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(np.array(copy(x)), np.array(model(x)), atol=1e-5)
    assert {path for path, *_ in zoo.explain(copy).values()} == {"keras"}
