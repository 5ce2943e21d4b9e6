"""The strong baselines: against plain loops, scikit-learn, and by hand."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from zoo.data.corpus_files import Corpus
from zoo.evaluation import linear_classifier, linear_tagger, ngrams, strong_baselines
from zoo.evaluation.linear_classifier import LinearClassifier
from zoo.evaluation.linear_tagger import LinearTagger, features, viterbi
from zoo.evaluation.metrics import accuracy, entity_f1
from zoo.evaluation.ngrams import NGrams, best_ngrams

RANDOM = np.random.default_rng(0)


def splits_of(**examples):
    """Returns corpora of examples."""
    return {
        name: Corpus(lambda rows=rows: ((f"{i}", x) for i, x in enumerate(rows)), name)
        for name, rows in examples.items()
    }


# --- n-grams -----------------------------------------------------------------------


def kneser_ney(text, context, token, size, order):
    """Interpolated modified Kneser-Ney, as Chen and Goodman write it, by dicts."""

    def counts(length):
        grams = [tuple(text[i : i + length]) for i in range(len(text) - length + 1)]
        if length == order:
            return Counter(grams)
        longer = {tuple(text[i : i + length + 1]) for i in range(len(text) - length)}
        return Counter(gram[1:] for gram in longer)

    def probability(context, token):
        found = counts(len(context) + 1)
        n = Counter(found.values())
        y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0
        discounts = [0, 0.5, 0.75, 1.0]
        if all(n[i] for i in (1, 2, 3, 4)):
            for i in (1, 2, 3):
                d = i - (i + 1) * y * n[i + 1] / n[i]
                discounts[i] = d if 0 < d < 0.95 * i else discounts[i]
        shorter = probability(context[1:], token) if context else 1 / size
        of = {g: c for g, c in found.items() if g[:-1] == context}
        if not of:
            return shorter
        total, here = sum(of.values()), of.get((*context, token), 0)
        taken = sum(discounts[min(c, 3)] for c in of.values())
        return (here - discounts[min(here, 3)] + taken * shorter) / total

    return probability(tuple(context[len(context) - order + 1 :]), token)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_ngrams_are_those_of_a_plain_loop(order):
    # Zipf's law gives counts of 1, 2, 3 and 4, of which the discounts are made.
    text = np.minimum(RANDOM.zipf(1.4, 400), 12).tolist()
    model = NGrams(np.array(text), 15, order)
    test = np.minimum(RANDOM.zipf(1.4, 12), 14).tolist()
    found = model.log_probabilities(np.array(test))
    for i, token in enumerate(test):
        context = test[max(0, i - order + 1) : i]
        if len(context) < order - 1:  # at its beginning shorter n-grams are asked
            continue
        expected = kneser_ney(text, context, token, 15, order)
        assert found[i] == pytest.approx(math.log(expected))


@pytest.mark.parametrize("order", [1, 2, 3, 5, 9])
def test_probabilities_sum_to_1(order):
    model = NGrams(RANDOM.integers(0, 4, 60), 6, order)
    contexts = [[], [1], [5], [0, 1, 2], [5, 5, 5, 1], *RANDOM.integers(0, 5, (9, 8))]
    for context in map(list, contexts):
        found = model.probabilities(context)
        assert found.sum() == pytest.approx(1) and (found > 0).all()
        asked = context[max(0, len(context) - order + 1) :] if order > 1 else []
        for token in range(6):
            text = np.array([*asked, token])
            assert found[token] == pytest.approx(
                math.exp(model.log_probabilities(text)[-1])
            )


def test_the_order_is_chosen_by_the_development_text():
    text = np.tile([0, 1, 2, 0, 2, 1], 30)
    assert best_ngrams(text, text[:20], 4, (1, 2, 3))[1] == 3
    noise = RANDOM.integers(0, 4, 60)
    assert best_ngrams(noise, RANDOM.integers(0, 4, 400), 4, (1, 6))[1] == 1


def test_a_text_shorter_than_its_ngrams():
    assert NGrams(np.array([1, 2]), 4, 8).probabilities([1])[2] > 0.25


def test_of_a_long_text_the_beginning_is_read(monkeypatch):
    monkeypatch.setattr(ngrams, "MOST_TOKENS", 100)
    monkeypatch.setattr(strong_baselines, "MOST_TOKENS", 100)
    ids = {"train": np.tile([1, 2], 100), "dev": np.tile([1, 2], 9)}
    found = strong_baselines.ngrams({**ids, "test": ids["dev"]}, 4, (2, 3))
    assert found.name == "interpolated 2-grams (Kneser-Ney), of 100 of 200 tokens"
    assert found.score == found.dev_score < 0.2


# --- A linear model of texts -------------------------------------------------------

TEXTS = [
    ("a good film", "pos"), ("not good at all", "neg"), ("good good fun", "pos"),
    ("a bad film", "neg"), ("not bad at all", "pos"), ("bad bad bore", "neg"),
]  # fmt: skip


def test_the_classifier_is_that_of_scikit_learn():
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True
    )
    texts, labels = zip(*TEXTS)
    expected = LogisticRegression(C=10, solver="liblinear", dual=True, random_state=0)
    expected.fit(vectorizer.fit_transform(texts), labels)
    model = LinearClassifier(TEXTS, "binary", str.split)
    model.fit(10.0)
    assert (
        model.predict(texts) == expected.predict(vectorizer.transform(texts)).tolist()
    )
    assert model.predict(["not bad", "not good"]) == ["pos", "neg"]
    assert len(model._vectorizer.vocabulary_) == len(vectorizer.vocabulary_)


def test_values_by_ridge_regression():
    values = [(text, str(i)) for i, (text, _) in enumerate(TEXTS)]
    model = LinearClassifier(values, "regression", str.split)
    model.fit(10.0)
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True
    )
    texts = [text for text, _ in TEXTS]
    ridge = Ridge(1.0).fit(vectorizer.fit_transform(texts), range(6))
    np.testing.assert_allclose(
        model.predict(texts), ridge.predict(vectorizer.transform(texts)), atol=1e-4
    )


def test_sets_of_labels():
    rows = [("good film", "pos, film"), ("bad film", "neg,film"), ("good", "pos")] * 3
    rows += [("bad", "neg"), ("so", "")] * 3
    model = LinearClassifier(rows, "multilabel", str.split)
    model.fit(100.0)
    assert model.predict(["good film", "bad"]) == [("film", "pos"), ("neg",)]


def test_the_regularizer_is_chosen_by_the_development_split_alone():
    test = [("good", "neg")]
    splits = splits_of(train=TEXTS, dev=TEXTS, test=test)
    found = strong_baselines.linear_classifier(splits, "binary", str.split)
    assert found.name == "TF-IDF with logistic regression"
    assert found.score == 0 and found.dev_score == 100 and found.seconds > 0


def test_one_class_only():
    splits = splits_of(train=[("a b", "x")] * 3, dev=TEXTS, test=[("c", "x")])
    found = strong_baselines.linear_classifier(splits, "multiclass", str.split)
    assert found.score == 100 and found.dev_score == 0


def test_texts_without_words_have_no_strong_baseline(capsys):
    rows = [("", "x"), ("", "y")]
    splits = splits_of(train=rows, dev=rows, test=rows)
    assert strong_baselines.linear_classifier(splits, "binary", str.split) is None
    assert capsys.readouterr().out.startswith("no strong baseline: ")


def test_of_many_texts_a_part_is_drawn(monkeypatch):
    monkeypatch.setattr(linear_classifier, "MOST_CHARACTERS", 700)
    model = LinearClassifier(TEXTS * 20, "binary", str.split)
    assert model.name.startswith("TF-IDF with logistic regression, of 5")
    assert model.name.endswith(" of 120 examples")


# --- A linear model of a window ----------------------------------------------------


def test_features_are_of_the_window_and_of_one_sentence():
    one, two = features([["a", "b", "c", "d", "e", "f"]]), features([["x"], ["b"]])
    assert one.shape == (6, linear_tagger.COLUMNS) and (one.data == 1).all()

    def row(matrix, i):
        return set(matrix[i].indices)

    # Words that are three apart do not see each other; two apart they do.
    far = features([["a", "b", "c", "Z", "e", "f"]])
    assert row(one, 0) == row(far, 0) and row(one, 1) != row(far, 1)
    # A sentence does not see the next one.
    assert row(two, 0) == row(features([["x"]]), 0)
    assert row(two, 1) == row(features([["b"]]), 0)


def test_the_best_path_is_that_of_enumeration():
    for length in (1, 2, 4):
        scores = RANDOM.normal(size=(length, 3))
        between = RANDOM.normal(size=(4, 4))

        def total(path, scores=scores, between=between):
            edged = [3, *path, 3]
            return scores[range(len(path)), path].sum() + sum(
                between[a, b] for a, b in zip(edged, edged[1:])
            )

        best = max(itertools.product(range(3), repeat=length), key=total)
        assert viterbi(scores, between).tolist() == list(best)


def test_words_are_told_by_their_neighbors_and_endings():
    verbs, nouns = ["walk", "talk", "bark"], ["dog", "cat", "man"]
    train = [(["the", n, v + "ed"], ["D", "N", "V"]) for n in nouns for v in verbs]
    train += [(["to", v], ["P", "V"]) for v in verbs]
    dev = [(["the", "zebra", "zedded"], ["D", "N", "V"])]
    splits = splits_of(train=train, dev=dev, test=dev)

    def score(predicted, expected):
        return accuracy(sum(predicted, []), sum(expected, []))

    found = strong_baselines.linear_tagger(splits, None, score)
    assert found.name == "linear model of a window of 5 words"
    assert found.score == found.dev_score == 100


def test_spans_are_legal_and_scored_by_f1():
    train = [(["in", "New", "York"], ["O", "B-LOC", "I-LOC"])] * 5
    train += [(["by", "Ann"], ["O", "B-PER"])] * 5 + [(["so", "on"], ["O", "O"])] * 5
    model = LinearTagger(train, "iob2")
    f1 = model.tune(train, lambda p, e: entity_f1(p, e, "iob2"))
    assert f1 == 1.0
    # York alone looks like I-LOC, which may not begin a span.
    for tags in model.predict([["York"], ["York", "York", "New"]]):
        assert tags[0] != "I-LOC"


def test_one_tag_only():
    model = LinearTagger([(["a"], ["X"])])
    assert model.predict([["b", "c"]]) == [["X", "X"]]


def test_of_many_sentences_a_part_is_drawn(monkeypatch):
    monkeypatch.setattr(linear_tagger, "MOST_UPDATES", 5_000)
    train = [(["a", "b"], ["X", "Y"])] * 100
    splits = splits_of(train=train, dev=train[:2], test=train[:2])
    found = strong_baselines.linear_tagger(
        splits, None, lambda p, e: float(list(p) == list(e))
    )
    # 200 words, 23 features, 2 tags: 9,200 updates an epoch.
    assert found.name.endswith(", of 54% of the sentences") and found.score == 100
