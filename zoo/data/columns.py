"""Which columns of a table are the text and the label, and whether it has a header.

It is decided over the files of all splits together, and said. What is not clear is an
error that names the options which say it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.corpus_files import CorpusError, count
from zoo.data.tables import (
    LABEL_NAMES,
    MORE_NAMES,
    NUMBER,
    TEXT_NAMES,
    Column,
    Table,
    in_words,
    is_name,
    known_column,
    open_table,
    two_columns,
)

_NAME = re.compile(r"[^\W\d][\w.-]*")  # as a column has
_TWO_WORDS = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+)?")  # as one may have


@dataclass(frozen=True)
class Columns:
    """Where the text and the label stand in each file.

    Attributes:
        header: whether the first row of each file is one.
        numbers: by split, the columns of the text and of the label, counted from 0.
        reason: what the header was decided by.
        names: of the text's and the label's column in train, if there is a header.
    """

    header: bool
    numbers: dict[str, tuple[int, int]]
    reason: str
    names: tuple[str, str] | None = None

    def decisions(self) -> dict[str, Any]:
        """Returns what was decided, for `Splits.decisions`."""
        header = f"the first row of each file ({self.reason})"
        about = {"header": header if self.header else f"none ({self.reason})"}
        text, label = next(iter(self.numbers.values()))
        if self.names:
            columns = {"text": self.names[0], "label": self.names[1]}
            return {**about, "columns": columns}
        return {**about, "columns": {"text": text, "label": label}}


def find_columns(
    paths: Mapping[str, Path],
    text_column: Column = None,
    label_column: Column = None,
    header: bool | None = None,
) -> Columns:
    """Finds the columns of the text and the label in the tables of all splits.

    Args:
        paths: A .tsv or .csv file of each split, train's first.
        text_column: Name or 0-based number (in train) of the text's column. By default
            a header tells; else of two columns the label is that of numbers, that with
            fewer different values, or the shorter one. Columns that a header calls an
            index do not count.
        label_column: The same for the label's column.
        header: Whether the first rows are a header; None to find out.

    Returns:
        The columns.

    Raises:
        CorpusError: If a file cannot be read, or its header or columns are not clear.
    """
    tables = {split: open_table(path) for split, path in paths.items()}
    first = next(iter(tables.values()))
    given = {"text_column": text_column, "label_column": label_column}
    if header is None:
        header, reason = _find_header(list(tables.values()), given)
    else:
        reason = f"as --header {str(header).lower()} says"
        if not header and any(map(is_name, given.values())):
            raise CorpusError(
                "text_column, label_column: expected numbers with --header false"
            )
    text, label = two_columns(first, given, header)
    if not header:
        _check_widths(list(tables.values()), None in given.values())
        return Columns(False, dict.fromkeys(tables, (text, label)), reason)
    names = first.names[text], first.names[label]
    numbers = {
        split: (text, label) if table is first else _by_name(table, first, names)
        for split, table in tables.items()
    }
    shown = first.first[text].strip(), first.first[label].strip()
    return Columns(True, numbers, reason, shown)


def _check_widths(tables: Sequence[Table], guessed: bool) -> None:
    """Raises CorpusError unless columns of train are columns of the other files.

    Args:
        tables: Without a header.
        guessed: Whether a column was not given by the user.
    """
    first = tables[0]
    for table in tables:
        width = len(table.first)
        if width < len(first.first) or guessed and width > len(first.first):
            raise CorpusError(
                f"{table.path}:1: {count(width, 'column')}, where {first.path.name} "
                f"has {len(first.first)}; expected as many"
            )


def _find_header(
    tables: Sequence[Table], given: Mapping[str, Column]
) -> tuple[bool, str]:
    """Tells whether the first rows are a header, and why."""
    first = tables[0]
    if any(map(is_name, given.values())):
        return True, "a column is given by its name"
    named = [_names_both(table) for table in tables]
    if named[0]:
        return True, "it names the text and the label"
    if any(named):
        table = tables[named.index(True)]
        raise CorpusError(
            f"{table.path}:1: a header, {in_words(table.first)}, and {first.path.name} "
            "has none; expected the same in all files, or --header true or false"
        )
    inner = [name for name in first.names if name and not name.startswith("unnamed:")]
    if _are_positions(inner) and not _are_positions(
        first.rows[0] if first.rows else []
    ):
        texts = [row for row in first.rows if not all(map(NUMBER.fullmatch, row))]
        if len(texts) > len(first.rows) / 2:
            return True, "its names are the numbers of the columns"
    try:
        columns = two_columns(first, given, header=None)
    except CorpusError:
        # Too many columns to go by the labels.
        same = len(tables) > 1 and len({tuple(sorted(t.names)) for t in tables}) == 1
        return same, "the first rows of all files are the same" * same
    return _by_labels(tables, columns)


def _by_labels(tables: Sequence[Table], columns: tuple[int, int]) -> tuple[bool, str]:
    """Tells whether the first rows are a header by what stands in the label's column.

    The name of a label's column is no label itself, while a label mostly occurs again.

    Args:
        tables: Of all splits.
        columns: Of the text and of the label.
    """
    label = columns[1]
    if any(len(table.first) <= max(columns) for table in tables):
        return False, "the files have different widths"
    found = {table.first[label].strip() for table in tables}
    if all(map(NUMBER.fullmatch, found)):
        return False, "the first rows have a number for the label"
    others: set[str] = set()
    repeated = total = 0
    for value in itertools.chain.from_iterable(t.labels(label) for t in tables):
        total += 1
        repeated += value in others
        others.add(value)
        if value in found and found <= others:
            return False, "the labels of the first rows occur again"
    if not total:
        return False, "there is one row"
    if len(tables) > 1 and len({tuple(sorted(t.names)) for t in tables}) == 1:
        return True, "the first rows of all files are the same"
    if all(map(NUMBER.fullmatch, others)):
        return True, "all further labels are numbers"
    new = [table for table in tables if table.first[label].strip() not in others]
    shown = [table for table in new if _fits(_TWO_WORDS, table.first, columns)]
    if not shown:
        return False, "the first rows are no names of columns"
    if repeated < total / 2:
        return False, "most labels occur once, as that of the first row"
    rows = [row for table in tables for row in table.rows]
    alike = sum(_fits(_TWO_WORDS, row, columns) for row in rows)
    sure = [table for table in new if _fits(_NAME, table.first, columns)]
    if alike <= 0.05 * len(rows) and len(sure) == len(tables):
        return True, "its label occurs in no other row, and its text is a name"
    raise CorpusError(
        f"{shown[0].path}:1: {in_words(shown[0].first)} may be a header or an example; "
        "give --header true or --header false"
    )


def _by_name(table: Table, first: Table, names: tuple[str, str]) -> tuple[int, int]:
    """Returns the columns of a further split, which may stand in another order."""
    numbers = []
    for name, known in zip(names, (TEXT_NAMES, LABEL_NAMES)):
        number = known_column(table, (name,))
        alike = (*known, *MORE_NAMES[known])
        if number is None and name in alike:  # "sentence" here and "content" there
            number = known_column(table, known)
        if number is None:
            raise CorpusError(
                f"{table.path}:1: no column {name!r}, which {first.path.name} has, but "
                f"{in_words(table.first)}; expected the same header, or none in all "
                "files: give --header false"
            )
        numbers.append(number)
    return numbers[0], numbers[1]


def _fits(pattern: re.Pattern[str], row: Sequence[str], columns: Sequence[int]) -> bool:
    return all(pattern.fullmatch(row[i].strip()) for i in columns if i < len(row))


def _names_both(table: Table) -> bool:
    return None not in (
        known_column(table, TEXT_NAMES),
        known_column(table, LABEL_NAMES),
    )


def _are_positions(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and list(cells) == [str(i) for i in range(len(cells))]
