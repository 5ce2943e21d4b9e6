"""Phrases of English text, and what is left of them without vowels."""

import math
import re
from collections.abc import Iterator

SHORTEST, LONGEST = 4, 10  # words of a phrase

_WORD = re.compile("[A-Za-z][a-z]*(?:'[a-z]+)?")  # no code: neither a_b nor aB
_CODE = (">>>", "...")
_BRACKETS = "\"'(),"
_ENDS = ".;:?!"
_VOWELS = re.compile("[aeiou]")


def phrases(text: str) -> Iterator[str]:
    """Yields the phrases of a text: consecutive words in lower case.

    A phrase crosses neither the end of a sentence nor a word of code nor a number. A
    longer run of words is cut into phrases of about equal length.

    >>> list(phrases("Return a new list, sorted. The sort is stable (see list.sort)."))
    ['return a new list sorted', 'the sort is stable see']
    """
    for paragraph in re.split(r"\n\s*\n", text):
        for words in _runs(paragraph):
            if len(words) >= SHORTEST:
                parts = math.ceil(len(words) / LONGEST)
                cuts = [len(words) * part // parts for part in range(parts + 1)]
                for start, stop in zip(cuts, cuts[1:]):
                    yield " ".join(words[start:stop])


def without_vowels(text: str) -> str:
    """Returns a text's words without a, e, i, o and u.

    A word of vowels alone leaves nothing.

    >>> without_vowels("return a new list")
    'rtrn nw lst'
    """
    return " ".join(_VOWELS.sub("", text).split())


def _runs(paragraph: str) -> Iterator[list[str]]:
    """Yields runs of words, which end at a sentence's end or at what is no word."""
    lines = (line.strip() for line in paragraph.splitlines())
    prose = " ".join(line for line in lines if not line.startswith(_CODE))
    run: list[str] = []
    for token in prose.split():
        inner = token.strip(_BRACKETS)
        word = inner.rstrip(_ENDS)
        bare = word.strip(_BRACKETS)
        if _WORD.fullmatch(bare):
            run.append(bare.lower())
        if word != inner or not _WORD.fullmatch(bare):
            yield run
            run = []
    yield run
