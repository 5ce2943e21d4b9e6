"""The weights of a Keras model by variable path, out of it and into it."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.keras_compat import set_initial_value
from zoo.text.vocabulary import SPECIAL_TOKENS

if TYPE_CHECKING:
    import keras

WEIGHTS = "weights.safetensors"
SMALL = 1 << 12  # a size up to this is never too large


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns the weights of a Keras model by variable path.

    Raises:
        ValueError: if two variables share a path.
    """
    weights = {v.path: v.numpy() for v in model.weights}
    if len(weights) != len(model.weights):
        raise ValueError("model: two variables share a path; name every layer apart")
    return weights


def check_sizes(
    model: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    vocabularies: Mapping[str, Sized],
) -> None:
    """Checks, before a model is built, that it is no larger than its weights.

    Args:
        model: the fields of its configuration.
        weights: arrays by variable path.
        vocabularies: lists of tokens, by name.

    Raises:
        ValueError: if a size is above every size of the weights and of the
            vocabularies, or there are more layers than arrays.
    """
    sizes = [size for array in weights.values() for size in array.shape]
    sizes += [len(entries) + len(SPECIAL_TOKENS) for entries in vocabularies.values()]
    largest = max([SMALL, *sizes])
    for name, value in model.items():
        most = len(weights) if name == "num_layers" else largest
        if isinstance(value, int) and value > most:
            raise ValueError(
                f"{name}: expected at most {most}, which the weights have room for, "
                f"got {value}"
            )


def fill(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Assigns weights by variable path, converting them to the variables' types.

    Variables that a `keras.StatelessScope` has left without a value start with theirs.

    Raises:
        ValueError: if paths or shapes differ from the model's, or a weight is not a
            finite number.
    """
    import keras

    variables = {v.path: v for v in model.weights}
    differing = sorted(variables.keys() ^ weights.keys())
    if differing:
        side = "the model" if differing[0] in variables else "the checkpoint"
        raise ValueError(f"{WEIGHTS}: {differing[0]} is only in {side}")
    for path, variable in variables.items():
        if tuple(variable.shape) != weights[path].shape:
            raise ValueError(
                f"{WEIGHTS}: {path} has the shape {weights[path].shape}; "
                f"expected {tuple(variable.shape)}"
            )
        if not np.isfinite(weights[path]).all():
            raise ValueError(f"{WEIGHTS}: {path} has a number that is not finite")
    for path, variable in variables.items():
        set_initial_value(variable, weights[path].astype(variable.dtype))
    with keras.StatelessScope():
        pass  # at whose end variables without a value get one
