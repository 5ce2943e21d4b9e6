"""News of 2000 and 2001: the Lee corpus, which lies in gensim's wheel."""

import functools
import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from zoo.data.corpus_files import CorpusError, TaggedWords
from zoo.data.stable_order import by_hash

PIECE_WORDS = 40

_WORD = re.compile(r"[^\W_](?:.*[^\W_])?")


@functools.lru_cache
def documents() -> tuple[str, ...]:
    """Returns the documents, without importing gensim.

    Raises:
        CorpusError: If gensim's wheel is not installed.
    """
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        raise CorpusError("the Lee corpus: expected the package gensim")
    path = Path(spec.origin).parent / "test" / "test_data" / "lee_background.cor"
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; expected gensim's wheel to hold it")
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(by_hash({line for line in lines if line.strip()}))


def mark(document: str) -> TaggedWords:
    """Returns a text's words in lower case, each tagged with its case and punctuation.

    >>> mark("The new plan, Mr O'Neill?")[1]
    ['Title', 'lower', 'lower,', 'Title', 'Title.']
    """
    words: list[str] = []
    tags: list[str] = []
    for token in document.split():
        word = _WORD.search(token)
        if word:
            words.append(word[0].lower())
            tags.append(_case(word[0]) + _punctuation(token[word.end() :]))
        elif tags and tags[-1].isalpha():  # a mark that stands alone
            tags[-1] += _punctuation(token)
    return words, tags


def pieces(documents: Iterable[TaggedWords]) -> Iterator[TaggedWords]:
    """Cuts documents into pieces of at most `PIECE_WORDS` words."""
    for words, tags in documents:
        for start in range(0, len(words), PIECE_WORDS):
            piece = slice(start, start + PIECE_WORDS)
            yield words[piece], tags[piece]


def _case(word: str) -> str:
    """`UPPER` takes two capitals: "A" and "I" are capitalized words like others."""
    if word.isupper() and sum(map(str.isupper, word)) > 1:
        return "UPPER"
    return "Title" if word[0].isupper() else "lower"


def _punctuation(after: str) -> str:
    if set(after) & set(".?!"):
        return "."
    return "," if set(after) & set(",;:") else ""
