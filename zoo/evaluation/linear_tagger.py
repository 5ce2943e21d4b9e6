"""A strong baseline of tagging: a linear model of a window of words.

Each word is described by itself, its neighbors, their endings, beginnings and shapes
(Ratnaparkhi 1996; Collobert et al. 2011 call it the window approach). A linear support
vector machine for each tag is trained by averaged stochastic gradient descent; a
sentence's tags are then found together, by the frequency of pairs of tags, among those
that their scheme allows.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.outside_score import tune_outside_score
from zoo.evaluation.tagging import Tags
from zoo.text.span_schemes import allowed_transitions
from zoo.text.span_tags import Scheme

Sentence = tuple[Sequence[str], Sequence[str]]  # words and tags

# Which of a word's features are taken, by its distance from the word to tag.
WINDOW = {
    -2: ("word",),
    -1: ("word", "shape", "suffix3"),
    0: ("word", "lower", "shape", "initial")
    + ("prefix1", "prefix2", "prefix3", "prefix4")
    + ("suffix1", "suffix2", "suffix3", "suffix4"),
    1: ("word", "shape", "suffix3"),
    2: ("word",),
}
PAIRS = (("word", -1, "word", 0), ("word", 0, "word", 1), ("shape", -1, "shape", 0))
COLUMNS = 1 << 19  # of features, hashed
EPOCHS = 5
MOST_UPDATES = 5e8  # words, features, tags and epochs multiplied: some ten seconds
# Strengths of the regularizer. Names are rare, and hold for one corpus only.
ALPHAS_OF_SPANS, ALPHAS = (1e-4, 1e-5), (1e-6,)
WEIGHTS_OF_PAIRS = (0.0, 0.1, 0.25, 0.5)


class LinearTagger:
    """A linear model of a window of words.

    Args:
        train: sentences of (words, tags). Of many, as many as `MOST_UPDATES` allows are
            drawn.
        scheme: of the tags if they are of spans; then only legal taggings are found.
        alpha: strength of the regularizer.
        seed: of the order of training.

    Attributes:
        share: of the training sentences, what was used; 0 to 1.
        weight: of the pairs of tags; see `tune`.
        shift: what is added to the score of the tag `O`; see `tune`.
    """

    def __init__(
        self,
        train: Sequence[Sentence],
        scheme: Scheme | None = None,
        alpha: float = ALPHAS[0],
        seed: int = 0,
    ):
        from sklearn.linear_model import SGDClassifier

        self.tags = sorted({tag for _, tags in train for tag in tags})
        self.weight = self.shift = 0.0
        self.epochs, kept = self._plan(train)
        self.share = len(kept) / len(train)
        ids = {tag: i for i, tag in enumerate(self.tags)}
        targets = np.array([ids[tag] for _, tags in kept for tag in tags])
        self.pairs = self._pairs([[ids[t] for t in tags] for _, tags in train])
        self.allowed = np.ones_like(self.pairs, bool)
        if scheme:
            self.allowed = allowed_transitions(self.tags, scheme)
        self.outside = [i for i, tag in enumerate(self.tags) if tag in ("O", "o")]
        self.model: Any = None
        if len(set(targets)) > 1:
            self.model = SGDClassifier(
                alpha=alpha,
                average=True,
                max_iter=self.epochs,
                tol=None,
                random_state=seed,
            ).fit(features([words for words, _ in kept]), targets)

    def _plan(self, train: Sequence[Sentence]) -> tuple[int, Sequence[Sentence]]:
        """Returns the epochs and the sentences that can be afforded."""
        taken = sum(map(len, WINDOW.values())) + len(PAIRS)
        words = sum(len(tags) for _, tags in train)
        cost = words * taken * max(1, len(self.tags))
        if cost <= MOST_UPDATES:
            return int(min(EPOCHS, MOST_UPDATES // cost)), train
        size = max(1, int(len(train) * MOST_UPDATES / cost))
        drawn = random.Random(0).sample(range(len(train)), size)
        return 1, [train[i] for i in sorted(drawn)]

    def _pairs(self, sentences: Sequence[Sequence[int]]) -> np.ndarray:
        """Returns log P(tag | tag before) - log P(tag); the last index is of ends."""
        size = len(self.tags)
        counts = np.full((size + 1, size + 1), 0.1)
        for tags in sentences:
            edged = np.array([size, *tags, size])
            np.add.at(counts, (edged[:-1], edged[1:]), 1)
        given = counts / counts.sum(1, keepdims=True)
        return np.log(given) - np.log(counts.sum(0) / counts.sum())

    def scores(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns the scores of the tags of each word, `[words, tags]`."""
        lengths = [len(words) for words in sentences]
        found = np.full((sum(lengths), len(self.tags)), -10.0)
        if self.model is not None:
            values = self.model.decision_function(features(sentences))
            if values.ndim == 1:  # of two tags
                values = np.stack([-values, values], 1)
            found[:, self.model.classes_] = values
        return np.split(found, np.cumsum(lengths)[:-1])

    def decode(self, scores: Sequence[np.ndarray]) -> list[list[str]]:
        """Returns the best tags of each sentence, by Viterbi's algorithm.

        Args:
            scores: from `scores`.
        """
        between = np.where(self.allowed, self.weight * self.pairs, -1e9)
        shifts = np.zeros(len(self.tags))
        shifts[self.outside] = self.shift
        return [[self.tags[i] for i in viterbi(s + shifts, between)] for s in scores]

    def tune(
        self, dev: Sequence[Sentence], score: Callable[[Tags, Tags], float]
    ) -> float:
        """Chooses the weight of the pairs of tags, and the shift of the score of `O`.

        Args:
            dev: sentences that had no part in training.
            score: of predicted and expected tags; the higher the better.

        Returns:
            The best score.
        """
        found = self.scores([words for words, _ in dev])
        expected = [tags for _, tags in dev]

        def scored(name: str, value: float) -> float:
            setattr(self, name, value)
            return score(self.decode(found), expected)

        results = {w: scored("weight", w) for w in WEIGHTS_OF_PAIRS}
        self.weight = max(results, key=results.__getitem__)
        if not self.outside:
            return results[self.weight]
        self.shift, shifted = tune_outside_score(lambda x: scored("shift", x))
        return shifted[self.shift]

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Returns the tags of sentences of at least one word each."""
        return self.decode(self.scores(sentences))


def best_linear_tagger(
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    scheme: Scheme | None,
    score: Callable[[Tags, Tags], float],
) -> LinearTagger:
    """Returns the linear tagger with the best score of the development split.

    Args:
        train: sentences of (words, tags).
        dev: likewise.
        scheme: of the tags if they are of spans.
        score: of predicted and expected tags; the higher the better.
    """
    alphas = ALPHAS_OF_SPANS if scheme else ALPHAS
    taggers = [LinearTagger(train, scheme, alpha) for alpha in alphas]
    scores = [tagger.tune(dev, score) for tagger in taggers]
    return taggers[int(np.argmax(scores))]


def features(sentences: Sequence[Sequence[str]]) -> Any:
    """Returns the features of every word of sentences, hashed.

    Args:
        sentences: the words of each.

    Returns:
        A sparse matrix `[words, COLUMNS]` of ones.
    """
    import scipy.sparse

    names = ["", *{word for words in sentences for word in words}]
    ids = {name: i for i, name in enumerate(names)}
    table = _word_features(names)
    # With two empty words between sentences no window reaches into another one.
    gap = [0, 0]
    flat = np.array(
        [i for words in sentences for i in [*gap, *map(ids.get, words)]] + gap
    )
    real = np.flatnonzero(flat)
    columns = []
    for distance, taken in WINDOW.items():
        columns += [
            _mix(table[kind][flat[real + distance]], f"{kind} {distance}")
            for kind in taken
        ]
    for kind, first, other, second in PAIRS:
        one = _mix(table[kind][flat[real + first]], f"{kind} {first} with")
        columns.append(
            _mix(one + table[other][flat[real + second]], f"{other} {second}")
        )
    indices = np.stack(columns, 1) % COLUMNS  # [words, features]
    starts = np.arange(len(real) + 1) * len(columns)
    ones = np.ones(indices.size, np.float32)
    shape = (len(real), COLUMNS)
    return scipy.sparse.csr_matrix((ones, indices.ravel(), starts), shape)


def _word_features(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns hashes of each feature of each word, uint64 `[words]`."""
    table: dict[str, list[str]] = {
        "word": list(names),
        "lower": [name.lower() for name in names],
        "shape": [_shape(name) for name in names],
        "initial": [name[:1].upper() + str(len(name) > 1) for name in names],
    }
    for size in range(1, 5):
        table[f"prefix{size}"] = [name[:size].lower() for name in names]
        table[f"suffix{size}"] = [name[-size:].lower() for name in names]
    return {
        kind: np.array([*map(_hash, values)], np.uint64)
        for kind, values in table.items()
    }


def _shape(word: str) -> str:
    """Returns a word's shape, as `Xx`, `d.d` or `x-x`."""
    kinds = re.sub(r"[^\W\d_]", lambda c: "X" if c[0].isupper() else "x", word)
    return re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "d", kinds))


def _hash(text: str) -> int:
    """Returns 64 bits of a text, the same in every process (FNV-1a)."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def _mix(hashes: np.ndarray, name: str) -> np.ndarray:
    """Returns hashes that depend on the name of the feature too (splitmix64)."""
    x = hashes + np.uint64(_hash(name))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def viterbi(scores: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Returns the best path, int64 `[time]`.

    Args:
        scores: `[time, tags]`.
        between: `[tags + 1, tags + 1]`, from a tag to the next; the last row and column
            are for the ends.
    """
    best = scores[0] + between[-1, :-1]  # [tags]
    back = np.zeros(scores.shape, np.int64)
    for t in range(1, len(scores)):
        paths = best[:, None] + between[:-1, :-1]  # [tags, tags]
        back[t] = paths.argmax(0)
        best = paths.max(0) + scores[t]
    path = [int((best + between[:-1, -1]).argmax())]
    for t in range(len(scores) - 1, 0, -1):
        path.append(int(back[t, path[-1]]))
    return np.array(path[::-1])
