"""Encoder-decoder translation: a sequence in, another out, of another length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import keras

from zoo.layers.attention import AdditiveAttention, DotAttention
from zoo.layers.pooling import PaddingMask, ZeroPadding
from zoo.layers.stacks import RecurrentConfig, dropout, recurrent_stack
from zoo.layers.words import unit_vectors
from zoo.models.language_model import carried_stack, state_inputs

Attention = Literal["additive", "dot", "general", "scaled_dot", "none"]


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig(RecurrentConfig):
    """Sizes and options of a translator; the encoder may be bidirectional.

    Args:
        source_vocabulary_size: number of source ids, special ones included.
        target_vocabulary_size: number of target ids, special ones included.
        embedding_size: size of a token's vector, on both sides.
        attention: after the decoder's recurrent layers: `"additive"` (Bahdanau et al.
            2015); of Luong et al. (2015) `"dot"`, for which the encoder may not be
            bidirectional, or `"general"`, whose keys are a projection of the memory;
            `"scaled_dot"`, the same divided by the root of the units (Vaswani et al.
            2017); or `"none"` (Sutskever et al. 2014).
        tied: whether the output layer shares the matrix of the target embedding.

    Raises:
        ValueError: if a value is out of its range, or `"dot"` does not fit the sizes.
    """

    source_vocabulary_size: int
    target_vocabulary_size: int
    embedding_size: int = 128
    attention: Attention = "additive"
    tied: bool = True

    def __post_init__(self):
        super().__post_init__()
        if self.attention == "dot" and self.bidirectional:
            raise ValueError(
                "bidirectional: expected false with attention='dot', whose memory must "
                "be as wide as the decoder's state, got true; 'general' projects it"
            )

    @property
    def num_carried(self) -> int:
        """How many state tensors the decoder carries from step to step."""
        return self.num_layers * self.num_states


def build_translator(config: TranslatorConfig) -> keras.Model:
    """Builds a translator for teacher forcing.

    Args:
        config: its sizes.

    Returns:
        A model from a dict of `source_ids` and `target_ids` (start, then the target),
        int32 `[batch, time]`, to the logits of the target one step later, float32
        `[batch, target_time, target_vocabulary_size]`. It is made of the two models
        `get_layer("encoder")` and `get_layer("decoder")`:

        encoder: from `source_ids` to a list: the decoder's first states `[batch,
            units]`, then with attention the memory `[batch, time, width]`, its keys
            `[batch, time, units]` and its mask.
        decoder: from a list, `target_ids` and then what the encoder returns, to a list:
            the logits, the final states, and with attention its weights, float32
            `[batch, target_time, source_time]`.
    """
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    target_ids = keras.Input((None,), dtype="int32", name="target_ids")
    encoder, decoder = _encoder(config), _decoder(config)
    logits = decoder([target_ids, *encoder(source_ids)])[0]
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    return keras.Model(inputs, logits, name="translator")


def _encoder(config: TranslatorConfig) -> keras.Model:
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    mask = PaddingMask(name="mask")(source_ids)
    x = keras.layers.Embedding(
        config.source_vocabulary_size,
        config.embedding_size,
        embeddings_initializer=unit_vectors(config.embedding_size),
        dtype=config.dtype,
        name="source_embedding",
    )(source_ids)
    memory, states = recurrent_stack(x, mask, config, "encoder")
    outputs = [
        bridged
        for i, state in enumerate(states)
        for bridged in _bridge(state, config, f"bridge_{i}")
    ]
    if config.attention != "none":
        memory = keys = ZeroPadding(dtype=config.dtype, name="memory")(memory, mask)
        if config.attention != "dot":
            keys = keras.layers.Dense(
                config.units, use_bias=False, dtype=config.dtype, name="attention_keys"
            )(memory)
        outputs += [memory, keys, mask]
    return keras.Model(source_ids, outputs, name="encoder")


def _bridge(state: list, config: TranslatorConfig, name: str) -> list:
    """Turns an encoder layer's final states into a decoder layer's first ones."""
    bridged = []
    for i in range(config.num_states):
        parts = state[i :: config.num_states]
        x = parts[0]
        if len(parts) > 1:
            x = keras.layers.Concatenate(dtype=config.dtype, name=f"{name}_{i}_both")(
                parts
            )
        bridged.append(
            keras.layers.Dense(
                config.units, "tanh", dtype=config.dtype, name=f"{name}_{i}"
            )(x)
        )
    return bridged


def _attention(config: TranslatorConfig) -> keras.layers.Layer:
    options = {"dtype": config.dtype, "name": "attention"}
    if config.attention == "additive":
        return AdditiveAttention(**options)
    return DotAttention(scaled=config.attention == "scaled_dot", **options)


def _decoder(config: TranslatorConfig) -> keras.Model:
    target_ids = keras.Input((None,), dtype="int32", name="target_ids")
    states = state_inputs(config)
    context, weights = [], []
    embedding = keras.layers.ReversibleEmbedding(
        config.target_vocabulary_size,
        config.embedding_size,
        embeddings_initializer=unit_vectors(config.embedding_size),
        tie_weights=config.tied,
        reverse_dtype="float32",
        dtype=config.dtype,
        name="target_embedding",
    )
    x, finals = carried_stack(embedding(target_ids), states, config, "decoder")
    if config.attention != "none":
        width = config.units * (2 if config.bidirectional else 1)
        context = [
            keras.Input((None, width), name="memory"),
            keras.Input((None, config.units), name="keys"),
            keras.Input((None,), dtype="bool", name="memory_mask"),
        ]
        memory, keys, mask = context
        layer = _attention(config)
        attended, attention_weights = layer(x, keys, memory, mask)
        x = keras.layers.Concatenate(dtype=config.dtype, name="attended")([x, attended])
        weights = [attention_weights]
    x = keras.layers.Dense(
        config.embedding_size, "tanh", dtype=config.dtype, name="output_hidden"
    )(x)
    x = dropout(x, config.output_dropout, "output_dropout", config)
    logits = embedding(x, reverse=True)
    inputs = [target_ids, *(s for layer in states for s in layer), *context]
    return keras.Model(inputs, [logits, *finals, *weights], name="decoder")
