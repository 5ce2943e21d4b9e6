"""Encoder-decoder translation: a sequence in, another out, of another length."""

from __future__ import annotations

from typing import Literal

import keras

from zoo.configuration import REQUIRED, configuration, option
from zoo.layers.attention import AdditiveAttention, Attention, DotAttention
from zoo.layers.attentional_decoder import AttentionalDecoder, FirstState
from zoo.layers.config import EmbeddingOptions, RecurrentConfig
from zoo.layers.embedding import EMBEDDING, embed_tokens, unit_vectors
from zoo.layers.pooling import PaddingMask, ZeroPadding
from zoo.layers.stacks import dropout, recurrent_layer, recurrent_stack
from zoo.models.language_model import carried_stack, state_inputs

ENCODER, DECODER = "encoder", "decoder"  # the two models that a translator is made of
SOURCE_PREFIX = "source_"
SOURCE_EMBEDDING = SOURCE_PREFIX + EMBEDDING  # a layer of the encoder
AttentionName = Literal["additive", "dot", "general", "scaled_dot", "none"]
AttentionPlace = Literal["after", "inside"]


@configuration
class TranslatorOptions(EmbeddingOptions, RecurrentConfig):
    """A translator; the encoder may be bidirectional.

    By default the decoder reads the whole target in one pass, and then attends for all
    of its steps in one product. Attention inside and input feeding need the step
    before, so training loops over the steps of the target. On a CPU a training step
    then takes 1.3 times as long with 256 units and 6,000 words, and twice as long with
    128 units and 60; a GPU is kept off cuDNN. A search takes one step after another
    anyway.

    Attention is `"additive"` (Bahdanau et al. 2015); of Luong et al. (2015) `"dot"`,
    for which the encoder may not be bidirectional, or `"general"`, whose keys are a
    projection of the memory; `"scaled_dot"`, the same divided by the root of the units
    (Vaswani et al. 2017); or `"none"` (Sutskever et al. 2014). Its place is `"after"`
    the recurrent layers, whose outputs are the queries; or `"inside"` the recurrence,
    as in Bahdanau et al. (2015): the query is the last layer's state before the step,
    and the first layer reads the context next to the token's vector. With
    `input_feeding` it also reads the output layer's hidden state of the step before
    (Luong et al. 2015). Coverage is that of Tu et al. (2016) and See et al. (2017).

    Raises:
        ValueError: if a value is out of its range, if `"dot"` does not fit the sizes,
            or if an option needs another one.
    """

    attention: AttentionName = option("additive", "of the decoder over the source")
    attention_place: AttentionPlace = option(
        "after", "where it is, seen from the decoder's recurrence"
    )
    input_feeding: bool = option(
        False, "the decoder also reads its last hidden output state"
    )
    coverage: bool = option(
        False, "additive attention also sees what it has attended to"
    )
    tied: bool = option(
        True, "share the target embedding's matrix with the output layer"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attention == "dot" and self.bidirectional:
            raise ValueError(
                "bidirectional: expected false with attention='dot', whose memory must "
                "be as wide as the decoder's state, got true; 'general' projects it"
            )
        if self.attention == "none" and self.input_feeding:
            raise ValueError(
                "input_feeding: expected false with attention='none', got true"
            )
        if self.attention == "none" and self.attention_place == "inside":
            raise ValueError(
                "attention_place: expected 'after' with attention='none', got 'inside'"
            )
        if self.coverage and not (self.attends_inside and self.attention == "additive"):
            raise ValueError(
                "coverage: expected false unless attention='additive' and "
                "input_feeding or attention_place='inside', got true"
            )

    @property
    def attends_inside(self) -> bool:
        """Whether attention is inside the decoder's recurrence."""
        return self.input_feeding or self.attention_place == "inside"


@configuration
class TranslatorConfig(TranslatorOptions):
    """Sizes and options of a translator."""

    source_vocabulary_size: int = option(
        REQUIRED, "number of source ids, with the special ones", at_least=1
    )
    target_vocabulary_size: int = option(
        REQUIRED, "number of target ids, with the special ones", at_least=1
    )
    num_frozen: int | None = option(
        None, "how many of the last source ids have given vectors that stay", at_least=1
    )

    @property
    def num_carried(self) -> int:
        """How many state tensors the decoder carries from step to step."""
        return self.num_layers * self.num_states + self.input_feeding + self.coverage


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
            units]`, with input feeding a hidden state `[batch, embedding_size]` and
            with coverage float32 `[batch, time]`, which begin at zero; then with
            attention the memory `[batch, time, width]`, its keys `[batch, time, units]`
            and its mask.
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
    x = embed_tokens(
        source_ids,
        config,
        vocabulary_size=config.source_vocabulary_size,
        num_frozen=config.num_frozen,
        dtype=config.dtype,
        prefix=SOURCE_PREFIX,
    )  # [batch, time, embedding_size]
    memory, states = recurrent_stack(x, mask, config, "encoder")
    outputs = [
        bridged
        for i, state in enumerate(states)
        for bridged in _bridge(state, config, f"bridge_{i}")
    ]
    if config.input_feeding:
        first = FirstState(
            config.embedding_size, dtype=config.dtype, name="first_hidden"
        )
        outputs.append(first(mask))
    if config.coverage:
        first = FirstState(dtype="float32", name="first_coverage")
        outputs.append(first(mask))
    if config.attention != "none":
        memory = keys = ZeroPadding(dtype=config.dtype, name="memory")(memory, mask)
        if config.attention != "dot":
            keys = keras.layers.Dense(
                config.units, use_bias=False, dtype=config.dtype, name="attention_keys"
            )(memory)
        outputs += [memory, keys, mask]
    return keras.Model(source_ids, outputs, name=ENCODER)


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


def _attention(config: TranslatorConfig) -> Attention:
    if config.attention == "additive":
        return AdditiveAttention(config.coverage, dtype=config.dtype, name="attention")
    scaled = config.attention == "scaled_dot"
    return DotAttention(scaled=scaled, dtype=config.dtype, name="attention")


def _output_hidden(config: TranslatorConfig) -> keras.layers.Dense:
    return keras.layers.Dense(
        config.embedding_size, "tanh", dtype=config.dtype, name="output_hidden"
    )


def _attentional_decoder(config: TranslatorConfig) -> AttentionalDecoder:
    return AttentionalDecoder(
        [
            recurrent_layer(config, f"decoder_{i}", bidirectional=False)
            for i in range(config.num_layers)
        ],
        _attention(config),
        _output_hidden(config),
        feeding=config.input_feeding,
        inside=config.attention_place == "inside",
        dropout=config.output_dropout,
        variational=config.variational_dropout,
        dtype=config.dtype,
        name="fed_decoder",
    )


def _decoder(config: TranslatorConfig) -> keras.Model:
    target_ids = keras.Input((None,), dtype="int32", name="target_ids")
    states, context = state_inputs(config), _context_inputs(config)
    carried = [state for layer in states for state in layer]
    if config.input_feeding:
        carried.append(keras.Input((config.embedding_size,), name="hidden"))
    if config.coverage:
        carried.append(keras.Input((None,), name="coverage"))
    embedding = keras.layers.ReversibleEmbedding(
        config.target_vocabulary_size,
        config.embedding_size,
        embeddings_initializer=unit_vectors(config.embedding_size),
        tie_weights=config.tied,
        reverse_dtype="float32",
        dtype=config.dtype,
        name="target_embedding",
    )
    x = embedding(target_ids)  # [batch, time, embedding_size]
    if config.attends_inside:
        x, finals, weights = _attend_inside(x, carried, context, config)
    else:
        x, finals, weights = _attend_after(x, states, context, config)
    x = dropout(x, config.output_dropout, "output_dropout", config)
    logits = embedding(x, reverse=True)  # [batch, time, target_vocabulary_size]
    inputs = [target_ids, *carried, *context]
    return keras.Model(inputs, [logits, *finals, *weights], name=DECODER)


def _context_inputs(config: TranslatorConfig) -> list:
    """Makes the inputs for memory, keys and mask; none without attention."""
    if config.attention == "none":
        return []
    width = config.units * (2 if config.bidirectional else 1)
    return [
        keras.Input((None, width), name="memory"),
        keras.Input((None, config.units), name="keys"),
        keras.Input((None,), dtype="bool", name="memory_mask"),
    ]


def _attend_inside(x, carried: list, context: list, config: TranslatorConfig):
    """Returns hidden states `[batch, time, embedding_size]`, the final states, and a
    list of the attention weights `[batch, time, source_time]`."""
    x = dropout(x, config.input_dropout, "decoder_input_dropout", config)
    memory, keys, mask = context
    layer = _attentional_decoder(config)
    x, weights, *finals = layer(x, carried, keys, memory, mask)
    return x, finals, [weights]


def _attend_after(x, states: list, context: list, config: TranslatorConfig):
    """Returns the same as `_attend_inside`; the list is empty without attention."""
    x, finals = carried_stack(x, states, config, "decoder")  # [batch, time, units]
    weights = []
    if context:
        memory, keys, mask = context
        attended, attention_weights = _attention(config)(x, keys, memory, mask)
        x = keras.layers.Concatenate(dtype=config.dtype, name="attended")([x, attended])
        weights = [attention_weights]
    return _output_hidden(config)(x), finals, weights
