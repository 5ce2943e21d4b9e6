"""Recurrence over whole sequences, as compiled loops with gradients of their own.

What Keras computes step by step is split into what depends on the recursion and what
does not. The input projection of all steps is one product before the loop, and the
gradients of the weights are one product each after it; the loop holds one product and
the gates (`zoo.layers.scan_cells`), and inference keeps no gates at all.

The loops (`zoo.layers.scan_loops`) are written once in `keras.ops`. JAX compiles them
with everything else. On TensorFlow each is compiled by XLA inside a graph that is not,
so that the model around it keeps its own kernels and its variable lengths; there the
rows of the batch can be cut in two halves, whose loops run side by side, a core each,
with no barrier between them.

Layers take and return `[batch, time, features]`; inside, arrays are `[time, batch,
features]`, so that a step, and a chunk of steps, is one block of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from zoo.layers.chunks import Fixed, Kept, backward, forward
from zoo.layers.scan_cells import ScanCell, split_bias

# Fewer rows than this are not worth cutting in two.
ROWS_TO_HALVE = 8


def scan(
    cell: ScanCell,
    x,
    states: Sequence,
    kernel,
    recurrent_kernel,
    bias,
    *,
    mask=None,
    state_dropout=None,
    reverse: bool = False,
    keep: bool = True,
    halve: bool = False,
) -> tuple[Any, list]:
    """Runs a cell over a batch of sequences.

    Args:
        cell: one of `zoo.layers.scan_cells`.
        x: `[batch, time, features]`, in the type in which the products before and after
            the loop are computed; the loop itself is float32.
        states: those before the first step, float `[batch, units]`: h, and c for LSTM.
        kernel: `[features, num_gates * units]`, in the type of `x`, as all weights.
        recurrent_kernel: `[units, num_gates * units]`.
        bias: `[num_gates * units]`, for GRU `[2, num_gates * units]`.
        mask: bool `[batch, time]`, any pattern; where it is false the states stay.
        state_dropout: float `[batch, units]`, which h is multiplied by at each step.
        reverse: whether to begin with the last step.
        keep: whether to keep what the gradients need; if not, taking them runs the loop
            a second time.
        halve: whether to cut a batch of at least `ROWS_TO_HALVE` rows in two.

    Returns:
        h after each step, float32 `[batch, time, units]`, always in the order of time;
        and the list of final states.

    Raises:
        NotImplementedError: if a gradient of the gradient is taken.
    """
    states = [ops.cast(state, "float32") for state in states]
    if state_dropout is not None:
        state_dropout = ops.stop_gradient(state_dropout)
    arrays = (mask, state_dropout, x, *states)
    parts = []
    for mask, state_dropout, rows, *first in _halves(*arrays) if halve else [arrays]:
        run = _RowScan(cell, reverse, keep, mask, state_dropout)
        parts.append(run(rows, kernel, recurrent_kernel, bias, *first))
    batch, time = ops.shape(x)[:2]
    return _join(parts, batch, time, cell.units)


def _join(parts: list[tuple], batch, time, units: int) -> tuple[Any, list]:
    """Puts the rows together again; returns h of all steps, and the final states."""
    h, *finals = (
        part[0] if len(part) == 1 else ops.concatenate(part) for part in zip(*parts)
    )
    # Compiled for any batch and length, the loops do not say what is known of these.
    h = ops.reshape(h, (batch, time, units))
    return h, [ops.reshape(state, (batch, units)) for state in finals]


def _halves(*arrays) -> list[tuple]:
    """Cuts the rows of some arrays in two, if there are enough of them."""
    rows = arrays[-1].shape[0]
    if rows is None:
        rows = ops.shape(arrays[-1])[0]
        cut = ops.where(rows < ROWS_TO_HALVE, rows, (rows + 1) // 2)
    elif rows < ROWS_TO_HALVE:
        return [arrays]
    else:
        cut = (rows + 1) // 2
    return [
        tuple(None if a is None else a[part] for a in arrays)
        for part in (slice(None, cut), slice(cut, None))
    ]


@dataclass(frozen=True)
class _RowScan:
    """A scan of some rows of the batch: the loops, and the products around them.

    Args:
        cell, reverse, keep, mask, state_dropout: as for `scan`.
    """

    cell: ScanCell
    reverse: bool
    keep: bool
    mask: Any
    state_dropout: Any

    def __call__(self, *inputs) -> tuple:
        """Returns h after each step, then the final states.

        Args:
            inputs: x, kernel, recurrent kernel, bias, and the first states.
        """

        @ops.custom_gradient
        def run(*inputs):
            # So that a tape does not differentiate what has its gradient here.
            x, *others = (ops.stop_gradient(array) for array in inputs)
            constants = [_swapped(x), *others]
            results = self._forward(self.keep, *constants)

            def gradient(*upstream):
                if len(upstream) == 1:  # JAX hands over one tuple
                    (upstream,) = upstream
                _, kept = results if self.keep else self._forward(True, *constants)
                slopes = [ops.stop_gradient(array) for array in upstream]
                gradients = self._backward(kept, slopes, *constants)
                return _differentiated_once(gradients, [*inputs, *upstream])

            finals, kept = results
            return (_swapped(kept.h), *finals), gradient

        return run(*inputs)

    def _forward(
        self, keep: bool, x, kernel, recurrent, bias, *states
    ) -> tuple[list, Kept]:
        """Projects the input `[time, batch, features]` and runs the loop; see
        `chunks.forward`."""
        cell, dtype = self.cell, x.dtype
        time, batch = ops.shape(x)[:2]
        scale = ops.cast(cell.scale(), dtype)
        outer_bias, _ = split_bias(cell, bias)
        flat = ops.reshape(x, (-1, x.shape[-1]))  # [time * batch, features]
        a = ops.matmul(flat, kernel * scale) + outer_bias * scale
        a = ops.reshape(a, (time, batch, kernel.shape[-1]))
        return forward(cell, keep, a, self._fixed(recurrent, bias), states)

    def _backward(
        self, kept: Kept, upstream: list, x, kernel, recurrent, bias, *states
    ) -> list:
        """Returns the gradients with respect to x, the weights and the states.

        Args:
            kept: of the forward pass.
            upstream: gradients with respect to h of all steps and the final states.
            x, kernel, recurrent, bias, states: the inputs.
        """
        cell, dtype, (dh, *dstates) = self.cell, x.dtype, upstream
        fixed = self._fixed(recurrent, bias)
        da, inner, dstates = backward(cell, _swapped(dh), fixed, states, dstates, kept)
        da, inner, before = (  # each [time * batch, width]
            ops.cast(ops.reshape(array, (-1, array.shape[-1])), dtype)
            for array in (da, inner, self._before(kept.h, states[0]))
        )
        dbias = ops.sum(da, axis=0)
        if cell.has_inner_bias:
            dbias = ops.stack([dbias, ops.sum(inner, axis=0)])
        flat = ops.reshape(x, (-1, x.shape[-1]))
        dx = ops.reshape(ops.matmul(da, ops.transpose(kernel)), ops.shape(x))
        return [
            _swapped(dx),
            ops.matmul(ops.transpose(flat), da),
            ops.matmul(ops.transpose(before), inner),
            dbias,
            *dstates,
        ]

    def _before(self, h, first):
        """Returns what each step has multiplied by the recurrent kernel."""
        parts = [h[1:], first[None]] if self.reverse else [first[None], h[:-1]]
        before = ops.concatenate(parts, axis=0)  # [time, batch, units]
        return before if self.state_dropout is None else before * self.state_dropout

    def _fixed(self, recurrent, bias) -> Fixed:
        """Returns the arguments of both loops that are the same at every step."""
        _, inner_bias = split_bias(self.cell, bias)
        if inner_bias is not None:
            inner_bias = ops.cast(inner_bias, "float32")
        mask = self.mask
        if mask is not None:
            # TensorFlow would transpose before a cast, and oneDNN says that it
            # transposes no bool.
            mask = ops.transpose(ops.where(mask, 1.0, 0.0))
        return Fixed(self.reverse, recurrent, inner_bias, mask, self.state_dropout)


def _swapped(array):
    """Returns `[time, batch, width]` of `[batch, time, width]`, or the other way."""
    return ops.transpose(array, (1, 0, 2))


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
