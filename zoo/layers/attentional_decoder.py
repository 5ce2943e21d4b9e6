"""Decoders whose attention is inside the recurrence, one step after another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise

import keras
from keras import ops


@keras.saving.register_keras_serializable("recurrent_zoo")
class AttentionalDecoder(keras.layers.Layer):
    """A stack of recurrent layers that is fed with what attention has found.

    At each step the attentional hidden state is `tanh(W [h; context] + b)`, with `h`
    the state of the last recurrent layer and `context` the memory's mean by attention.
    With `feeding` the first recurrent layer reads it at the next step, beside the input
    (Luong et al. 2015, section 3.3). With `inside` attention comes first: its query is
    the state before the step, and the first layer reads the context beside the input
    (Bahdanau et al. 2015).

    A step needs the one before it, so the whole is a loop over the steps: apart from
    the projection of the inputs, no product is taken of all steps at once, as it is
    where attention comes after the recurrence, and no layer runs on cuDNN.

    Args:
        recurrent: layers of `zoo.layers.recurrent`, of the same units; of them are
            taken the weights, the formulas, `recurrent_dropout` and `weight_drop`.
        attention: of `zoo.layers.attention`; with coverage if it has it.
        hidden: a dense layer, which computes the attentional hidden state.
        feeding: whether the first layer reads the attentional hidden state.
        inside: whether it reads the context; one of the two or both.
        dropout: share of each recurrent layer's outputs dropped in training. What is
            carried from step to step, the attentional hidden state with it, is not.
        variational: whether the same features are dropped at every step.

    Call arguments:
        x: inputs of the steps, float `[rows, time, size]`.
        states: of each recurrent layer its states `[rows, units]`; then with `feeding`
            the attentional hidden state `[rows, hidden_size]`, and with coverage the
            sum of the weights so far, float32 `[rows, steps]`.
        keys: float `[batch, steps, units]`; for this and what follows, as for the rows,
            see `zoo.layers.attention.Attention`.
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
        for layer in recurrent:
            layer.stepped = True

    def build(self, x_shape, keys_shape, memory_shape):
        units, width = self.recurrent[0].units, memory_shape[-1]
        size = x_shape[-1] + self.inside * width + self.feeding * self.hidden.units
        parts = [
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
            _step(layer, rows, dtype, training) for layer in self.recurrent
        )
        layers = [(kernel[size:], first), *others]

        def attend(query, coverage):
            query = ops.expand_dims(ops.cast(query, dtype), 1)
            coverage = [ops.expand_dims(received, 1) for received in coverage]
            context, weights = self.attention(query, keys, memory, mask, *coverage)
            return context[:, 0], weights[:, 0]

        def advance(carried, now):
            states, hidden, _, coverage = carried
            projected, *kept = (now[:, a:b] for a, b in pairwise(ends))
            read = [hidden] if self.feeding else []
            if self.inside:
                context, weights = attend(states[-1][0], coverage)
                read.append(context)
            h, new = ops.concatenate(read, axis=-1), []
            for i, (kernel, step) in enumerate(layers):
                a = ops.matmul(h, kernel)
                a = a if i else a + projected
                new.append(step(ops.cast(a, "float32"), states[i]))
                h = ops.cast(new[i][0], dtype)
                h = h * kept[i] if kept else h
            if not self.inside:
                context, weights = attend(h, coverage)
            hidden = self.hidden(ops.concatenate([h, context], axis=-1))
            carried = new, hidden, weights, [sum_ + weights for sum_ in coverage]
            return carried, carried  # TensorFlow gives of each step what is carried

        # A scan of Keras on TensorFlow takes one input only, if its length is unknown.
        projected = ops.matmul(ops.cast(x, dtype), kernel[:size])
        inputs = [
            ops.transpose(projected, (1, 0, 2)),
            *self._kept(time, rows, training),
        ]
        ends = list(accumulate((each.shape[-1] for each in inputs), initial=0))
        last, every = ops.scan(
            advance,
            self._start(states, rows, ops.shape(memory)[1]),
            ops.concatenate(inputs, axis=-1),
        )
        hidden, weights = (ops.transpose(a, (1, 0, 2)) for a in every[1:3])
        finals = [ops.cast(state, dtype) for layer in last[0] for state in layer]
        finals += [last[1]] if self.feeding else []
        return hidden, weights, *finals, *last[3]

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

    def _kept(self, time, rows, training: bool) -> list:
        """Draws what each layer's outputs are multiplied with, `[time, rows, units]`;
        an empty list if nothing is dropped."""
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


def _step(layer, rows, dtype: str, training: bool) -> tuple[object, Callable]:
    """Computes what all steps of a recurrent layer share.

    Args:
        layer: of `zoo.layers.recurrent`.
        rows: of the batch.
        dtype: of the product with the kernel.
        training: whether to drop.

    Returns:
        The kernel, and the step: from the product of the input and the kernel, float32
        `[rows, gates * units]`, and the list of states to the new states.
    """
    formulas, cell, two = layer.scan_cell(), layer.cell, 2 * layer.units
    scale, inner_bias, kept = formulas.scale(), None, None
    kernel, recurrent, bias = (
        ops.cast(weight, "float32")
        for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    if training and layer.weight_drop:
        recurrent = keras.random.dropout(
            recurrent, layer.weight_drop, seed=layer.weight_seed
        )
    if training and layer.recurrent_dropout:
        kept = keras.random.dropout(
            ops.ones((rows, layer.units)),
            layer.recurrent_dropout,
            seed=cell.seed_generator,
        )
    if formulas.has_inner_bias:
        inner_bias = bias[1, two:]
        bias = ops.concatenate([bias[0, :two] + bias[1, :two], bias[0, two:]])
    recurrent, bias = recurrent * scale, bias * scale

    def step(projected, states):
        h = states[0] if kept is None else states[0] * kept
        inner = ops.matmul(h, recurrent)
        return formulas.step(projected + bias, inner, states, inner_bias)[0]

    return ops.cast(kernel * scale, dtype), step


@keras.saving.register_keras_serializable("recurrent_zoo")
class FirstState(keras.layers.Layer):
    """Zeros, from which a `AttentionalDecoder` starts.

    Args:
        size: of a row; None for as many numbers as the memory has steps.

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
