"""One step of a decoder whose attention is inside the recurrence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import keras
from keras import ops

from zoo.layers.scan_cells import split_bias


@dataclass(frozen=True, eq=False)  # hashed by identity: JAX wants a hash
class DecoderStep:
    """One step of an `AttentionalDecoder`, for all rows.

    Args:
        layers: for each recurrent layer the kernel of what it reads, and its step; see
            `layer_step`. The projection of the inputs is added for the first layer.
        attend: from a query `[rows, units]` and a list of the coverage, if there is
            any, to the context `[rows, memory_size]` and the weights `[rows, steps]`.
        hidden: computes the attentional hidden state.
        feeding, inside: as for `AttentionalDecoder`.
        dtype: of the products.
        ends: where the parts of a step's input end: the projection, then the dropout
            masks of each layer, if there are any.
    """

    layers: list
    attend: Callable
    hidden: Callable
    feeding: bool
    inside: bool
    dtype: str
    ends: list[int]

    def __call__(self, carried: tuple, now) -> tuple[tuple, tuple]:
        """Runs the step.

        Args:
            carried: the states of each layer, the attentional hidden state, the
                weights of the step before, and a list of the coverage.
            now: the step's input, `[rows, ends[-1]]`.

        Returns:
            The new carried values twice, since on TensorFlow a scan returns of every
            step only what is carried.
        """
        states, hidden, _, coverage = carried
        projected, *masks = (now[:, a:b] for a, b in pairwise(self.ends))
        read = [hidden] if self.feeding else []
        if self.inside:
            context, weights = self.attend(states[-1][0], coverage)
            read.append(context)
        h, states = self._run_layers(
            ops.concatenate(read, axis=-1), projected, states, masks
        )
        if not self.inside:
            context, weights = self.attend(h, coverage)
        hidden = self.hidden(ops.concatenate([h, context], axis=-1))
        coverage = [received + weights for received in coverage]
        carried = states, hidden, weights, coverage
        return carried, carried

    def _run_layers(self, h, projected, states: list, masks: list) -> tuple:
        """Returns the last layer's output `[rows, units]`, and all new states."""
        new: list = []
        for i, (kernel, step) in enumerate(self.layers):
            a = ops.matmul(h, kernel)  # [rows, gates * units]
            a = a if i else a + projected
            new.append(step(ops.cast(a, "float32"), states[i]))
            h = ops.cast(new[i][0], self.dtype)  # [rows, units]
            h = h * masks[i] if masks else h
        return h, new


def layer_step(layer, rows, dtype: str, training: bool) -> tuple[Any, Callable]:
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
    formulas, cell, state_dropout = layer.scan_cell(), layer.cell, None
    kernel, recurrent, bias = (
        ops.cast(weight, "float32")
        for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    if training and layer.weight_drop:
        recurrent = keras.random.dropout(
            recurrent, layer.weight_drop, seed=layer.weight_seed
        )
    if training and layer.recurrent_dropout:
        state_dropout = keras.random.dropout(
            ops.ones((rows, layer.units)),
            layer.recurrent_dropout,
            seed=cell.seed_generator,
        )
    scale = formulas.scale()
    bias, inner_bias = split_bias(formulas, bias)
    recurrent, bias = recurrent * scale, bias * scale

    def step(projected, states: list) -> list:
        h = states[0] if state_dropout is None else states[0] * state_dropout
        inner = ops.matmul(h, recurrent)
        return formulas.step(projected + bias, inner, states, inner_bias)[0]

    return ops.cast(kernel * scale, dtype), step
