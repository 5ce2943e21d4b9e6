"""Sequence tagging: a label for every token."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from zoo.layers.characters import CharacterConvolution
from zoo.layers.pooling import PaddingMask
from zoo.layers.stacks import RecurrentConfig, recurrent_stack


@dataclass(frozen=True, kw_only=True)
class TaggerConfig(RecurrentConfig):
    """Sizes and options of a tagger.

    Args:
        vocabulary_size: number of word ids, special ones included.
        num_classes: number of tags.
        embedding_size: size of a word's vector.
        characters: whether a word is also read by its letters.
        character_vocabulary_size: number of letter ids, special ones included.
        character_filters: size of a word's vector from its letters.
        word_length: letters of a word that are read.
    """

    vocabulary_size: int
    num_classes: int
    embedding_size: int = 128
    characters: bool = True
    character_vocabulary_size: int = 128
    character_filters: int = 64
    word_length: int = 16


def build_tagger(config: TaggerConfig) -> keras.Model:
    """Builds a tagger.

    Args:
        config: its sizes.

    Returns:
        A model from a dict of `token_ids`, int32 `[batch, time]`, and with characters
        `character_ids`, int32 `[batch, time, word_length]`, both padded on the right
        with 0, to logits, float32 `[batch, time, num_classes]`.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    inputs = {"token_ids": token_ids}
    mask = PaddingMask(name="mask")(token_ids)
    x = keras.layers.Embedding(
        config.vocabulary_size,
        config.embedding_size,
        dtype=config.dtype,
        name="embedding",
    )(token_ids)
    if config.characters:
        character_ids = inputs["character_ids"] = keras.Input(
            (None, config.word_length), dtype="int32", name="character_ids"
        )
        letters = CharacterConvolution(
            config.character_vocabulary_size,
            filters=config.character_filters,
            dtype=config.dtype,
            name="characters",
        )(character_ids)
        x = keras.layers.Concatenate(dtype=config.dtype, name="words")([x, letters])
    x, _ = recurrent_stack(x, mask, config)
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name="head")(x)
    return keras.Model(inputs, logits, name="tagger")
