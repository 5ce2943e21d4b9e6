"""Targets of classification and regression: what a model learns of a label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from zoo.data.corpus_files import Corpus
from zoo.text.vocabulary import UNSEEN, Labels

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
            The class, int32 `[1]`, `UNSEEN` if the training data do not have it;
            float32 `[labels]`, 1 for those it has; or the scaled value, float32 `[1]`.

        Raises:
            ValueError: if the label is not a number, for a regression.
        """
        if self.head == "regression":
            value = (_number(label, place) - self.mean) / self.scale
            return np.array([value], np.float32)
        if self.head == "multilabel":
            target = np.zeros(len(self.labels), np.float32)
            classes = self.labels.encode_all(split_labels(label))
            target[classes[classes != UNSEEN]] = 1
            return target
        return self.labels.encode_all([label])

    def unseen(self, corpus: Labeled) -> Counter[str]:
        """Counts the labels of a corpus that the training data do not have.

        Args:
            corpus: `(text, label)`.
        """
        if self.head == "regression":
            return Counter()
        several = self.head == "multilabel"
        labels = (split_labels(x) if several else [x] for _, x in corpus)
        return unseen_labels(labels, self.labels)

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


def unseen_labels(labels: Iterable[Iterable[str]], known: Labels) -> Counter[str]:
    """Counts the labels that the training data do not have.

    Args:
        labels: of each example.
        known: those of the training data.

    >>> unseen_labels([["a", "b"], ["b"]], Labels(["a", "c"]))
    Counter({'b': 2})
    """
    return Counter(x for some in labels for x in some if x not in known)


def with_unseen(names: Sequence[str], *labels: Iterable[str]) -> list[str]:
    """Returns the names of the classes, and after them labels that are none of them.

    Args:
        names: of the classes.
        labels: of some examples.

    >>> with_unseen(["a", "c"], ["a"], ["b", "c"])
    ['a', 'c', 'b']
    """
    return [*names, *sorted(set().union(*labels) - set(names))]


def unseen_decision(unseen: Mapping[str, Counter[str]]) -> dict[str, Any]:
    """Returns what a run says of labels that only evaluation has.

    Args:
        unseen: how often each occurs, by split.

    >>> unseen_decision({"dev": Counter({"meh": 2}), "test": Counter()})
    {'counted_as_wrong_since_not_in_train': {'dev': {'meh': 2}}}
    """
    found = {split: dict(counts) for split, counts in unseen.items() if counts}
    return {"counted_as_wrong_since_not_in_train": found} if found else {}


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


def label_settings(label_names: str | None) -> dict[str, dict[str, str]]:
    """Returns the setting `label_names` of a classifier, if there is to be one.

    Args:
        label_names: what to call labels: label=word pairs between commas.

    Raises:
        ValueError: if they are not such pairs.

    >>> label_settings("0=bad, 1=good")
    {'label_names': {'0': 'bad', '1': 'good'}}
    """
    if label_names is None:
        return {}
    pairs = [part.split("=", 1) for part in label_names.split(",")]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError(
            "label_names: expected label=word pairs between commas, got "
            f"{label_names!r}"
        )
    return {"label_names": {label.strip(): word.strip() for label, word in pairs}}
