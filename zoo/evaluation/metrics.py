"""Scores of whole predictions: accuracy, F1, error rates, BLEU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.text.normalization import normalize
from zoo.text.span_schemes import spans
from zoo.text.span_tags import Scheme

LOWER_IS_BETTER = ("cross-entropy", "word error rate", "mean absolute error")


def accuracy(predicted: Sequence, expected: Sequence) -> float:
    """Returns the share of equal pairs; 0 to 1.

    >>> accuracy(["a", "b"], ["a", "c"])
    0.5
    """
    return sum(p == e for p, e in zip(predicted, expected, strict=True)) / len(expected)


def micro_f1(predicted: Sequence[set], expected: Sequence[set]) -> float:
    """Returns the F1 of sets of labels, counted over all examples; 0 to 1.

    >>> micro_f1([{"a", "b"}, set()], [{"a"}, {"c"}])
    0.5
    """
    hits = sum(len(p & e) for p, e in zip(predicted, expected, strict=True))
    total = sum(map(len, predicted)) + sum(map(len, expected))
    return 2 * hits / total if total else 1.0


def entity_f1(
    predicted: Sequence[Sequence[str]],
    expected: Sequence[Sequence[str]],
    scheme: Scheme,
) -> float:
    """Returns the F1 of spans: label, beginning and end must be right; 0 to 1.

    It is the strict F1 of seqeval: what violates the scheme is no span, and without any
    span the score is 0.

    Args:
        predicted: the tags of each sentence.
        expected: likewise.
        scheme: of both.

    >>> entity_f1([["B-LOC", "I-LOC", "O"]], [["B-LOC", "I-LOC", "B-LOC"]], "iob2")
    0.6666666666666666
    """
    found = [set(spans(tags, scheme)) for tags in predicted]
    right = [set(spans(tags, scheme)) for tags in expected]
    return micro_f1(found, right) if any(found) or any(right) else 0.0


def class_scores(
    predicted: Sequence[Iterable[Hashable]],
    expected: Sequence[Iterable[Hashable]],
    labels: Iterable[str] = (),
) -> dict[str, dict[str, float]]:
    """Returns precision, recall and F1 of each label, 0 to 1.

    Args:
        predicted: the labels of each example, one or several.
        expected: likewise.
        labels: those that come first, whether or not they occur; others that occur
            follow in their order.

    Returns:
        By label `precision`, 0 if it was never predicted; `recall`, 0 if it was never
        expected; `f1`; `support`, how often it was expected; and `predicted`, how
        often it was predicted.

    >>> class_scores([{"a"}, {"a"}], [{"a"}, {"b"}])["b"]
    {'precision': 0.0, 'recall': 0.0, 'f1': 0.0, 'support': 1, 'predicted': 0}
    """
    sets = [(set(p), set(e)) for p, e in zip(predicted, expected, strict=True)]
    return _scores_by_label(
        Counter(label for p, e in sets for label in p & e),
        Counter(label for p, _ in sets for label in p),
        Counter(label for _, e in sets for label in e),
        labels,
    )


def span_scores(
    predicted: Sequence[Sequence[str]],
    expected: Sequence[Sequence[str]],
    scheme: Scheme,
) -> dict[str, dict[str, float]]:
    """Returns precision, recall and F1 of each kind of span, as `class_scores`.

    Args:
        predicted: the tags of each sentence.
        expected: likewise.
        scheme: of both; what violates it is no span.

    >>> span_scores([["B-LOC", "O"]], [["B-LOC", "B-PER"]], "iob2")["PER"]
    {'precision': 0.0, 'recall': 0.0, 'f1': 0.0, 'support': 1, 'predicted': 0}
    """
    found = [set(spans(tags, scheme)) for tags in predicted]
    right = [set(spans(tags, scheme)) for tags in expected]
    both = zip(found, right, strict=True)
    return _scores_by_label(
        Counter(span.label for f, r in both for span in f & r),
        Counter(span.label for f in found for span in f),
        Counter(span.label for r in right for span in r),
    )


def micro_average(classes: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Returns precision, recall and F1 counted over all classes together.

    Args:
        classes: from `class_scores` or `span_scores`.

    >>> micro_average(class_scores([{"a"}, set()], [{"a"}, {"b"}]))["f1"]
    0.6666666666666666
    """
    hits = claims = support = 0
    for scores in classes.values():
        hits += round(scores["recall"] * scores["support"])
        claims += int(scores["predicted"])
        support += int(scores["support"])
    return _scores(hits, claims, support)


def _scores_by_label(
    hits: Counter, claims: Counter, support: Counter, labels: Iterable[str] = ()
) -> dict[str, dict[str, float]]:
    names = dict.fromkeys([*labels, *sorted({*claims, *support})])
    return {name: _scores(hits[name], claims[name], support[name]) for name in names}


def _scores(hits: int, claims: int, support: int) -> dict[str, float]:
    return {
        "precision": hits / claims if claims else 0.0,
        "recall": hits / support if support else 0.0,
        "f1": 2 * hits / (claims + support) if claims + support else 0.0,
        "support": support,
        "predicted": claims,
    }


def mean_absolute_error(predicted: Sequence[float], expected: Sequence[float]) -> float:
    """Returns the mean distance, in the unit of the values."""
    return float(np.mean(np.abs(np.subtract(predicted, expected))))


def confusion(
    predicted: Iterable[str], expected: Iterable[str], labels: Sequence[str]
) -> np.ndarray:
    """Returns counts, int64 `[expected, predicted]`, in the order of `labels`."""
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for p, e in zip(predicted, expected, strict=True):
        counts[index[e], index[p]] += 1
    return counts


def edit_distance(a: Sequence, b: Sequence) -> int:
    """Returns the smallest number of insertions, deletions and substitutions.

    >>> edit_distance("kitten", "sitting")
    3
    """
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y)),
            )
    return row[-1]


def bleu(
    predicted: Iterable[str], expected: Iterable[str], tokenize: str = "13a"
) -> tuple[float, str]:
    """Returns sacrebleu's BLEU of whole texts, cased, and its signature.

    Both sides are normalized first, since models write composed characters only.

    Args:
        predicted: a text for each source.
        expected: likewise.
        tokenize: how sacrebleu cuts them into words; see
            `zoo.evaluation.bleu_tokenization`.

    Returns:
        The score, 0 to 100, and the signature.
    """
    import sacrebleu

    metric = sacrebleu.metrics.BLEU(tokenize=tokenize)
    return _corpus_score(metric, predicted, expected)


def chrf(predicted: Iterable[str], expected: Iterable[str]) -> tuple[float, str]:
    """Returns sacrebleu's chrF2 of whole texts (0 to 100), and its signature.

    It is the F-score of n-grams of characters (Popović 2015), which needs no words.

    Args:
        predicted: a text for each source.
        expected: likewise.
    """
    import sacrebleu

    return _corpus_score(sacrebleu.metrics.CHRF(), predicted, expected)


def _corpus_score(
    metric: Any, predicted: Iterable[str], expected: Iterable[str]
) -> tuple[float, str]:
    texts, references = ([*map(normalize, side)] for side in (predicted, expected))
    score = metric.corpus_score(texts, [references]).score
    return float(score), str(metric.get_signature())


def closest(predicted: str, references: Iterable[str]) -> str:
    """Returns the reference with the smallest edit distance, in space-separated tokens.

    Args:
        predicted: tokens with spaces between them.
        references: likewise; of several that are equally close the first is returned.

    >>> closest("T AH M EY T OW", ["T AH M AA T OW", "T AH M EY T OW"])
    'T AH M EY T OW'
    """
    tokens = predicted.split()
    return min(references, key=lambda r: edit_distance(tokens, r.split()))


def closest_references(
    predicted: Sequence[str], references: Iterable[Iterable[str]]
) -> list[str]:
    """Returns for each prediction the closest of its references.

    Where several answers are right (a word has several pronunciations), a prediction is
    compared with the most similar one (Yao and Zweig 2015).

    Args:
        predicted: space-separated tokens of each example.
        references: the right answers for each example.

    Raises:
        ValueError: if there are not as many predictions as lists of references.

    >>> closest_references(["T AH M EY T"], [["T AH M AA T OW", "T AH M EY T OW"]])
    ['T AH M EY T OW']
    """
    return [closest(p, r) for p, r in zip(predicted, references, strict=True)]


def token_error_rate(predicted: Sequence[str], expected: Sequence[str]) -> float:
    """Returns the edit distance divided by the number of expected tokens.

    Args:
        predicted: space-separated tokens of each example.
        expected: likewise.
    """
    pairs = [(p.split(), e.split()) for p, e in zip(predicted, expected, strict=True)]
    return sum(edit_distance(p, e) for p, e in pairs) / sum(len(e) for _, e in pairs)
