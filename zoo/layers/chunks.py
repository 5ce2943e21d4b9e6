"""The compiled loops over a sequence of any length.

XLA compiles a program for each shape. On TensorFlow a corpus of many lengths would wait
for as many programs; so a sequence is cut into chunks of `CHUNK` steps, for which one
program serves: a loop of TensorFlow runs it chunk by chunk, and hands on the states.
The last chunk says how many of its steps are real. The whole sequence is one program
where its length is known beforehand, as with the streams of a language model or a
single step of a search; where XLA compiles the model around it; and on JAX.

Arrays are `[time, batch, features]`: a chunk is a part of the first axis, which
TensorFlow takes without copying.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.keras_compat import is_inside_xla
from zoo.layers.scan_cells import ScanCell
from zoo.layers.scan_loops import backward_loop, forward_loop, kept_widths

CHUNK = 16  # steps; on a busy machine 8 was slower, 32 about as fast


class Fixed(NamedTuple):
    """What is the same at every step.

    Attributes:
        reverse: whether to begin with the last step.
        recurrent: the recurrent kernel `[units, num_gates * units]`.
        inner_bias: `[units]`, or None.
        mask: float `[time, batch]`, 0 at padding, or None.
        dropout: what h is multiplied by at each step, `[batch, units]`, or None.
    """

    reverse: bool
    recurrent: Any
    inner_bias: Any
    mask: Any
    dropout: Any

    def arguments(self, mask) -> tuple:
        """Returns the arguments of the compiled loops, with the mask of some steps."""
        # A tensor, so that one program serves both directions.
        reverse = ops.convert_to_tensor(self.reverse, "bool")
        return (reverse, self.recurrent, self.inner_bias, mask, self.dropout)


class Kept(NamedTuple):
    """What the gradients need of a forward pass, besides its input.

    Attributes:
        h: after each step, `[time, batch, units]`.
        saved: of each step c, where there is one, and what the cell saves; of chunks h
            as well, which are all `TensorArray`.
        starts: the states before each chunk, a `TensorArray` for each; None if the
            whole sequence is one program.
    """

    h: Any
    saved: list
    starts: list | None = None


def forward(
    cell: ScanCell, keep: bool, a, fixed: Fixed, states: Sequence
) -> tuple[list, Kept]:
    """Runs the steps of a batch of sequences.

    Args:
        cell: the formulas.
        keep: whether to return what the gradients need.
        a: the scaled projection of the input, `[time, batch, num_gates * units]`.
        fixed: the other arguments of the loop.
        states: a list of `[batch, units]`.

    Returns:
        The final states; and h and what `backward` needs besides, if it is kept.
    """
    if _is_cut(a):
        return _forward_in_chunks(cell, keep, a, fixed, list(states))
    loop = forward_loop(cell, keep)
    h, *others = loop(a, None, *fixed.arguments(fixed.mask), list(states))
    return others[: cell.num_states], Kept(h, others[cell.num_states : -1])


def backward(
    cell: ScanCell,
    dh,
    fixed: Fixed,
    states: Sequence,
    dstates: Sequence,
    kept: Kept,
) -> tuple[Any, Any, list]:
    """Runs the steps backward.

    Args:
        cell: the formulas.
        dh: the gradient with respect to h, `[time, batch, units]`.
        fixed: the other arguments of the loop.
        states: those before the first step, a list of `[batch, units]`.
        dstates: the gradients with respect to the final states.
        kept: what `forward` has returned.

    Returns:
        The gradients with respect to `a` and to the inner products, both `[time, batch,
        num_gates * units]`; and those with respect to the first states.
    """
    if kept.starts is not None:
        return _backward_in_chunks(cell, dh, fixed, list(dstates), kept)
    arguments = (None, *fixed.arguments(fixed.mask), list(states), list(dstates))
    arrays = [kept.h, *kept.saved]
    da, inner, *dstates = backward_loop(cell)(dh, *arguments, arrays)
    return da, inner, list(dstates)


def _is_cut(array) -> bool:
    """Whether a sequence is run in chunks."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    time = array.shape[0]
    if time is None:
        return not is_inside_xla()
    return tf.executing_eagerly() and time > CHUNK


def _forward_in_chunks(
    cell: ScanCell, keep: bool, a, fixed: Fixed, states: list
) -> tuple[list, Kept]:
    import tensorflow as tf

    loop, (time, chunks) = forward_loop(cell, keep), _count(a)
    kept = _kept_arrays(cell, chunks) if keep else []

    def body(k, h, states, kept):
        place = chunks - 1 - k if fixed.reverse else k
        steps = tf.minimum(CHUNK, time - place * CHUNK)
        mask = None if fixed.mask is None else _piece(fixed.mask, place)
        part, *others = loop(
            _piece(a, place), steps, *fixed.arguments(mask), list(states)
        )
        new, saved = others[: cell.num_states], others[cell.num_states : -1]
        if keep:
            values = [part, *saved, *states]
            kept = [array.write(place, v) for array, v in zip(kept, values)]
        new = [tf.ensure_shape(n, s.shape) for n, s in zip(new, states)]
        return k + 1, h.write(place, part[:steps]), new, kept

    _, h, states, kept = tf.while_loop(
        lambda k, *_: k < chunks,
        body,
        (0, _results(chunks, time, cell.units), states, kept),
    )
    cut = len(kept) - cell.num_states
    return states, Kept(_joined(h, a, cell.units), kept[:cut], kept[cut:])


def _backward_in_chunks(
    cell: ScanCell, dh, fixed: Fixed, dstates: list, kept: Kept
) -> tuple[Any, Any, list]:
    import tensorflow as tf

    loop, (time, chunks) = backward_loop(cell), _count(dh)

    def body(k, dstates, results):
        place = k if fixed.reverse else chunks - 1 - k
        steps = tf.minimum(CHUNK, time - place * CHUNK)
        mask = None if fixed.mask is None else _piece(fixed.mask, place)
        da, inner, *new = loop(
            _piece(dh, place),
            steps,
            *fixed.arguments(mask),
            [array.read(place) for array in kept.starts or ()],
            list(dstates),
            [array.read(place) for array in kept.saved],
        )
        values = [da, inner] if cell.has_inner_bias else [da]
        results = [r.write(place, v[:steps]) for r, v in zip(results, values)]
        new = [tf.ensure_shape(n, s.shape) for n, s in zip(new, dstates)]
        return k + 1, new, results

    width = cell.num_gates * cell.units
    results = [_results(chunks, time, width) for _ in range(1 + cell.has_inner_bias)]
    _, dstates, results = tf.while_loop(
        lambda k, *_: k < chunks, body, (0, dstates, results)
    )
    joined = [_joined(r, dh, width) for r in results]
    return joined[0], joined[-1], dstates


def _count(array) -> tuple:
    """Returns the number of steps and that of chunks, none for a batch of no rows.

    Such is the second half of a batch that is too small to be cut in two; it should not
    have a program of its own.
    """
    time, batch = ops.shape(array)[:2]
    chunks = ops.maximum(1, (time + CHUNK - 1) // CHUNK)
    return time, chunks * ops.minimum(1, batch)


def _kept_arrays(cell: ScanCell, chunks) -> list:
    """Returns where chunks are kept: h, c and what is saved, and the states before."""
    return [
        *(_array(chunks, (CHUNK, None, width)) for width in kept_widths(cell)),
        *(_array(chunks, (None, cell.units)) for _ in range(cell.num_states)),
    ]


def _results(size, time, width: int):
    """Returns where chunks of a result `[time, batch, width]` are written."""
    # Without any chunk it holds a result of no rows; else the first one replaces that.
    none = ops.zeros((time, 0, width))
    return _array(ops.maximum(1, size), (None, None, width)).write(0, none)


def _array(size, shape: tuple):
    import tensorflow as tf

    return tf.TensorArray(
        tf.float32,
        size,
        clear_after_read=False,
        infer_shape=False,
        element_shape=shape,
    )


def _piece(array, place):
    """Returns a chunk of an array, filled up with zeros."""
    import tensorflow as tf

    piece = array[place * CHUNK : (place + 1) * CHUNK]  # [at most CHUNK, batch, ...]
    missing = CHUNK - tf.shape(piece)[0]
    piece = tf.pad(piece, [[0, missing]] + [[0, 0]] * (len(array.shape) - 1))
    return tf.ensure_shape(piece, [CHUNK, *array.shape[1:]])


def _joined(chunks, like, width: int):
    """Returns the chunks as one array `[time, batch, width]`, as many as in another."""
    return ops.reshape(chunks.concat(), (*ops.shape(like)[:2], width))
