"""Schemes that write the spans of a sentence (names, phrases) as one tag per word.

`O` is outside of every span; other tags are a letter and the span's label, as `B-LOC`.

- IO: `I` at every word of a span; two adjacent spans of one label cannot be told apart.
- IOB1 (Ramshaw and Marcus 1995): the same, but `B` at the first word of a span that
  directly follows another with its label. CoNLL-2003 as it is distributed.
- IOB2: `B` at the first word of every span, `I` at the others.
- IOE1, IOE2: likewise with `E` at the last word: of a span that another with its label
  directly follows, or of every span.
- BIOES (also IOBES): `B` at the first word, `E` at the last, `S` at a word that is a
  span by itself, `I` at the others. BILOU: the same with `L` and `U` for `E` and `S`.
  BMES: the same with `M` for `I`.

How they are written is in `zoo.text.span_tags`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from zoo.text.span_tags import (
    OUTSIDE,
    Part,
    Scheme,
    read_any_separator,
    rules_and_notation,
    split_tag,
    write_tag,
)

_WHOLE = ("bioes", "bilou", "bmes")  # they mark both ends of every span


class Span(NamedTuple):
    """A span of a sentence: its label, its first word, and the one after its last."""

    label: str
    start: int
    stop: int


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

    Raises:
        ValueError: if a tag is not of the scheme.
    """
    rules, _ = rules_and_notation(scheme)
    for place, (_, tags) in located:
        parts = [split_tag(tag, scheme) for tag in tags]
        for i, (before, after) in enumerate(zip([OUTSIDE, *parts], [*parts, OUTSIDE])):
            if _is_legal(before, after, rules):
                continue
            if i == len(tags):
                i, what = i - 1, f"{tags[-1]!r} at the end of a sentence"
            else:
                what = f"{tags[i]!r} " + (
                    f"after {tags[i - 1]!r}" if i else "at the beginning of a sentence"
                )
            yield f"{line_of(place, i)}: {what} is not {rules.upper()}"


def line_of(place: str, word: int) -> str:
    """Returns the place of a word of a sentence, `"file:line"`, a line for each word.

    >>> line_of("a.conll:7", 2), line_of("corpus", 2)
    ('a.conll:9', 'corpus')
    """
    file, _, line = place.rpartition(":")
    return f"{file}:{int(line) + word}" if line.isdecimal() else place


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
    rules, _ = rules_and_notation(scheme)
    edged = [*(split_tag(tag, scheme) for tag in tags), OUTSIDE]
    return np.array([[_is_legal(a, b, rules) for b in edged] for a in edged])


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
    rules, _ = rules_and_notation(scheme)
    found: list[Span] = []
    start: int | None = None
    before = OUTSIDE
    for i, after in enumerate([*(split_tag(tag, scheme) for tag in tags), OUTSIDE]):
        if start is not None and not _continues(before, after):
            if _ends(before, after, rules):
                found.append(Span(before[1], start, i))
            start = None
        if start is None and _starts(before, after, rules):
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
    return repair(tags, rules_and_notation(source)[1], target)


def repair(tags: Sequence[str], notation: str, scheme: Scheme) -> list[str]:
    """Reads the spans of a sentence as conlleval does, and writes them in a scheme.

    Legal tags of any scheme are read as that scheme says. Of others, a span begins at
    `B` and `S`, and at `I` or `E` after `O`, after the end of a span, or after another
    label, as in conlleval and in seqeval's default mode. What is no tag of spans is
    outside of them.

    Args:
        tags: of each word.
        notation: theirs, one of `NOTATIONS`.
        scheme: the scheme to write.

    >>> repair(["O", "I-LOC", "I-LOC", "I-PER", "LOC"], "B-X", "iob2")
    ['O', 'B-LOC', 'I-LOC', 'B-PER', 'O']
    """
    rules, _ = rules_and_notation(scheme)
    parts = [read_any_separator(tag, notation) or OUTSIDE for tag in tags]
    around = zip([OUTSIDE, *parts], parts, [*parts[1:], OUTSIDE])
    return [write_tag(standard(*three, rules), scheme) for three in around]


@functools.lru_cache(100_000)
def standard(before: Part, part: Part, after: Part, rules: str) -> Part:
    """Returns a word's part as the rules of a scheme write it.

    Args:
        before: the part of the word before it, in any scheme; `OUTSIDE` for none.
        part: its own.
        after: that of the next word.
        rules: of the scheme.
    """
    role, label = part
    if role == "O":
        return OUTSIDE
    first = _begins(before, part)
    last = after[0] == "O" or _begins(part, after)
    if rules in _WHOLE:
        return "IBES"[first + 2 * last], label
    touches = before if "iob" in rules else after  # the word at the marked end
    marked = {"iob": first, "ioe": last}.get(rules[:3], False)
    if marked and (rules[-1] == "2" or (touches[0] != "O" and touches[1] == label)):
        return rules[2].upper(), label
    return "I", label


def _begins(before: Part, part: Part) -> bool:
    """Tells whether a word in a span begins it, by the rules of conlleval."""
    return before[0] in "OES" or part[0] in "BS" or before[1] != part[1]


def _continues(before: Part, after: Part) -> bool:
    return before[0] in "BI" and after[0] in "IE" and before[1] == after[1]


def _starts(before: Part, after: Part, rules: str) -> bool:
    if rules == "iob2" or rules in _WHOLE:
        return after[0] in "BS"
    follows = before[0] != "O" and before[1] == after[1]
    return after[0] in "IE" or (after[0] == "B" and follows)


def _ends(before: Part, after: Part, rules: str) -> bool:
    if rules in _WHOLE:
        return before[0] in "ES"
    if rules == "ioe2":
        return before[0] == "E"
    if rules == "ioe1":
        return _is_legal(before, after, rules)
    # In IOB1, B needs a span of its label before it; without one, seqeval counts
    # neither.
    broken = before[0] == after[0] == "B" and before[1] != after[1]
    return not (rules == "iob1" and broken)


def _is_legal(first: Part, second: Part, rules: str) -> bool:
    """Tells whether a part may follow another; `O` stands for a sentence's ends."""
    if rules in ("iob1", "ioe1"):
        touching = "O" not in (first[0], second[0]) and first[1] == second[1]
        return touching or (first[0] != "E" and second[0] != "B")
    if rules == "iob2":
        return second[0] != "I" or _continues(first, second)
    if rules == "ioe2":
        return first[0] != "I" or _continues(first, second)
    if rules == "io":
        return True
    is_open, goes_on = first[0] in "BI", second[0] in "IE"
    return _continues(first, second) == is_open == goes_on
