"""LSTM, GRU and SimpleRNN with Keras's weights and results, on the fastest path."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

import keras
from keras import ops
from keras.src.backend.common import global_state

from zoo.keras_compat import without_tensorflow
from zoo.layers import scans

Engine = Literal["auto", "scan", "keras"]


class Explanation(NamedTuple):
    """Which path a recurrent layer takes on this machine.

    `path` is `"cudnn"` (Keras's layer on cuDNN), `"scan"` (the compiled loops of
    `zoo.layers.scans`), `"loop"` (Keras's own loop, the reference) or `"steps"` (the
    loop of `zoo.layers.attentional_decoder`); `reason` says why, and `remedy` what would change it,
    if anything would.
    """

    path: str
    reason: str
    remedy: str


class CompiledScanMixin:
    """A Keras recurrent layer that runs as a compiled scan where that is faster.

    It adds two arguments to those of the Keras layer it stands before: `engine`, which
    is `"auto"`; `"scan"`, to insist on the compiled scan; or `"keras"`, to leave all
    to Keras's layer; and `weight_drop`, the share of the recurrent weights that are
    dropped in training, the same ones at every step (Merity et al. 2018), which the
    scan alone can do. Weights, configuration, call arguments, masks, states and results
    are Keras's, so weights move between the two by `set_weights`. With dropout inside
    the recurrence, the scan drops the same units of the state for all gates (Gal and
    Ghahramani 2016), where Keras draws a mask for each gate.

    Raises:
        ValueError: if `engine` is not one of the three, or if `"scan"` or `weight_drop`
            is asked for with what the scan cannot do; names the option in the way.
    """

    # Set by Bidirectional: whether another direction runs at the same time, and whether
    # to leave outputs in the order of time, which it would otherwise flip once more.
    paired, in_time_order = False, False
    # Set by AttentionalDecoder, which takes the layer's weights and formulas, and loops itself.
    stepped = False

    def __init__(
        self, units: int, engine: Engine = "auto", weight_drop: float = 0.0, **options
    ):
        if engine not in ("auto", "scan", "keras"):
            raise ValueError(f"engine: expected auto, scan or keras, got {engine!r}")
        super().__init__(units, **options)
        self.engine, self.weight_drop = engine, weight_drop
        if weight_drop and engine == "keras":
            raise ValueError('weight_drop: expected 0 with engine="keras"')
        if weight_drop:
            self.weight_seed = keras.random.SeedGenerator(options.get("seed"))
        obstacle, remedy = self.obstacle()
        if (engine == "scan" or weight_drop) and obstacle:
            option = 'engine="scan"' if engine == "scan" else "weight_drop"
            raise ValueError(f"{option}: the compiled scan has no {obstacle}; {remedy}")

    def get_config(self):
        own = {"engine": self.engine, "weight_drop": self.weight_drop}
        return {**super().get_config(), **own}

    def scan_cell(self) -> scans.Cell:
        """Returns the formulas of this layer's step."""
        raise NotImplementedError

    def obstacle(self) -> tuple[str, str]:
        """Returns what the scan cannot do and the remedy, or two empty texts."""
        if keras.backend.backend() not in ("tensorflow", "jax"):
            backend = keras.backend.backend()
            return f"form for the {backend} backend", "use TensorFlow or JAX"
        if self.unroll:
            return "unrolled form", "leave unroll=False"
        return self._other_obstacle()

    def _other_obstacle(self) -> tuple[str, str]:
        if self.activation is not keras.activations.tanh:
            return "activation but tanh", 'leave activation="tanh"'
        if self.recurrent_activation is not keras.activations.sigmoid:
            return (
                "recurrent activation but sigmoid",
                'leave recurrent_activation="sigmoid"',
            )
        return "", ""

    def _cudnn_obstacle(self) -> tuple[str, str]:
        """Returns what keeps Keras's layer from cuDNN, and what to do."""
        if keras.backend.backend() != "tensorflow":
            backend = keras.backend.backend()
            return f"masked sequences on {backend} do not run on cuDNN", ""
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return "no GPU", ""
        if self.recurrent_dropout:
            return "recurrent_dropout", "set recurrent_dropout=0 for cuDNN"
        if self.weight_drop:
            return "weight_drop", "set weight_drop=0 for cuDNN"
        if not self.use_bias:
            return "use_bias=False", "set use_bias=True for cuDNN"
        obstacle, remedy = self.obstacle()
        return obstacle and f"no {obstacle} on cuDNN", remedy

    def explain(self) -> Explanation:
        """Says which path this layer takes on this machine."""
        if self.stepped:
            reason = "attention is inside the recurrence"
            remedy = "leave input_feeding=False and attention_place='after'"
            return Explanation("steps", reason, remedy)
        obstacle, remedy = self.obstacle()
        off_cudnn, cudnn_remedy = self._cudnn_obstacle()
        if not off_cudnn and self.engine != "scan":
            reason = (
                "TensorFlow on a GPU; masks must be right-padded, with no empty row"
            )
            return Explanation("cudnn", reason, 'engine="scan" compiles a loop by XLA')
        if self.engine == "keras":
            return Explanation(
                "loop", 'engine="keras"', 'engine="auto" compiles a scan'
            )
        if obstacle:
            return Explanation("loop", f"the compiled scan has no {obstacle}", remedy)
        reason = 'engine="scan"' if self.engine == "scan" else f"no cuDNN: {off_cudnn}"
        return Explanation("scan", reason, cudnn_remedy)

    def _maybe_config_dropout_masks(self, cell, sequence, state):
        """Leaves masks to `inner_loop`, which draws them in training only.

        Keras draws them always, and under JAX what is drawn inside the loop of a
        decoder would outlive that loop.
        """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if self.explain().path != "scan":
            if training:
                super()._maybe_config_dropout_masks(
                    self.cell, sequences[:, 0], initial_state
                )
            return super().inner_loop(sequences, initial_state, mask, training)
        states = keras.tree.flatten(initial_state)
        mask = keras.tree.flatten(mask)[0] if keras.tree.is_nested(mask) else mask
        mask = None if mask is None else ops.cast(mask, "bool")
        cell, dtype, held = self.cell, self.compute_dtype, None
        if training and self.dropout:
            dropped = _one(cell.get_dropout_mask(sequences[:, 0]))
            sequences = sequences * dropped[:, None]
        if training and self.recurrent_dropout:
            held = ops.cast(_one(cell.get_recurrent_dropout_mask(states[0])), "float32")
        recurrent = ops.cast(cell.recurrent_kernel, dtype)
        if training and self.weight_drop:
            recurrent = keras.random.dropout(
                recurrent, self.weight_drop, seed=self.weight_seed
            )
        formulas = self.scan_cell()
        if self.use_bias:
            bias = ops.cast(cell.bias, dtype)
        else:
            rows = (2,) if formulas.has_inner_bias else ()
            bias = ops.zeros((*rows, formulas.gates * self.units), dtype)
        outputs, states = scans.scan(
            formulas,
            ops.cast(sequences, dtype),
            states,
            ops.cast(cell.kernel, dtype),
            recurrent,
            bias,
            mask=mask,
            state_dropout=held,
            reverse=self.go_backwards,
            keep=bool(training),
            halve=not self.paired,
        )
        outputs = outputs if mask is None else self._mask_outputs(outputs, mask)
        if self.go_backwards and not self.in_time_order:
            outputs = ops.flip(outputs, axis=1)
        last = outputs[:, 0 if self.go_backwards and self.in_time_order else -1]
        return last, outputs, states

    def _mask_outputs(self, outputs, mask):
        """Does with outputs at masked steps what Keras's loop on this backend does."""
        shown = ops.cast(mask, outputs.dtype)
        if not self.zero_output_for_mask:
            if keras.backend.backend() == "jax":
                return outputs
            # TensorFlow's loop repeats the output before, which is zero at first.
            shown = ops.flip(shown, axis=1) if self.go_backwards else shown
            shown = ops.cast(ops.cumsum(shown, axis=1) > 0, outputs.dtype)
            shown = ops.flip(shown, axis=1) if self.go_backwards else shown
        return outputs * shown[:, :, None]


def _one(mask):
    """Returns the mask, the first of them if Keras drew one for each gate."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


@keras.saving.register_keras_serializable("recurrent_zoo")
class LSTM(CompiledScanMixin, keras.layers.LSTM):
    """`keras.layers.LSTM` on the fastest path; see `CompiledScanMixin`.

    Call arguments: `sequences` float `[batch, time, features]`, `initial_state` two of
    `[batch, units]`, `mask` bool `[batch, time]`, `training`.

    >>> tuple(LSTM(3, return_sequences=True)(keras.ops.ones((2, 5, 4))).shape)
    (2, 5, 3)
    """

    def scan_cell(self):
        return scans.LSTMCell(self.units)


@keras.saving.register_keras_serializable("recurrent_zoo")
class GRU(CompiledScanMixin, keras.layers.GRU):
    """`keras.layers.GRU` on the fastest path; see `CompiledScanMixin`. One state `[b, units]`."""

    def scan_cell(self):
        return scans.GRUCell(self.units)

    def _other_obstacle(self):
        if not self.reset_after:
            return "reset gate before the product", "leave reset_after=True"
        return super()._other_obstacle()


@keras.saving.register_keras_serializable("recurrent_zoo")
class SimpleRNN(CompiledScanMixin, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN` on the fastest path; see `CompiledScanMixin`."""

    def scan_cell(self):
        return scans.SimpleCell(self.units, self.activation.__name__)

    def _other_obstacle(self):
        if self.activation not in (keras.activations.tanh, keras.activations.relu):
            return "activation but tanh and relu", 'leave activation="tanh"'
        return "", ""

    def _cudnn_obstacle(self):
        return "cuDNN is used for LSTM and GRU only", ""


@keras.saving.register_keras_serializable("recurrent_zoo")
class Bidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional`: a core for each direction, no double flips."""

    def __init__(self, layer, **options):
        with without_tensorflow(), _unshared():
            super().__init__(layer, **options)
        for part in (self.forward_layer, self.backward_layer):
            part.paired = True

    def call(self, sequences, initial_state=None, mask=None, training=None):
        backward = self.backward_layer
        straight = (
            isinstance(backward, CompiledScanMixin)
            and self.return_sequences
            and self.merge_mode == "concat"
            and backward.explain().path == "scan"
        )
        if not straight:
            return super().call(sequences, initial_state, mask, training)
        if initial_state is not None:
            half = len(initial_state) // 2
            initial_state = initial_state[:half], initial_state[half:]
        results = []
        backward.in_time_order = True
        try:
            for layer, state in zip(
                (self.forward_layer, backward), initial_state or (None, None)
            ):
                result = layer(
                    sequences, initial_state=state, mask=mask, training=training
                )
                results.append(result if self.return_state else [result])
        finally:
            backward.in_time_order = False
        outputs = [ops.cast(result[0], self.compute_dtype) for result in results]
        outputs = ops.concatenate(outputs, axis=-1)
        if not self.return_state:
            return outputs
        return (outputs, *results[0][1:], *results[1][1:])


@contextlib.contextmanager
def _unshared() -> Iterator[None]:
    """Keeps Keras, while it loads a model, from taking a layer's copy for another's.

    A wrapper copies its layer through the layer's configuration, in which Keras looks
    for objects that it has met in the same model. It knows them by their address in
    memory, and the layer that was copied before may have been freed and have left its
    address.
    """
    names = [f"shared_objects/id_to_{kind}_map" for kind in ("obj", "config")]
    held = [global_state.get_global_attribute(name) for name in names]
    for name in names:
        global_state.set_global_attribute(name, None)
    try:
        yield
    finally:
        for name, value in zip(names, held):
            global_state.set_global_attribute(name, value)


def explain(model) -> dict[str, Explanation]:
    """Says for every recurrent layer of a model which path it takes on this machine.

    Args:
        model: a `keras.Model`, or what `zoo.load` returns.

    Returns:
        By the layer's name (and direction): path, reason and remedy.
    """
    layers = list(getattr(model, "keras_model", model)._flatten_layers())
    names = {id(layer): layer.name for layer in layers}
    for layer in layers:
        if isinstance(layer, keras.layers.Bidirectional):
            names[id(layer.forward_layer)] = f"{layer.name} forward"
            names[id(layer.backward_layer)] = f"{layer.name} backward"
    found = {}
    for layer in layers:
        if isinstance(layer, CompiledScanMixin):
            found[names[id(layer)]] = layer.explain()
        elif isinstance(layer, keras.layers.RNN):
            kind = type(layer).__name__
            found[names[id(layer)]] = Explanation(
                "keras",
                f"keras.layers.{kind}, which decides when it is called",
                "layers of zoo.layers.recurrent have the same weights",
            )
    return found


def to_keras(model: keras.Model) -> keras.Model:
    """Returns the same model, with the same weights, of Keras's own recurrent layers.

    Layers inside a `zoo.layers.attentional_decoder.AttentionalDecoder` stay: it only takes their formulas.

    Args:
        model: a functional model.
    """

    def clone(layer):
        config = layer.get_config()
        for ours in (LSTM, GRU, SimpleRNN):
            if isinstance(layer, ours):
                del config["engine"], config["weight_drop"]
                return getattr(keras.layers, ours.__name__).from_config(config)
        if isinstance(layer, Bidirectional):
            parts = clone(layer.forward_layer), clone(layer.backward_layer)
            return keras.layers.Bidirectional(
                parts[0],
                backward_layer=parts[1],
                merge_mode=layer.merge_mode,
                dtype=layer.dtype_policy,
                name=layer.name,
            )
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    copy.set_weights(model.get_weights())
    return copy
