"""A table of which the first rows are known, and its columns by name and number."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.corpus_files import CorpusError, count
from zoo.data.delimited import LABELED, table

# Of several of the first, the first counts; of the further ones there may be one.
TEXT_NAMES = ("text", "sentence", "content", "review", "phrase")
LABEL_NAMES = ("label", "class", "category", "sentiment", "target")
MORE_NAMES: dict[tuple[str, ...], list[str]] = {
    TEXT_NAMES: """comment comment_text tweet message utterance document body headline
        description""".split(),
    LABEL_NAMES: "labels intent emotion topic polarity score rating stars".split(),
}

_ROWS_TO_GUESS_FROM = 100
_INDEX = re.compile(r"(?:unnamed: ?\d+|id|idx|index|.*_id|)")
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*", re.IGNORECASE)

Column = str | int | None


@dataclass(frozen=True)
class Table:
    """The beginning of a table.

    Attributes:
        path: its file.
        first: the cells of the first row.
        rows: the next ones, as many as guesses go by.
    """

    path: Path
    first: list[str]
    rows: list[list[str]]

    @property
    def names(self) -> list[str]:
        """The cells of the first row as names are compared."""
        return [cell.strip().lower() for cell in self.first]

    def labels(self, column: int) -> Iterator[str]:
        """Yields the cells of a column of all rows but the first.

        Args:
            column: Its number.
        """
        for _, row in itertools.islice(table(self.path), 1, None):
            yield row[column].strip()


def open_table(path: Path) -> Table:
    """Opens a .tsv or .csv file.

    Args:
        path: The file.

    Raises:
        CorpusError: If it cannot be read or is empty.
    """
    first = [row for _, row in itertools.islice(table(path), _ROWS_TO_GUESS_FROM)]
    if not first:
        raise CorpusError(f"{path}: no example found; expected {LABELED}")
    return Table(path, first[0], first[1:])


def two_columns(
    first: Table, given: Mapping[str, Column], header: bool | None
) -> tuple[int, int]:
    """Returns the columns of the text and the label.

    Args:
        first: The table of train.
        given: What the user says of them.
        header: Whether it has a header; None if that is not known yet.

    Raises:
        CorpusError: If they are not clear.
    """
    names = first.names if header is not False else []
    text, label = (_number(first, option, column) for option, column in given.items())
    if text is None and header:
        text = known_column(first, TEXT_NAMES, but=label)
    if label is None and header:
        label = known_column(first, LABEL_NAMES, but=text)
    columns = list(range(len(first.first)))
    inner = [i for i in columns if not (names and _INDEX.fullmatch(names[i]))]
    two = columns if len(columns) == 2 else inner
    if len(two) == 2 and {text, label} - {None} <= set(two):
        text, label = _other_of_two(text, label, two, first)
    if text is None or label is None or text == label:
        raise CorpusError(
            f"{first.path}:1: {in_words(first.first)}; expected a header or two "
            "columns that tell text from label: give text_column and label_column, two "
            "different ones"
        )
    return text, label


def _other_of_two(
    text: int | None, label: int | None, two: Sequence[int], first: Table
) -> tuple[int, int]:
    """Completes the columns of a table that has two."""
    if text is None and label is None:
        label = _label_of_two(two, first)
    if text is None:
        return next(i for i in two if i != label), label or 0
    if label is None:
        return text, next(i for i in two if i != text)
    return text, label


def _label_of_two(two: Sequence[int], first: Table) -> int:
    """Returns the column that looks more like the label's.

    That is the one of numbers; else that with at most half as many different values;
    else the shorter one.
    """
    below = [[row[i].strip() for row in first.rows] for i in two]
    numeric = [bool(cells) and all(map(NUMBER.fullmatch, cells)) for cells in below]
    if numeric[0] != numeric[1]:
        return two[numeric.index(True)]
    different = [len(set(cells)) for cells in below]
    if 2 * min(different) <= max(different) > 1:
        return two[different.index(min(different))]
    lengths = [sum(len(row[i]) for row in [first.first, *first.rows]) for i in two]
    return two[0] if lengths[0] < lengths[1] else two[1]


def known_column(
    table: Table, known: tuple[str, ...], but: int | None = None
) -> int | None:
    """Returns the column that has one of these names, or of those that go with them.

    Args:
        table: With a header.
        known: Names.
        but: A column that is not meant.
    """
    names = [name if i != but else "" for i, name in enumerate(table.names)]
    more = [name for name in MORE_NAMES.get(known, ()) if name in names]
    found = next((name for name in known if name in names), None)
    if found is None and len(more) == 1:
        found = more[0]
    if found is None:
        return None
    if names.count(found) > 1:
        raise CorpusError(
            f"{table.path}:1: {names.count(found)} columns are called {found!r}; give "
            "text_column and label_column by their numbers"
        )
    return names.index(found)


def _number(first: Table, option: str, column: Column) -> int | None:
    """Returns the number of a column that is given by number, by name or not at all."""
    names = first.names
    if column is None:
        return None
    if is_name(column):
        name = str(column).strip().lower()
        if name not in names:
            raise CorpusError(
                f"{first.path}:1: {option} is {column!r}; expected one of "
                f"{', '.join(map(repr, names))}"
            )
        return known_column(first, (name,))
    if not 0 <= int(column) < len(names):
        raise CorpusError(
            f"{first.path}:1: {option} is {column}; expected a number from 0 to "
            f"{len(names) - 1}, or a name"
        )
    return int(column)


def is_name(column: Column) -> bool:
    """Tells whether a column is given by its name."""
    return isinstance(column, str) and not column.strip().isdecimal()


def in_words(cells: Sequence[str]) -> str:
    """Returns the number of cells and what they hold, for a message."""
    names = ", ".join(repr(cell.strip()) for cell in cells)
    return f"{count(len(cells), 'column')} ({names[:180]})"
