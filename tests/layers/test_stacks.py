"""Recurrent layers against NumPy, written from the formulas."""

import keras
import numpy as np
import pytest

from zoo.layers.config import RecurrentConfig
from zoo.layers.stacks import StackedIdentity, recurrent_layer, recurrent_stack
from zoo.models.language_model import LanguageModelConfig, carried_stack
from zoo.models.translator import TranslatorConfig

BATCH, TIME, FEATURES, UNITS = 5, 6, 3, 4
LENGTHS = [6, 1, 3, 5, 2]
MASK = np.arange(TIME) < np.array(LENGTHS)[:, None]
X = np.random.default_rng(0).normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_step(x, states, kernel, recurrent, bias, activation):
    h = activation(x @ kernel + states[0] @ recurrent + bias)
    return [h]


def lstm_step(x, states, kernel, recurrent, bias, _):
    h, c = states
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def gru_step(x, states, kernel, recurrent, bias, _):
    (h,) = states
    z, r, g = np.split(x @ kernel + bias[0], 3)
    recurrent_z, recurrent_r, recurrent_g = np.split(h @ recurrent + bias[1], 3)
    z, r = sigmoid(z + recurrent_z), sigmoid(r + recurrent_r)
    return [z * h + (1 - z) * np.tanh(g + r * recurrent_g)]


STEPS = {"simple": simple_step, "lstm": lstm_step, "gru": gru_step}


def run(config, weights, sequence, states=None):
    """Returns the outputs `[time, units]` of one sequence and its last states."""
    identity = config.recurrent_initializer == "identity"
    activation = (lambda x: np.maximum(x, 0)) if identity else np.tanh
    states = states or [np.zeros(config.units)] * config.num_states
    outputs = []
    for x in sequence:
        states = STEPS[config.cell](x, states, *weights, activation)
        outputs.append(states[0])
    return np.array(outputs), states


def reference(config, weights, x, lengths):
    """Returns the outputs, zero at padding, and the states of a padded batch."""
    directions = [False, True] if config.bidirectional else [False]
    outputs = np.zeros((*x.shape[:2], config.units * len(directions)))
    states = [
        np.zeros((len(x), config.units))
        for _ in weights[::3]
        for _ in range(config.num_states)
    ]
    for row, length in enumerate(lengths):
        for direction, backwards in enumerate(directions):
            sequence = x[row, :length][::-1] if backwards else x[row, :length]
            out, last = run(config, weights[3 * direction :][:3], sequence)
            part = slice(direction * config.units, (direction + 1) * config.units)
            outputs[row, :length, part] = out[::-1] if backwards else out
            for i, state in enumerate(last):
                states[direction * config.num_states + i][row] = state
    return outputs, states


def randomise(layer, seed=1):
    random = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.7, size=weight.shape))
    return [weight.numpy().astype(np.float64) for weight in layer.weights]


def masked_model(function, x, mask):
    """Applies layers to `x` in a compiled functional model."""
    inputs = keras.Input((None, x.shape[-1])), keras.Input((None,), dtype="bool")
    model = keras.Model(inputs, function(*inputs))
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return keras.tree.flatten(model.predict_on_batch([x, mask]))


@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("initializer", ["orthogonal", "identity"])
@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_layer_follows_the_formulas(cell, initializer, bidirectional):
    config = RecurrentConfig(
        cell=cell,
        units=UNITS,
        bidirectional=bidirectional,
        recurrent_initializer=initializer,
    )
    layer = recurrent_layer(config, "layer")
    layer.build((None, None, FEATURES))
    weights = randomise(layer)
    outputs, *states = masked_model(lambda x, mask: layer(x, mask=mask), X, MASK)
    expected, expected_states = reference(config, weights, X, LENGTHS)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert not outputs[~MASK].any()
    assert len(states) == len(expected_states)
    for state, wanted in zip(states, expected_states):
        np.testing.assert_allclose(state, wanted, atol=1e-5)
    last = outputs[np.arange(BATCH), np.array(LENGTHS) - 1, :UNITS]
    np.testing.assert_allclose(states[0], last, atol=1e-6)
    if bidirectional:
        first = outputs[:, 0, UNITS:]
        np.testing.assert_allclose(states[config.num_states], first, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
def test_stack_feeds_each_layer_to_the_next(bidirectional):
    config = RecurrentConfig(units=UNITS, num_layers=2, bidirectional=bidirectional)
    made = {}

    def stack(x, mask):
        made["outputs"], made["states"] = recurrent_stack(x, mask, config)
        return [made["outputs"], *sum(made["states"], [])]

    inputs = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    model = keras.Model(inputs, stack(*inputs))
    model.compile(jit_compile=keras.backend.backend() == "jax")
    below = randomise(model.get_layer("recurrent_0"), 1)
    above = randomise(model.get_layer("recurrent_1"), 2)
    found = model.predict_on_batch([X, MASK])
    middle, first_states = reference(config, below, X, LENGTHS)
    outputs, last_states = reference(config, above, middle, LENGTHS)
    assert [len(s) for s in made["states"]] == [2 * (1 + bidirectional)] * 2
    expected = [outputs, *first_states, *last_states]
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, wanted, atol=1e-5)


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_carried_stack_starts_from_given_states(cell):
    config = LanguageModelConfig(cell=cell, units=UNITS, vocabulary_size=9)
    x = keras.Input((None, FEATURES))
    given = [keras.Input((UNITS,)) for _ in range(config.num_states)]
    outputs, finals = carried_stack(x, [given], config)
    model = keras.Model([x, *given], [outputs, *finals])
    weights = randomise(model.get_layer("recurrent_0"))
    first = np.random.default_rng(2).normal(size=(len(given), BATCH, UNITS))
    found, *states = model.predict_on_batch([X, *first.astype(np.float32)])
    for row in range(BATCH):
        expected, last = run(config, weights, X[row], list(first[:, row]))
        np.testing.assert_allclose(found[row], expected, atol=1e-5)
        for state, wanted in zip(states, last, strict=True):
            np.testing.assert_allclose(state[row], wanted, atol=1e-5)


@pytest.mark.parametrize("option", ["input_dropout", "output_dropout"])
def test_dropout_acts_in_training_only(option):
    config = RecurrentConfig(units=UNITS, bidirectional=False, **{option: 0.5})
    x = keras.Input((None, FEATURES))
    model = keras.Model(x, recurrent_stack(x, None, config)[0])
    still, again = (keras.ops.convert_to_numpy(model(X)) for _ in range(2))
    moved = keras.ops.convert_to_numpy(model(X, training=True))
    assert np.array_equal(still, again) and np.abs(moved - still).max() > 1e-3
    if option == "output_dropout":
        assert 0.2 < (moved == 0).mean() < 0.8


@pytest.mark.parametrize("variational", [False, True])
def test_variational_dropout_drops_the_same_features_at_every_step(variational):
    config = RecurrentConfig(
        units=UNITS,
        bidirectional=False,
        output_dropout=0.5,
        variational_dropout=variational,
    )
    x = keras.Input((None, FEATURES))
    model = keras.Model(x, recurrent_stack(x, None, config)[0])
    dropped = keras.ops.convert_to_numpy(model(X, training=True)) == 0
    assert dropped.any() and not dropped.all()
    assert (dropped == dropped[:, :1]).all() == variational
    assert not (dropped == dropped[:1]).all()


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_recurrent_dropout_spares_the_first_step(cell):
    config = RecurrentConfig(
        cell=cell, units=UNITS, bidirectional=False, recurrent_dropout=0.5
    )
    layer = recurrent_layer(config, "layer")
    still, moved = (
        keras.ops.convert_to_numpy(layer(X, training=training)[0])
        for training in (False, True)
    )
    np.testing.assert_allclose(moved[:, 0], still[:, 0], atol=1e-6)
    assert np.abs(moved[:, 1:] - still[:, 1:]).max() > 1e-3


WHOLE, SHARE = "a whole number of at least 1", "a number of at least 0 and below 1"


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("cell", "rnn", "'simple' or 'lstm' or 'gru'"),
        ("cell", None, "'simple' or 'lstm' or 'gru'"),
        ("cell", ["lstm"], "'simple' or 'lstm' or 'gru'"),
        ("units", 0, WHOLE),
        ("units", -1, WHOLE),
        ("units", 2.0, WHOLE),
        ("units", True, WHOLE),
        ("units", "8", WHOLE),
        ("num_layers", 0, WHOLE),
        ("num_layers", None, WHOLE),
        ("variational_dropout", 0.3, "true or false"),
        ("bidirectional", 1, "true or false"),
        ("bidirectional", "yes", "true or false"),
        ("input_dropout", 1, SHARE),
        ("input_dropout", -0.1, SHARE),
        ("output_dropout", float("nan"), SHARE),
        ("output_dropout", "0.5", SHARE),
        ("recurrent_dropout", 1.5, SHARE),
        ("recurrent_dropout", None, SHARE),
        ("recurrent_initializer", "zeros", "'orthogonal' or 'identity'"),
        ("dtype", "float16", "'float32' or 'mixed_bfloat16'"),
    ],
)
def test_configuration_errors(name, value, expected):
    for make, sizes in [
        (RecurrentConfig, {}),
        (LanguageModelConfig, {"vocabulary_size": 9}),
        (TranslatorConfig, {"source_vocabulary_size": 9, "target_vocabulary_size": 9}),
    ]:
        with pytest.raises(ValueError) as error:
            make(**sizes, **{name: value})
        assert str(error.value) == f"{name}: expected {expected}, got {value!r}"


def test_configuration_takes_the_limits():
    config = RecurrentConfig(units=1, input_dropout=0, output_dropout=0.99)
    assert (config.units, config.output_dropout) == (1, 0.99)


@pytest.mark.parametrize("columns", [3, 9, 12])
def test_stacked_identity(columns):
    matrix = keras.ops.convert_to_numpy(StackedIdentity()((3, columns), "float32"))
    assert matrix.dtype == np.float32 and matrix.shape == (3, columns)
    for begin in range(0, columns, 3):
        assert np.array_equal(matrix[:, begin : begin + 3], np.eye(3))


@pytest.mark.parametrize("cell, gates", [("simple", 1), ("gru", 3), ("lstm", 4)])
def test_identity_initializes_every_gate(cell, gates):
    config = RecurrentConfig(cell=cell, units=3, recurrent_initializer="identity")
    layer = recurrent_layer(config, "layer")
    layer.build((None, None, 2))
    kernels = [w.numpy() for w in layer.weights if w.path.endswith("recurrent_kernel")]
    assert len(kernels) == 2
    for kernel in kernels:
        assert np.array_equal(kernel, np.tile(np.eye(3), (1, gates)))
