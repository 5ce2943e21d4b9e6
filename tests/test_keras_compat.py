"""The private names of Keras that `zoo.keras_compat` wraps still do what it expects.

One test per name. Where one fails after an upgrade of Keras, its message says what is
gone and which part of this project needs it.
"""

import importlib
import inspect
import random
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import keras_compat

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()
PRIVATE = re.compile(
    r"\b(?:from|import) keras\.src\b|"
    r"\b(?:global_state|inner_loop|_maybe_config_dropout_masks|_flatten_layers|"
    r"PyDatasetAdapter|_get_variable_index|_momentums|_velocities)\b|"
    r"\._(?:value|initializer|available|trainable_variables)\b"
)


def broken(name, use):
    return f"Keras {keras.__version__} has changed {name}, which zoo needs for {use}"


def test_no_other_module_uses_a_private_name():
    home = Path(keras_compat.__file__)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("zoo", "recipes", "pretrained")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != home
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert not found, "give it a function in zoo/keras_compat.py:\n" + "\n".join(found)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_inner_loop(kind):
    why = broken(f"{kind}.inner_loop", "the compiled scans (zoo.layers.compiled_scan)")
    loop = getattr(getattr(keras.layers, kind), "inner_loop", None)
    assert loop, why
    names = list(inspect.signature(loop).parameters)
    assert names == ["self", "sequences", "initial_state", "mask", "training"], why


def test_maybe_config_dropout_masks():
    why = broken(
        "RNN._maybe_config_dropout_masks",
        "dropout in training only (zoo.keras_compat.RecurrentLoopMixin)",
    )
    draw = getattr(keras.layers.RNN, "_maybe_config_dropout_masks", None)
    assert draw, why
    names = list(inspect.signature(draw).parameters)
    assert names == ["self", "cell", "input_sequence", "input_state"], why


def test_a_loop_is_replaced():
    """Of all three layers, with what Keras hands over and takes back."""
    calls = []

    class Layer(keras_compat.RecurrentLoopMixin, keras.layers.SimpleRNN):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            return self.call_with(
                sequences, initial_state, mask, training, option="given"
            )

        def loop(self, sequences, states, mask, training=False, option=None):
            calls.append((sequences.shape, len(states), mask.shape, training, option))
            return self.keras_loop(sequences, states, mask, training)

    layer, plain = Layer(2), keras.layers.SimpleRNN(2)
    x, mask = np.ones((3, 4, 5), np.float32), np.ones((3, 4), bool)
    plain.build(x.shape)
    layer.build(x.shape)
    layer.set_weights(plain.get_weights())
    found = layer(x, mask=keras.ops.convert_to_tensor(mask), training=True)
    why = broken("RNN.call", "the compiled scans (zoo.layers.compiled_scan)")
    assert calls == [((3, 4, 5), 1, (3, 4), True, "given")], why
    np.testing.assert_allclose(found, plain(x), atol=1e-6, err_msg=why)


def test_dropout_masks_are_drawn_in_training_only():
    class Layer(keras_compat.RecurrentLoopMixin, keras.layers.GRU):
        pass

    layer = Layer(2, recurrent_dropout=0.5, seed=1)
    x = np.ones((3, 4, 5), np.float32)
    layer(x)
    seed = layer.cell.seed_generator.state
    before = np.array(seed)
    layer(x, training=False)
    why = broken("when RNN draws dropout masks", "decoding under JAX")
    assert np.array_equal(before, seed), why
    layer(x, training=True)
    assert not np.array_equal(before, seed), why


def test_shared_objects():
    """Which Keras keeps while it loads a model, under two names."""
    from keras.src.backend.common import global_state
    from keras.src.saving.serialization_lib import ObjectSharingScope

    def shared():
        return [
            global_state.get_global_attribute(name)
            for name in keras_compat.SHARED_OBJECTS
        ]

    why = broken(
        "shared_objects of global_state",
        "loading a model with several Bidirectional layers",
    )
    with ObjectSharingScope():
        assert None not in shared(), why
        with keras_compat.without_shared_objects():
            assert shared() == [None, None], why
        assert None not in shared(), why


def test_availability_of_tensorflow(monkeypatch):
    from keras.src.utils.module_utils import tensorflow

    why = broken(
        "module_utils.tensorflow._available",
        "copying layers under JAX without importing TensorFlow (Bidirectional)",
    )
    assert "_available" in vars(tensorflow), why
    monkeypatch.setattr(tensorflow, "_available", None)
    if "tensorflow" in sys.modules:
        monkeypatch.delitem(sys.modules, "tensorflow")
    with keras_compat.without_tensorflow():
        assert tensorflow.available is False, why
    assert tensorflow._available is None, why


def test_flatten_layers():
    inputs = keras.Input((None, 3))
    layer = keras.layers.Bidirectional(keras.layers.GRU(2), name="both")
    inner = keras.Model(inputs, layer(inputs), name="inner")
    model = keras.Model(inputs, inner(inputs))
    names = {layer.name for layer in keras_compat.flatten_layers(model)}
    expected = {model.name, "inner", "both", "forward_gru", "backward_gru"}
    why = broken("Model._flatten_layers", "zoo.explain (zoo.layers.paths)")
    assert {name.rstrip("_0123456789") for name in names} >= {
        name.rstrip("_0123456789") for name in expected
    }, why


def test_py_dataset_adapter():
    if BACKEND != "tensorflow":
        pytest.skip("a tf.data.Dataset is for TensorFlow")

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.full((3, 1), index, np.int32), np.zeros(3, np.float32)

    why = broken("PyDatasetAdapter.get_tf_dataset", "zoo.data.prefetching")
    found = list(keras_compat.as_tf_dataset(Data()).take(2).as_numpy_iterator())
    assert [x[0, 0] for x, _ in found] == [0, 1], why


def test_variables_without_values():
    """Which Keras gives one at the end of the next scope, whatever became of them."""
    why = broken("uninitialized_variables of global_state", "loading after a failure")

    def make(name):
        with keras.StatelessScope(initialize_variables=False):
            return keras.Variable(lambda shape, dtype: np.ones(shape), (2,), name=name)

    before = make("before")
    with keras_compat.own_variables():
        left = make("left")
    with keras.StatelessScope():
        pass
    assert before._value is not None and left._value is None, why


def test_the_state_of_the_generators():
    why = broken(
        "global_random_seed or global_seed_generator of global_state",
        "leaving a caller's random numbers alone (zoo.runs, zoo.load)",
    )

    def draw():
        drawn = random.random(), np.random.rand(), keras.random.uniform(())
        layer = keras.layers.Dense(1)  # with a seed that Python draws
        layer.build((None, 1))
        return [*map(float, drawn), float(layer.kernel.numpy()[0, 0])]

    keras.utils.set_random_seed(1)
    draw()
    state = keras_compat.RandomState.capture()
    seed = np.array(state.keras[keras_compat.SEED_GENERATOR].state)
    with keras_compat.undisturbed_generators():
        keras_compat.seed_generators(3)
        first = draw()
        keras_compat.seed_generators(3)
        assert draw() == first, why
        keras.utils.set_random_seed(3)
        assert draw() == first, why
    after = keras_compat.RandomState.capture()
    assert after.python == state.python and after.keras == state.keras, why
    generator = after.keras[keras_compat.SEED_GENERATOR]
    assert np.array_equal(np.array(generator.state), seed), why


def test_value_and_initializer_of_a_variable():
    why = broken(
        "Variable._value or Variable._initializer", "zoo.checkpoints (fill a model)"
    )
    array = np.float32([1, 2])
    variable = keras.Variable(np.zeros(2, np.float32))
    keras_compat.set_initial_value(variable, array)
    np.testing.assert_array_equal(variable.numpy(), array, err_msg=why)

    def never(shape, dtype):
        raise AssertionError(why)

    with keras.StatelessScope():
        variable = keras.Variable(never, shape=(2,), dtype="float32")
        keras_compat.set_initial_value(variable, array)
    with keras.StatelessScope():
        pass  # at whose end it gets its value
    np.testing.assert_array_equal(variable.numpy(), array, err_msg=why)


@pytest.fixture
def two_variables():
    return [keras.Variable(np.ones(size, np.float32)) for size in (2, 3)]


def test_index_of_a_variable(two_variables):
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(two_variables)
    why = broken("Optimizer._get_variable_index", "delayed training (zoo.training)")
    found = [keras_compat.variable_index(optimizer, v) for v in two_variables]
    assert found == [0, 1], why


def test_slots_of_adam(two_variables):
    optimizer = keras.optimizers.Adam(0.1, beta_1=0.9, beta_2=0.99)
    optimizer.build(two_variables)
    optimizer.apply([keras.ops.full(v.shape, 2.0) for v in two_variables])
    why = broken("Adam._momentums or _velocities", "the fused Adam (zoo.training)")
    for variable in two_variables:
        slots = keras_compat.adam_slots(optimizer, variable)
        for slot, expected in zip(slots, (0.1 * 2, 0.01 * 2**2)):
            assert slot.shape == variable.shape, why
            np.testing.assert_allclose(slot.numpy(), expected, 1e-4, err_msg=why)


def test_variables_of_an_optimizer(two_variables):
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(two_variables)
    why = broken("Optimizer._trainable_variables", "weight averaging (zoo.training)")
    found = keras_compat.optimized_variables(optimizer)
    assert [id(v) for v in found] == [id(v) for v in two_variables], why


def test_what_a_fast_import_hides_can_be_imported_afterwards(monkeypatch):
    name = "json.tool"  # stands for a package that is not needed
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(keras_compat, "UNNEEDED", (name,))
    keras_compat.import_keras()
    assert name not in sys.modules
    assert importlib.import_module(name).__name__ == name
