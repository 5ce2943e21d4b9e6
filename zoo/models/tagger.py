"""Sequence tagging: a label for every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras

from zoo.layers.characters import CharacterConvolution, CharacterLSTM
from zoo.layers.crf import CRF, ChainLogits
from zoo.layers.embedding import EmbeddingConfig, embed_tokens, unit_vectors
from zoo.layers.pooling import PaddingMask
from zoo.layers.stacks import recurrent_stack
from zoo.text.casing import CASINGS

CASING_SIZE = 8  # features of a casing's vector


@dataclass(frozen=True, kw_only=True)
class TaggerConfig(EmbeddingConfig):
    """Sizes and options of a tagger.

    Args:
        num_classes: number of tags.
        characters: whether a word is also read by its letters.
        character_encoder: `"convolution"` (Ma and Hovy 2016) or `"lstm"` (Lample et al.
            2016); see `zoo.layers.characters`.
        character_vocabulary_size: number of letter ids, special ones included.
        character_filters: size of a word's vector from its letters; an LSTM has half of
            it in each direction, so it must be even then.
        word_length: letters of a word that are read.
        casing: whether the kinds of `zoo.text.casing` have vectors, of `CASING_SIZE`.
        crf: whether neighbouring tags are scored as well; see `zoo.layers.crf`.
    """

    num_classes: int
    characters: bool = True
    character_encoder: Literal["convolution", "lstm"] = "convolution"
    character_vocabulary_size: int = 128
    character_filters: int = 64
    word_length: int = 16
    casing: bool = False
    crf: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.character_encoder == "lstm" and self.character_filters % 2:
            raise ValueError(
                "character_filters: expected an even number for an LSTM, got "
                f"{self.character_filters}"
            )


def build_tagger(
    config: TaggerConfig, allowed: Sequence[Sequence[bool]] | None = None
) -> keras.Model:
    """Builds a tagger.

    Args:
        config: its sizes.
        allowed: with a CRF, which tags may follow each other, bool `[num_classes + 1,
            num_classes + 1]` as in `zoo.layers.crf.CRF`; None for all.

    Returns:
        A model from a dict of `token_ids`, int32 `[batch, time]`, with characters
        `character_ids`, int32 `[batch, time, word_length]`, and with casing
        `casing_ids`, int32 `[batch, time]`, all padded on the right with 0, to logits,
        float32 `[batch, time, num_classes]`; with a CRF to its potentials, of which
        `build_crf_training` makes logits.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    inputs = {"token_ids": token_ids}
    mask = PaddingMask(name="mask")(token_ids)
    parts = [embed_tokens(token_ids, config)]
    if config.characters:
        character_ids = inputs["character_ids"] = keras.Input(
            (None, config.word_length), dtype="int32", name="character_ids"
        )
        parts.append(_character_layer(config)(character_ids))
    if config.casing:
        casing_ids = inputs["casing_ids"] = keras.Input(
            (None,), dtype="int32", name="casing_ids"
        )
        layer = keras.layers.Embedding(
            len(CASINGS) + 1,
            CASING_SIZE,
            embeddings_initializer=unit_vectors(CASING_SIZE),
            dtype=config.dtype,
            name="casing",
        )
        parts.append(layer(casing_ids))
    x = parts[0]
    if len(parts) > 1:
        x = keras.layers.Concatenate(dtype=config.dtype, name="words")(parts)
    x, _ = recurrent_stack(x, mask, config)
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name="head")(x)
    if config.crf:
        crf = CRF(config.num_classes, allowed, dtype="float32", name="crf")
        logits = crf(logits, mask=mask)
    return keras.Model(inputs, logits, name="tagger")


def _character_layer(config: TaggerConfig) -> keras.layers.Layer:
    size = config.character_filters
    options = {"dtype": config.dtype, "name": "characters"}
    if config.character_encoder == "lstm":
        return CharacterLSTM(
            config.character_vocabulary_size, units=size // 2, **options
        )
    return CharacterConvolution(
        config.character_vocabulary_size, filters=size, **options
    )


def build_crf_training(tagger: keras.Model) -> keras.Model:
    """Wraps a tagger with a CRF for training; the weights are shared.

    Args:
        tagger: from `build_tagger`.

    Returns:
        A model from a dict of the tagger's inputs and the right `tags`, int32 `[batch,
        time]`, to logits, float32 `[batch, time, num_classes]`, of each tag given the
        one before it. Their cross-entropies add up to the negative log-likelihood.
    """
    tags = keras.Input((None,), dtype="int32", name="tags")
    logits = ChainLogits(tagger.get_layer("crf"), name="chain_logits")(
        tagger.output, mask=tagger.get_layer("mask").output, tags=tags
    )
    inputs = {layer.name: layer for layer in [*tagger.inputs, tags]}
    return keras.Model(inputs, logits, name="tagger_training")
