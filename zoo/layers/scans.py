"""Recurrence over whole sequences, as compiled loops with gradients of their own.

What Keras computes step by step is split into what depends on the recursion and what
does not. The input projection of all steps is one product before the loop, and the
gradients of the weights are one product each after it; the loop holds one product and
the gates. A sigmoid is `0.5 tanh(0.5 x) + 0.5`, so that one tanh serves all gates, and
inference keeps no gates at all.

The loops are written once in `keras.ops`. JAX compiles them with everything else. On
TensorFlow each is compiled by XLA inside a graph that is not, so that the model around
it keeps its own kernels and its variable lengths; there the rows of the batch are cut
in two halves, whose loops run side by side, a core each, with no barrier between them.

Arrays are `[batch, time, features]` throughout, so nothing is transposed. Each distinct
batch and length is compiled once for all layers of the same cell and units.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import keras
from keras import ops

from zoo.hardware import count_cores

# Fewer rows than this are not worth cutting in two.
ROWS_TO_HALVE = 8


@dataclass(frozen=True)
class SimpleCell:
    """h' = activation(a + h U), the network of Elman (1990).

    A cell says how one step goes and how its gradients go back. `a` is the projection
    of the input, bias and all; `inner` is h U.
    """

    units: int
    activation: str = "tanh"
    gates: ClassVar[int] = 1
    num_states: ClassVar[int] = 1
    num_saved: ClassVar[int] = 0
    has_inner_bias: ClassVar[bool] = False

    def scale(self):
        """Returns what both products are scaled by, `[g h]`."""
        return ops.ones((self.units,))

    def step(self, a, inner, states, inner_bias):
        """Returns the new states, and the gates or None."""
        z = a + inner
        return [ops.tanh(z) if self.activation == "tanh" else ops.relu(z)], None

    def back(self, gradients, gates, states, previous):
        """Returns the gradients of a, of `inner`, and of the previous states as far as
        they do not pass through `inner`."""
        (dh,), (h,) = gradients, states
        slope = 1 - h * h if self.activation == "tanh" else ops.cast(h > 0, h.dtype)
        return dh * slope, dh * slope, [ops.zeros_like(dh)]


@dataclass(frozen=True)
class LSTMCell:
    """The LSTM of Hochreiter and Schmidhuber (1997), with a forget gate (Gers et al.).

    Gates in the order of Keras: input, forget, candidate, output.
    """

    units: int
    gates: ClassVar[int] = 4
    num_states: ClassVar[int] = 2
    num_saved: ClassVar[int] = 4
    has_inner_bias: ClassVar[bool] = False

    def scale(self):
        half, one = ops.full((self.units,), 0.5), ops.ones((self.units,))
        return ops.concatenate([half, half, one, half])

    def step(self, a, inner, states, inner_bias):
        scale = self.scale()
        gates = ops.tanh(a + inner) * scale + ops.where(scale < 1, scale, 0.0)
        i, f, g, o = ops.split(gates, 4, axis=1)
        c = f * states[1] + i * g
        return [o * ops.tanh(c), c], gates

    def back(self, gradients, gates, states, previous):
        (dh, dc), (i, f, g, o) = gradients, ops.split(gates, 4, axis=1)
        tanh_c = ops.tanh(states[1])
        dc = dc + dh * (o * (1 - tanh_c * tanh_c))
        # Factors first: XLA would compute what is below a concatenation in every part.
        slopes = [
            g * i * (1 - i),
            previous[1] * f * (1 - f),
            i * (1 - g * g),
            tanh_c * o * (1 - o),
        ]
        da = ops.concatenate([dc, dc, dc, dh], axis=1)
        da = da * ops.concatenate(slopes, axis=1)
        return da, da, [ops.zeros_like(dh), dc * f]


@dataclass(frozen=True)
class GRUCell:
    """The GRU of Cho et al. (2014) with the reset gate after the product, as in cuDNN.

    Gates in the order of Keras: update, reset, candidate.
    """

    units: int
    gates: ClassVar[int] = 3
    num_states: ClassVar[int] = 1
    num_saved: ClassVar[int] = 4
    has_inner_bias: ClassVar[bool] = True

    def scale(self):
        half, one = ops.full((2 * self.units,), 0.5), ops.ones((self.units,))
        return ops.concatenate([half, one])

    def step(self, a, inner, states, inner_bias):
        two = 2 * self.units
        update_and_reset = 0.5 * ops.tanh(a[:, :two] + inner[:, :two]) + 0.5
        u, r = ops.split(update_and_reset, 2, axis=1)
        recurrent = inner[:, two:] + inner_bias
        g = ops.tanh(a[:, two:] + r * recurrent)
        h = u * states[0] + (1 - u) * g
        return [h], ops.concatenate([update_and_reset, g, recurrent], axis=1)

    def back(self, gradients, gates, states, previous):
        (dh,), (u, r, g, recurrent) = gradients, ops.split(gates, 4, axis=1)
        du = dh * (previous[0] - g) * u * (1 - u)
        dg = dh * (1 - u) * (1 - g * g)
        dr = dg * recurrent * r * (1 - r)
        da = ops.concatenate([du, dr, dg], axis=1)
        return da, ops.concatenate([du, dr, dg * r], axis=1), [dh * u]


Cell = SimpleCell | LSTMCell | GRUCell


def scan(
    cell: Cell,
    x,
    states: list,
    kernel,
    recurrent_kernel,
    bias,
    *,
    mask=None,
    state_dropout=None,
    reverse: bool = False,
    keep: bool = True,
    halve: bool = True,
):
    """Runs a cell over a batch of sequences.

    Args:
        cell: one of the cells above.
        x: `[b, t, d]`, in the type in which the products before and after the loop are
            computed; the loop itself is float32.
        states: float `[b, h]` before the first step: h, and c for LSTM.
        kernel: `[d, g h]`, as Keras keeps it, in the type of `x`.
        recurrent_kernel: `[h, g h]`, likewise.
        bias: `[g h]`, for GRU `[2, g h]`, likewise.
        mask: bool `[b, t]`, any pattern; where it is false the states stay as they are.
        state_dropout: float `[b, h]`, multiplied with h before each product.
        reverse: whether to begin with the last step.
        keep: whether to keep what the gradients need; if not and they are asked for all
            the same, the loop runs a second time.
        halve: whether to cut the batch in two where that puts a second core to work;
            not worth it where another scan runs at the same time.

    Returns:
        h after each step, float32 `[b, t, h]` in the order of time whatever `reverse`
        says; and the list of final states.

    Raises:
        NotImplementedError: if a gradient of the gradient is taken.
    """
    states = [ops.cast(state, "float32") for state in states]
    if state_dropout is not None:
        state_dropout = ops.stop_gradient(state_dropout)
    parts = [
        _scan(cell, reverse, keep, mask, dropout, x, kernel, recurrent_kernel, bias, *s)
        for mask, dropout, x, *s in _halves(halve, mask, state_dropout, x, *states)
    ]
    h, *states = (
        part[0] if len(part) == 1 else ops.concatenate(part) for part in zip(*parts)
    )
    # Compiled for any batch and length, the loops do not say what is known of these.
    batch, time = ops.shape(x)[:2]
    h = ops.reshape(h, (batch, time, cell.units))
    return h, [ops.reshape(state, (batch, cell.units)) for state in states]


def _halves(halve: bool, *arrays) -> list:
    """Cuts the rows in two where that puts a second core to work."""
    rows = arrays[-1].shape[0]
    if not (halve and _runs_side_by_side()) or (
        rows is not None and rows < ROWS_TO_HALVE
    ):
        return [arrays]
    if rows is None:
        rows = ops.shape(arrays[-1])[0]
        cut = ops.where(rows < ROWS_TO_HALVE, rows, (rows + 1) // 2)
    else:
        cut = (rows + 1) // 2
    return [
        tuple(None if a is None else a[part] for a in arrays)
        for part in (slice(None, cut), slice(cut, None))
    ]


def _runs_side_by_side() -> bool:
    """Whether independent loops run at the same time: TensorFlow, on several cores."""
    return keras.backend.backend() == "tensorflow" and count_cores() > 1


def _scan(cell, reverse, keep, mask, dropout, x, kernel, recurrent, bias, *states):
    """`scan` of some of the rows; returns h after each step, then the final states."""
    batch, time = ops.shape(x)[:2]
    dtype, backwards = x.dtype, ops.convert_to_tensor(reverse, "bool")

    def forward(flat, kernel, fixed, bias, states, keep):
        scale = ops.cast(cell.scale(), dtype)
        if cell.has_inner_bias:
            two = 2 * cell.units
            bias = ops.concatenate([bias[0, :two] + bias[1, :two], bias[0, two:]])
        a = ops.matmul(flat, kernel * scale) + bias * scale
        a = ops.reshape(a, (batch, time, kernel.shape[-1]))
        return _loop("forward", cell, keep)(a, backwards, *fixed, states)

    @ops.custom_gradient
    def run(*inputs):
        # Lest a tape differentiates what has its gradient here.
        x, kernel, recurrent, bias, *states = map(ops.stop_gradient, inputs)
        flat = ops.reshape(x, (-1, x.shape[-1]))
        inner_bias = None
        if cell.has_inner_bias:
            inner_bias = ops.cast(bias[1, 2 * cell.units :], "float32")
        fixed = recurrent, inner_bias, mask, dropout
        results = forward(flat, kernel, fixed, bias, states, keep)

        def gradient(*upstream):
            if len(upstream) == 1:  # JAX hands over one tuple
                (upstream,) = upstream
            dh, *dstates = map(ops.stop_gradient, upstream)
            kept = results if keep else forward(flat, kernel, fixed, bias, states, True)
            h = kept[0]
            before = [states[0][:, None], h[:, :-1]]
            if reverse:
                before = [h[:, 1:], states[0][:, None]]
            before = ops.concatenate(before, axis=1)
            if dropout is not None:
                before = before * dropout[:, None]
            back = _loop("backward", cell)
            kept = [h, *kept[1 + cell.num_states : -1]]
            da, inner, *dstates = back(dh, backwards, *fixed, states, dstates, kept)
            da, inner, before = (
                ops.cast(ops.reshape(array, (-1, array.shape[-1])), dtype)
                for array in (da, inner, before)
            )
            dbias = ops.sum(da, axis=0)
            if cell.has_inner_bias:
                dbias = ops.stack([dbias, ops.sum(inner, axis=0)])
            gradients = [
                ops.reshape(ops.matmul(da, ops.transpose(kernel)), ops.shape(x)),
                ops.matmul(ops.transpose(flat), da),
                ops.matmul(ops.transpose(before), inner),
                dbias,
                *dstates,
            ]
            return _differentiated_once(gradients, [*inputs, *upstream])

        return tuple(results[: 1 + cell.num_states]), gradient

    return run(x, kernel, recurrent, bias, *states)


def _differentiated_once(gradients: list, origins: list) -> tuple:
    """Returns the gradients, and refuses theirs with respect to what they depend on."""

    @ops.custom_gradient
    def same(*arrays):
        def refuse(*_):
            raise NotImplementedError(
                "second-order gradients do not pass through the compiled scan; "
                'make the recurrent layer with engine="keras" for them'
            )

        return arrays[: len(gradients)], refuse

    return same(*gradients, *origins)


@functools.cache
def _loop(direction: str, cell: Cell, *keep: bool) -> Callable:
    """Returns a compiled loop over the steps, the same for both orders of time."""
    function = {"forward": _forward, "backward": _backward}[direction]
    function = functools.partial(function, cell, *keep)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(
        function, jit_compile=True, autograph=False, reduce_retracing=True
    )


def _forward(cell, keep, a, reverse, recurrent, inner_bias, mask, dropout, states):
    """Returns h `[b, t, h]`, the final states, and if kept c `[b, t, h]` and gates."""
    batch, time, units = *ops.shape(a)[:2], cell.units
    recurrent = ops.cast(recurrent, "float32") * cell.scale()

    def body(step, states, kept, gates):
        now = ops.where(reverse, time - 1 - step, step)
        h = states[0] if dropout is None else states[0] * dropout
        inner = ops.matmul(h, recurrent)
        projected = ops.cast(_read(a, now), "float32")
        new, gates = cell.step(projected, inner, states, inner_bias)
        if mask is not None:
            new = [ops.where(_read(mask, now), n, s) for n, s in zip(new, states)]
        values = [*new, gates] if keep else new
        kept = [_write(array, now, value) for array, value in zip(kept, values)]
        return step + 1, new, kept, gates if hold_gates else ()

    # XLA fuses the GRU's gates into its state, which takes twice as long, unless they
    # are an output as well: kept, or else those of the last step.
    hold_gates = cell.has_inner_bias and not keep
    widths = [units]
    if keep:
        widths += [units] * (cell.num_states - 1)
        widths += [cell.num_saved * units] if cell.num_saved else []
    kept = [ops.zeros((batch, time, width)) for width in widths]
    gates = ops.zeros((batch, cell.num_saved * units)) if hold_gates else ()
    _, states, kept, gates = _repeat(body, time, (0, list(states), kept, gates))
    return [*kept[:1], *states, *kept[1:], gates]


def _backward(
    cell, dh, reverse, recurrent, inner_bias, mask, dropout, states, dstates, kept
):
    """Returns the gradients of a and of the inner products, `[b, t, g h]`, and of the
    states."""
    batch, time = ops.shape(dh)[:2]
    width = cell.gates * cell.units
    back = ops.transpose(ops.cast(recurrent, "float32"))
    histories = kept[: cell.num_states]

    def body(step, gradients, results):
        now = ops.where(reverse, step, time - 1 - step)
        before = ops.clip(ops.where(reverse, now + 1, now - 1), 0, time - 1)
        previous = [
            ops.where(step == time - 1, first, _read(history, before))
            for first, history in zip(states, histories)
        ]
        present = [_read(history, now) for history in histories]
        gates = _read(kept[-1], now)
        gradients = [gradients[0] + _read(dh, now), *gradients[1:]]
        da, inner, direct = cell.back(gradients, gates, present, previous)
        through = ops.matmul(inner, back)
        if dropout is not None:
            through = through * dropout
        new = [direct[0] + through, *direct[1:]]
        if mask is not None:
            real = _read(mask, now)
            new = [ops.where(real, n, g) for n, g in zip(new, gradients)]
            da, inner = (ops.where(real, array, 0.0) for array in (da, inner))
        values = [da, inner] if cell.has_inner_bias else [da]
        results = [_write(array, now, v) for array, v in zip(results, values)]
        return step + 1, new, results

    results = [ops.zeros((batch, time, width))] * (1 + cell.has_inner_bias)
    _, dstates, results = _repeat(body, time, (0, list(dstates), results))
    return [results[0], results[-1], *dstates]


def _repeat(body: Callable, time, carry: tuple) -> tuple:
    """Calls a body on its own results until the first of them, the step, is `time`."""
    at_once = _steps_at_once()
    if at_once == 1 or not isinstance(time, int):  # symbolic while a model is made
        return ops.while_loop(lambda step, *_: step < time, body, carry)

    def several(*carry):
        for _ in range(at_once):
            carry = body(*carry)
        return carry

    last = time - time % at_once
    carry = ops.while_loop(lambda step, *_: step < last, several, carry)
    for _ in range(time % at_once):
        carry = body(*carry)
    return carry


def _steps_at_once() -> int:
    """Returns how many steps an iteration holds: on a GPU each costs a round trip."""
    if keras.backend.backend() == "jax":
        import jax

        return 4 if jax.default_backend() == "gpu" else 1
    return 1


def _read(array, step):
    """Returns `array[:, step]` of `[b, t, w]`; of `[b, t]` as `[b, 1]`."""
    batch = ops.shape(array)[0]
    if len(array.shape) == 2:
        return ops.slice(array, (0, step), (batch, 1))
    width = array.shape[-1]
    return ops.reshape(
        ops.slice(array, (0, step, 0), (batch, 1, width)), (batch, width)
    )


def _write(array, step, value):
    return ops.slice_update(array, (0, step, 0), value[:, None])
