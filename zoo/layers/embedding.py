"""Vectors of tokens: learned from the task, or given and kept; and word dropout."""

from __future__ import annotations

import math

import keras
from keras import ops

from zoo.layers.config import EmbeddingOptions
from zoo.text.vocabulary import UNKNOWN

EMBEDDING = "embedding"  # name of the layer of the tokens' vectors


def unit_vectors(size: int) -> keras.initializers.Initializer:
    """Returns an initializer of embeddings: vectors with a mean square length of 1.

    Its numbers are uniform between plus and minus sqrt(3 / size), as in Ma and Hovy
    (2016). Keras's own initializer, +-0.05, is so narrow that a model takes long to
    tell words apart.

    Args:
        size: of a vector.

    >>> round(unit_vectors(3).maxval, 2)
    1.0
    """
    bound = math.sqrt(3 / size)
    return keras.initializers.RandomUniform(-bound, bound)


def embed_tokens(
    token_ids,
    config: EmbeddingOptions,
    *,
    vocabulary_size: int,
    num_frozen: int | None = None,
    dtype: str = "float32",
    prefix: str = "",
):
    """Looks tokens up, after making some of them unknown in training.

    Args:
        token_ids: int32 `[batch, time]`.
        config: size of the vectors, and word dropout.
        vocabulary_size: number of token ids.
        num_frozen: how many of the last ids have given vectors that stay.
        dtype: of the layer.
        prefix: of the layers' names.

    Returns:
        float `[batch, time, embedding_size]`, from a layer named `embedding`.
    """
    if config.word_dropout:
        layer = WordDropout(config.word_dropout, name=f"{prefix}word_dropout")
        token_ids = layer(token_ids)
    size, name = config.embedding_size, f"{prefix}{EMBEDDING}"
    if num_frozen:
        num_learned = vocabulary_size - num_frozen
        layer = PartlyFrozenEmbedding(
            num_learned, num_frozen, size, dtype=dtype, name=name
        )
    else:
        layer = keras.layers.Embedding(
            vocabulary_size,
            size,
            embeddings_initializer=unit_vectors(size),
            dtype=dtype,
            name=name,
        )
    return layer(token_ids)  # [batch, time, embedding_size]


@keras.saving.register_keras_serializable("recurrent_zoo")
class PartlyFrozenEmbedding(keras.layers.Layer):
    """An embedding whose first ids are learned, while the vectors of the others stay.

    It has two tables, so that a training step costs nothing for vectors that it does
    not change, however many there are. With `vectors.trainable = True` they are learned
    as well.

    Args:
        num_learned: number of ids in the table `embeddings`, from 0 on.
        num_frozen: number of ids in the table `vectors`, which follow.
        size: of a vector.

    Call arguments:
        token_ids: int32 `[batch, time]`.

    Returns:
        float `[batch, time, size]`.
    """

    def __init__(self, num_learned: int, num_frozen: int, size: int, **kwargs):
        super().__init__(**kwargs)
        self.num_learned, self.num_frozen, self.size = num_learned, num_frozen, size

    def build(self, shape):
        options = {"initializer": unit_vectors(self.size), "autocast": False}
        self.embeddings = self.add_weight(
            shape=(self.num_learned, self.size), name="embeddings", **options
        )
        self.vectors = self.add_weight(
            shape=(self.num_frozen, self.size), name="vectors", **options
        )
        # Only now, or TensorFlow would never have a gradient for it.
        self.vectors.trainable = False

    def call(self, token_ids):
        last = self.num_learned - 1
        learned = ops.take(self.embeddings, ops.minimum(token_ids, last), axis=0)
        others = ops.maximum(token_ids - self.num_learned, 0)
        frozen = ops.take(self.vectors, others, axis=0)
        is_learned = ops.expand_dims(token_ids <= last, -1)  # [batch, time, 1]
        return ops.cast(ops.where(is_learned, learned, frozen), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_learned": self.num_learned,
            "num_frozen": self.num_frozen,
            "size": self.size,
        }


@keras.saving.register_keras_serializable("recurrent_zoo")
class WordDropout(keras.layers.Layer):
    """Replaces random tokens by the unknown one in training; padding stays.

    Args:
        rate: share of the tokens that are replaced.

    Call arguments:
        token_ids: int32 `[batch, time]`.
        training: whether to drop any.

    Returns:
        int32 `[batch, time]`.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed_generator = rate, keras.random.SeedGenerator()

    def call(self, token_ids, training=False):
        if not training:
            return token_ids
        drawn = keras.random.uniform(ops.shape(token_ids), seed=self.seed_generator)
        dropped = ops.logical_and(drawn < self.rate, token_ids != 0)
        return ops.where(dropped, UNKNOWN, token_ids)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
