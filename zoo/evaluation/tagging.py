"""The scores of taggers, whether their tags are of spans or not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from zoo.data.corpus_files import Corpus, TaggedWords
from zoo.evaluation import baselines, metrics
from zoo.evaluation.baselines import Baseline
from zoo.text.span_tags import Scheme

Tags = Sequence[Sequence[str]]  # of each sentence


def tagging_score(scheme: Scheme | None, predicted: Tags, expected: Tags) -> float:
    """Returns the F1 of the spans, or without a scheme the accuracy; 0 to 1.

    Args:
        scheme: of the tags if they are of spans.
        predicted: the tags of each sentence.
        expected: likewise.
    """
    if scheme:
        return metrics.entity_f1(predicted, expected, scheme)
    return metrics.accuracy(
        [*itertools.chain(*predicted)], [*itertools.chain(*expected)]
    )


def scores_of_tags(
    scheme: Scheme | None, predicted: Tags, expected: Tags
) -> dict[str, dict[str, float]]:
    """Returns precision, recall and F1 of each kind of span, or of each tag.

    Args:
        scheme: of the tags if they are of spans.
        predicted: the tags of each sentence.
        expected: likewise.
    """
    if scheme:
        return metrics.span_scores(predicted, expected, scheme)
    found, right = (
        [{tag} for tags in side for tag in tags] for side in (predicted, expected)
    )
    return metrics.class_scores(found, right)


def most_frequent_tags(
    splits: Mapping[str, Corpus[TaggedWords]], scheme: Scheme | None
) -> Baseline:
    """Returns the scores, in percent, of each word's most frequent tag.

    Args:
        splits: words and tags.
        scheme: of the tags if they are of spans.
    """
    baseline = baselines.most_frequent_tag(splits["train"])

    def score(split: str) -> float:
        predicted = [baseline(words) for words, _ in splits[split]]
        expected = [tags for _, tags in splits[split]]
        return 100 * tagging_score(scheme, predicted, expected)

    return Baseline("most frequent tag", score("test"), score("dev"))
