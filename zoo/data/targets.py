"""Targets of classification and regression: what a model learns of a label."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from zoo.data.corpus_files import Corpus
from zoo.text.vocabulary import Labels

HeadName = Literal["binary", "multiclass", "multilabel", "regression"]
Labeled = Corpus[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Targets:
    """Turns the labels of a corpus into targets.

    Attributes:
        head: of the classifier that learns them.
        labels: of the classes; empty for a regression.
        mean: of a regression's values in the training data.
        scale: their standard deviation.
    """

    head: HeadName
    labels: Labels
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, train: Labeled, head: str | None = None) -> Self:
        """Finds the labels, or the mean and scale, of the training data.

        Args:
            train: `(text, label)`.
            head: `"multilabel"` (labels separated by commas), `"regression"`, or None
                for one class of two or of several.

        Raises:
            ValueError: if a regression's label is not a number, or all are the same.
        """
        found = [label for _, label in train]
        if head == "regression":
            values = [_number(label, place) for place, (_, label) in train.located()]
            scale = float(np.std(values))
            if scale == 0:
                raise ValueError(
                    f"{train.name}: all values are {found[0]}; expected several"
                )
            return cls("regression", Labels([]), float(np.mean(values)), scale)
        if head == "multilabel":
            parts = (part for label in found for part in split_labels(label))
            return cls("multilabel", Labels.build(parts, train.name))
        labels = Labels.build(found, train.name)
        return cls("binary" if len(labels) == 2 else "multiclass", labels)

    @property
    def num_outputs(self) -> int:
        """Outputs of the model: classes, labels, or 1 for two classes and values."""
        return 1 if self.head in ("binary", "regression") else len(self.labels)

    @property
    def has_classes(self) -> bool:
        """Whether every example has one label."""
        return self.head in ("binary", "multiclass")

    def settings(self) -> dict[str, Any]:
        """Returns the settings of a trained classifier."""
        if self.head != "regression":
            return {}
        return {"mean": self.mean, "scale": self.scale}

    def encode(self, label: str, place: str) -> np.ndarray:
        """Returns the target of one example.

        Args:
            label: as in the corpus.
            place: where it comes from, for messages.

        Returns:
            The class, int32 `[1]`; float32 `[labels]`, 1 for those it has; or the
            scaled value, float32 `[1]`.

        Raises:
            ValueError: if the label is unknown or not a number.
        """
        if self.head == "regression":
            value = (_number(label, place) - self.mean) / self.scale
            return np.array([value], np.float32)
        if self.head == "multilabel":
            target = np.zeros(len(self.labels), np.float32)
            parts = split_labels(label)
            target[[self.labels.encode(part, place) for part in parts]] = 1
            return target
        return np.array([self.labels.encode(label, place)], np.int32)

    def balanced_weights(self, train: Labeled) -> np.ndarray:
        """Returns a weight for each class by which all weigh the same together.

        Args:
            train: the examples.

        Returns:
            float32 `[classes]`; their mean over the examples is 1.

        Raises:
            ValueError: if examples do not have one label each.
        """
        if not self.has_classes:
            raise ValueError(f"class_weights: expected null with head={self.head!r}")
        counts = Counter(label for _, label in train)
        sizes = np.array([counts[name] for name in self.labels.names], np.float32)
        return sizes.sum() / (len(sizes) * sizes)


def split_labels(text: str) -> list[str]:
    """Returns the labels of a multi-label example.

    >>> split_labels("sport, news")
    ['sport', 'news']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(label: str, place: str) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{place}: the label {label!r} is not a number")
    return value
