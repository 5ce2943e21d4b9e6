"""Rows of cells in .tsv and .csv files."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus_files import CorpusError, count, file_suffix, lines, without_end

LABELED = "rows of a text and a label, in a .tsv or .csv file"
LONGEST_CELL = 1 << 30  # characters; Python's own limit is 131,072

# A carriage return inside a line, which the csv module would take for its end.
_INNER_RETURN = re.compile(r"\r(?!\n|$)")
_RETURN = "\ud80d"  # stands for it; no file has it, since UTF-8 cannot say it

Rows = Iterator[tuple[int, list[str]]]


def table(path: Path) -> Rows:
    """Yields `(line, cells)` of a .tsv or .csv file, all of one width."""
    if path.is_file() and file_suffix(path) not in (".tsv", ".csv"):
        raise CorpusError(f"{path}: expected a .tsv or .csv file (.gz allowed)")
    rows = _csv_rows if file_suffix(path) == ".csv" else tsv_rows
    return same_width(path, rows(path, LABELED))


def tsv_rows(path: Path, expected: str) -> Rows:
    """Yields `(line, cells)` of every line that is not blank."""
    for number, line in lines(path, expected):
        check_line_ends(line, f"{path}:{number}")
        if line.strip():
            yield number, without_end(line).split("\t")


def check_line_ends(line: str, place: str) -> None:
    """Raises CorpusError for a file whose lines end at carriage returns alone."""
    if place.endswith(":1") and line[-1:] != "\n" and line.count("\r") > 1:
        raise CorpusError(
            f"{place}: lines that end at carriage returns alone, as on old Macs; "
            "expected newlines: tr '\\r' '\\n'"
        )


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


def _csv_rows(path: Path, expected: str) -> Rows:
    def plain_lines() -> Iterator[str]:
        for number, line in lines(path, expected):
            check_line_ends(line, f"{path}:{number}")
            yield _INNER_RETURN.sub(_RETURN, line) if "\r" in line else line

    # One limit for the whole process, which is raised and never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    reader = csv.reader(plain_lines(), strict=True)
    start = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield start, [cell.replace(_RETURN, "\r") for cell in row]
            start = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(
            f"{path}:{start}: not CSV ({error}); expected cells between commas, every "
            "quote closed, and quotes inside quotes doubled"
        ) from error
