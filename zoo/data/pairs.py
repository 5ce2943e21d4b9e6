"""Readers of pairs: two aligned files, or a table of `source<TAB>target`."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Located,
    Splits,
    TextPair,
    checked,
    count,
    file_corpus,
    lines,
    without_end,
)
from zoo.data.delimited import check_line_ends, tsv_rows
from zoo.data.splits import Found

_SENTENCES = "a sentence a line"
_PAIRS = "rows of source<TAB>target"
_ATTRIBUTION = re.compile(r"\bCC[- ]BY|\bCC0|Attribution|tatoeba\.org", re.IGNORECASE)
_PAIR_NAMES = frozenset(
    """source target src tgt trg input output word words phonemes pronunciation
    spelling""".split()
)


def open_pairs(
    found: Found, decisions: Mapping[str, Any], header: bool | None
) -> Splits[TextPair]:
    """Reads pairs, of one file or of two aligned ones for each split.

    Args:
        found: The files.
        decisions: What was decided about them; some are added.
        header: Whether single files have one; None to find out.
    """
    decisions = dict(decisions)
    single = {split: files[0] for split, files in found.items() if len(files) == 1}
    if single:
        if header is None:
            header = pairs_header(list(single.values()))
        decisions["header"] = "the first row of each file" if header else "none"
        credited = [s for s, path in single.items() if has_attributions(path)]
        if credited:
            decisions["third_column"] = f"an attribution, not read ({credited[0]})"
    read = {
        split: (
            read_pairs(files[0], bool(header))
            if split in single
            else read_parallel(files[0], files[1])
        )
        for split, files in found.items()
    }
    return Splits(read, decisions)


def read_parallel(source_path: str | Path, target_path: str | Path) -> Corpus[TextPair]:
    """Reads two line-aligned files: `(source, target)`, without line ends.

    Args:
        source_path: The source's file, may be gzipped; places refer to it.
        target_path: The target's file, may be gzipped.

    Returns:
        The corpus; reading it raises CorpusError if one file has more lines.

    Raises:
        CorpusError: If a file is missing or empty.
    """
    paths = Path(source_path), Path(target_path)
    for path in paths:
        next(lines(path, _SENTENCES))

    def source() -> Located[TextPair]:
        sides = [_sentences(path) for path in paths]
        for number, pair in enumerate(itertools.zip_longest(*sides), start=1):
            first, second = pair
            if first is None or second is None:
                _check_rest(paths, sides, pair, number)
                return
            yield f"{paths[0]}:{number}", (first, second)

    return checked(source, f"{paths[0]} and {paths[1]}", _SENTENCES)


def read_pairs(path: str | Path, header: bool = False) -> Corpus[TextPair]:
    """Reads rows of `source<TAB>target`: `(source, target)`.

    Args:
        path: A .tsv file, may be gzipped. A third column is skipped if it says where a
            sentence is from, as in Tatoeba's pairs for Anki.
        header: Whether the first row is one.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the file is missing or empty, or has other columns.
    """
    path = Path(path)

    def examples() -> Iterator[tuple[int, TextPair]]:
        width = 3 if has_attributions(path) else 2
        rows = itertools.islice(tsv_rows(path, _PAIRS), int(header), None)
        for number, row in rows:
            if len(row) != width:
                few = "" if len(row) < 3 else "; keep two of them, as by cut -f1,2"
                raise CorpusError(
                    f"{path}:{number}: {count(len(row), 'column')} where {width} were "
                    f"expected, source<TAB>target{few}"
                )
            yield number, (row[0], row[1])

    return file_corpus(path, _PAIRS, examples)


def has_attributions(path: Path) -> bool:
    """Tells whether a third column says where the sentences are from.

    Args:
        path: A .tsv file.
    """
    _, first = next(tsv_rows(path, _PAIRS), (0, []))
    return len(first) == 3 and bool(_ATTRIBUTION.search(first[2]))


def pairs_header(paths: Sequence[Path]) -> bool:
    """Tells whether the first rows of files of pairs are a header.

    So they are if both cells are names of columns, or if all files have the same first
    row, and others after it.

    Args:
        paths: The .tsv files of the splits.
    """
    firsts = [
        [row for _, row in itertools.islice(tsv_rows(path, _PAIRS), 2)]
        for path in paths
    ]
    if not all(firsts):
        return False
    named = all(cell.strip().lower() in _PAIR_NAMES for cell in firsts[0][0][:2])
    first, second = (
        ({tuple(row) for row in rows} for rows in zip(*firsts))
        if all(len(rows) > 1 for rows in firsts)
        else (set(), set())
    )
    return named or len(paths) > 1 and len(first) == 1 < len(second)


def _sentences(path: Path) -> Iterator[str]:
    for number, line in lines(path, _SENTENCES):
        check_line_ends(line, f"{path}:{number}")
        yield without_end(line)


def _check_rest(
    paths: tuple[Path, Path], sides: list[Iterator[str]], pair: tuple, number: int
) -> None:
    """Raises CorpusError if one file has more lines, unless all of them are blank."""
    counts, blank = [number - 1] * 2, True
    for i, (side, line) in enumerate(zip(sides, pair)):
        if line is not None:
            for rest in itertools.chain([line], side):
                counts[i] += 1
                blank = blank and not rest.strip()
    if not blank:
        raise CorpusError(
            f"{paths[0]} has {count(counts[0], 'line')} but {paths[1]} has {counts[1]}"
        )
