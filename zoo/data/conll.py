"""Readers of tagged words: CoNLL columns and CoNLL-U."""

import re
from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    TaggedWords,
    count,
    file_corpus,
    file_suffix,
    lines,
)
from zoo.data.tagged_lines import (
    COLUMNS,
    column_rows,
    find_separator,
    joined_rows,
)
from zoo.text.normalization import normalize_word

# Those that may serve as tags.
CONLLU_COLUMNS = {
    "lemma": 2,
    "upos": 3,
    "xpos": 4,
    "feats": 5,
    "head": 6,
    "deprel": 7,
    "deps": 8,
    "misc": 9,
}

_CONLLU = "CoNLL-U, ten columns a word"

# (line, (word, tag)); (line, None) between two sentences
TaggedRows = Iterator[tuple[int, tuple[str, str] | None]]


def read_tagged(
    path: str | Path, word_column: int = 0, tag_column: str | int | None = None
) -> Corpus[TaggedWords]:
    """Reads tagged words by `read_conllu` if the file is a .conllu, else `read_conll`.

    Args:
        path: The file, may be gzipped.
        word_column: Column of the word; CoNLL columns only.
        tag_column: Column of the tag: its name in CoNLL-U (`"upos"` by default), its
            number in CoNLL columns (the last by default).

    Returns:
        The corpus of `(words, tags)`.

    Raises:
        CorpusError: If the file is missing or empty, or the column does not suit it.
    """
    if file_suffix(Path(path)) == ".conllu":
        return read_conllu(path, "upos" if tag_column is None else tag_column)
    return read_conll(path, word_column, -1 if tag_column is None else tag_column)


def read_conll(
    path: str | Path, word_column: int = 0, tag_column: str | int = -1
) -> Corpus[TaggedWords]:
    """Reads columns separated by tabs or spaces: `(words, tags)`.

    A sentence ends at a line that is empty or holds only white space. `-DOCSTART-`
    lines are skipped, and so are comments before a sentence: `# newdoc`, `# key =
    value`, or another line that begins with `# ` and has not as many cells as a word.
    With as many, `#` is a word like any other. A file with a sentence a line and the
    columns of a word joined (`I|PRP|O like|VBP|O`, `I/PRP like/VBP`) is read too.

    Args:
        path: The file, may be gzipped.
        word_column: Number of the word's column, counted from 0.
        tag_column: Number of the tag's column; negative numbers count from the end.

    Returns:
        The corpus of `(words, tags)`.

    Raises:
        CorpusError: If the file is missing or empty, or `tag_column` is no number.
    """
    path, tag = Path(path), column_number(tag_column)
    if tag is None:
        raise CorpusError(
            f"{path}: tag_column is {tag_column!r}; expected the number of a column "
            "(0 is the first, -1 the last), since the file is not named .conllu"
        )

    def words() -> TaggedRows:
        separator = find_separator(path)
        rows = joined_rows(path, separator) if separator else column_rows(path)
        for number, cells in rows:
            place = f"{path}:{number}"
            yield number, _pick(cells, word_column, tag, place) if cells else None

    return file_corpus(path, COLUMNS, lambda: _sentences(words()))


def read_conllu(
    path: str | Path, tag_column: str | int = "upos"
) -> Corpus[TaggedWords]:
    """Reads CoNLL-U: `(words, tags)`, one pair for each syntactic word.

    Comments, rows of multiword tokens (`3-4`) and empty nodes (`8.1`) are skipped.

    Args:
        path: The file, may be gzipped.
        tag_column: Name of the column that holds the tags, one of `CONLLU_COLUMNS`.

    Returns:
        The corpus of `(words, tags)`.

    Raises:
        CorpusError: If there is no such column, or the file is missing or empty.
    """
    path = Path(path)
    if tag_column not in CONLLU_COLUMNS:
        raise CorpusError(
            f"{path}: tag_column is {tag_column!r}; expected a column of CoNLL-U: "
            f"{', '.join(CONLLU_COLUMNS)}"
        )
    column = CONLLU_COLUMNS[str(tag_column)]

    def words() -> TaggedRows:
        for number, line in lines(path, _CONLLU):
            if not line.strip():
                yield number, None
            elif not line.startswith("#"):
                row = _conllu_row(line, f"{path}:{number}")
                if row[0].isdecimal():
                    yield number, (row[1], row[column])

    return file_corpus(path, _CONLLU, lambda: _sentences(words()))


def _sentences(rows: TaggedRows) -> Iterator[tuple[int, TaggedWords]]:
    """Gathers the rows of each sentence, and yields it with its first line's number."""
    first = 0
    words: list[str] = []
    tags: list[str] = []
    for number, pair in rows:
        if pair is not None:
            first = first if words else number
            words.append(pair[0])
            tags.append(normalize_word(pair[1]))
        elif words:
            yield first, (words, tags)
            words, tags = [], []
    if words:
        yield first, (words, tags)


def column_number(column: str | int | None) -> int | None:
    """Returns a column's number, also where it is written as a string; else None.

    >>> column_number("-1"), column_number("upos")
    (-1, None)
    """
    if isinstance(column, str):
        return int(column) if re.fullmatch(r"-?\d+", column.strip()) else None
    return column


def _pick(cells: list[str], word: int, tag: int, place: str) -> tuple[str, str]:
    width = len(cells)
    if width < 2:
        raise CorpusError(f"{place}: 1 column where 2 (a word, its tag) were expected")
    for option, column in (("word_column", word), ("tag_column", tag)):
        if not -width <= column < width:
            raise CorpusError(f"{place}: {option} is {column}, with {width} columns")
        if not cells[column].strip():
            raise CorpusError(f"{place}: an empty cell; expected {COLUMNS}")
    if word % width == tag % width:
        raise CorpusError(f"{place}: word_column and tag_column are both {word}")
    return cells[word].strip(), cells[tag].strip()


def _conllu_row(line: str, place: str) -> list[str]:
    cells = line.rstrip("\r\n").split("\t")
    if len(cells) != 10:
        raise CorpusError(
            f"{place}: {count(len(cells), 'column')} where 10 were expected, "
            "separated by tabs"
        )
    if not re.fullmatch(r"\d+([-.]\d+)?", cells[0]):
        raise CorpusError(f"{place}: the id is {cells[0]!r}; expected 3, 3-4 or 8.1")
    return cells
