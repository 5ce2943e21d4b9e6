"""Answers as the shell prints them: plain lines, and the entries of a JSON object."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.inference.classifier import Prediction
    from zoo.inference.hypothesis import Hypothesis
    from zoo.inference.score import Score


def plain_prediction(text: str, answer: Prediction) -> Iterator[str]:
    """Yields the label and its probability, or all labels with theirs, or the value."""
    label, probabilities = answer.label, answer.probabilities
    if isinstance(label, tuple):
        yield ",".join(f"{name} ({probabilities[name]:.3f})" for name in label)
    elif isinstance(label, str):
        yield f"{label}\t{probabilities[label]:.3f}"
    else:
        yield f"{label:.6g}"


def json_prediction(answer: Prediction) -> dict[str, Any]:
    """Returns the label, labels or value, and the probabilities of all labels."""
    return {"label": answer.label, "probabilities": answer.probabilities}


def plain_tags(text: str, answer: list[tuple[str, str]]) -> Iterator[str]:
    """Yields one line of `word/tag`."""
    yield " ".join(f"{word}/{tag}" for word, tag in answer)


def json_tags(answer: list[tuple[str, str]]) -> dict[str, Any]:
    """Returns the pairs of word and tag."""
    return {"tags": answer}


def plain_score(text: str, answer: Score) -> Iterator[str]:
    """Yields nats, perplexity and bits per character, and the text."""
    numbers = (
        sum(answer.log_probabilities),
        answer.perplexity,
        answer.bits_per_character,
    )
    yield "\t".join([*(f"{number:.4f}" for number in numbers), text])


def json_score(answer: Score) -> dict[str, Any]:
    """Returns the tokens, their log-probabilities and the measures of the text."""
    return {
        "tokens": answer.tokens,
        "log_probabilities": answer.log_probabilities,
        "perplexity": answer.perplexity if answer.tokens else None,
        "bits_per_character": answer.bits_per_character if answer.tokens else None,
    }


def plain_translations(text: str, answer: str | list[Hypothesis]) -> Iterator[str]:
    """Yields the translation, or for each of several its score and its text."""
    if isinstance(answer, str):
        yield answer
    else:
        yield from (f"{found.score:.4f}\t{found.text}" for found in answer)


def json_translations(answer: str | list[Hypothesis]) -> dict[str, Any]:
    """Returns the translation, or the translations with their scores."""
    if isinstance(answer, str):
        return {"translation": answer}
    return {"translations": [dataclasses.asdict(found) for found in answer]}
