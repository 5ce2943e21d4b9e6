"""The score of classifiers and regressors, whatever their head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.corpus_files import Corpus
from zoo.data.targets import HeadName, split_labels
from zoo.evaluation import baselines, metrics


def classification_score(
    predicted: Sequence[Any], expected: Sequence[str], head: HeadName
) -> tuple[str, float]:
    """Returns the name and the value of the score.

    Args:
        predicted: labels, tuples of labels, or values.
        expected: labels as in the corpus.
        head: `"regression"` is scored by the mean absolute error, in label units;
            `"multilabel"` by micro F1, others by accuracy, in percent.
    """
    if head == "regression":
        error = metrics.mean_absolute_error(predicted, list(map(float, expected)))
        return "mean absolute error", error
    if head == "multilabel":
        score = metrics.micro_f1(
            label_sets(predicted, head), label_sets(expected, head)
        )
        return "micro F1", 100 * score
    return "accuracy", 100 * metrics.accuracy(predicted, expected)


def label_sets(answers: Sequence[Any], head: HeadName) -> list[set[str]]:
    """Returns the labels of each answer, predicted or expected."""
    if head != "multilabel":
        return [{label} for label in answers]
    return [set(split_labels(a) if isinstance(a, str) else a) for a in answers]


def constant_baseline(train_labels: Sequence[str], head: HeadName) -> tuple[str, Any]:
    """Returns the name of the simplest baseline, and its answer to every text."""
    if head == "regression":
        mean = float(np.mean(list(map(float, train_labels))))
        return "mean of the training data", mean
    commonest = baselines.most_frequent(train_labels)
    if head == "multilabel":
        return "commonest labels", tuple(split_labels(commonest))
    return "majority class", commonest


def constant_scores(
    splits: Mapping[str, Corpus[tuple[str, str]]], head: HeadName
) -> baselines.Baseline:
    """Returns the scores of the same answer to every text.

    Args:
        splits: texts and labels.
        head: what a label is.
    """
    name, answer = constant_baseline([label for _, label in splits["train"]], head)

    def score(split: str) -> float:
        expected = [label for _, label in splits[split]]
        return classification_score([answer] * len(expected), expected, head)[1]

    return baselines.Baseline(name, score("test"), score("dev"))
