"""Stacks of recurrent layers, from a configuration."""

from __future__ import annotations

from typing import Any

import keras

from zoo.layers import recurrent
from zoo.layers.config import RecurrentConfig, RecurrentOptions

RECURRENT_LAYERS = {
    "simple": recurrent.SimpleRNN,
    "lstm": recurrent.LSTM,
    "gru": recurrent.GRU,
}


def layer_name(index: int, prefix: str = "recurrent") -> str:
    """Returns the name of a recurrent layer of a stack."""
    return f"{prefix}_{index}"


def recurrent_layer(
    config: RecurrentConfig, name: str, bidirectional: bool | None = None
) -> keras.layers.Layer:
    """Makes one layer that returns its sequence and its final states.

    Args:
        config: cell, units, dropout and initializer.
        name: of the layer.
        bidirectional: overrides the configuration's.

    Returns:
        A layer from `[batch, time, features]` to a list: the outputs `[batch, time,
        units]` (twice the units if bidirectional), zero where `mask` is false; then
        the final states `[batch, units]`, of both directions if there are two.
    """
    identity = config.recurrent_initializer == "identity"
    options: dict[str, Any] = {}
    if config.cell == "simple" and identity:
        options["activation"] = "relu"
    layer = RECURRENT_LAYERS[config.cell](
        config.units,
        # Keras's identity initializer is for square matrices only.
        recurrent_initializer=StackedIdentity() if identity else "orthogonal",
        recurrent_dropout=config.recurrent_dropout,
        weight_drop=config.weight_drop,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        dtype=config.dtype,
        name=name,
        **options,
    )
    if config.bidirectional if bidirectional is None else bidirectional:
        layer = recurrent.Bidirectional(layer, dtype=config.dtype, name=name)
    return layer


def recurrent_stack(x, mask, config: RecurrentConfig, prefix: str = "recurrent"):
    """Stacks `config.num_layers` recurrent layers, with dropout around each.

    Args:
        x: float `[batch, time, features]`.
        mask: bool `[batch, time]`, true at real steps; or None.
        config: the stack.
        prefix: of the layers' names.

    Returns:
        The outputs of the last layer `[batch, time, width]`, and for each layer the
        list of its final states `[batch, units]`, forward ones first.
    """
    x = dropout(x, config.input_dropout, f"{prefix}_input_dropout", config)
    states = []
    for i in range(config.num_layers):
        # [batch, time, units], with twice the units if bidirectional
        x, *state = recurrent_layer(config, layer_name(i, prefix))(x, mask=mask)
        states.append(state)
        x = dropout(x, config.output_dropout, f"{prefix}_{i}_dropout", config)
    return x, states


def dropout(x, rate: float, name: str, config: RecurrentOptions):
    """Applies a named dropout layer, or nothing at rate 0."""
    if not rate:
        return x
    kind = keras.layers.Dropout
    if config.variational_dropout and len(x.shape) == 3:
        kind = keras.layers.SpatialDropout1D  # the same features at every step
    return kind(rate, dtype=config.dtype, name=name)(x)


@keras.saving.register_keras_serializable("recurrent_zoo")
class StackedIdentity(keras.initializers.Initializer):
    """Identity matrices side by side, one for each gate (Le et al. 2015).

    >>> keras.ops.convert_to_numpy(StackedIdentity()((2, 4), "int32")).tolist()
    [[1, 0, 1, 0], [0, 1, 0, 1]]
    """

    def __call__(self, shape, dtype=None):
        rows, columns = shape
        return keras.ops.tile(keras.ops.eye(rows, dtype=dtype), (1, columns // rows))
