"""The compiled loops over the steps of a sequence, forward and backward.

Both are written once in `keras.ops`, and each is compiled once for all layers of the
same cell and units, per batch and length. Arrays are `[batch, time, features]`, in the
order of time whichever end the loop begins with.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
from keras import ops

from zoo.layers.scan_cells import ScanCell


@functools.cache
def forward_loop(cell: ScanCell, keep: bool) -> Callable:
    """Returns the compiled loop of the forward pass; see `_forward`."""
    return _compile(functools.partial(_forward, cell, keep))


@functools.cache
def backward_loop(cell: ScanCell) -> Callable:
    """Returns the compiled loop of the gradients; see `_backward`."""
    return _compile(functools.partial(_backward, cell))


def _compile(function: Callable) -> Callable:
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(
        function, jit_compile=True, autograph=False, reduce_retracing=True
    )


def _forward(
    cell: ScanCell, keep: bool, a, reverse, recurrent, inner_bias, mask, dropout, states
) -> list:
    """Runs the steps of a batch of sequences.

    Args:
        cell: the formulas.
        keep: whether to return what the gradients need.
        a: the scaled projection of the input, `[batch, time, num_gates * units]`.
        reverse: bool scalar, whether to begin with the last step.
        recurrent: the recurrent kernel `[units, num_gates * units]`.
        inner_bias: `[units]`, or None.
        mask: bool `[batch, time]`, or None.
        dropout: what h is multiplied by at each step, `[batch, units]`, or None.
        states: a list of `[batch, units]`.

    Returns:
        A list: h `[batch, time, units]`; the final states; if kept, c `[batch, time,
        units]` where there is one and what the cell saves; and the last item, which is
        of no use to the caller.
    """
    batch, time = ops.shape(a)[:2]
    recurrent = ops.cast(recurrent, "float32") * cell.scale()
    # XLA fuses the GRU's gates into its state, which takes twice as long, unless they
    # are an output as well: kept, or else those of the last step.
    hold_gates = cell.has_inner_bias and not keep

    def body(step, states, kept, gates):
        now = ops.where(reverse, time - 1 - step, step)
        h = states[0] if dropout is None else states[0] * dropout
        inner = ops.matmul(h, recurrent)  # [batch, num_gates * units]
        projected = ops.cast(_read(a, now), "float32")
        new, gates = cell.step(projected, inner, states, inner_bias)
        if mask is not None:
            new = [ops.where(_read(mask, now), n, s) for n, s in zip(new, states)]
        values = [*new, gates] if keep else new
        kept = [_write(array, now, value) for array, value in zip(kept, values)]
        return step + 1, new, kept, gates if hold_gates else ()

    widths = _kept_widths(cell) if keep else [cell.units]
    kept = [ops.zeros((batch, time, width)) for width in widths]
    gates = ops.zeros((batch, cell.num_saved * cell.units)) if hold_gates else ()
    _, states, kept, gates = _repeat(body, time, (0, list(states), kept, gates))
    return [*kept[:1], *states, *kept[1:], gates]


def _kept_widths(cell: ScanCell) -> list[int]:
    """Returns the widths of what is kept of each step: the states, what is saved."""
    widths = [cell.units] * cell.num_states
    return widths + ([cell.num_saved * cell.units] if cell.num_saved else [])


def _backward(
    cell, dh, reverse, recurrent, inner_bias, mask, dropout, states, dstates, kept
) -> list:
    """Runs the steps backward, from the last one of the forward pass to its first.

    Args:
        cell: the formulas.
        dh: the gradient with respect to h after each step, `[batch, time, units]`.
        reverse, recurrent, inner_bias, mask, dropout: as for `_forward`.
        states: those before the first step, a list of `[batch, units]`.
        dstates: the gradients with respect to the final states.
        kept: h, c where there is one, and what the cell has saved, of each step.

    Returns:
        A list: the gradients with respect to `a` and to the inner products, both
        `[batch, time, num_gates * units]`; then with respect to the first states.
    """
    batch, time = ops.shape(dh)[:2]
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
        saved = _read(kept[-1], now)
        gradients = [gradients[0] + _read(dh, now), *gradients[1:]]
        da, inner, direct = cell.step_gradient(gradients, saved, present, previous)
        through = ops.matmul(inner, back)  # [batch, units]
        if dropout is not None:
            through = through * dropout
        new = [direct[0] + through, *direct[1:]]
        if mask is not None:
            real = _read(mask, now)  # [batch, 1]
            new = [ops.where(real, n, g) for n, g in zip(new, gradients)]
            da, inner = (ops.where(real, array, 0.0) for array in (da, inner))
        values = [da, inner] if cell.has_inner_bias else [da]
        results = [_write(array, now, v) for array, v in zip(results, values)]
        return step + 1, new, results

    width = cell.num_gates * cell.units
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
    """Returns `array[:, step]` of `[batch, time, width]`; of `[batch, time]` as
    `[batch, 1]`."""
    batch = ops.shape(array)[0]
    if len(array.shape) == 2:
        return ops.slice(array, (0, step), (batch, 1))
    width = array.shape[-1]
    return ops.reshape(
        ops.slice(array, (0, step, 0), (batch, 1, width)), (batch, width)
    )


def _write(array, step, value):
    """Returns `[batch, time, width]` with `array[:, step]` replaced."""
    return ops.slice_update(array, (0, step, 0), value[:, None])
