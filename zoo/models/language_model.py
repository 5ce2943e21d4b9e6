"""Language models: the next token from those before it."""

from __future__ import annotations

import functools

import keras

from zoo.configuration import REQUIRED, configuration, option, share
from zoo.layers.config import EmbeddingOptions, RecurrentConfig, RecurrentOptions
from zoo.layers.embedding import EMBEDDING, WordDropout, embed_tokens, unit_vectors
from zoo.layers.regularizers import ActivationPenalty, EmbeddingDropout
from zoo.layers.stacks import dropout, layer_name, recurrent_layer


@configuration
class LanguageModelOptions(EmbeddingOptions, RecurrentOptions):
    """A language model.

    Tied weights are those of Press and Wolf (2017), embedding dropout that of Gal and
    Ghahramani (2016); for the penalties see
    `zoo.layers.regularizers.ActivationPenalty`.
    """

    tied: bool = option(False, "share the embedding's matrix with the output layer")
    embedding_dropout: float = share(0.0, "share of the vocabulary dropped per batch")
    activation_penalty: float = option(
        0.0, "cost of large outputs of the last layer", at_least=0
    )
    temporal_activation_penalty: float = option(
        0.0, "cost of their changes from step to step", at_least=0
    )


@configuration
class LanguageModelConfig(LanguageModelOptions, RecurrentConfig):
    """Sizes and options of a language model."""

    vocabulary_size: int = option(
        REQUIRED, "number of token ids, with the special ones", at_least=1
    )
    num_frozen: int | None = option(
        None, "how many of the last ids have given vectors that stay", at_least=1
    )
    embedding_size: int = option(64, "size of a token's vector", at_least=1)
    bidirectional: bool = option(False, "false: a language model reads forwards")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            raise ValueError(
                "bidirectional: expected false, got true: a language model that reads "
                "backwards would see what it predicts"
            )
        if self.num_frozen and self.tied:
            raise ValueError(
                "tied: expected false with vectors that stay frozen, got true"
            )


def state_inputs(config: RecurrentConfig) -> list[list]:
    """Makes the named inputs for the states of unidirectional layers.

    Returns:
        For each layer its states, float `[batch, units]`: `state_0_0` and so on.
    """
    return [
        [
            keras.Input((config.units,), name=f"state_{layer}_{i}")
            for i in range(config.num_states)
        ]
        for layer in range(config.num_layers)
    ]


def carried_stack(
    x,
    states: list[list],
    config: RecurrentConfig,
    prefix: str = "recurrent",
    penalty: keras.layers.Layer | None = None,
):
    """Stacks forward layers that start from given states; no mask.

    A forward layer at a real step has seen nothing of the padding to its right, so the
    outputs that count are right without a mask, and the layers run faster.

    Args:
        x: float `[batch, time, features]`.
        states: for each layer its states `[batch, units]`.
        config: the stack.
        prefix: of the layers' names.
        penalty: a layer that is called with the last outputs, after and before dropout.

    Returns:
        The outputs `[batch, time, units]` and a flat list of the final states.
    """
    x = dropout(x, config.input_dropout, f"{prefix}_input_dropout", config)
    finals = []
    for i, state in enumerate(states):
        layer = recurrent_layer(config, layer_name(i, prefix), bidirectional=False)
        raw, *final = layer(x, initial_state=state)
        finals += final
        x = dropout(raw, config.output_dropout, f"{prefix}_{i}_dropout", config)
    return x if penalty is None else penalty(x, raw), finals


def build_language_model(config: LanguageModelConfig) -> keras.Model:
    """Builds a language model with explicit states.

    Args:
        config: its sizes.

    Returns:
        A model from a list, `token_ids` int32 `[batch, time]` and then the states of
        each layer `[batch, units]`, to a list: logits of the next tokens, float32
        `[batch, time, vocabulary_size]`, and then the final states in the same order.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    states = state_inputs(config)
    x, unembed = _embedding(token_ids, config)  # [batch, time, embedding_size]
    if config.embedding_dropout:
        x = EmbeddingDropout(
            config.vocabulary_size,
            config.embedding_dropout,
            dtype=config.dtype,
            name="embedding_dropout",
        )(x, token_ids)
    factors = config.activation_penalty, config.temporal_activation_penalty
    penalty = None
    if any(factors):
        penalty = ActivationPenalty(*factors, dtype=config.dtype, name="penalty")
    x, finals = carried_stack(x, states, config, penalty=penalty)
    if config.units != config.embedding_size:
        x = keras.layers.Dense(
            config.embedding_size, dtype=config.dtype, name="projection"
        )(x)
    logits = unembed(x)  # [batch, time, vocabulary_size]
    inputs = [token_ids, *(state for layer in states for state in layer)]
    return keras.Model(inputs, [logits, *finals], name="language_model")


def build_observed_model(model: keras.Model, num_layers: int) -> keras.Model:
    """Adds to a language model's outputs those of its last recurrent layer.

    Args:
        model: from `build_language_model`; the weights are shared.
        num_layers: of its configuration.

    Returns:
        A model of the same inputs, to the same outputs and the recurrent outputs before
        dropout, float `[batch, time, units]`.
    """
    recurrent_outputs = model.get_layer(layer_name(num_layers - 1)).output[0]
    outputs = [*model.outputs, recurrent_outputs]
    return keras.Model(model.inputs, outputs, name="observed")


def _embedding(token_ids, config: LanguageModelConfig):
    """Returns the tokens' vectors, and what turns outputs into logits."""
    if config.num_frozen:
        x = embed_tokens(
            token_ids,
            config,
            vocabulary_size=config.vocabulary_size,
            num_frozen=config.num_frozen,
            dtype=config.dtype,
        )
        output = keras.layers.Dense(
            config.vocabulary_size, use_bias=False, dtype="float32", name="output"
        )
        return x, output
    embedding = keras.layers.ReversibleEmbedding(
        config.vocabulary_size,
        config.embedding_size,
        embeddings_initializer=unit_vectors(config.embedding_size),
        tie_weights=config.tied,
        reverse_dtype="float32",
        dtype=config.dtype,
        name=EMBEDDING,
    )
    if config.word_dropout:
        token_ids = WordDropout(config.word_dropout, name="word_dropout")(token_ids)
    return embedding(token_ids), functools.partial(embedding, reverse=True)


class CarriedState(keras.layers.Layer):
    """Runs a model with explicit states on a stream, carrying them between batches.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        batch_size: the number of streams.

    Call arguments:
        token_ids: int32 `[batch_size, time]`.

    Returns:
        The logits.
    """

    def __init__(self, model: keras.Model, batch_size: int, **kwargs):
        super().__init__(**kwargs)
        self.model, self.batch_size = model, batch_size

    def build(self, shape):
        self.states = [
            self.add_weight(
                shape=(self.batch_size, state.shape[-1]),
                initializer="zeros",
                trainable=False,
                name=state.name,
            )
            for state in self.model.inputs[1:]
        ]

    def call(self, token_ids, training=False):
        states = [keras.ops.convert_to_tensor(state) for state in self.states]
        logits, *states = self.model([token_ids, *states], training=training)
        for variable, state in zip(self.states, states):
            variable.assign(keras.ops.stop_gradient(state))
        return logits

    @property
    def metrics(self):
        # Keras would report a compiled inner model's as the stream's own: a loss of 0.
        return []

    def reset(self) -> None:
        """Puts every stream back to its start: all states are zero."""
        for variable in self.states:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))


def build_stream_model(model: keras.Model, batch_size: int) -> keras.Model:
    """Wraps a language model for training on streams; the weights are shared.

    Args:
        model: from `build_language_model`.
        batch_size: the number of streams.

    Returns:
        A model from `token_ids`, int32 `[batch_size, time]`, to the logits; its
        `CarriedState` is to be `reset()` where the streams start.
    """
    token_ids = keras.Input(
        (None,), batch_size=batch_size, dtype="int32", name="token_ids"
    )
    carried = CarriedState(model, batch_size, name="carried_state")
    return keras.Model(token_ids, carried(token_ids), name="stream")
