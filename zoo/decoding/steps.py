"""Helpers that the searches share."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from zoo.text.vocabulary import END

LOWEST = -1e9  # a logarithm that stands for impossible


def buffer_length(length: int) -> int:
    """Returns the length of the buffer for a sequence: a power of two, at least 16.

    Programs are compiled for buffers; how much of one is used is their argument.

    >>> [buffer_length(n) for n in (1, 16, 17, 100)]
    [16, 16, 32, 128]
    """
    return max(16, 1 << (length - 1).bit_length())


def rule_out(logits):
    """Rules out padding, unknown and start, which are never written."""
    ids = ops.arange(ops.shape(logits)[-1])
    return ops.where(ids < END, LOWEST, logits)


def occurring(ids, shape):
    """Tells which ids of the vocabulary occur in each row.

    Args:
        ids: int32 `[rows, time]`.
        shape: rows and size of the vocabulary.

    Returns:
        bool `[rows, vocabulary]`.

    >>> ops.convert_to_numpy(occurring(ops.array([[1, 1, 3]]), (1, 4))).tolist()
    [[False, True, False, True]]
    """
    rows = ops.zeros_like(ids) + ops.arange(shape[0])[:, None]  # [rows, time]
    places = ops.stack([ops.reshape(a, (-1,)) for a in (rows, ids)], axis=1)
    return ops.scatter(places, ops.ones_like(places[:, 0]), shape) > 0


def compile_for_prediction(model: keras.Model) -> None:
    """Sets how `predict_on_batch` compiles: by XLA on JAX, as a graph on TensorFlow."""
    model.jit_compile = keras.backend.backend() == "jax"


def language_model_step(model: keras.Model) -> Callable:
    """Returns the step of a language model, for the searches.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
    """

    def step(ids, states):
        logits, *new = model([ids[:, None], *states])
        # A loop keeps its types, even where the layers compute in bfloat16.
        return logits[:, 0], [ops.cast(n, s.dtype) for n, s in zip(new, states)]

    return step


def first_states(model: keras.Model, rows: int) -> list:
    """Returns a language model's states before the first token."""
    return [ops.zeros((rows, s.shape[-1]), s.dtype) for s in model.inputs[1:]]
