"""Stacks of recurrent layers, from a configuration."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

import keras

from zoo.layers import recurrent

Cell = Literal["simple", "lstm", "gru"]
Initializer = Literal["orthogonal", "identity"]
Precision = Literal["float32", "mixed_bfloat16"]
CELLS = {
    "simple": recurrent.SimpleRNN,
    "lstm": recurrent.LSTM,
    "gru": recurrent.GRU,
}


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig:
    """What every model of the zoo shares: its stack of recurrent layers.

    Args:
        cell: `"simple"` (Elman), `"lstm"` or `"gru"`.
        units: size of the state, of each direction.
        num_layers: how many recurrent layers are stacked.
        bidirectional: whether the sequence is also read backwards.
        input_dropout: share of the embeddings' features dropped in training.
        output_dropout: share of each recurrent layer's outputs dropped in training.
        recurrent_dropout: share of the state dropped inside each step in training, the
            same units at every step (Gal and Ghahramani 2016); on a GPU it takes the
            layers off cuDNN.
        weight_drop: share of the recurrent weights dropped in training, the same ones
            at every step of a batch (Merity et al. 2018); on a GPU it takes the layers
            off cuDNN.
        variational_dropout: whether input and output dropout drop the same features at
            every step, too.
        recurrent_initializer: `"orthogonal"`, or `"identity"`, which makes the simple
            cell the IRNN of Le et al. (2015), with ReLU in place of tanh.
        dtype: `"float32"` or `"mixed_bfloat16"`; outputs are float32 in both.

    Raises:
        ValueError: if a value is out of its range.
    """

    cell: Cell = "lstm"
    units: int = 128
    num_layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.0
    output_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    weight_drop: float = 0.0
    variational_dropout: bool = False
    recurrent_initializer: Initializer = "orthogonal"
    dtype: Precision = "float32"

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            check_field(field.name, getattr(self, field.name), hints[field.name])

    @classmethod
    def select(cls, options: Any, **sizes: int):
        """Makes a configuration of the fields that `options` shares with it.

        Args:
            options: an object with such attributes, as a recipe's configuration.
            sizes: further fields, which come from the data.
        """
        names = [f.name for f in dataclasses.fields(cls) if f.name not in sizes]
        shared = {n: getattr(options, n) for n in names if hasattr(options, n)}
        return cls(**shared, **sizes)

    @property
    def num_states(self) -> int:
        """How many state tensors one layer carries in one direction."""
        return 2 if self.cell == "lstm" else 1


def check_field(name: str, value: Any, hint: Any) -> None:
    """Raises ValueError unless a configuration value fits its type and its range.

    Integers must be positive and floats, all of which are dropout shares, in [0, 1),
    but for the factors of penalties, which must not be negative.
    """
    if isinstance(hint, types.UnionType) and value is None:
        return  # an option that is not taken
    hint = hint.__args__[0] if isinstance(hint, types.UnionType) else hint
    if typing.get_origin(hint) is Literal:
        expected, fits = " or ".join(map(repr, hint.__args__)), value in hint.__args__
    elif hint is bool:
        expected, fits = "true or false", isinstance(value, bool)
    elif hint is int:
        expected = "a whole number above 0"
        fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
    elif name.endswith("_penalty"):
        expected = "a number of at least 0"
        fits = isinstance(value, (int, float)) and 0 <= value < float("inf")
    else:
        expected = "a number from 0 up to, not including, 1"
        fits = isinstance(value, (int, float)) and 0 <= value < 1
    if not fits:
        raise ValueError(f"{name}: expected {expected}, got {value!r}")


def recurrent_layer(
    config: RecurrentConfig, name: str, bidirectional: bool | None = None
) -> keras.layers.Layer:
    """Makes one layer that returns its sequence and its final states.

    Args:
        config: cell, units, dropout and initialiser.
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
    layer = CELLS[config.cell](
        config.units,
        # Keras's identity initialiser is for square matrices only.
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
        x, *state = recurrent_layer(config, f"{prefix}_{i}")(x, mask=mask)
        states.append(state)
        x = dropout(x, config.output_dropout, f"{prefix}_{i}_dropout", config)
    return x, states


def dropout(x, rate: float, name: str, config: RecurrentConfig):
    """Applies a named dropout layer, or nothing at rate 0."""
    if not rate:
        return x
    kind = keras.layers.Dropout
    if config.variational_dropout and len(x.shape) == 3:
        kind = keras.layers.SpatialDropout1D  # the same features at every step
    return kind(rate, dtype=config.dtype, name=name)(x)


@keras.saving.register_keras_serializable("recurrent_zoo")
class StackedIdentity(keras.initializers.Initializer):
    """Identity matrices side by side, one for each gate (Le et al. 2015)."""

    def __call__(self, shape, dtype=None):
        rows, columns = shape
        return keras.ops.tile(keras.ops.eye(rows, dtype=dtype), (1, columns // rows))
