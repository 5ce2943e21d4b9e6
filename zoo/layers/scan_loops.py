"""The compiled loops over the steps of a sequence, forward and backward.

Both are written once in `keras.ops`, and each is compiled once for all layers of the
same cell and units, per shape. Arrays are `[time, batch, features]`, so that a step is
one block of memory, in the order of time whichever end the loop begins with. Only the
first `steps` of them are real, which serves chunks of a sequence (`zoo.layers.chunks`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
from keras import ops

from zoo.keras_compat import read_step
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
    cell: ScanCell,
    keep: bool,
    a,
    steps,
    reverse,
    recurrent,
    inner_bias,
    mask,
    dropout,
    states,
) -> list:
    """Runs the steps of a batch of sequences.

    Args:
        cell: the formulas.
        keep: whether to return what the gradients need.
        a: the scaled projection of the input, `[time, batch, num_gates * units]`.
        steps: how many of them to take, the first in the order of time, a scalar; what
            is returned of the others is 0. None for all.
        reverse: bool scalar, whether to begin with the last step.
        recurrent: the recurrent kernel `[units, num_gates * units]`.
        inner_bias: `[units]`, or None.
        mask: float `[time, batch]`, 0 at padding, or None.
        dropout: what h is multiplied by at each step, `[batch, units]`, or None.
        states: a list of `[batch, units]`.

    Returns:
        A list: h `[time, batch, units]`; the final states; if kept, c `[time, batch,
        units]` where there is one and what the cell saves; and the last item, which is
        of no use to the caller.
    """
    time, batch = ops.shape(a)[:2]
    steps = time if steps is None else steps
    recurrent = ops.cast(recurrent, "float32") * cell.scale()
    # XLA fuses the GRU's gates into its state, which takes twice as long, unless they
    # are an output as well: kept, or else those of the last step.
    hold_gates = cell.has_inner_bias and not keep

    def body(step, states, kept, gates):
        now = ops.where(reverse, steps - 1 - step, step)
        h = states[0] if dropout is None else states[0] * dropout
        inner = ops.matmul(h, recurrent)  # [batch, num_gates * units]
        projected = ops.cast(_read(a, now), "float32")
        new, gates = cell.step(projected, inner, states, inner_bias)
        if mask is not None:
            real = _read(mask, now) > 0  # [batch, 1]
            new = [ops.where(real, n, s) for n, s in zip(new, states)]
        values = [*new, gates] if keep else new
        kept = [_write(array, now, value) for array, value in zip(kept, values)]
        return step + 1, new, kept, gates if hold_gates else ()

    widths = kept_widths(cell) if keep else [cell.units]
    kept = [ops.zeros((time, batch, width)) for width in widths]
    gates = ops.zeros((batch, cell.num_saved * cell.units)) if hold_gates else ()
    _, states, kept, gates = _repeat(body, steps, (0, list(states), kept, gates))
    return [*kept[:1], *states, *kept[1:], gates]


def kept_widths(cell: ScanCell) -> list[int]:
    """Returns the widths of what is kept of each step: the states, what is saved."""
    widths = [cell.units] * cell.num_states
    return widths + ([cell.num_saved * cell.units] if cell.num_saved else [])


def _backward(
    cell,
    dh,
    steps,
    reverse,
    recurrent,
    inner_bias,
    mask,
    dropout,
    states,
    dstates,
    kept,
) -> list:
    """Runs the steps backward, from the last one of the forward pass to its first.

    Args:
        cell: the formulas.
        dh: the gradient with respect to h after each step, `[time, batch, units]`.
        steps, reverse, recurrent, inner_bias, mask, dropout: as for `_forward`.
        states: those before the first step, a list of `[batch, units]`.
        dstates: the gradients with respect to the final states.
        kept: h, c where there is one, and what the cell has saved, of each step.

    Returns:
        A list: the gradients with respect to `a` and to the inner products, both
        `[time, batch, num_gates * units]`; then with respect to the first states.
    """
    time, batch = ops.shape(dh)[:2]
    steps = time if steps is None else steps
    back = ops.transpose(ops.cast(recurrent, "float32"))
    histories = kept[: cell.num_states]

    def body(step, gradients, results):
        now = ops.where(reverse, step, steps - 1 - step)
        before = ops.clip(ops.where(reverse, now + 1, now - 1), 0, time - 1)
        previous = [
            ops.where(step == steps - 1, first, _read(history, before))
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
            real = _read(mask, now) > 0  # [batch, 1]
            new = [ops.where(real, n, g) for n, g in zip(new, gradients)]
            da, inner = (ops.where(real, array, 0.0) for array in (da, inner))
        values = [da, inner] if cell.has_inner_bias else [da]
        results = [_write(array, now, v) for array, v in zip(results, values)]
        return step + 1, new, results

    width = cell.num_gates * cell.units
    results = [ops.zeros((time, batch, width))] * (1 + cell.has_inner_bias)
    _, dstates, results = _repeat(body, steps, (0, list(dstates), results))
    return [results[0], results[-1], *dstates]


def _repeat(body: Callable, steps, carry: tuple) -> tuple:
    """Calls a body on its own results until the first of them, the step, is `steps`."""
    at_once = _steps_at_once()
    if at_once == 1 or not isinstance(steps, int):  # symbolic while a model is made
        return ops.while_loop(lambda step, *_: step < steps, body, carry)

    def several(*carry):
        for _ in range(at_once):
            carry = body(*carry)
        return carry

    last = steps - steps % at_once
    carry = ops.while_loop(lambda step, *_: step < last, several, carry)
    for _ in range(steps % at_once):
        carry = body(*carry)
    return carry


def _steps_at_once() -> int:
    """Returns how many steps an iteration holds: on a GPU each costs a round trip."""
    if keras.backend.backend() == "jax":
        import jax

        return 4 if jax.default_backend() == "gpu" else 1
    return 1


def _read(array, step):
    """Returns `array[step]` of `[time, batch, width]`; of `[time, batch]` as
    `[batch, 1]`."""
    shape = ops.shape(array)
    if keras.backend.backend() == "tensorflow":
        row = read_step(array, step)
    else:
        row = ops.slice(array, (step, *[0] * (len(shape) - 1)), (1, *shape[1:]))
    return ops.reshape(row, (shape[1], 1 if len(shape) == 2 else shape[2]))


def _write(array, step, value):
    """Returns `[time, batch, width]` with `array[step]` replaced."""
    return ops.slice_update(array, (step, 0, 0), value[None])
