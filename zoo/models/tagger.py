"""Sequence tagging: a label for every token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from zoo.configuration import REQUIRED, configuration, option
from zoo.layers.characters import CharacterConvolution, CharacterLSTM
from zoo.layers.config import EmbeddingConfig, EmbeddingOptions
from zoo.layers.crf import CRF, ChainLogits
from zoo.layers.embedding import embed_tokens, unit_vectors
from zoo.layers.pooling import PaddingMask
from zoo.layers.stacks import recurrent_stack
from zoo.text.casing import CASINGS

CASING_SIZE = 8  # features of a casing's vector
MASK, HEAD, CRF_LAYER = "mask", "head", "crf"  # names of layers that others look up


@configuration
class TaggerOptions(EmbeddingOptions):
    """A tagger.

    Characters are read by a convolution (Ma and Hovy 2016) or by an LSTM in both
    directions (Lample et al. 2016), which has half of `character_filters` in each.
    """

    characters: bool = option(True, "also read words by their characters")
    character_encoder: Literal["convolution", "lstm"] = option(
        "convolution", "what reads them"
    )
    character_filters: int = option(
        64, "size of a word's vector from its characters", at_least=1
    )
    word_length: int = option(16, "characters of a word that are read", at_least=1)
    casing: bool = option(False, "also tell words apart by their case")
    crf: bool = option(False, "score neighboring tags as well")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.character_encoder == "lstm" and (self.character_filters or 0) % 2:
            raise ValueError(
                "character_filters: expected an even number for an LSTM, got "
                f"{self.character_filters}"
            )


@configuration
class TaggerConfig(TaggerOptions, EmbeddingConfig):
    """Sizes and options of a tagger."""

    num_classes: int = option(REQUIRED, "number of tags", at_least=1)
    character_vocabulary_size: int = option(
        128, "number of character ids, with the special ones", at_least=1
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
    mask = PaddingMask(name=MASK)(token_ids)
    x = _embed_words(inputs, config)  # [batch, time, features]
    x, _ = recurrent_stack(x, mask, config)  # [batch, time, width]
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name=HEAD)(x)
    if config.crf:
        crf = CRF(config.num_classes, allowed, dtype="float32", name=CRF_LAYER)
        logits = crf(logits, mask=mask)  # potentials [batch, time, num_classes]
    return keras.Model(inputs, logits, name="tagger")


def _embed_words(inputs: dict, config: TaggerConfig):
    """Puts a word's vectors next to each other: its own, its characters', its case's.

    Args:
        inputs: holds `token_ids`; gets the other inputs.
        config: which of them there are.

    Returns:
        float `[batch, time, features]`.
    """
    parts = [
        embed_tokens(
            inputs["token_ids"],
            config,
            vocabulary_size=config.vocabulary_size,
            num_frozen=config.num_frozen,
            dtype=config.dtype,
        )
    ]
    if config.characters:
        inputs["character_ids"] = keras.Input(
            (None, config.word_length), dtype="int32", name="character_ids"
        )
        parts.append(_character_layer(config)(inputs["character_ids"]))
    if config.casing:
        inputs["casing_ids"] = keras.Input((None,), dtype="int32", name="casing_ids")
        layer = keras.layers.Embedding(
            len(CASINGS) + 1,
            CASING_SIZE,
            embeddings_initializer=unit_vectors(CASING_SIZE),
            dtype=config.dtype,
            name="casing",
        )
        parts.append(layer(inputs["casing_ids"]))
    if len(parts) == 1:
        return parts[0]
    return keras.layers.Concatenate(dtype=config.dtype, name="words")(parts)


def _character_layer(config: TaggerConfig) -> keras.layers.Layer:
    vocabulary_size, size = config.character_vocabulary_size, config.character_filters
    if config.character_encoder == "lstm":
        return CharacterLSTM(
            vocabulary_size, units=size // 2, dtype=config.dtype, name="characters"
        )
    return CharacterConvolution(
        vocabulary_size, filters=size, dtype=config.dtype, name="characters"
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
    logits = ChainLogits(tagger.get_layer(CRF_LAYER), name="chain_logits")(
        tagger.output, mask=tagger.get_layer(MASK).output, tags=tags
    )
    inputs = {layer.name: layer for layer in [*tagger.inputs, tags]}
    return keras.Model(inputs, logits, name="tagger_training")
