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

MOST_CHARACTERS = 40_000_000  # of training; of more, examples are drawn
MOST_WORK = 200_000_000  # the same times the classes
MOST_WEIGHTS = 20_000_000  # features times classes
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
        ValueError: if the texts hold no word.
    """

    def __init__(
        self,
        train: Sequence[Example],
        head: HeadName,
        tokenize: Callable[[str], list[str]],
    ):
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.head, self.strength = head, STRENGTHS[0]
        num_outputs = _num_outputs([label for _, label in train], head)
        drawn = _affordable([len(text) for text, _ in train], num_outputs)
        texts, labels = zip(*(train[i] for i in drawn))
        self._targets = self._encode(labels)
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

    def _encode(self, labels: Sequence[str]) -> Any:
        """Returns what scikit-learn learns of labels."""
        if self.head == "regression":
            return np.array([float(label) for label in labels])
        if self.head != "multilabel":
            return np.array(labels)
        from sklearn.preprocessing import MultiLabelBinarizer

        self._binarizer = MultiLabelBinarizer()
        return self._binarizer.fit_transform([split_labels(x) for x in labels])

    def fit(self, strength: float) -> None:
        """Trains the model.

        Args:
            strength: of the data against the regularizer.
        """
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier

        if self.head == "regression":
            model: Any = Ridge(alpha=10 / strength)
        else:  # the dual takes a tenth of the time that others take
            one = LogisticRegression(
                C=strength, solver="liblinear", dual=True, random_state=0
            )
            model = OneVsRestClassifier(one)
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


def _num_outputs(labels: Sequence[str], head: HeadName) -> int:
    """Returns the number of linear models that are trained."""
    if head in ("regression", "binary"):
        return 1
    split = split_labels if head == "multilabel" else lambda label: [label]
    return max(1, len({part for label in set(labels) for part in split(label)}))


def _affordable(lengths: Sequence[int], num_outputs: int) -> list[int]:
    """Returns the indices of all examples, or of as many as the limits allow."""
    most = min(MOST_CHARACTERS, MOST_WORK // num_outputs)
    if sum(lengths) <= most:
        return list(range(len(lengths)))
    order = random.Random(0).sample(range(len(lengths)), len(lengths))
    within = np.cumsum([lengths[i] for i in order]) <= most
    return sorted(order[: max(1, int(within.sum()))])


def _words_and_pairs(words: Sequence[str]) -> list[str]:
    """Returns words and pairs of neighbors, which a line end keeps apart from words.

    >>> _words_and_pairs(["a", "b"])
    ['a', 'b', 'a\\nb']
    """
    return [*words, *(f"{a}\n{b}" for a, b in zip(words, words[1:]))]
