"""Corpora of spans: their scheme, and the repair of tags that violate it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from zoo.data.corpus_files import Corpus, CorpusError, Splits, TaggedWords
from zoo.text.span_detection import (
    Detection,
    count_triples,
    detect_scheme,
    is_of_spans,
)
from zoo.text.span_schemes import line_of, repair
from zoo.text.span_tags import Scheme, read_tag, rules_and_notation, scheme_name

NO_SPANS = "none"  # as a scheme: whatever the tags look like, they are not of spans

TaggedSplits = Splits[TaggedWords]


class SpanCorpora(NamedTuple):
    """Tagged splits whose scheme is known.

    Attributes:
        scheme: of their tags; None if these are not of spans.
        splits: with tags that follow the scheme.
        decision: what was found and repaired, as plain values.
    """

    scheme: Scheme | None
    splits: TaggedSplits
    decision: dict[str, Any]


def in_one_scheme(splits: TaggedSplits, scheme: Scheme | None = None) -> SpanCorpora:
    """Detects the scheme of the training split, and repairs what violates it anywhere.

    A split that is written in another scheme or notation is converted.

    Args:
        splits: of `(words, tags)`.
        scheme: the scheme if it is known; its notation may be left out, and is then
            detected. `"none"`: the tags are not of spans.

    Returns:
        The scheme, the splits with their repaired tags, and what was decided.

    Raises:
        CorpusError: if a scheme is given of which no tag is.
        ValueError: if there is no such scheme.
    """
    if scheme == NO_SPANS:
        return SpanCorpora(None, splits, {"name": NO_SPANS, "chosen": "by --scheme"})
    found = _detect(splits, scheme)
    if found.scheme is None:
        return SpanCorpora(None, splits, {"name": NO_SPANS, **_near_miss(splits)})
    fewest = "as it would write the fewest tags of train otherwise"
    chosen = fewest if scheme is None else "by --scheme"
    decision: dict[str, Any] = {"name": found.scheme, "chosen": chosen}
    if scheme is None:
        decision["otherwise"] = found.repairs
    repaired = {split: in_scheme(splits[split], found.scheme) for split in splits}
    changes = {split: count_repairs(splits[split], repaired[split]) for split in splits}
    decision["repaired"] = {s: c for s, c in changes.items() if c} or "no tag"
    return SpanCorpora(found.scheme, Splits(repaired, splits.decisions), decision)


def in_scheme(corpus: Corpus[TaggedWords], scheme: Scheme) -> Corpus[TaggedWords]:
    """Returns a corpus whose tags follow a scheme, after `repair`.

    Args:
        corpus: of tags in this or in another scheme and notation.
        scheme: the scheme to write.
    """
    triples = count_triples(tags for _, tags in corpus)
    _, notation = rules_and_notation(scheme)
    if not is_of_spans(triples, notation):
        other = detect_scheme(tags for _, tags in corpus).scheme
        if other is not None:
            _, notation = rules_and_notation(other)

    def source() -> Iterator[tuple[str, TaggedWords]]:
        for place, (words, tags) in corpus.located():
            yield place, (words, repair(tags, notation, scheme))

    return Corpus(source, corpus.name)


def count_repairs(
    corpus: Corpus[TaggedWords], repaired: Corpus[TaggedWords]
) -> dict[str, Any]:
    """Counts the tags that a repair changed; returns their number and the first place.

    Args:
        corpus: as it is in its files.
        repaired: the same with other tags.

    Returns:
        Empty if none was changed.
    """
    total = changed = 0
    first = ""
    for (place, (_, before)), (_, after) in zip(
        corpus.located(), repaired, strict=True
    ):
        total += len(before)
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                where = f"after {before[i - 1]!r}" if i else "at the beginning"
                message = f"{line_of(place, i)}: {old!r} {where} is read as {new!r}"
                first = first or message
                changed += 1
    return {"tags": changed, "of": total, "first": first} if changed else {}


def _detect(splits: TaggedSplits, scheme: Scheme | None) -> Detection:
    """Returns the scheme of the training split, or the given one with its notation."""
    train = splits["train"]
    others = (tags for split in splits if split != "train" for _, tags in splits[split])
    if scheme is None:
        return detect_scheme((tags for _, tags in train), others)
    rules, _ = rules_and_notation(scheme)
    if "/" in scheme:
        return Detection(scheme_name(*rules_and_notation(scheme)), {})
    found = detect_scheme((tags for _, tags in train), (), rules)
    if found.scheme is None:
        place, (_, tags) = next(train.located())
        raise CorpusError(
            f"{place}: the tag {tags[0]!r} is not of spans, nor is any other of "
            f"{train.name}; expected tags of {rules.upper()}, as --scheme says"
        )
    return found


def _near_miss(splits: TaggedSplits) -> dict[str, Any]:
    """Returns why tags are not of spans although some look like it."""
    inside = stray = 0
    first = ""
    for place, (_, tags) in splits["train"].located():
        for i, tag in enumerate(tags):
            part = read_tag(tag)
            inside += part is not None and part[0] != "O"
            stray += part is None
            if part is None:
                first = first or f"{tag!r} at {line_of(place, i)}"
    if not inside:
        return {"chosen": "the tags are not of spans"}
    return {
        "chosen": f"{inside:,} tags look like those of spans, but {stray:,} others do "
        f"not (first {first}); --scheme iob2 would read the former as spans"
    }
