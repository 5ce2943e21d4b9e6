"""Targets of classification and regression."""

import numpy as np
import pytest

from zoo.data import targets as module
from zoo.data.corpus_files import Corpus
from zoo.data.targets import Targets
from zoo.text.vocabulary import UNSEEN


def corpus(*labels):
    """Returns a corpus of texts with these labels."""
    rows = [(f"a.tsv:{i}", ("text", label)) for i, label in enumerate(labels, 1)]
    return Corpus(lambda: iter(rows), "a.tsv")


def test_doctests():
    import doctest

    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "labels, head, expected, outputs",
    [
        (["no", "yes", "no"], None, "binary", 1),
        (["a", "b", "c"], None, "multiclass", 3),
        (["a, b", "c", ""], "multilabel", "multilabel", 3),
        (["1", "2.5"], "regression", "regression", 1),
    ],
)
def test_the_head_follows_the_labels(labels, head, expected, outputs):
    targets = Targets.of(corpus(*labels), head)
    assert targets.head == expected and targets.num_outputs == outputs
    assert targets.has_classes == (expected in ("binary", "multiclass"))
    assert set(targets.settings()) == (
        {"mean", "scale"} if head == "regression" else set()
    )


def test_targets_by_hand():
    assert Targets.of(corpus("no", "yes")).encode("yes", "a:1").tolist() == [1]
    labels = Targets.of(corpus("a,b", "c"), "multilabel")
    assert labels.encode("c, a", "a:1").tolist() == [1, 0, 1]
    values = Targets.of(corpus("1", "3"), "regression")
    assert (values.mean, values.scale) == (2, 1)
    assert values.encode("5", "a:1").tolist() == [3]


@pytest.mark.parametrize(
    "labels, head, message",
    [
        (["1", "x"], "regression", "a.tsv:2: the label 'x' is not a number"),
        (["1", "nan"], "regression", "a.tsv:2: the label 'nan' is not a number"),
        (["2", "2"], "regression", "a.tsv: all values are 2; expected several"),
    ],
)
def test_labels_that_are_no_targets(labels, head, message):
    with pytest.raises(ValueError) as error:
        Targets.of(corpus(*labels), head)
    assert str(error.value) == message


def test_a_label_that_is_not_in_train():
    targets = Targets.of(corpus("a", "b"))
    assert targets.encode("c", "b.tsv:7").tolist() == [UNSEEN]
    assert targets.unseen(corpus("a", "c", "c")) == {"c": 2}
    several = Targets.of(corpus("a,b", "c"), "multilabel")
    assert several.encode("c, d", "b.tsv:7").tolist() == [0, 0, 1]
    assert several.unseen(corpus("c, d", "", "e")) == {"d": 1, "e": 1}
    assert Targets.of(corpus("1", "2"), "regression").unseen(corpus("3")) == {}


def test_balanced_weights_have_a_mean_of_1_and_equal_sums():
    examples = corpus("a", "a", "a", "b")
    weights = Targets.of(examples).balanced_weights(examples)
    np.testing.assert_allclose(weights, [4 / 6, 2])
    assert weights[[0, 0, 0, 1]].mean() == pytest.approx(1)
    with pytest.raises(ValueError, match="class_weights: expected null with head"):
        Targets.of(corpus("1", "2"), "regression").balanced_weights(examples)
