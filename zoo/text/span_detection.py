"""Which scheme the tags of a corpus follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from zoo.text.span_schemes import standard
from zoo.text.span_tags import (
    LETTERS,
    NOTATIONS,
    OUTSIDE,
    Scheme,
    read_any_separator,
    read_tag,
    scheme_name,
    write_tag,
)

# Of the tags of spans, the share of others that is taken for mistakes.
MOST_STRAY = 0.2

Triple = tuple[str | None, str, str | None]  # the tags of three words; None for an end


class Detection(NamedTuple):
    """What was found in tags.

    Attributes:
        scheme: the scheme that would write the fewest tags otherwise; of several the
            simplest. None if the tags are not of spans.
        repairs: by scheme, how many tags it would write otherwise.
    """

    scheme: Scheme | None
    repairs: dict[Scheme, int]


def detect(sentences: Iterable[Sequence[str]]) -> Scheme | None:
    """Returns the scheme of tags; None if they are not tags of spans.

    Args:
        sentences: the tags of each.

    >>> detect([["B-LOC", "I-LOC", "O"]]), detect([["LOC_U", "O"]])
    ('iob2', 'bilou/X_B')
    >>> detect([["NOUN", "VERB"]])
    """
    return detect_scheme(sentences).scheme


def detect_scheme(
    sentences: Iterable[Sequence[str]],
    others: Iterable[Sequence[str]] = (),
    rules: str | None = None,
) -> Detection:
    """Detects the scheme of tags.

    Tags are of spans if they can be read as such, but for a few that are mistakes
    (`MOST_STRAY`); tags without a label (`B`, `I`, `O`) only if one of them is `B`, `I`
    or `M`, and few break the rules.

    Args:
        sentences: the tags of each.
        others: further ones, which decide between schemes that suit the first alike.
        rules: of the scheme, if they are known and only its notation is not.

    Returns:
        The scheme, and how many tags each scheme of its notation would change.
    """
    triples = count_triples(sentences)
    notation = _notation(triples, rules)
    if notation is None:
        return Detection(None, {})
    repairs = _repairs(triples, notation, rules)
    fewest = min(repairs.values())
    best = [scheme for scheme, count in repairs.items() if count == fewest]
    if len(best) > 1:
        more = _repairs(count_triples(others), notation, rules)
        best.sort(key=more.__getitem__)  # stable: the simplest comes first
    return Detection(best[0], repairs)


def count_triples(sentences: Iterable[Sequence[str]]) -> Counter[Triple]:
    """Counts each word's tag with those of its neighbors, on which its repair depends.

    Args:
        sentences: the tags of each.
    """
    counts: Counter[Triple] = Counter()
    for tags in sentences:
        counts.update(zip([None, *tags], tags, [*tags[1:], None]))
    return counts


def is_of_spans(triples: Counter[Triple], notation: str) -> bool:
    """Tells whether tags can be read as tags of spans, but for a few.

    Args:
        triples: from `count_triples`.
        notation: how they would be written.
    """
    inside, stray = _inside_and_stray(triples, notation)
    return 0 < inside and stray <= MOST_STRAY * inside


def _inside_and_stray(triples: Counter[Triple], notation: str) -> tuple[int, int]:
    """Returns how many tags are of words in spans, and how many cannot be read."""
    inside = stray = 0
    for (_, tag, _), count in triples.items():
        part = read_tag(tag, notation)
        stray += count * (part is None)
        inside += count * (part is not None and part != OUTSIDE)
    return inside, stray


def _notation(triples: Counter[Triple], rules: str | None) -> str | None:
    """Returns the notation in which most tags are of spans and the fewest change."""
    candidates = []
    for notation in NOTATIONS:
        inside, stray = _inside_and_stray(triples, notation)
        if not inside or (rules is None and stray > MOST_STRAY * inside):
            continue
        changed = min(_repairs(triples, notation, rules).values())
        if len(notation) == 1 and rules is None:
            letters = {tag.upper() for _, tag, _ in triples}
            if not letters & set("BIM") or changed > MOST_STRAY * inside:
                continue
        candidates.append((stray, changed, notation))
    return min(candidates, key=lambda found: found[:2])[2] if candidates else None


def _repairs(
    triples: Counter[Triple], notation: str, only: str | None = None
) -> dict[Scheme, int]:
    """Returns how many tags each scheme of a notation would write otherwise."""
    parts = {
        tag: OUTSIDE if tag is None else read_any_separator(tag, notation) or OUTSIDE
        for triple in triples
        for tag in triple
    }
    found = {}
    for rules in [only] if only else LETTERS:
        scheme = scheme_name(rules, notation)
        found[scheme] = sum(
            count
            for (before, tag, after), count in triples.items()
            if tag
            != write_tag(
                standard(parts[before], parts[tag], parts[after], rules), scheme
            )
        )
    return found
