"""Sequence classification and regression: a sequence in, one output."""

from __future__ import annotations

from typing import Literal

import keras

from zoo.configuration import REQUIRED, configuration, option
from zoo.data.targets import HeadName
from zoo.layers.config import EmbeddingConfig, EmbeddingOptions
from zoo.layers.embedding import embed_tokens
from zoo.layers.pooling import AttentionPooling, MaxPooling, MeanPooling, PaddingMask
from zoo.layers.stacks import dropout, recurrent_stack

PoolingName = Literal["last", "max", "mean", "attention", "concat"]


@configuration
class ClassifierOptions(EmbeddingOptions):
    """A classifier.

    Pooling is over time: `"last"` takes the final states of all directions, `"concat"`
    last, maximum and mean next to each other (Howard and Ruder 2018).
    """

    pooling: PoolingName = option("max", "how outputs are pooled over time")


@configuration
class ClassifierConfig(ClassifierOptions, EmbeddingConfig):
    """Sizes and options of a classifier.

    The head is `"binary"` (one logit), `"multiclass"` (a logit for each class),
    `"multilabel"` (an independent logit for each label) or `"regression"`.
    """

    num_outputs: int = option(
        REQUIRED, "classes, labels or target values; 1 for two classes", at_least=1
    )
    head: HeadName = option("binary", "what the outputs mean")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head == "binary" and self.num_outputs != 1:
            raise ValueError(
                f"num_outputs: expected 1 with head='binary', got {self.num_outputs}"
            )


def build_classifier(config: ClassifierConfig) -> keras.Model:
    """Builds a classifier.

    Args:
        config: its sizes.

    Returns:
        A model from `token_ids`, int32 `[batch, time]`, padded on the right with 0, to
        float32 `[batch, num_outputs]`: logits, or values with `head="regression"`.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = PaddingMask(name="mask")(token_ids)
    x = embed_tokens(
        token_ids,
        config,
        vocabulary_size=config.vocabulary_size,
        num_frozen=config.num_frozen,
        dtype=config.dtype,
    )  # [batch, time, embedding_size]
    x, states = recurrent_stack(x, mask, config)  # [batch, time, width]
    x = _pool(x, mask, states[-1], config)  # [batch, features]
    outputs = keras.layers.Dense(config.num_outputs, dtype="float32", name="head")(x)
    return keras.Model(token_ids, outputs, name="classifier")


def _pool(x, mask, states: list, config: ClassifierConfig):
    names = [config.pooling]
    if config.pooling == "concat":
        names = ["last", "max", "mean"]
    pooled = [_pool_by(name, x, mask, states, config) for name in names]
    if len(pooled) == 1:
        return pooled[0]
    return keras.layers.Concatenate(dtype=config.dtype, name="concat")(pooled)


def _pool_by(name: PoolingName, x, mask, states: list, config: ClassifierConfig):
    if name == "last":
        hidden = states[:: config.num_states]  # of each direction, [batch, units]
        if len(hidden) == 1:
            pooled = hidden[0]
        else:
            pooled = keras.layers.Concatenate(dtype=config.dtype, name="last")(hidden)
        return dropout(pooled, config.output_dropout, "last_dropout", config)
    if name == "attention":
        layer = AttentionPooling(config.units, dtype=config.dtype, name="attention")
    else:
        pooling = MaxPooling if name == "max" else MeanPooling
        layer = pooling(dtype=config.dtype, name=name)
    return layer(x, mask)
