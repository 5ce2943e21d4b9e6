"""What a model is trained for: its loss, its metric, and its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras

from zoo.data.targets import HeadName
from zoo.training.losses import ClassWeighted, SmoothedCrossentropy

# Losses are means over real examples or tokens, not over padding.
_MEAN = "mean_with_sample_weight"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What `fit` minimizes, shows, and chooses weights by.

    Attributes:
        loss: a Keras loss, reduced by `"mean_with_sample_weight"`.
        metric: a Keras metric, weighted by real tokens; None for the loss alone.
        score: name of the development score: the metric's, `"loss"`, or one that
            `fit`'s `evaluate` returns with `val_` before it.
        mode: whether the largest or the smallest score is best.
    """

    loss: Any
    metric: keras.metrics.Metric | None
    score: str
    mode: Literal["max", "min"]


def classification_objective(
    head: HeadName, class_weights: Sequence[float] | None = None
) -> Objective:
    """Returns the objective of a classifier or regressor.

    Args:
        head: its own.
        class_weights: what the loss of an example of each class is multiplied with;
            `"binary"` and `"multiclass"` only.
    """
    if head == "regression":
        return Objective(
            loss=keras.losses.MeanSquaredError(reduction=_MEAN),
            metric=keras.metrics.MeanAbsoluteError("error"),
            score="error",
            mode="min",
        )
    if head == "multiclass":
        return Objective(
            loss=_weighted(_crossentropy(), class_weights),
            metric=keras.metrics.SparseCategoricalAccuracy("accuracy"),
            score="accuracy",
            mode="max",
        )
    loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction=_MEAN)
    return Objective(
        loss=_weighted(loss, class_weights),
        metric=keras.metrics.BinaryAccuracy("accuracy", threshold=0.0),
        score="accuracy",
        mode="max",
    )


def tagging_objective(crf: bool, score: Literal["accuracy", "f1"]) -> Objective:
    """Returns the objective of a tagger.

    Args:
        crf: whether it has a CRF. A CRF learns each tag given the right one before it,
            so its metric says nothing about decoding, and the score is computed by
            `fit`'s `evaluate`.
        score: accuracy of tags, or F1 of spans.
    """
    metric = (
        keras.metrics.SparseCategoricalCrossentropy("nats", from_logits=True)
        if crf
        else keras.metrics.SparseCategoricalAccuracy("accuracy")
    )
    return Objective(loss=_crossentropy(), metric=metric, score=score, mode="max")


def language_modeling_objective() -> Objective:
    """Returns the objective of a language model.

    There is no metric besides the loss: it would be the same at the same cost.
    """
    return Objective(loss=_crossentropy(), metric=None, score="loss", mode="min")


def translation_objective(
    label_smoothing: float, score: str, mode: Literal["max", "min"]
) -> Objective:
    """Returns the objective of a translator.

    Args:
        label_smoothing: share of each target's probability spread over all tokens.
        score: of the translations, computed by `fit`'s `evaluate`.
        mode: whether the largest or the smallest score is best.
    """
    return Objective(
        loss=SmoothedCrossentropy(label_smoothing),
        metric=keras.metrics.SparseCategoricalAccuracy("accuracy"),
        score=score,
        mode=mode,
    )


def _weighted(
    loss: keras.losses.Loss, weights: Sequence[float] | None
) -> keras.losses.Loss:
    return loss if weights is None else ClassWeighted(loss, weights)


def _crossentropy() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=_MEAN)
