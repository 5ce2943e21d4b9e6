"""A recurrent decoder whose attention is inside the recurrence, step by step."""

from __future__ import annotations

import functools
from itertools import accumulate

import keras
from keras import ops

from zoo.layers.decoder_step import DecoderStep, layer_step


@keras.saving.register_keras_serializable("recurrent_zoo")
class AttentionalDecoder(keras.layers.Layer):
    """Recurrent decoder with attention inside the recurrence, input feeding, or both.

    At each step the attentional hidden state is `tanh(W [h; context] + b)`, where `h`
    is the output of the last recurrent layer and `context` the memory's mean, weighted
    by attention. With `feeding` the first recurrent layer reads it at the next step,
    next to the input (Luong et al. 2015, section 3.3). With `inside` attention comes
    first: its query is the state before the step, and the first layer reads the context
    next to the input (Bahdanau et al. 2015).

    Each step needs the one before it, so the decoder is a loop over the steps. Only the
    projection of the inputs is computed for all steps at once, and no layer runs on
    cuDNN; with attention after the recurrence, everything but the recurrence is one
    product and the layers run as they are.

    Args:
        recurrent: layers of `zoo.layers.recurrent`, all of the same units. Their
            weights, formulas, `recurrent_dropout` and `weight_drop` are used.
        attention: of `zoo.layers.attention`, with or without coverage.
        hidden: the dense layer that computes the attentional hidden state.
        feeding: whether the first layer reads the attentional hidden state.
        inside: whether the first layer reads the context; one of the two or both.
        dropout: share of each recurrent layer's outputs dropped in training. What is
            carried from step to step, including the attentional hidden state, is not
            dropped.
        variational: whether the same features are dropped at every step.

    Call arguments:
        x: inputs of the steps, float `[rows, time, size]`.
        states: of each recurrent layer its states `[rows, units]`; then with `feeding`
            the attentional hidden state `[rows, hidden_size]`, and with coverage the
            sum of the weights so far, float32 `[rows, steps]`.
        keys: float `[batch, steps, units]`; rows are a multiple of the batch, as for
            `zoo.layers.attention.Attention`.
        memory: float `[batch, steps, memory_size]`.
        mask: bool `[batch, steps]`.

    Returns:
        The attentional hidden states `[rows, time, hidden_size]`, the weights, float32
        `[rows, time, steps]`, and the final states, in the order of `states`.
    """

    def __init__(
        self,
        recurrent: list,
        attention: keras.layers.Layer,
        hidden: keras.layers.Dense,
        feeding: bool = True,
        inside: bool = False,
        dropout: float = 0.0,
        variational: bool = False,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # coverage stays in float32
        self.recurrent, self.attention, self.hidden = recurrent, attention, hidden
        self.feeding, self.inside = feeding, inside
        self.dropout, self.variational = dropout, variational
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, x_shape, keys_shape, memory_shape):
        units, width = self.recurrent[0].units, memory_shape[-1]
        size = x_shape[-1] + self.inside * width + self.feeding * self.hidden.units
        parts: list[tuple[keras.layers.Layer, list]] = [
            (layer, [(None, None, units if i else size)])
            for i, layer in enumerate(self.recurrent)
        ]
        parts += [
            (self.attention, [(None, 1, units), keys_shape, memory_shape]),
            (self.hidden, [(None, units + width)]),
        ]
        for layer, shapes in parts:
            if not layer.built:  # Keras builds layers that it loads
                layer.build(*shapes)

    def call(self, x, states, keys, memory, mask, training=False):
        dtype, size = self.compute_dtype, x.shape[-1]
        rows, time = ops.shape(x)[:2]
        (kernel, first), *others = (
            layer_step(layer, rows, dtype, training) for layer in self.recurrent
        )
        # Of all steps at once; the rest of the first kernel is for what a step reads.
        projected = ops.matmul(ops.cast(x, dtype), kernel[:size])
        inputs = [
            ops.transpose(projected, (1, 0, 2)),  # [time, rows, gates * units]
            *self._dropout_masks(time, rows, training),
        ]
        step = DecoderStep(
            layers=[(kernel[size:], first), *others],
            attend=functools.partial(self._attend, keys, memory, mask),
            hidden=self.hidden,
            feeding=self.feeding,
            inside=self.inside,
            dtype=dtype,
            ends=list(accumulate((each.shape[-1] for each in inputs), initial=0)),
        )
        # A scan of Keras on TensorFlow takes one input only, if its length is unknown.
        last, every = ops.scan(
            step,
            self._start(states, rows, ops.shape(memory)[1]),
            ops.concatenate(inputs, axis=-1),
        )
        hidden, weights = (ops.transpose(a, (1, 0, 2)) for a in every[1:3])
        finals = [ops.cast(state, dtype) for layer in last[0] for state in layer]
        finals += [last[1]] if self.feeding else []
        return hidden, weights, *finals, *last[3]

    def _attend(self, keys, memory, mask, query, coverage: list) -> tuple:
        """Returns the context `[rows, memory_size]` and the weights `[rows, steps]`."""
        query = ops.expand_dims(ops.cast(query, self.compute_dtype), 1)
        coverage = [ops.expand_dims(received, 1) for received in coverage]
        context, weights = self.attention(query, keys, memory, mask, *coverage)
        return context[:, 0], weights[:, 0]

    def _start(self, states: list, rows, steps) -> tuple:
        """Returns what is carried to the first step: the states of each layer, the
        attentional hidden state, weights, and a list of the coverage, if there is any.
        """
        states = list(states)
        coverage = [states.pop()] if self.attention.coverage else []
        nothing = ops.zeros((rows, self.hidden.units))
        hidden = states.pop() if self.feeding else nothing
        states = [ops.cast(state, "float32") for state in states]
        count = len(states) // len(self.recurrent)
        return (
            [states[i : i + count] for i in range(0, len(states), count)],
            ops.cast(hidden, self.compute_dtype),
            ops.zeros((rows, steps)),
            coverage,
        )

    def _dropout_masks(self, time, rows, training: bool) -> list:
        """Draws what each layer's outputs are multiplied by, `[time, rows, units]`; an
        empty list if nothing is dropped."""
        if not (training and self.dropout):
            return []
        shape = (1, None, None) if self.variational else None
        return [
            keras.random.dropout(
                ops.ones((time, rows, layer.units), self.compute_dtype),
                self.dropout,
                noise_shape=shape,
                seed=self.seed_generator,
            )
            for layer in self.recurrent
        ]

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "recurrent": [serialize(layer) for layer in self.recurrent],
            "attention": serialize(self.attention),
            "hidden": serialize(self.hidden),
            "feeding": self.feeding,
            "inside": self.inside,
            "dropout": self.dropout,
            "variational": self.variational,
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("recurrent", "attention", "hidden")
        }
        return super().from_config({**config, **parts})


@keras.saving.register_keras_serializable("recurrent_zoo")
class FirstState(keras.layers.Layer):
    """Zeros, as the first value of what an `AttentionalDecoder` carries.

    Args:
        size: of a row; None for the number of steps of the memory.

    Call arguments:
        like: bool `[batch, steps]`, the mask of the memory.

    Returns:
        float `[batch, size]`.
    """

    def __init__(self, size: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, like):
        batch, steps = ops.shape(like)
        return ops.zeros((batch, self.size or steps), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "size": self.size}
