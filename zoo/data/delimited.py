"""Rows of cells in .tsv and .csv files, and the columns of the text and the label."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus_files import CorpusError, count, file_suffix, lines

TEXT_NAMES = ("text", "sentence", "content", "review", "phrase")
LABEL_NAMES = ("label", "class", "category", "sentiment", "target")
LABELED = "rows of a text and a label, in a .tsv or .csv file"

_ROWS_TO_GUESS_FROM = 100

Rows = Iterator[tuple[int, list[str]]]


def find_columns(
    path: Path,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
) -> tuple[int, int, bool]:
    """Finds the columns of the text and the label in a table.

    Args:
        path: A .tsv or .csv file.
        text_column: Name or 0-based number of the text's column. By default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label's column.

    Returns:
        The text's number, the label's number, and whether the first row is a header.

    Raises:
        CorpusError: If the file cannot be read, or its columns are not clear.
    """
    first = [row for _, row in itertools.islice(table(path), _ROWS_TO_GUESS_FROM)]
    if not first:
        raise CorpusError(f"{path}: no example found; expected {LABELED}")
    names = [cell.strip().lower() for cell in first[0]]
    known = [
        next((names.index(name) for name in some if name in names), None)
        for some in (TEXT_NAMES, LABEL_NAMES)
    ]
    text = _number(path, names, "text_column", text_column)
    label = _number(path, names, "label_column", label_column)
    header = _is_name(text_column) or _is_name(label_column) or None not in known
    if header:
        text, label = (k if n is None else n for n, k in zip((text, label), known))
    if len(names) == 2:
        text, label = _other_of_two(text, label, first)
    if text is None or label is None or text == label:
        found = f"{count(len(names), 'column')} ({', '.join(map(repr, names))})"
        raise CorpusError(
            f"{path}:1: {found[:200]}; expected a header or two columns that tell text "
            "from label: give text_column and label_column, two different ones"
        )
    return text, label, header


def table(path: Path) -> Rows:
    """Yields `(line, cells)` of a .tsv or .csv file, all of one width."""
    if path.is_file() and file_suffix(path) not in (".tsv", ".csv"):
        raise CorpusError(f"{path}: expected a .tsv or .csv file (.gz allowed)")
    rows = _csv_rows if file_suffix(path) == ".csv" else tsv_rows
    return same_width(path, rows(path, LABELED))


def tsv_rows(path: Path, expected: str) -> Rows:
    """Yields `(line, cells)` of every line that is not blank."""
    for number, line in lines(path, expected):
        if line.strip():
            yield number, line.rstrip("\r\n").split("\t")


def same_width(path: Path, rows: Rows, width: int | None = None) -> Rows:
    """Yields rows, which must all have the same number of cells or none.

    Args:
        path: Their file, for the message.
        rows: `(line, cells)`.
        width: Number of cells; by default that of the first row with cells.

    Yields:
        `(line, cells)`.

    Raises:
        CorpusError: If a row has another number of cells.
    """
    for number, row in rows:
        width = width or len(row)
        if row and len(row) != width:
            raise CorpusError(
                f"{path}:{number}: {count(len(row), 'column')} where {width} were "
                "expected"
            )
        yield number, row


def _other_of_two(
    text: int | None, label: int | None, rows: list[list[str]]
) -> tuple[int, int]:
    """Completes the columns of a table that has two; the shorter one is the label."""
    if text is None:
        if label is None:
            lengths = [sum(map(len, column)) for column in zip(*rows)]
            label = 0 if lengths[0] < lengths[1] else 1
        return 1 - label, label
    return text, 1 - text if label is None else label


def _csv_rows(path: Path, expected: str) -> Rows:
    reader = csv.reader((line for _, line in lines(path, expected)), strict=True)
    start = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(
            f"{path}:{start}: not CSV ({error}); expected cells between commas, every "
            "quote closed, and quotes inside quotes doubled"
        ) from error


def _number(
    path: Path, names: list[str], option: str, column: str | int | None
) -> int | None:
    """Returns the number of a column that is given by number, by name or not at all."""
    if column is None:
        return None
    if isinstance(column, str) and _is_name(column):
        if column.strip().lower() not in names:
            raise CorpusError(
                f"{path}:1: {option} is {column!r}; expected one of "
                f"{', '.join(map(repr, names))}"
            )
        return names.index(column.strip().lower())
    if not 0 <= int(column) < len(names):
        raise CorpusError(
            f"{path}:1: {option} is {column}; expected a number from 0 to "
            f"{len(names) - 1}, or a name"
        )
    return int(column)


def _is_name(column: str | int | None) -> bool:
    return isinstance(column, str) and not column.strip().isdecimal()
