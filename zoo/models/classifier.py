"""Sequence classification and regression: a sequence in, one output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import keras

from zoo.layers.embedding import EmbeddingConfig, embed_tokens
from zoo.layers.pooling import AttentionPooling, MaxPooling, MeanPooling, PaddingMask
from zoo.layers.stacks import dropout, recurrent_stack


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(EmbeddingConfig):
    """Sizes and options of a classifier.

    Args:
        num_outputs: classes, labels or target values; 1 for two classes.
        pooling: over the time axis: `"last"` (the final states of all directions),
            `"max"`, `"mean"`, `"attention"`, or `"concat"`: the first three side by
            side (Howard and Ruder 2018).
        head: `"binary"` (one logit), `"multiclass"` (a logit for each class),
            `"multilabel"` (an independent logit for each label) or `"regression"`.
    """

    num_outputs: int
    pooling: Literal["last", "max", "mean", "attention", "concat"] = "max"
    head: Literal["binary", "multiclass", "multilabel", "regression"] = "binary"

    def __post_init__(self):
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
    x = embed_tokens(token_ids, config)
    x, states = recurrent_stack(x, mask, config)
    x = _pool(x, mask, states[-1], config)
    outputs = keras.layers.Dense(config.num_outputs, dtype="float32", name="head")(x)
    return keras.Model(token_ids, outputs, name="classifier")


def _pool(x, mask, states, config: ClassifierConfig):
    kinds = [config.pooling]
    if config.pooling == "concat":
        kinds = ["last", "max", "mean"]
    pooled = [_pool_by(kind, x, mask, states, config) for kind in kinds]
    if len(pooled) == 1:
        return pooled[0]
    return keras.layers.Concatenate(dtype=config.dtype, name="concat")(pooled)


def _pool_by(kind: str, x, mask, states, config: ClassifierConfig):
    if kind == "last":
        hidden = states[:: config.num_states]
        if len(hidden) == 1:
            pooled = hidden[0]
        else:
            pooled = keras.layers.Concatenate(dtype=config.dtype, name="last")(hidden)
        return dropout(pooled, config.output_dropout, "last_dropout", config)
    if kind == "attention":
        layer = AttentionPooling(config.units, dtype=config.dtype, name="attention")
    else:
        layers = {"max": MaxPooling, "mean": MeanPooling}
        layer = layers[kind](dtype=config.dtype, name=kind)
    return layer(x, mask)
