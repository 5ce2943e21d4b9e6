"""Vectors of words from their characters."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import recurrent
from zoo.layers.embedding import unit_vectors


@keras.saving.register_keras_serializable("recurrent_zoo")
class CharacterConvolution(keras.layers.Layer):
    """A vector for each word: a convolution over its characters, then the maximum.

    As in Ma and Hovy (2016). Padding is left out.

    Args:
        vocabulary_size: number of character ids, 0 being padding.
        embedding_size: size of a character's vector.
        filters: size of a word's vector.
        width: characters that a filter spans.

    Call arguments:
        character_ids: int32 `[batch, time, characters]`.

    Returns:
        float `[batch, time, filters]`; zero for a word without characters.

    >>> tuple(CharacterConvolution(9, filters=8)(ops.ones((2, 5, 7), "int32")).shape)
    (2, 5, 8)
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int = 32,
        filters: int = 64,
        width: int = 3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size, self.embedding_size = vocabulary_size, embedding_size
        self.filters, self.width = filters, width

    def build(self, shape):
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_size),
            initializer=unit_vectors(self.embedding_size),
            name="embeddings",
        )
        self.kernel = self.add_weight(
            shape=(self.width * self.embedding_size, self.filters), name="kernel"
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="bias"
        )

    def call(self, character_ids):
        batch, time, length = ops.shape(character_ids)
        ids = ops.reshape(character_ids, (-1, length))  # [words, length]
        mask = ops.expand_dims(ops.not_equal(ids, 0), -1)  # [words, length, 1]
        x = ops.take(self.embeddings, ids, axis=0) * ops.cast(mask, self.compute_dtype)
        # The windows side by side make the convolution one matrix product, which is
        # faster on a CPU than the convolution kernel, and its gradient much faster.
        before = self.width // 2
        padded = ops.pad(x, ((0, 0), (before, self.width - 1 - before), (0, 0)))
        windows = ops.concatenate(
            [padded[:, i : i + length] for i in range(self.width)], axis=-1
        )  # [words, length, width * embedding_size]
        x = ops.relu(ops.matmul(windows, self.kernel) + self.bias)
        x = ops.max(x * ops.cast(mask, x.dtype), axis=1)  # [words, filters]
        return ops.reshape(x, (batch, time, self.filters))

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_size": self.embedding_size,
            "filters": self.filters,
            "width": self.width,
        }


@keras.saving.register_keras_serializable("recurrent_zoo")
class CharacterLSTM(keras.layers.Layer):
    """A vector for each word: the final states of a bidirectional LSTM over its
    characters (Lample et al. 2016).

    Args:
        vocabulary_size: number of character ids, 0 being padding.
        embedding_size: size of a character's vector.
        units: size of the state of each direction.

    Call arguments:
        character_ids: int32 `[batch, time, characters]`.

    Returns:
        float `[batch, time, 2 * units]`; zero for a word without characters.

    >>> tuple(CharacterLSTM(9, units=4)(ops.ones((2, 5, 7), "int32")).shape)
    (2, 5, 8)
    """

    def __init__(
        self, vocabulary_size: int, embedding_size: int = 32, units: int = 32, **kwargs
    ):
        super().__init__(**kwargs)
        self.vocabulary_size, self.embedding_size = vocabulary_size, embedding_size
        self.units = units
        layer = recurrent.LSTM(
            units,
            return_sequences=True,
            return_state=True,
            zero_output_for_mask=True,
            dtype=self.dtype_policy,
            name="lstm",
        )
        # The name is part of the variables' paths in checkpoints.
        self.lstm = recurrent.Bidirectional(
            layer, dtype=self.dtype_policy, name="letters"
        )

    def build(self, shape):
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_size),
            initializer=unit_vectors(self.embedding_size),
            name="embeddings",
        )
        self.lstm.build((None, None, self.embedding_size))

    def call(self, character_ids):
        batch, time, length = ops.shape(character_ids)
        ids = ops.reshape(character_ids, (-1, length))  # [words, length]
        mask = ops.not_equal(ids, 0)
        # No row may be all padding on cuDNN, so every one has a first step.
        read = ops.logical_or(mask, ops.arange(length) == 0)
        x = ops.take(self.embeddings, ids, axis=0)  # [words, length, embedding_size]
        _, forward, _, backward, _ = self.lstm(x, mask=read)
        x = ops.cast(ops.concatenate([forward, backward], axis=-1), self.compute_dtype)
        x = x * ops.cast(mask[:, :1], x.dtype)  # [words, 2 * units]
        return ops.reshape(x, (batch, time, 2 * self.units))

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_size": self.embedding_size,
            "units": self.units,
        }
