"""Scores and baselines, computed by hand."""

import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest

import zoo
from zoo.evaluation import baselines, metrics


def test_accuracy():
    assert metrics.accuracy("abcd", "abxy") == 0.5
    with pytest.raises(ValueError):
        metrics.accuracy("ab", "abc")


def test_micro_f1_counts_over_all_examples():
    # 2 hits, 3 predicted, 4 expected: precision 2/3, recall 2/4.
    predicted, expected = [{"a", "b"}, {"c"}, set()], [{"a"}, {"c", "d"}, {"a"}]
    assert metrics.micro_f1(predicted, expected) == pytest.approx(4 / 7)
    assert metrics.micro_f1([set()], [set()]) == 1.0
    assert metrics.micro_f1([{"a"}], [set()]) == 0.0


def test_mean_absolute_error():
    assert metrics.mean_absolute_error([1.0, 5.0, -1.0], [2.0, 3.0, -1.0]) == 1.0


def test_confusion_is_expected_by_predicted():
    counts = metrics.confusion("aabc", "abbb", "abc")
    assert counts.tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    assert counts.dtype == np.int64


@pytest.mark.parametrize(
    "a, b, distance",
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("sunday", "saturday", 3),
        ("ab", "ba", 2),
        (["the", "dog"], ["the", "big", "dog"], 1),
    ],
)
def test_edit_distance(a, b, distance):
    assert metrics.edit_distance(a, b) == distance


def test_token_error_rate_is_over_all_expected_tokens():
    # One substitution and one insertion for five expected tokens.
    rate = metrics.token_error_rate(["K AE T", "D AO G Z"], ["K AH T", "D AO"])
    assert rate == pytest.approx(3 / 5)


def test_closest_references():
    references = [["a b", "a c"], ["x"], iter(["a b c", "b c"])]
    found = metrics.closest_references(["a c", "", "c"], references)
    assert found == ["a c", "x", "b c"]
    assert metrics.closest_references(["a d"], [["a b", "a c"]]) == ["a b"]  # a tie
    with pytest.raises(ValueError):
        metrics.closest_references(["a"], [])


def test_bleu():
    sentence = "the quick brown fox jumps"
    score, signature = metrics.bleu([sentence], [sentence])
    assert score == pytest.approx(100)
    assert "case:mixed" in signature and "tok:13a" in signature
    # 4/5 unigrams, 3/4 bigrams, 2/3 trigrams, 1/2 four-grams: the mean is 0.2 ** 1/4.
    score, _ = metrics.bleu(["the quick brown fox runs"], [sentence])
    assert score == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_most_frequent_breaks_ties_by_the_smallest():
    assert baselines.most_frequent("abbcc") == "b"
    assert baselines.most_frequent("ccb") == "c"


def test_most_frequent_tag():
    train = [(["a", "b"], ["X", "Y"]), (["a", "a", "c"], ["Z", "Z", "Y"])]
    # "a" is Z twice and X once; Y and Z are twice each, and Y comes first.
    tag = baselines.most_frequent_tag(train)
    assert tag(["a", "b", "c", "new"]) == ["Z", "Y", "Y", "Y"]


def test_unigram_nats():
    # Of three ids, counts plus one are 3, 2 and 1 of 6.
    nats = baselines.unigram_nats(np.array([0, 0, 1]), np.array([0, 2]), 3)
    assert nats == pytest.approx(-(math.log(3 / 6) + math.log(1 / 6)) / 2)


def test_nearest_translation_goes_by_rare_words():
    train = [("the dog runs", "A"), ("the cat sits", "B"), ("the the", "C")]
    nearest = baselines.nearest_translation(train)
    assert nearest("the cat") == "B"
    assert nearest("a dog") == "A"


def test_nearest_translation_of_one_word_goes_by_its_trigrams():
    train = [("night", "N"), ("today", "T"), ("a", "A")]
    nearest = baselines.nearest_translation(train)
    assert nearest("knight") == "N" and nearest("day") == "T" and nearest("a") == "A"
    assert nearest("") in {"N", "T", "A"}


MODULES = [
    m.name for m in pkgutil.walk_packages(zoo.__path__, "zoo.") if "main" not in m.name
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
