"""Schemes that write the spans of a sentence (names, phrases) as one tag per word.

`O` is outside of every span; other tags are a prefix and the span's label, as `B-LOC`.

- IO: `I` at every word of a span; two adjacent spans of one label cannot be told apart.
- IOB1 (Ramshaw and Marcus 1995): the same, but `B` at the first word of a span that
  directly follows another with its label. CoNLL-2003 as it is distributed.
- IOB2: `B` at the first word of every span, `I` at the others.
- BIOES: also `E` at the last word, and `S` at a word that is a span by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

Scheme = Literal["io", "iob1", "iob2", "bioes"]
PREFIXES: dict[Scheme, str] = {"io": "I", "iob1": "BI", "iob2": "BI", "bioes": "BIES"}

_TAG = re.compile("(?:(O)|([BIES])-(.+))")


class Span(NamedTuple):
    """A span of a sentence: its label, its first word, and the one after its last."""

    label: str
    start: int
    stop: int


def detect(sentences: Iterable[Sequence[str]]) -> Scheme | None:
    """Detects the scheme of tags.

    Args:
        sentences: the tags of each.

    Returns:
        The scheme that the fewest sentences violate, or the simplest of several such;
        None if the tags are not tags of spans.
    """
    sentences = list(sentences)
    tags = {tag for sentence in sentences for tag in sentence}
    if tags <= {"O"} or not all(map(_TAG.fullmatch, tags)):
        return None
    prefixes = {tag[0] for tag in tags} - {"O"}
    schemes = [s for s, known in PREFIXES.items() if prefixes <= set(known)]
    return min(schemes, key=lambda s: sum(any(_violates(t, s)) for t in sentences))


def violations(
    located: Iterable[tuple[str, tuple[Sequence[str], Sequence[str]]]], scheme: Scheme
) -> Iterator[str]:
    """Yields what violates a scheme in a corpus of tagged sentences, by line.

    Args:
        located: `(place, (words, tags))`, where the place is `"file:line"` of the first
            word, and each line holds one word.
        scheme: the expected one.

    Yields:
        `"file:line: 'I-LOC' after 'O' is not IOB2"`.
    """
    for place, (_, tags) in located:
        file, _, line = place.rpartition(":")
        for i, (before, after) in enumerate(zip(["O", *tags], [*tags, "O"])):
            if _is_legal(before, after, scheme):
                continue
            if i == len(tags):
                i, what = i - 1, f"{before!r} at the end of a sentence"
            else:
                what = f"{after!r} " + (
                    f"after {before!r}" if i else "at the beginning of a sentence"
                )
            where = f"{file}:{int(line) + i}" if line.isdecimal() else place
            yield f"{where}: {what} is not {scheme.upper()}"


def allowed_transitions(tags: Sequence[str], scheme: Scheme) -> np.ndarray:
    """Returns which tags may follow each other in a scheme.

    Args:
        tags: distinct tags.
        scheme: their scheme.

    Returns:
        bool `[tags + 1, tags + 1]`, from a tag to its successor; the last row tells
        which tags may begin a sentence, the last column which may end one.

    Raises:
        ValueError: if a tag is not of the scheme.
    """
    edged = [*tags, "O"]
    for tag in tags:
        _split(tag, scheme)
    return np.array([[_is_legal(a, b, scheme) for b in edged] for a in edged])


def spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """Reads the spans of a sentence, by the strict rules of seqeval.

    Args:
        tags: of each word.
        scheme: theirs.

    Returns:
        The spans in their order; what violates the scheme is no span.

    Raises:
        ValueError: if a tag is not of the scheme.
    """
    found: list[Span] = []
    start: int | None = None
    before = ("O", "")
    for i, tag in enumerate([*tags, "O"]):
        after = _split(tag, scheme)
        if start is not None and not _continues(before, after):
            if _ends(before, after, scheme):
                found.append(Span(before[1], start, i))
            start = None
        if start is None and _starts(before, after, scheme):
            start = i
        before = after
    return found


def convert(tags: Sequence[str], source: Scheme, target: Scheme) -> list[str]:
    """Writes the spans of a sentence in another scheme.

    Args:
        tags: of each word.
        source: their scheme.
        target: the other. IO joins adjacent spans of one label.

    Raises:
        ValueError: if the tags violate their scheme.
    """
    for message in violations([("tags", ((), tags))], source):
        raise ValueError(message)
    out, previous = ["O"] * len(tags), Span("", 0, 0)
    for span in spans(tags, source):
        touching = (previous.label, previous.stop) == (span.label, span.start)
        prefixes = ["I"] * (span.stop - span.start)
        if target in ("iob2", "bioes") or target == "iob1" and touching:
            prefixes[0] = "B"
        if target == "bioes":
            prefixes[-1] = "E" if len(prefixes) > 1 else "S"
        out[span.start : span.stop] = [f"{prefix}-{span.label}" for prefix in prefixes]
        previous = span
    return out


def _split(tag: str, scheme: Scheme) -> tuple[str, str]:
    """Returns the prefix and the label of a tag."""
    match = _TAG.fullmatch(tag)
    if not match or (match[2] and match[2] not in PREFIXES[scheme]):
        prefixes = ", ".join(f"{prefix}-..." for prefix in PREFIXES[scheme])
        raise ValueError(
            f"the tag {tag!r} is not {scheme.upper()}; expected O, {prefixes}"
        )
    return ("O", "") if match[1] else (match[2], match[3])


def _continues(before: tuple[str, str], after: tuple[str, str]) -> bool:
    return before[0] in "BI" and after[0] in "IE" and before[1] == after[1]


def _starts(before: tuple[str, str], after: tuple[str, str], scheme: Scheme) -> bool:
    if scheme in ("iob2", "bioes"):
        return after[0] in "BS"
    follows = before[0] != "O" and before[1] == after[1]
    return after[0] == "I" or (after[0] == "B" and follows)


def _ends(before: tuple[str, str], after: tuple[str, str], scheme: Scheme) -> bool:
    if scheme == "bioes":
        return before[0] in "ES"
    # In IOB1, B needs a span of its label before it; without one, seqeval counts
    # neither.
    broken = before[0] == after[0] == "B" and before[1] != after[1]
    return not (scheme == "iob1" and broken)


def _is_legal(before: str, after: str, scheme: Scheme) -> bool:
    """Tells whether a tag may follow another; `O` stands for a sentence's ends."""
    first, second = _split(before, scheme), _split(after, scheme)
    if scheme == "io":
        return True
    if scheme == "iob1":
        return second[0] != "B" or (first[0] != "O" and first[1] == second[1])
    if scheme == "iob2":
        return second[0] != "I" or _continues(first, second)
    is_open, goes_on = first[0] in "BI", second[0] in "IE"
    return _continues(first, second) == is_open == goes_on


def _violates(tags: Sequence[str], scheme: Scheme) -> Iterator[bool]:
    """Tells at each word, and at the end, whether it violates the scheme."""
    for before, after in zip(["O", *tags], [*tags, "O"]):
        yield not _is_legal(before, after, scheme)
