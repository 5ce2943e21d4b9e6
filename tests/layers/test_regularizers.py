"""What the regularisers of language models do in training, and only there."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.paths import to_keras
from zoo.layers.recurrent import GRU, LSTM, SimpleRNN
from zoo.layers.regularizers import ActivationPenalty, EmbeddingDropout
from zoo.models.language_model import (
    LanguageModelConfig,
    build_language_model,
    build_stream_model,
)

random = np.random.default_rng(0)
X = random.normal(size=(3, 5, 4)).astype(np.float32)


def test_word_dropout_drops_words_wherever_they_are():
    layer = EmbeddingDropout(50, 0.5)
    ids = random.integers(0, 50, (20, 10)).astype(np.int32)
    ones = np.ones((20, 10, 4), np.float32)
    assert np.array_equal(ops.convert_to_numpy(layer(ones, ids)), ones)
    found = ops.convert_to_numpy(layer(ones, ids, training=True))
    assert (found == found[..., :1]).all() and set(np.unique(found)) == {0.0, 2.0}
    for i in range(50):
        assert len(np.unique(found[ids == i])) <= 1
    again = ops.convert_to_numpy(layer(ones, ids, training=True))
    assert not np.array_equal(found, again)


def test_activation_penalty_by_hand():
    layer = ActivationPenalty(2.0, 3.0)
    dropped = np.float32([[[1, 0], [0, 3]]])  # mean square 10 / 4
    raw = np.float32([[[1, 1], [2, 3]]])  # changes 1 and 2: mean square 5 / 2
    layer(dropped, raw)
    assert layer.losses == []
    assert np.array_equal(layer(dropped, raw, training=True), dropped)
    assert float(layer.losses[0]) == pytest.approx(2 * 2.5 + 3 * 2.5)


def test_a_single_step_has_no_changes():
    layer = ActivationPenalty(1.0, 1.0)
    one = np.float32([[[2, 0]]])
    layer(one, one, training=True)
    assert float(layer.losses[0]) == pytest.approx(2.0)


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_weight_drop_is_a_layer_with_fewer_weights(kind):
    """Each weight is dropped or scaled up; found by the outputs of unit states."""
    units, rate = 4, 0.5
    layer = kind(units, return_sequences=True, weight_drop=rate)
    still = ops.convert_to_numpy(layer(X))
    assert np.array_equal(still, ops.convert_to_numpy(layer(X, training=False)))
    moved = ops.convert_to_numpy(layer(X, training=True))
    # The first step has no state before it.
    np.testing.assert_allclose(moved[:, 0], still[:, 0], atol=1e-6)
    assert np.abs(moved[:, 1:] - still[:, 1:]).max() > 1e-3
    plain = kind(units, return_sequences=True)
    plain(X)
    plain.set_weights(layer.get_weights())
    assert np.array_equal(ops.convert_to_numpy(plain(X, training=False)), still)


def test_the_same_weights_are_dropped_at_every_step_and_in_every_row():
    """In a linear network of one input the state is the product of the same matrix."""
    units = 6
    layer = SimpleRNN(
        units, "auto", 0.5, activation="relu", use_bias=False, return_sequences=True
    )
    x = np.zeros((2, 4, 1), np.float32)
    x[:, 0] = 1
    layer(x)
    kernel = np.ones((1, units), np.float32)
    recurrent = random.uniform(0.1, 1, (units, units)).astype(np.float32)
    layer.set_weights([kernel, recurrent])
    # The first state is all ones, so the second tells the sums of the kept weights.
    found = ops.convert_to_numpy(layer(x, training=True))
    assert np.array_equal(found[0], found[1])
    masks = np.array(np.meshgrid(*[[0, 2.0]] * units)).reshape(units, -1)  # [u, 64]
    kept = np.empty_like(recurrent)
    for unit in range(units):
        sums = recurrent[:, unit] @ masks
        best = np.abs(sums - found[0, 1, unit]).argmin()
        assert sums[best] == pytest.approx(found[0, 1, unit], abs=1e-4)
        kept[:, unit] = recurrent[:, unit] * masks[:, best]
    for t in (2, 3):
        np.testing.assert_allclose(found[0, t], found[0, t - 1] @ kept, rtol=1e-3)
    assert 0 < (kept == 0).mean() < 1


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"engine": "keras"}, 'weight_drop: expected 0 with engine="keras"'),
        ({"unroll": True}, "weight_drop: the compiled scan has no unrolled form"),
    ],
)
def test_weight_drop_needs_the_scan(options, expected):
    with pytest.raises(ValueError, match=expected):
        LSTM(4, weight_drop=0.5, **options)


def test_penalties_are_in_the_loss_of_a_stream_in_training_alone():
    config = LanguageModelConfig(
        vocabulary_size=9, units=4, embedding_size=4, activation_penalty=1e4,
        temporal_activation_penalty=1e3, weight_drop=0.2, embedding_dropout=0.1,
    )  # fmt: skip
    keras.utils.set_random_seed(0)
    model = build_language_model(config)
    stream = build_stream_model(model, 2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    stream.compile("sgd", loss, jit_compile=keras.backend.backend() == "jax")
    ids = random.integers(4, 9, (2, 6)).astype(np.int32)
    plain = stream.test_on_batch(ids, ids)
    penalised = stream.train_on_batch(ids, ids)
    assert plain == pytest.approx(np.log(9), rel=0.1)
    assert penalised > plain + 0.05


def test_keras_layers_of_a_model_with_weight_drop():
    config = LanguageModelConfig(
        vocabulary_size=9, units=4, embedding_size=4, weight_drop=0.2
    )
    model = build_language_model(config)
    ids = random.integers(4, 9, (2, 6)).astype(np.int32)
    inputs = [ids, *[np.zeros((2, 4), np.float32)] * 2]
    same = to_keras(model)
    np.testing.assert_allclose(
        ops.convert_to_numpy(same(inputs)[0]),
        ops.convert_to_numpy(model(inputs)[0]),
        atol=1e-5,
    )
