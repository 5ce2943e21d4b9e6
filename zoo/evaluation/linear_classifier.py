"""A strong baseline of classification and regression: a linear model of TF-IDF.

Words and pairs of neighboring words, weighted by rarity and by the logarithm of their
frequency, are the features of a logistic regression, or of a ridge regression of
values. Wang and Manning (2012) show how strong such models are.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.data.targets import HeadName, split_labels
from zoo.evaluation.classification import classification_score
from zoo.evaluation.tables import is_better

MOST_WORDS = 3_000_000  # of training; of more, examples are drawn
MOST_WEIGHTS = 10_000_000  # features times classes
MOST_FEATURES = 300_000  # the commonest are kept
STRENGTHS = (1.0, 10.0, 100.0)  # of the data against the regularizer

Example = tuple[str, str]  # text and label


class LinearClassifier:
    """A linear model of the words of a text, and of pairs of neighboring ones.

    Args:
        train: texts and labels.
        head: what a label is.
        tokenize: cuts a text into words.

    Attributes:
        name: what it is, and of how many examples if not of all.
        strength: of the data against the regularizer; see `tune`.

    Raises:
        ValueError: if the texts hold no word, or the labels do not differ.
    """

    def __init__(
        self,
        train: Sequence[Example],
        head: HeadName,
        tokenize: Callable[[str], list[str]],
    ):
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.head, self.strength = head, STRENGTHS[0]
        drawn = _affordable([len(tokenize(text)) for text, _ in train])
        texts, labels = zip(*(train[i] for i in drawn))
        self._targets, num_outputs = self._encode(labels)
        self._vectorizer = TfidfVectorizer(
            analyzer=lambda text: _words_and_pairs(tokenize(text)),
            sublinear_tf=True,
            max_features=max(1000, min(MOST_FEATURES, MOST_WEIGHTS // num_outputs)),
            dtype=np.float32,
        )
        self._features = self._vectorizer.fit_transform(texts)
        self._model: Any = None
        kind = "ridge" if head == "regression" else "logistic"
        self.name = f"TF-IDF with {kind} regression"
        if len(drawn) < len(train):
            self.name += f", of {len(drawn):,} of {len(train):,} examples"

    def _encode(self, labels: Sequence[str]) -> tuple[Any, int]:
        """Returns what scikit-learn learns of labels, and the number of outputs."""
        if self.head == "regression":
            return np.array([float(label) for label in labels]), 1
        if self.head != "multilabel":
            return np.array(labels, object), len(set(labels))
        from sklearn.preprocessing import MultiLabelBinarizer

        self._binarizer = MultiLabelBinarizer()
        targets = self._binarizer.fit_transform([split_labels(x) for x in labels])
        return targets, max(1, targets.shape[1])

    def fit(self, strength: float) -> None:
        """Trains the model.

        Args:
            strength: of the data against the regularizer.
        """
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier

        model: Any = LogisticRegression(C=strength, max_iter=100)
        if self.head == "regression":
            model = Ridge(alpha=10 / strength)
        elif self.head == "multilabel":
            model = OneVsRestClassifier(
                LogisticRegression(C=strength, solver="liblinear")
            )
        with warnings.catch_warnings():  # it is as good as converged
            warnings.simplefilter("ignore")
            self._model = model.fit(self._features, self._targets)
        self.strength = strength

    def tune(self, dev: Sequence[Example]) -> None:
        """Trains with the strength of the best score.

        Args:
            dev: texts and labels that have no part in training.
        """
        features = self._vectorizer.transform([text for text, _ in dev])
        expected = [label for _, label in dev]
        best: tuple[float, Any, float] | None = None
        for strength in STRENGTHS:
            self.fit(strength)
            metric, score = classification_score(
                self._answers(features), expected, self.head
            )
            if best is None or is_better(metric, score, best[0]):
                best = score, self._model, strength
        if best:
            _, self._model, self.strength = best

    def predict(self, texts: Sequence[str]) -> list[Any]:
        """Returns the label of each text, the tuple of its labels, or its value."""
        return self._answers(self._vectorizer.transform(texts))

    def _answers(self, features: Any) -> list[Any]:
        found = self._model.predict(features)
        if self.head == "multilabel":
            return self._binarizer.inverse_transform(found)
        return found.tolist()


def _affordable(lengths: Sequence[int]) -> list[int]:
    """Returns the indices of all examples, or of as many as `MOST_WORDS` allows."""
    if sum(lengths) <= MOST_WORDS:
        return list(range(len(lengths)))
    order = random.Random(0).sample(range(len(lengths)), len(lengths))
    within = np.cumsum([lengths[i] for i in order]) <= MOST_WORDS
    return sorted(order[: max(1, int(within.sum()))])


def _words_and_pairs(words: Sequence[str]) -> list[str]:
    """Returns words and pairs of neighbors, which a line end keeps apart from words.

    >>> _words_and_pairs(["a", "b"])
    ['a', 'b', 'a\\nb']
    """
    return [*words, *(f"{a}\n{b}" for a, b in zip(words, words[1:]))]
