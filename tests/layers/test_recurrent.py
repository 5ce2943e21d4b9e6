"""Every path of the recurrent layers against Keras's own, outputs and gradients."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops, tree
from keras.src.saving.serialization_lib import ObjectSharingScope

from zoo.layers import scan_loops, scans
from zoo.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN

BACKEND = keras.backend.backend()
PAIRS = {
    "lstm": (LSTM, keras.layers.LSTM),
    "gru": (GRU, keras.layers.GRU),
    "simple": (SimpleRNN, keras.layers.SimpleRNN),
}


def value_and_gradients(function, arrays, compiled=True):
    """Returns the outputs of `function(*arrays)`, a list, and the gradients of a sum.

    The sum weighs every output by fixed random numbers.
    """

    def weighted_sum(outputs):
        total = 0.0
        for i, output in enumerate(outputs):
            weights = np.random.default_rng(i).normal(size=output.shape)
            total = total + ops.sum(ops.cast(output, "float32") * weights)
        return total

    if BACKEND == "jax":
        import jax

        def loss(arrays):
            outputs = function(*arrays)
            return weighted_sum(outputs), outputs

        run = jax.grad(loss, has_aux=True)
        gradients, outputs = (jax.jit(run) if compiled else run)(arrays)
    else:
        import tensorflow as tf

        def run():
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs = function(*tensors)
                loss = weighted_sum(outputs)
            unconnected = tf.UnconnectedGradients.ZERO
            return outputs, tape.gradient(
                loss, tensors, unconnected_gradients=unconnected
            )

        tensors = [tf.constant(array) for array in arrays]
        outputs, gradients = (tf.function(run) if compiled else run)()
    return [np.array(ops.cast(array, "float32")) for array in [*outputs, *gradients]]


def call(layer, weights, training=False):
    """Makes a function of the arrays that a layer depends on."""

    def function(x, *rest):
        given_weights, states = rest[: len(weights)], list(rest[len(weights) :])
        pairs = zip(layer.trainable_variables, given_weights)
        with keras.StatelessScope(state_mapping=list(pairs)):
            return tree.flatten(
                layer(
                    x, initial_state=states or None, mask=layer.test_mask,
                    training=training,
                )
            )  # fmt: skip

    return function


def compare(ours, theirs, x, mask, states, training, tolerance=1e-5, compiled=True):
    """Asserts equal outputs and gradients of two layers with the same weights."""
    results = []
    random = np.random.default_rng(7)
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.test_mask = None if mask is None else ops.convert_to_tensor(mask)
    weights = [
        random.normal(scale=0.5, size=w.shape).astype(np.float32)
        for w in theirs.weights
    ]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    for layer in (ours, theirs):
        function = call(layer, weights, training)
        results.append(value_and_gradients(function, [x, *weights, *states], compiled))
    for ours, theirs in zip(*results, strict=True):
        scale = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, atol=tolerance * scale)


def make(cell, both, options):
    """Returns our layer and Keras's, of the same configuration."""
    ours, theirs = PAIRS[cell]
    ours, theirs = ours(**options, engine="scan"), theirs(**options)
    if both:
        return Bidirectional(ours), keras.layers.Bidirectional(theirs)
    return ours, theirs


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def right_padded(lengths, time):
    return np.arange(time) < np.array(lengths)[:, None]


@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_configuration_equals_keras(data):
    any_configuration_equals_keras(data.draw)


@pytest.mark.nightly
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_many_configurations_equal_keras(data):
    any_configuration_equals_keras(data.draw)


def any_configuration_equals_keras(draw):
    cell, both = draw(st.sampled_from(sorted(PAIRS))), draw(st.booleans())
    batch, time = draw(st.integers(1, 17)), draw(st.integers(1, 6))
    units, features = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    options = {
        "units": units,
        "return_sequences": draw(st.booleans()),
        "return_state": draw(st.booleans()),
        "go_backwards": not both and draw(st.booleans()),
        "zero_output_for_mask": draw(st.booleans()),
        "use_bias": draw(st.booleans()),
    }
    if cell == "simple":
        options["activation"] = draw(st.sampled_from(["tanh", "relu"]))
    kind = draw(st.sampled_from(["none", "right-padded", "any"]))
    mask = None
    if kind == "right-padded":
        lengths = draw(st.lists(st.integers(0, time), min_size=batch, max_size=batch))
        mask = right_padded(lengths, time)
    elif kind == "any":
        mask = (
            np.random.default_rng(draw(st.integers(0, 99))).random((batch, time)) < 0.6
        )
    states = []
    if draw(st.booleans()):
        count = (2 if cell == "lstm" else 1) * (1 + both)
        states = [normal(batch, units, seed=i) for i in range(count)]
    ours, theirs = make(cell, both, options)
    x = normal(batch, time, features)
    compare(ours, theirs, x, mask, states, draw(st.booleans()))


@pytest.mark.parametrize(
    "batch, time, units",
    [
        (33, 50, 16),
        pytest.param(1, 40, 8, marks=pytest.mark.nightly),
        pytest.param(64, 3, 64, marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_larger_shapes_equal_keras(cell, both, batch, time, units):
    options = {"units": units, "return_sequences": True, "zero_output_for_mask": True}
    lengths = np.random.default_rng(0).integers(1, time + 1, batch)
    mask = right_padded(lengths, time)
    compare(*make(cell, both, options), normal(batch, time, 12), mask, [], True)


@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_bfloat16_within_its_precision(cell):
    options = {"units": 8, "return_sequences": True, "dtype": "mixed_bfloat16"}
    mask = right_padded([9, 4, 1, 7], 9)
    compare(*make(cell, False, options), normal(4, 9, 6), mask, [], True, 0.05)


def test_bfloat16_keeps_the_loop_in_float32():
    """Where a bfloat16 sum would stop growing, at 256, this one goes on."""
    layer = SimpleRNN(1, activation="relu", dtype="mixed_bfloat16", engine="scan")
    layer.build((1, 600, 1))
    layer.set_weights([np.ones((1, 1)), np.ones((1, 1)), np.zeros(1)])
    total = layer(np.ones((1, 600, 1)))
    assert float(ops.cast(total, "float32")[0, 0]) == 600


@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_outside_a_graph(cell):
    options = {"units": 4, "return_sequences": True}
    ours, theirs = make(cell, True, options)
    compare(ours, theirs, normal(9, 5, 3), None, [], True, compiled=False)


def clear_loops():
    scan_loops.forward_loop.cache_clear()
    scan_loops.backward_loop.cache_clear()


@pytest.mark.parametrize("cell, time", [("lstm", 3), ("gru", 9), ("simple", 4)])
def test_several_steps_in_an_iteration(cell, time, monkeypatch):
    """As on a GPU; fewer steps than that, as many, and some left over."""
    monkeypatch.setattr(scan_loops, "_steps_at_once", lambda: 4)
    clear_loops()
    mask = right_padded([time, 1, 2], time)
    options = {"units": 4, "return_sequences": True, "zero_output_for_mask": True}
    compare(*make(cell, True, options), normal(3, time, 2), mask, [], True)
    inputs = keras.Input((None, 2))
    layer = PAIRS[cell][0](4, engine="scan", return_sequences=True)
    model = keras.Model(inputs, layer(inputs))  # of a length not yet known
    assert ops.shape(model(normal(3, time, 2))) == (3, time, 4)
    clear_loops()


def numpy_dropout(layer, x, held):
    """A simple layer with a given dropout of its state, step by step."""
    kernel, recurrent, bias = (w.numpy() for w in layer.weights)
    h = np.zeros((len(x), layer.units))
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + (h * held) @ recurrent + bias)
    return h


def test_state_dropout_follows_the_formula_and_its_gradient():
    layer = SimpleRNN(4)
    layer.build((None, None, 3))
    x, held = normal(9, 5, 3), (normal(9, 4) > 0) * 2.0
    weights = [w.numpy() for w in layer.weights]

    def final_state(x, kernel, recurrent, bias):
        states = [ops.zeros((9, 4))]
        _, states = scans.scan(
            layer.scan_cell(), x, states, kernel, recurrent, bias,
            state_dropout=ops.convert_to_tensor(held, "float32"), halve=True,
        )  # fmt: skip
        return states

    state, dx, *dweights = value_and_gradients(final_state, [x, *weights])
    np.testing.assert_allclose(state, numpy_dropout(layer, x, held), atol=1e-5)
    upstream = np.random.default_rng(0).normal(size=state.shape)
    for place in [(0, 0), (2, 3), (3, 1)]:
        change = np.zeros_like(weights[1])
        change[place] = 1e-3
        sums = []
        for sign in (1, -1):
            layer.set_weights([weights[0], weights[1] + sign * change, weights[2]])
            sums.append((numpy_dropout(layer, x, held) * upstream).sum())
        slope = (sums[0] - sums[1]) / 2e-3
        assert dweights[1][place] == pytest.approx(slope, rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_dropout_draws_in_training_only(cell):
    layer = PAIRS[cell][0](6, dropout=0.4, recurrent_dropout=0.4, engine="scan")
    x = normal(3, 4, 5)
    calm = [np.array(layer(x, training=False)) for _ in range(2)]
    wild = [np.array(layer(x, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    assert not np.allclose(wild[0], wild[1]) and not np.allclose(wild[0], calm[0])


@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_weights_move_to_keras_and_back(cell):
    options = {"units": 4, "return_sequences": True, "name": "layer"}
    ours, theirs = make(cell, True, options)
    x = normal(2, 5, 3)
    expected = np.array(ours(x))
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(np.array(theirs(x)), expected, atol=1e-5)
    paths = [[w.path.split("/", 1)[1] for w in pair.weights] for pair in (ours, theirs)]
    assert paths[0] == paths[1]


@pytest.mark.parametrize("cell", sorted(PAIRS))
def test_a_saved_model_gives_equal_outputs(cell, tmp_path):
    inputs = keras.Input((None, 3))
    layer = Bidirectional(PAIRS[cell][0](4, return_sequences=True, engine="scan"))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].backward_layer.engine == "scan"
    x = normal(2, 5, 3)
    np.testing.assert_array_equal(np.array(model(x)), np.array(loaded(x)))


def test_copies_of_freed_layers_are_not_taken_for_each_other():
    with ObjectSharingScope():  # which is open while Keras loads a model
        layers = [Bidirectional(LSTM(units)) for units in range(1, 50)]
    assert [layer.forward_layer.units for layer in layers] == list(range(1, 50))


def test_second_order_gradients_are_refused():
    layer = LSTM(3, engine="scan")
    layer.build((None, None, 2))
    x = normal(2, 4, 2)
    if BACKEND == "jax":
        import jax

        def slope(x):
            return jax.grad(lambda x: ops.sum(layer(x)))(x).sum()

        with pytest.raises(NotImplementedError, match="second-order"):
            jax.grad(slope)(x)
    else:
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x))
            slope = inner.gradient(y, x)
        with pytest.raises(NotImplementedError, match="second-order"):
            outer.gradient(slope, x)


@pytest.mark.parametrize(
    "kind, options, expected",
    [
        (LSTM, {}, ("scan", "", "")),
        (SimpleRNN, {"activation": "relu"}, ("scan", "LSTM and GRU only", "")),
        (LSTM, {"engine": "keras"}, ("loop", 'engine="keras"', 'engine="auto"')),
        (LSTM, {"unroll": True}, ("loop", "no unrolled form", "unroll=False")),
        (LSTM, {"activation": "relu"}, ("loop", "but tanh", 'activation="tanh"')),
        (GRU, {"reset_after": False}, ("loop", "reset gate", "reset_after=True")),
        (
            LSTM,
            {"recurrent_activation": "hard_sigmoid"},
            ("loop", "but sigmoid", 'recurrent_activation="sigmoid"'),
        ),
        (SimpleRNN, {"activation": "elu"}, ("loop", "but tanh and relu", "tanh")),
    ],
)
def test_the_path_is_explained_and_taken(kind, options, expected, monkeypatch):
    layer = kind(3, return_sequences=True, **options)
    for text, wanted in zip(layer.explain(), expected):
        assert wanted in text
    calls, scan = [], scans.scan
    monkeypatch.setattr(scans, "scan", lambda *a, **k: calls.append(1) or scan(*a, **k))
    layer(normal(2, 4, 3))
    assert bool(calls) == (expected[0] == "scan")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"engine": "fast"}, "engine: expected auto, scan or keras, got 'fast'"),
        ({"engine": "scan", "unroll": True}, "no unrolled form; leave unroll=False"),
    ],
)
def test_an_engine_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        LSTM(3, **options)


def test_a_gpu_takes_cudnn_where_it_can(monkeypatch):
    if BACKEND != "tensorflow":
        pytest.skip("cuDNN through Keras's layers is TensorFlow's")
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    assert LSTM(3).explain().path == "cudnn"
    assert LSTM(3, engine="scan").explain().path == "scan"
    dropped = LSTM(3, recurrent_dropout=0.1).explain()
    assert dropped.path == "scan" and "recurrent_dropout=0" in dropped.remedy
    assert SimpleRNN(3).explain().path == "scan"
