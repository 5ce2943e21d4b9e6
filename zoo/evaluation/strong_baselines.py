"""The strong baselines that scores are compared with: linear models, and n-grams.

They see the training split; what they can be tuned in is chosen by the development
split. Each is bounded in time: of a large corpus it takes a part, which its name says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from zoo.data.corpus_files import Corpus
from zoo.data.targets import HeadName
from zoo.evaluation.baselines import Baseline
from zoo.evaluation.classification import classification_score
from zoo.evaluation.linear_classifier import LinearClassifier
from zoo.evaluation.linear_tagger import best_linear_tagger
from zoo.evaluation.ngrams import MOST_TOKENS, best_ngrams
from zoo.evaluation.tagging import Tags
from zoo.text.span_tags import Scheme

# The longest n-grams to choose from.
ORDERS_OF_CHARACTERS = (3, 4, 5, 6, 7, 8)
ORDERS_OF_WORDS = (2, 3, 4)


def linear_classifier(
    splits: Mapping[str, Corpus[tuple[str, str]]],
    head: HeadName,
    tokenize: Callable[[str], list[str]],
) -> Baseline | None:
    """Baseline of classification and regression: TF-IDF of words and pairs of words.

    Args:
        splits: texts and labels.
        head: what a label is.
        tokenize: cuts a text into words.

    Returns:
        Its scores, as those of `classification_score`; None if the texts hold no word.
    """
    start = time.perf_counter()
    examples = {split: list(corpus) for split, corpus in splits.items()}
    try:
        model = LinearClassifier(examples["train"], head, tokenize)
        model.tune(examples["dev"])
    except ValueError as error:
        print(f"no strong baseline: {error}")
        return None

    def score(split: str) -> float:
        texts, expected = zip(*examples[split], strict=True)
        return classification_score(model.predict(texts), expected, head)[1]

    test, dev = score("test"), score("dev")
    return Baseline(model.name, test, dev, time.perf_counter() - start)


def linear_tagger(
    splits: Mapping[str, Corpus[tuple[list[str], list[str]]]],
    scheme: Scheme | None,
    score: Callable[[Tags, Tags], float],
) -> Baseline:
    """Baseline of tagging: a linear model of a window of five words.

    Args:
        splits: words and tags.
        scheme: of the tags if they are of spans.
        score: of predicted and expected tags, 0 to 1.

    Returns:
        Its scores, in percent.
    """
    start = time.perf_counter()
    examples = {split: list(corpus) for split, corpus in splits.items()}
    model = best_linear_tagger(examples["train"], examples["dev"], scheme, score)

    def scored(split: str) -> float:
        sentences, expected = zip(*examples[split], strict=True)
        return 100 * score(model.predict(sentences), expected)

    test, dev = scored("test"), scored("dev")
    name = "linear model of a window of 5 words"
    if model.share < 1:
        name += f", of {model.share:.0%} of the sentences"
    return Baseline(name, test, dev, time.perf_counter() - start)


def ngrams(ids: Mapping[str, np.ndarray], size: int, orders: Sequence[int]) -> Baseline:
    """Baseline of language modeling: interpolated n-grams.

    Args:
        ids: of each split, int `[total]`.
        size: of the vocabulary.
        orders: lengths of n-grams, from which the development split chooses.

    Returns:
        Its cross-entropies, in nats per token.
    """
    start = time.perf_counter()
    model, order = best_ngrams(ids["train"], ids["dev"], size, orders)
    test, dev = (
        float(-model.log_probabilities(ids[split]).mean()) for split in ("test", "dev")
    )
    name = f"interpolated {order}-grams (Kneser-Ney)"
    if (total := len(ids["train"])) > MOST_TOKENS:
        name += f", of {MOST_TOKENS:,} of {total:,} tokens"
    return Baseline(name, test, dev, time.perf_counter() - start)
