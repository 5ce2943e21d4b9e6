"""Every private name of Keras and TensorFlow that we lean on, in one place.

Keras may change what it does not document with any release. Each function here wraps
one such name and says what it is needed for; `tests/test_keras_compat.py` has a test
for each, which names what broke and who uses it. No other module imports `keras.src` or
uses a private attribute of Keras.

| private name | wrapped by | used for |
|---|---|---|
| `RNN.inner_loop`, `RNN._maybe_config_dropout_masks` | `RecurrentLoopMixin` | the compiled scans |
| `shared_objects/id_to_*_map` of `global_state` | `without_shared_objects` | copying a layer while a model is loaded |
| `module_utils.tensorflow._available` | `without_tensorflow` | copying a layer under JAX |
| `Model._flatten_layers` | `flatten_layers` | explaining a model |
| `PyDatasetAdapter` | `as_tf_dataset` | prefetching |
| `Variable._value`, `Variable._initializer` | `set_initial_value` | loading a checkpoint |
| `Optimizer._get_variable_index` | `variable_index` | delayed training |
| `Adam._momentums`, `Adam._velocities` | `adam_slots` | the fused Adam |
| `Optimizer._trainable_variables` | `optimized_variables` | weight averaging |
| `xla.dynamic_slice` of TensorFlow | `read_step` | the compiled scans |
| `GraphOrParentsInXlaContext` of TensorFlow | `is_inside_xla` | chunks of a sequence |

Importing this module does not import Keras.
"""  # noqa: E501

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import keras
    import numpy as np

    RecurrentLayer: TypeAlias = keras.layers.RNN
else:
    RecurrentLayer = object

# For plots and wrappers that nothing here uses.
UNNEEDED = ("matplotlib", "sklearn")
SHARED_OBJECTS = (
    "shared_objects/id_to_obj_map",
    "shared_objects/id_to_config_map",
)


def import_keras() -> None:
    """Imports Keras in a process that predicts and ends, in little more than half the
    time.

    It does so without the packages that only `keras.visualization` and `keras.wrappers`
    need, and on TensorFlow without JAX, which its converter to LiteRT imports. Keras
    then takes them for not installed; other modules can import them as before.
    """
    on_tensorflow = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
    unneeded = ("jax", *UNNEEDED) if on_tensorflow else UNNEEDED
    hidden = [name for name in unneeded if name not in sys.modules]
    # The documented way to say that a module cannot be imported.
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(hidden))
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del modules[name]


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keeps Keras from importing TensorFlow where another backend computes.

    Whenever Keras copies a layer, it imports TensorFlow to ask whether anything in the
    layer's configuration is TensorFlow's, which takes seconds.
    """
    from keras.src.utils.module_utils import tensorflow

    if "tensorflow" in sys.modules or tensorflow._available is not None:
        yield
        return
    tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = None


@contextlib.contextmanager
def without_shared_objects() -> Iterator[None]:
    """Keeps Keras, while it loads a model, from taking one layer's copy for another's.

    A wrapper copies its layer through the layer's configuration, in which Keras looks
    for objects that it has met in the same model. It knows them by their address in
    memory, and the layer that was copied before may have been freed and have left its
    address.
    """
    from keras.src.backend.common import global_state

    held = {name: global_state.get_global_attribute(name) for name in SHARED_OBJECTS}
    for name in held:
        global_state.set_global_attribute(name, None)
    try:
        yield
    finally:
        for name, value in held.items():
            global_state.set_global_attribute(name, value)


def flatten_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns a model and all layers in it, those inside other layers included."""
    return list(model._flatten_layers())


def as_tf_dataset(data: keras.utils.PyDataset):
    """Returns a `tf.data.Dataset` of a data set's batches, as `fit` would make it."""
    from keras.src.trainers.data_adapters import py_dataset_adapter

    return py_dataset_adapter.PyDatasetAdapter(data).get_tf_dataset()


def set_initial_value(variable: keras.Variable, array: np.ndarray) -> None:
    """Assigns a value, or has a variable without one begin with it.

    A `keras.StatelessScope` leaves the variables that are made in it without a value;
    each gets one from its initializer when the next such scope ends. Replacing the
    initializer saves drawing random numbers that are overwritten at once.

    Args:
        variable: of a model.
        array: of its shape and type.
    """
    if variable._value is None:
        variable._initializer = lambda shape, dtype: array
    else:
        variable.assign(array)


def variable_index(optimizer: keras.Optimizer, variable: keras.Variable) -> int:
    """Returns the place of a variable among those that an optimizer updates."""
    return optimizer._get_variable_index(variable)


def adam_slots(
    optimizer: keras.optimizers.Adam, variable: keras.Variable
) -> tuple[keras.Variable, keras.Variable]:
    """Returns the first and the second moment that Adam keeps of a variable."""
    index = variable_index(optimizer, variable)
    return optimizer._momentums[index], optimizer._velocities[index]


def optimized_variables(optimizer: keras.Optimizer) -> list[keras.Variable]:
    """Returns the variables that a built optimizer updates, in its order."""
    return optimizer._trainable_variables


def read_step(array, step):
    """Returns `array[step:step + 1]` in a program that XLA compiles on TensorFlow.

    Of `tf.slice`, TensorFlow takes where it begins for a constant of the program, and
    compiles another program for each value that it depends on.
    """
    import tensorflow as tf
    from tensorflow.compiler.tf2xla.python.xla import dynamic_slice

    shape = tf.shape(array)
    begin = [step] + [0] * (len(array.shape) - 1)
    return dynamic_slice(array, begin, tf.concat([[1], shape[1:]], 0))


def is_inside_xla() -> bool:
    """Tells whether TensorFlow is tracing what XLA will compile as a whole."""
    import tensorflow as tf
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and bool(GraphOrParentsInXlaContext(graph))


class RecurrentLoopMixin(RecurrentLayer):
    """Gives a recurrent layer of Keras another loop over the steps.

    To be placed before the layer of Keras among the base classes. `call` of Keras's
    layer prepares the states, draws dropout masks, calls `inner_loop`, and casts what
    that returns. Both methods that it calls are overridden here, though neither is
    documented; there is no other place where a loop can be replaced and all else be
    left to Keras.
    """

    # The loop of the call that is under way, if it has options; see `call_with`.
    _loop: Any = None

    def loop(
        self, sequences, states, mask, training: bool = False, **options: Any
    ) -> tuple:
        """Runs the recurrence.

        Args:
            sequences: float `[batch, time, features]`.
            states: a list of the states before the first step, `[batch, units]`.
            mask: bool `[batch, time]`, or None.
            training: whether to drop.
            options: those of `call_with`.

        Returns:
            The last output `[batch, units]`, all outputs `[batch, time, units]`, and a
            list of the final states.
        """
        return self.keras_loop(sequences, states, mask, training)

    def keras_loop(self, sequences, states, mask, training: bool = False) -> tuple:
        """Runs the recurrence as Keras does; see `loop`."""
        if training:
            super()._maybe_config_dropout_masks(self.cell, sequences[:, 0], states)
        return super().inner_loop(sequences, states, mask, training)

    def call_with(self, sequences, initial_state, mask, training: bool, **options: Any):
        """Does what `call` of Keras's layer does, around `loop` with further options.

        Keras's `call` passes on only what it knows, so the options are kept on the
        layer until it returns.
        """
        self._loop = functools.partial(self.loop, **options)
        try:
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        finally:
            self._loop = None

    def inner_loop(self, sequences, initial_state, mask, training=False):
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        loop = self._loop or self.loop
        return loop(sequences, initial_state, mask, training)

    def _maybe_config_dropout_masks(self, cell, input_sequence, input_state):
        """Leaves the masks to `keras_loop`, which draws them in training only.

        Keras draws them always, and under JAX what is drawn inside the loop of a
        decoder would outlive that loop.
        """
