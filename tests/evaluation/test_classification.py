"""Scores of classifiers and regressors by hand, for every head."""

import pytest

from zoo.evaluation.classification import (
    classification_score,
    constant_baseline,
    label_sets,
)


def test_accuracy():
    score = classification_score(["a", "b", "b"], ["a", "b", "a"], "multiclass")
    assert score == ("accuracy", pytest.approx(200 / 3))


def test_micro_f1_of_label_sets():
    predicted, expected = [("a", "b"), ()], ["a", "b, c"]
    assert label_sets(expected, "multilabel") == [{"a"}, {"b", "c"}]
    name, score = classification_score(predicted, expected, "multilabel")
    assert name == "micro F1" and score == pytest.approx(100 * 2 / 5)


def test_mean_absolute_error_is_in_label_units():
    score = classification_score([1.0, 5.0], ["2", "5"], "regression")
    assert score == ("mean absolute error", 0.5)


@pytest.mark.parametrize(
    "labels, head, expected",
    [
        (["b", "a", "b"], "binary", ("majority class", "b")),
        (["b", "a"], "multiclass", ("majority class", "a")),
        (["a,b", "a,b", "c"], "multilabel", ("commonest labels", ("a", "b"))),
        (["1", "2", "6"], "regression", ("mean of the training data", 3.0)),
    ],
)
def test_the_constant_baseline(labels, head, expected):
    assert constant_baseline(labels, head) == expected
    # It can be scored like any answer.
    classification_score([expected[1]] * len(labels), labels, head)
