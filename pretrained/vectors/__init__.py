"""Pretrained word vectors for the tokens of a model, from wherever they are.

    from pretrained import vectors

    found = vectors.load("glove-6b-50d", ["The", "dog", "ran"])
    found.matrix          # float32 [3, 50]
    print(found.coverage)

and vectors of your own, trained by word2vec on text whose tokens stand between spaces:

    python -m pretrained.vectors --train corpus.txt --output my_vectors

`pretrained.vectors.files` says what is read, what counts as damage, and what is decided
about rows that are merely odd.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pretrained.vectors import files, names
from pretrained.vectors.cache import Entry
from pretrained.vectors.files import Facts
from pretrained.vectors.names import list_vectors
from pretrained.vectors.rows import LOWERED, MISSING, Rows, fill_missing

__all__ = ["Coverage", "Vectors", "list_vectors", "load"]

_MISSING_TO_NAME = 5


@dataclass(frozen=True)
class Coverage:
    """How much of the tokens a source covers, and what was odd about it.

    Attributes:
        types: Number of tokens that were asked for.
        types_found: How many of them got a row.
        types_lowered: How many of these got that of their lower case.
        tokens: How often all of them occur; None if no counts were given.
        tokens_found: How often those with a row occur; None likewise.
        missing: Some tokens without a row, the most frequent first.
        rows: How many vectors the source holds.
        repeated: Rows left out since their token, which is wanted, came before.
        not_utf8: Rows left out since their token is not UTF-8.
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
        if self.tokens:
            text += f", {self.tokens_found / self.tokens:.1%} of {self.tokens:,} tokens"
        if self.missing:
            text += f"; missing: {', '.join(map(repr, self.missing))}"
            more = self.types - self.types_found - len(self.missing)
            text += f" and {more:,} more" if more else ""
        if self.repeated:
            text += f"; left out {self.repeated:,} repeated rows"
        if self.not_utf8:
            text += f"; left out {self.not_utf8:,} rows whose token is not UTF-8"
        return text


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows for a list of tokens.

    Attributes:
        tokens: Those asked for, and behind them the first ones of the source.
        matrix: float32 `[tokens, dimension]`.
        found: bool `[tokens]`; the other rows of `matrix` are random.
        source: Name, path or type that the vectors came from.
        sha256: Of the source's file as it lies on the disk (of an archive: the whole
            archive); None for vectors in memory.
        coverage: What was found and what was not of the tokens asked for.
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
    """Reads the vectors of tokens: those of the exact form, or of the lower case.

    Rows of tokens that the source lacks are drawn, column by column, from the normal
    distribution with the mean and variance of the rows that were found.

    Args:
        source: A file in GloVe or word2vec text, fastText .vec or word2vec binary
            (named .bin), perhaps gzipped or in a .zip archive (`archive.zip/file` if it
            holds several); one of `list_vectors()`; a URL followed by `#sha256=` and
            the checksum; or gensim's `KeyedVectors`.
        tokens: Distinct ordinary tokens. Leave out padding and the like, or they count
            as missing; `</s>` and `<unk>` do have rows in some files.
        counts: How often each token occurs in the training data, for the report.
        seed: Of the rows that are missing.
        first: How many rows at the beginning of the source to take besides, which in
            most files are those of the most frequent words.
        cache: Whether to keep what was read of a file, in `RECURRENT_ZOO_CACHE` or
            `~/.cache/recurrent-zoo`, and to take it from there the next time.

    Returns:
        A row for each token; behind them those of the first tokens that were not asked
        for.

    Raises:
        ValueError: If the tokens or counts do not fit, there is no such source, it is
            damaged (`file:line: what is wrong; expected ...`; for a binary file
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
    """Reads the rows, and returns what to call the source, and what it is."""
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
    if not cache:
        return name, files.read(path, rows)
    entry = Entry(names.cache_directory(), path, rows.tokens, rows.first)
    facts = entry.restore(rows)
    if facts is None:
        facts = files.read(path, rows)
        entry.save(rows, facts)
    return name, facts


def _coverage(rows: Rows, facts: Facts, counts: Sequence[int] | None) -> Coverage:
    kinds = rows.kinds[: rows.wanted]
    found = kinds != MISSING
    missing = np.flatnonzero(~found)
    if counts is not None:
        counts = np.asarray(counts)
        missing = missing[np.argsort(-counts[missing], kind="stable")]
    return Coverage(
        types=len(found),
        types_found=int(found.sum()),
        types_lowered=int((kinds == LOWERED).sum()),
        tokens=None if counts is None else int(counts.sum()),
        tokens_found=None if counts is None else int(counts[found].sum()),
        missing=tuple(rows.tokens[i] for i in missing[:_MISSING_TO_NAME]),
        rows=facts.rows,
        repeated=rows.repeated,
        not_utf8=facts.not_utf8,
    )
