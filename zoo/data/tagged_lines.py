"""Lines of tagged words: columns, or words that are joined with their tags."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.data.corpus_files import CorpusError, count, lines
from zoo.data.delimited import Rows, check_line_ends

COLUMNS = "a word and its tag a line, a blank line between sentences"
SEPARATORS = ("|", "/", "_")  # between a word and its tag: `the|DT|O dog|NN|O`

_LINES_TO_GUESS_FROM = 100
# Comments of CoNLL-U and of its kin.
_COMMENT = re.compile(
    r"#\s*(?:newdoc|newpar)(?:\s+id\b|\s*$)"
    r"|#\s*(?:sent_id|text)\s*=|# [\w.:\[\]-]+\s*=(?:\s|$)"
)


def find_separator(path: Path) -> str | None:
    """Returns what joins words and tags in a file with a sentence a line.

    Args:
        path: The file.

    Returns:
        One of `SEPARATORS` if all words of the first lines have it, of which some line
        has several; None for columns.
    """
    sample = [
        line.split()
        for _, line in itertools.islice(lines(path, COLUMNS), _LINES_TO_GUESS_FROM)
        if line.strip() and not _is_document(line) and "\t" not in line.strip()
    ]
    for separator in SEPARATORS:
        joined = [
            len(words) > 1 and all(separator in word[1:] for word in words)
            for words in sample
        ]
        one = [len(words) == 1 and separator in words[0][1:] for words in sample]
        if any(joined) and all(map(max, joined, one)):
            return separator
    return None


def describe_lines(paths: Mapping[str, Path]) -> dict[str, Any]:
    """Returns what was decided about the lines of files of tagged words."""
    decisions: dict[str, Any] = {}
    for split, path in paths.items():
        if separator := find_separator(path):
            formats = decisions.setdefault("format", {})
            formats[split] = f"a sentence a line, word{separator}tag"
        elif comments := count_comments(path):
            decisions.setdefault("comments_skipped", {})[split] = comments
    return decisions


def joined_rows(path: Path, separator: str) -> Rows:
    """Yields the cells of each word of a file with a sentence a line.

    Args:
        path: The file.
        separator: Between the cells of a word. A word may have it too: the cells are
            counted from the end, and all words have as many as most have.

    Yields:
        `(line, cells)`, and no cells after each sentence.

    Raises:
        CorpusError: If a word has fewer cells.
    """
    width = 0
    for number, line in lines(path, COLUMNS):
        if _is_document(line):
            continue
        for token in line.split():
            width = width or _commonest_width(path, separator)
            cells = token.rsplit(separator, width - 1)
            if len(cells) != width:
                raise CorpusError(
                    f"{path}:{number}: {token[:40]!r} has {count(len(cells), 'part')} "
                    f"where {width} were expected, with {separator!r} between them"
                )
            yield number, cells
        yield number, []


def column_rows(path: Path) -> Rows:
    """Yields the cells of each line, none for a blank line; comments are skipped.

    Args:
        path: The file.

    Yields:
        `(line, cells)`.

    Raises:
        CorpusError: If a row has another number of cells than the first one.
    """
    for number, row in _located_rows(path):
        if row is not None:
            yield number, row


def count_comments(path: Path) -> int:
    """Returns how many lines of a file of columns are comments.

    Args:
        path: The file.
    """
    return sum(row is None for _, row in _located_rows(path))


def _located_rows(path: Path) -> Iterator[tuple[int, list[str] | None]]:
    """Yields the cells of each line, None for a comment."""
    width, at_start = 0, True
    for number, line in lines(path, COLUMNS):
        check_line_ends(line, f"{path}:{number}")
        if _is_document(line):
            continue
        cells = _cells(line.rstrip())
        if line.startswith("#"):
            width = width or _first_width(path)
            if _is_comment(line, cells, width, at_start):
                yield number, None
                continue
        width = width or len(cells)
        if cells and len(cells) != width:
            raise CorpusError(
                f"{path}:{number}: {count(len(cells), 'column')} where {width} were "
                "expected"
            )
        at_start = not cells
        yield number, cells


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else re.findall("[^ ]+", line)


def _is_document(line: str) -> bool:
    return line.startswith("-DOCSTART-")


def _is_comment(line: str, cells: list[str], width: int, at_start: bool) -> bool:
    """Tells whether a line that begins with `#` is no word.

    Args:
        line: The line.
        cells: Its cells.
        width: Cells of a word.
        at_start: Whether no word of a sentence comes before.
    """
    if _COMMENT.match(line):
        return not ("\t" in line and len(cells) == width)
    return at_start and line.startswith("# ") and len(cells) != width


def _first_width(path: Path) -> int:
    """Returns the number of cells of the first line that cannot be a comment."""
    first = 0
    for _, line in lines(path, COLUMNS):
        cells = [] if _is_document(line) else _cells(line.rstrip())
        if cells and not line.startswith("#"):
            return len(cells)
        first = first or len(cells)
    return first


def _commonest_width(path: Path, separator: str) -> int:
    """Returns the number of cells that most of the first words have."""
    sample = itertools.islice(lines(path, COLUMNS), _LINES_TO_GUESS_FROM)
    words = (w for _, line in sample if not _is_document(line) for w in line.split())
    counts = Counter(word.count(separator, 1) for word in words)
    return 1 + counts.most_common(1)[0][0]
