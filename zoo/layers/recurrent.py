"""LSTM, GRU and SimpleRNN with Keras's weights and results, on the fastest path."""

from __future__ import annotations

import keras
from keras import ops

from zoo.keras_compat import without_shared_objects, without_tensorflow
from zoo.layers.compiled_scan import CompiledScanMixin
from zoo.layers.scan_cells import GRUCell, LSTMCell, SimpleCell


@keras.saving.register_keras_serializable("recurrent_zoo")
class LSTM(CompiledScanMixin, keras.layers.LSTM):
    """`keras.layers.LSTM` (Hochreiter and Schmidhuber 1997) on the fastest path.

    Args:
        units: size of the state.
        engine: see `CompiledScanMixin`.
        weight_drop: see `CompiledScanMixin`.
        options: those of `keras.layers.LSTM`.

    Call arguments:
        sequences: float `[batch, time, features]`.
        initial_state: two arrays `[batch, units]`, h and c.
        mask: bool `[batch, time]`.
        training: whether to drop.

    >>> tuple(LSTM(3, return_sequences=True)(keras.ops.ones((2, 5, 4))).shape)
    (2, 5, 3)
    """

    def scan_cell(self):
        return LSTMCell(self.units)


@keras.saving.register_keras_serializable("recurrent_zoo")
class GRU(CompiledScanMixin, keras.layers.GRU):
    """`keras.layers.GRU` (Cho et al. 2014) on the fastest path; see `LSTM`.

    It has one state `[batch, units]`.

    >>> tuple(GRU(3)(keras.ops.ones((2, 5, 4))).shape)
    (2, 3)
    """

    def scan_cell(self):
        return GRUCell(self.units)

    def _activation_obstacle(self):
        if not self.reset_after:
            return "reset gate before the product", "leave reset_after=True"
        return super()._activation_obstacle()


@keras.saving.register_keras_serializable("recurrent_zoo")
class SimpleRNN(CompiledScanMixin, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN` (Elman 1990) on the fastest path; see `LSTM`.

    It has one state `[batch, units]`. `activation` may be `"tanh"` or `"relu"` there.
    """

    def scan_cell(self):
        return SimpleCell(self.units, self.activation.__name__)

    def _activation_obstacle(self):
        if self.activation not in (keras.activations.tanh, keras.activations.relu):
            return "activation but tanh and relu", 'leave activation="tanh"'
        return "", ""

    def _cudnn_obstacle(self):
        return "cuDNN is used for LSTM and GRU only", ""


@keras.saving.register_keras_serializable("recurrent_zoo")
class Bidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional`: a core for each direction, no double flips.

    Args:
        layer: the recurrent layer that reads forward; a copy of it reads backward.
        options: those of `keras.layers.Bidirectional`.

    Call arguments:
        sequences: float `[batch, time, features]`.
        initial_state: the forward layer's states, then the backward layer's.
        mask: bool `[batch, time]`.
        training: whether to drop.

    >>> layer = Bidirectional(LSTM(3, return_sequences=True))
    >>> tuple(layer(keras.ops.ones((2, 5, 4))).shape)
    (2, 5, 6)
    """

    def __init__(self, layer: keras.layers.Layer, **options):
        with without_tensorflow(), without_shared_objects():
            super().__init__(layer, **options)
        for part in (self.forward_layer, self.backward_layer):
            if isinstance(part, CompiledScanMixin):
                part.share_cores()

    def call(self, sequences, initial_state=None, mask=None, training=None):
        backward = self.backward_layer
        keeps_order = (
            isinstance(backward, CompiledScanMixin)
            and self.return_sequences
            and self.merge_mode == "concat"
            and backward.explain().path == "scan"
        )
        if not keeps_order:
            return super().call(sequences, initial_state, mask, training)
        states = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            states = initial_state[:half], initial_state[half:]
        options = {"mask": mask, "training": training}
        results = [
            self.forward_layer(sequences, initial_state=states[0], **options),
            backward(sequences, initial_state=states[1], in_time_order=True, **options),
        ]
        if not self.return_state:
            results = [[result] for result in results]
        outputs = [ops.cast(result[0], self.compute_dtype) for result in results]
        both = ops.concatenate(outputs, axis=-1)  # [batch, time, 2 * units]
        if not self.return_state:
            return both
        return (both, *results[0][1:], *results[1][1:])
