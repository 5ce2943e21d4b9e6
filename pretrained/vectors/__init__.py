"""Pretrained word vectors for the tokens of a model, from files or by name.

    from pretrained import vectors

    found = vectors.load("glove-6b-50d", ["The", "dog", "ran"])
    found.matrix          # float32 [3, 50]
    print(found.coverage)

Vectors of your own are trained by word2vec on text with spaces between its tokens:

    python -m pretrained.vectors --train corpus.txt --output my_vectors

`pretrained.vectors.files` documents what is read, what counts as damage, and how rows
that are merely odd are treated.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pretrained.vectors import cache as caches
from pretrained.vectors import files, names
from pretrained.vectors.cache import Entry
from pretrained.vectors.files import Facts
from pretrained.vectors.names import list_vectors
from pretrained.vectors.rows import LOWERED, MISSING, Rows, fill_missing

__all__ = ["Coverage", "Vectors", "keep", "kept", "list_vectors", "load"]

_MISSING_TO_NAME = 5


@dataclass(frozen=True)
class Coverage:
    """How many of the tokens a source covers, and what was odd about the source.

    Attributes:
        types: Number of distinct tokens that were asked for.
        types_found: Number of those with a row.
        types_lowered: Number of those that got the row of their lower case.
        tokens: Total count of all tokens; None if no counts were given.
        tokens_found: Total count of the tokens with a row; None likewise.
        missing: Some tokens without a row, the most frequent first.
        rows: Number of vectors in the source.
        repeated: Rows ignored because their token had occurred before.
        not_utf8: Rows ignored because their token is not UTF-8.
    """

    types: int
    types_found: int
    types_lowered: int
    tokens: int | None
    tokens_found: int | None
    missing: tuple[str, ...]
    rows: int
    repeated: int
    not_utf8: int

    def __str__(self) -> str:
        share = self.types_found / self.types
        text = f"{self.types_found:,} of {self.types:,} types ({share:.1%}"
        text += f"; {self.types_lowered:,} by their lower case)"
        if self.tokens and self.tokens_found is not None:
            text += f", {self.tokens_found / self.tokens:.1%} of {self.tokens:,} tokens"
        if self.missing:
            text += f"; missing: {', '.join(map(repr, self.missing))}"
            more = self.types - self.types_found - len(self.missing)
            text += f" and {more:,} more" if more else ""
        if self.repeated:
            text += f"; ignored {self.repeated:,} repeated rows"
        if self.not_utf8:
            text += f"; ignored {self.not_utf8:,} rows whose token is not UTF-8"
        return text


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows for a list of tokens.

    Attributes:
        tokens: Those asked for, followed by the first ones of the source.
        matrix: float32 `[tokens, dimension]`.
        found: bool `[tokens]`; where it is false, the row of `matrix` is random.
        source: Name, path or type that the vectors came from.
        sha256: Of the source's file on disk (the whole archive, if it is one); None for
            vectors in memory.
        coverage: How many of the tokens asked for were found.
    """

    tokens: list[str]
    matrix: np.ndarray
    found: np.ndarray
    source: str
    sha256: str | None
    coverage: Coverage


def load(
    source: str | os.PathLike | Any,
    tokens: Sequence[str],
    *,
    counts: Sequence[int] | None = None,
    seed: int = 0,
    first: int = 0,
    cache: bool = True,
) -> Vectors:
    """Reads the vectors of tokens: of the exact form, or else of the lower case.

    Rows of tokens that the source lacks are drawn, column by column, from the normal
    distribution with the mean and variance of the rows that were found.

    Args:
        source: A file in GloVe or word2vec text, fastText .vec or word2vec .bin format,
            which may be gzipped or in a .zip archive (`archive.zip/file` if it holds
            several); one of `list_vectors()`; a URL followed by `#sha256=` and the
            checksum; or gensim's `KeyedVectors`.
        tokens: Distinct ordinary tokens, without padding and the like.
        counts: How often each token occurs in the training data, for the report.
        seed: Of the rows that are missing.
        first: Number of rows at the beginning of the source to take in addition; in
            most files these are the most frequent words.
        cache: Whether to keep what was read from a file for the next time.

    Returns:
        A row for each token, followed by the additional ones.

    Raises:
        ValueError: If tokens or counts are not as described, there is no such source,
            it is damaged (`file:line: what is wrong; expected ...`; for a binary file
            `file:row N`), or it has none of the tokens.

    >>> from types import SimpleNamespace
    >>> keyed = SimpleNamespace(key_to_index={"dog": 0}, vectors=np.ones((1, 2)))
    >>> found = load(keyed, ["Dog", "cat"], counts=[3, 1])
    >>> print(found.coverage)
    1 of 2 types (50.0%; 1 by their lower case), 75.0% of 4 tokens; missing: 'cat'
    """
    rows = Rows(tokens, first)
    if counts is not None and len(counts) != len(rows.tokens):
        raise ValueError(
            f"counts: {len(counts)} numbers; expected one for each of the "
            f"{len(rows.tokens)} tokens"
        )
    name, facts = _read(source, rows, cache)
    found = rows.kinds != MISSING
    fill_missing(rows.matrix, found, seed)
    coverage = _coverage(rows, facts, counts)
    return Vectors(rows.tokens, rows.matrix, found, name, facts.sha256, coverage)


def _read(source: Any, rows: Rows, cache: bool) -> tuple[str, Facts]:
    """Reads the rows, and returns the name of the source and facts about it."""
    if hasattr(source, "key_to_index") and hasattr(source, "vectors"):
        return type(source).__name__, names.read_keyed_vectors(source, rows)
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(
            f"source: {type(source).__name__}; expected a file, a name or KeyedVectors"
            + (", its .wv" if hasattr(source, "wv") else "")
        )
    name = os.fspath(source)
    if name == names.PACKAGE_NAME:
        return name, names.read_package(rows)
    path = names.locate(name)
    directory = names.cache_directory()
    if not cache or directory is None:
        return name, files.read(path, rows)
    entry = Entry(directory, path, rows.tokens, rows.first)
    facts = entry.restore(rows)
    if facts is None:
        facts = files.read(path, rows)
        entry.save(rows, facts)
    return name, facts


def keep(matrix: np.ndarray) -> None:
    """Keeps rows in the cache under their checksum, for a checkpoint without them.

    Args:
        matrix: float32 `[tokens, dimension]`.
    """
    directory = names.cache_directory()
    if directory is not None:
        caches.keep(directory, matrix)


def kept(sha256: str, source: str, tokens: Sequence[str]) -> np.ndarray | None:
    """Finds the rows of a checkpoint by their checksum, among what this machine holds.

    Nothing is downloaded, and no path is opened: a checkpoint that names one may come
    from anybody.

    Args:
        sha256: Of the rows as little-endian float32.
        source: What they were read from; looked at only if it is one of
            `list_vectors()` that is installed or was downloaded before.
        tokens: Of the rows.

    Returns:
        float32 `[tokens, dimension]`; None if they are not there.
    """
    directory = names.cache_directory()
    if directory is not None:
        found = caches.kept(directory, sha256, len(tokens))
        if found is not None:
            return found
    local = names.local(source)
    if local is None:
        return None
    try:
        rows = load(local, tokens).matrix
    except ValueError:
        return None
    digest = hashlib.sha256(np.ascontiguousarray(rows, "<f4").tobytes()).hexdigest()
    return rows if digest == sha256 else None


def _coverage(rows: Rows, facts: Facts, counts: Sequence[int] | None) -> Coverage:
    kinds = rows.kinds[: rows.wanted]
    found = kinds != MISSING
    missing = np.flatnonzero(~found)
    tokens = tokens_found = None
    if counts is not None:
        number = np.asarray(counts)
        missing = missing[np.argsort(-number[missing], kind="stable")]
        tokens, tokens_found = int(number.sum()), int(number[found].sum())
    return Coverage(
        types=len(found),
        types_found=int(found.sum()),
        types_lowered=int((kinds == LOWERED).sum()),
        tokens=tokens,
        tokens_found=tokens_found,
        missing=tuple(rows.tokens[i] for i in missing[:_MISSING_TO_NAME]),
        rows=facts.rows,
        repeated=rows.repeated,
        not_utf8=facts.not_utf8,
    )
