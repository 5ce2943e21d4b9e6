"""The simple baselines that scores are compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from zoo.configuration import Configuration, configuration, option

Value = TypeVar("Value", bound=Hashable)  # and ordered


@configuration
class StrongBaselineConfig(Configuration):
    """Of recipes that have a strong baseline besides the simple one."""

    strong_baseline: bool = option(
        True, "train a strong model of another kind too, to compare", group="output"
    )


class Baseline(NamedTuple):
    """A baseline and its scores.

    Attributes:
        name: what it is, in a few words.
        score: of the test split.
        dev_score: of the development split.
        seconds: that it took, if that is worth saying.
    """

    name: str
    score: float
    dev_score: float
    seconds: float | None = None

    def entry(self) -> dict[str, Any]:
        """Returns what `metrics.json` says of it."""
        return {k: v for k, v in self._asdict().items() if v is not None}


def most_frequent(values: Iterable[Value]) -> Value:
    """Returns the most frequent value; of several the smallest."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def most_frequent_tag(
    train: Iterable[tuple[Sequence[str], Sequence[str]]],
) -> Callable[[Sequence[str]], list[str]]:
    """Baseline of tagging: the most frequent tag of each word.

    Args:
        train: sentences of (words, tags).

    Returns:
        A function from words to tags; unknown words get the most frequent tag of all.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for words, tags in train:
        for word, tag in zip(words, tags):
            counts[word][tag] += 1
    best = {w: min(c, key=lambda tag: (-c[tag], tag)) for w, c in counts.items()}
    total = sum(counts.values(), Counter())
    other = min(total, key=lambda tag: (-total[tag], tag))
    return lambda words: [best.get(word, other) for word in words]


def unigram_nats(train_ids: np.ndarray, test_ids: np.ndarray, size: int) -> float:
    """Baseline of language modelling: tokens by their frequency, plus one.

    Args:
        train_ids: int `[total]`.
        test_ids: int `[total]`.
        size: of the vocabulary.

    Returns:
        Mean negative log-probability of the test tokens, in nats per token.
    """
    counts = np.bincount(train_ids, minlength=size) + 1.0
    return float(-np.log(counts / counts.sum())[test_ids].mean())


def nearest_translation(train: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Baseline of translation: the target of the most similar source in training.

    Similarity is the summed squared rarity (inverse document frequency) of the words
    that two sources share, or of the character trigrams if the source is one word,
    divided by the norm of the training source.

    Args:
        train: pairs of (source, target).

    Returns:
        A function from a source to a target.
    """
    targets: list[str] = []
    examples_of: dict[str, list[int]] = defaultdict(list)
    features_of = []
    for source, target in train:
        for feature in (features := _features(source)):
            examples_of[feature].append(len(targets))
        features_of.append(features)
        targets.append(target)
    total = len(targets)
    rarity = {f: np.log(1 + total / len(e)) for f, e in examples_of.items()}
    arrays = {f: np.array(e) for f, e in examples_of.items()}
    norms = np.sqrt([1e-9 + sum(rarity[f] ** 2 for f in fs) for fs in features_of])

    def nearest(source: str) -> str:
        similarity = np.zeros(total)
        for feature in _features(source):
            if feature in arrays:
                similarity[arrays[feature]] += rarity[feature] ** 2
        return targets[int((similarity / norms).argmax())]

    return nearest


def _features(text: str) -> set[str]:
    words = text.split()
    if len(words) > 1:
        return set(words)
    padded = f"^{text}$"
    return {padded[i : i + 3] for i in range(max(1, len(padded) - 2))}
