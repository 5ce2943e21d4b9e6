"""Tags of spans: a letter that is a word's role, and the label of its span.

A scheme may be written in several notations, named by an example: `B-X`, `B_X`, `X-B`,
`X_B`, and `B` where there is only one kind of span; likewise with lower-case letters. A
scheme is named by its rules, and by its notation if that is not `B-X`: `"iob2"`,
`"bilou/X_B"`.
"""

from __future__ import annotations

import functools

Scheme = str  # as "iob2" or "iob2/X-B"
Part = tuple[str, str]  # the role of a word (B, I, E, S, or O) and its span's label

# The letters of each scheme, after the role that each stands for.
LETTERS: dict[str, dict[str, str]] = {
    "io": {"I": "I"},
    "iob1": {"B": "B", "I": "I"},
    "iob2": {"B": "B", "I": "I"},
    "ioe1": {"I": "I", "E": "E"},
    "ioe2": {"I": "I", "E": "E"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "bilou": {"B": "B", "I": "I", "E": "L", "S": "U"},
    "bmes": {"B": "B", "I": "M", "E": "E", "S": "S"},
}
ALIASES = {"bio": "iob2", "iobes": "bioes", "bioul": "bilou", "biluo": "bilou"}
NOTATIONS = ("B-X", "B_X", "X-B", "X_B", "B", "b-X", "b_X", "X-b", "X_b", "b")
BARE_LABEL = "span"  # of the spans whose tags name none

OUTSIDE: Part = ("O", "")
_ROLES = dict(zip("BIMESLU", "BIIESES"))


@functools.lru_cache(100)
def rules_and_notation(scheme: Scheme) -> tuple[str, str]:
    """Returns the rules and the notation of a scheme.

    Raises:
        ValueError: if there is no such scheme.

    >>> rules_and_notation("IOBES"), rules_and_notation("bilou/X_B")
    (('bioes', 'B-X'), ('bilou', 'X_B'))
    """
    rules, _, notation = scheme.partition("/")
    rules = ALIASES.get(rules.lower(), rules.lower())
    notation = notation or NOTATIONS[0]
    if rules not in LETTERS or notation not in NOTATIONS:
        raise ValueError(
            f"scheme: expected one of {', '.join(LETTERS)}, and for another notation "
            f"than B-X one of {', '.join(NOTATIONS)} after a slash; got {scheme!r}"
        )
    return rules, notation


def scheme_name(rules: str, notation: str) -> Scheme:
    """Returns the name of a scheme; inverse of `rules_and_notation`."""
    return rules if notation == NOTATIONS[0] else f"{rules}/{notation}"


@functools.lru_cache(10_000)
def read_tag(tag: str, notation: str = "B-X") -> Part | None:
    """Returns the role and the label of a tag, by the letters of any scheme.

    The letter may be in upper or lower case.

    >>> read_tag("U-LOC"), read_tag("LOC_b", "X_B"), read_tag("O"), read_tag("NOUN")
    (('S', 'LOC'), ('B', 'LOC'), ('O', ''), None)
    """
    if tag in ("O", "o"):
        return OUTSIDE
    letter, label = tag, BARE_LABEL
    if len(notation) == 3:
        if len(tag) < 3:
            return None
        if notation[2] == "X":
            letter, separator, label = tag[0], tag[1], tag[2:]
        else:
            letter, separator, label = tag[-1], tag[-2], tag[:-2]
        if separator != notation[1]:
            return None
    role = _ROLES.get(letter.upper())
    return (role, label) if role else None


def read_any_separator(tag: str, notation: str) -> Part | None:
    """Returns the role and the label of a tag, also with the other separator.

    >>> read_any_separator("B_LOC", "B-X")
    ('B', 'LOC')
    """
    other = notation.translate(str.maketrans("-_", "_-"))
    return read_tag(tag, notation) or read_tag(tag, other)


@functools.lru_cache(10_000)
def write_tag(part: Part, scheme: Scheme) -> str:
    """Writes a role and a label as a tag; the scheme must know the role.

    >>> write_tag(("S", "LOC"), "bilou/X_B")
    'LOC_U'
    """
    rules, notation = rules_and_notation(scheme)
    role, label = part
    letter = "O" if role == "O" else LETTERS[rules][role]
    if "b" in notation:
        letter = letter.lower()
    if role == "O" or len(notation) == 1:
        return letter
    if notation[2] == "X":
        return f"{letter}{notation[1]}{label}"
    return f"{label}{notation[1]}{letter}"


@functools.lru_cache(10_000)
def split_tag(tag: str, scheme: Scheme) -> Part:
    """Returns the role and the label of a tag.

    Raises:
        ValueError: if the tag is not of the scheme.
    """
    rules, notation = rules_and_notation(scheme)
    part = read_tag(tag, notation)
    roles = LETTERS[rules]
    known = part and (part[0] == "O" or part[0] in roles)
    if not part or not known or write_tag(part, scheme) != tag:
        shown = [write_tag((role, "..."), scheme) for role in roles]
        raise ValueError(
            f"the tag {tag!r} is not {rules.upper()}; expected "
            f"{', '.join([write_tag(OUTSIDE, scheme), *shown])}"
        )
    return part
