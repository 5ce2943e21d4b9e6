"""One step of each recurrent cell, and its gradient, for the compiled scans.

A cell computes from the projected input `a` and the product `inner` of the state before
the step and the recurrent kernel. A sigmoid is `0.5 tanh(0.5 x) + 0.5`, so that one
tanh serves all gates: both products must have been multiplied by the cell's `scale()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keras import ops


@dataclass(frozen=True)
class SimpleCell:
    """h' = activation(a + h U), the network of Elman (1990).

    The other cells have the same attributes and methods.

    Args:
        units: size of the state.
        activation: `"tanh"` or `"relu"`.

    Attributes:
        num_gates: width of `a` and `inner`, in units.
        num_states: how many arrays the state is made of; the first is h.
        num_saved: width, in units, of what a step saves for its gradient besides the
            states.
        has_inner_bias: whether a second bias is added to `inner`, inside a gate.
    """

    units: int
    activation: str = "tanh"
    num_gates: ClassVar[int] = 1
    num_states: ClassVar[int] = 1
    num_saved: ClassVar[int] = 0
    has_inner_bias: ClassVar[bool] = False

    def scale(self):
        """Returns what both products are multiplied by, `[num_gates * units]`."""
        return ops.ones((self.units,))

    def step(self, a, inner, states, inner_bias):
        """Computes one step.

        Args:
            a: projection of the input, bias and all, `[batch, num_gates * units]`.
            inner: product of h and the recurrent kernel, of the same shape.
            states: a list of `num_states` arrays `[batch, units]`.
            inner_bias: `[units]`; None unless `has_inner_bias`.

        Returns:
            The new states, and `[batch, num_saved * units]` to be saved; None if
            `num_saved` is 0.
        """
        z = a + inner
        return [ops.tanh(z) if self.activation == "tanh" else ops.relu(z)], None

    def step_gradient(self, gradients, saved, states, previous):
        """Computes the gradients of one step.

        Args:
            gradients: with respect to the new states, a list.
            saved: what `step` has saved.
            states: the new states.
            previous: the states before the step.

        Returns:
            The gradients with respect to `a`, to `inner`, and to the previous states as
            far as they do not pass through `inner`.
        """
        (dh,), (h,) = gradients, states
        slope = 1 - h * h if self.activation == "tanh" else ops.cast(h > 0, h.dtype)
        return dh * slope, dh * slope, [ops.zeros_like(dh)]


@dataclass(frozen=True)
class LSTMCell:
    """The LSTM of Hochreiter and Schmidhuber (1997), with a forget gate (Gers et al.).

    Gates in the order of Keras: input, forget, candidate, output. See `SimpleCell`.

    Args:
        units: size of each of the two states, h and c.
    """

    units: int
    num_gates: ClassVar[int] = 4
    num_states: ClassVar[int] = 2
    num_saved: ClassVar[int] = 4
    has_inner_bias: ClassVar[bool] = False

    def scale(self):
        half, one = ops.full((self.units,), 0.5), ops.ones((self.units,))
        return ops.concatenate([half, half, one, half])

    def step(self, a, inner, states, inner_bias):
        scale = self.scale()
        gates = ops.tanh(a + inner) * scale + ops.where(scale < 1, scale, 0.0)
        i, f, g, o = ops.split(gates, 4, axis=1)  # each [batch, units]
        c = f * states[1] + i * g
        return [o * ops.tanh(c), c], gates

    def step_gradient(self, gradients, saved, states, previous):
        (dh, dc), (i, f, g, o) = gradients, ops.split(saved, 4, axis=1)
        tanh_c = ops.tanh(states[1])
        dc = dc + dh * (o * (1 - tanh_c * tanh_c))
        # Factors first: XLA would compute what is below a concatenation in every part.
        slopes = [
            g * i * (1 - i),
            previous[1] * f * (1 - f),
            i * (1 - g * g),
            tanh_c * o * (1 - o),
        ]
        da = ops.concatenate([dc, dc, dc, dh], axis=1)  # [batch, 4 * units]
        da = da * ops.concatenate(slopes, axis=1)
        return da, da, [ops.zeros_like(dh), dc * f]


@dataclass(frozen=True)
class GRUCell:
    """The GRU of Cho et al. (2014) with the reset gate after the product, as in cuDNN.

    Gates in the order of Keras: update, reset, candidate. See `SimpleCell`.

    Args:
        units: size of the state.
    """

    units: int
    num_gates: ClassVar[int] = 3
    num_states: ClassVar[int] = 1
    num_saved: ClassVar[int] = 4
    has_inner_bias: ClassVar[bool] = True

    def scale(self):
        half, one = ops.full((2 * self.units,), 0.5), ops.ones((self.units,))
        return ops.concatenate([half, one])

    def step(self, a, inner, states, inner_bias):
        two = 2 * self.units
        update_and_reset = 0.5 * ops.tanh(a[:, :two] + inner[:, :two]) + 0.5
        u, r = ops.split(update_and_reset, 2, axis=1)  # each [batch, units]
        recurrent = inner[:, two:] + inner_bias
        g = ops.tanh(a[:, two:] + r * recurrent)
        h = u * states[0] + (1 - u) * g
        return [h], ops.concatenate([update_and_reset, g, recurrent], axis=1)

    def step_gradient(self, gradients, saved, states, previous):
        (dh,), (u, r, g, recurrent) = gradients, ops.split(saved, 4, axis=1)
        du = dh * (previous[0] - g) * u * (1 - u)
        dg = dh * (1 - u) * (1 - g * g)
        dr = dg * recurrent * r * (1 - r)
        da = ops.concatenate([du, dr, dg], axis=1)  # [batch, 3 * units]
        return da, ops.concatenate([du, dr, dg * r], axis=1), [dh * u]


ScanCell = SimpleCell | LSTMCell | GRUCell


def split_bias(cell: ScanCell, bias) -> tuple:
    """Splits a layer's bias into what is added to `a` and what is added to `inner`.

    Args:
        cell: of the layer.
        bias: as Keras has it, `[num_gates * units]`; `[2, num_gates * units]` for GRU.

    Returns:
        The bias of `a`, `[num_gates * units]`, and the inner bias, `[units]` or None.
    """
    if not cell.has_inner_bias:
        return bias, None
    two = 2 * cell.units
    outer = ops.concatenate([bias[0, :two] + bias[1, :two], bias[0, two:]])
    return outer, bias[1, two:]
