"""Readers of one file (or two aligned ones, or a folder per class): one per format.

A missing or empty file is reported at once, all else when it is read. Everything
streams.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Example,
    Lines,
    Located,
    checked,
    count,
    lines,
    missing,
)
from zoo.data.delimited import LABELLED, Rows, find_columns, same_width, table, tsv_rows

CONLLU_COLUMNS = {"upos": 3, "xpos": 4}

_NO_CLASSES = frozenset({"unsup"})  # aclImdb/train/unsup: reviews without a label
_COLUMNS = "a word and its tag a line, a blank line between sentences"
_CONLLU = "CoNLL-U, ten columns a word"
_SENTENCES = "a sentence a line"
_PAIRS = "rows of source<TAB>target"

Words = Iterator[tuple[int, tuple[str, str] | None]]


def read_labelled(
    path: str | Path,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
) -> Corpus:
    """Reads a table of labelled texts: `(text, label)`.

    Args:
        path: A .csv file, read with quotes, or a .tsv file, read without; each
            perhaps gzipped.
        text_column: Name (of a header's column) or 0-based number; by default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label.

    Returns:
        The corpus; texts are as they stand, labels stripped of outer white space.

    Raises:
        CorpusError: If the file or its columns cannot be made out.
    """
    path = Path(path)
    text, label, header = find_columns(path, text_column, label_column)

    def examples() -> Iterator[tuple[int, tuple[str, str]]]:
        for number, row in itertools.islice(table(path), int(header), None):
            if not row[label].strip():
                raise CorpusError(f"{path}:{number}: the label is empty")
            yield number, (row[text], row[label].strip())

    return _corpus(path, LABELLED, examples)


def read_class_folders(directory: str | Path) -> Corpus:
    """Reads one folder per class with one text per file: `(text, label)`.

    Args:
        directory: Holds the folders; their names are the labels. Hidden files are
            skipped, and so is `unsup`, the unlabelled folder of aclImdb.

    Returns:
        The corpus, by label and then by file name.

    Raises:
        CorpusError: If there is no folder, or one without a text.
    """
    directory = Path(directory)
    folders = [path for path in _visible(directory) if path.is_dir()]

    def source() -> Located:
        for folder in folders:
            if folder.name in _NO_CLASSES:
                continue
            files = [path for path in _visible(folder) if path.is_file()]
            if not files:
                raise CorpusError(f"{folder}: no file; expected one text per file")
            for file in files:
                whole = "".join(line for _, line in lines(file, "a text"))
                yield f"{file}:1", (whole.strip(), folder.name)

    return checked(source, str(directory), "one folder per class")


def read_conll(path: str | Path, word_column: int = 0, tag_column: int = -1) -> Corpus:
    """Reads columns separated by tabs or spaces: `(words, tags)`.

    A sentence ends at a line that is empty or holds only white space. `-DOCSTART-`
    lines are skipped; there are no comments, since `#` is a word like any other.

    Args:
        path: The file, perhaps gzipped.
        word_column: Column of the word.
        tag_column: Column of the tag; negative numbers count from the end.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)

    def words() -> Words:
        for number, cells in same_width(path, _conll_rows(path)):
            place = f"{path}:{number}"
            pair = _pick(cells, word_column, tag_column, place) if cells else None
            yield number, pair

    return _corpus(path, _COLUMNS, lambda: _sentences(words()))


def read_conllu(path: str | Path, tag: str = "upos") -> Corpus:
    """Reads CoNLL-U: `(words, tags)`, one per syntactic word.

    Comments, rows of multiword tokens (`3-4`) and empty nodes (`8.1`) are skipped.

    Args:
        path: The file, perhaps gzipped.
        tag: `"upos"` or `"xpos"`.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the tag is neither, or the file is missing or empty.
    """
    if tag not in CONLLU_COLUMNS:
        raise CorpusError(f"tag is {tag!r}; expected {' or '.join(CONLLU_COLUMNS)}")
    path, column = Path(path), CONLLU_COLUMNS[tag]

    def words() -> Words:
        for number, line in lines(path, _CONLLU):
            if not line.strip():
                yield number, None
            elif not line.startswith("#"):
                row = _conllu_row(line, f"{path}:{number}")
                if row[0].isdecimal():
                    yield number, (row[1], row[column])

    return _corpus(path, _CONLLU, lambda: _sentences(words()))


def read_text(path: str | Path) -> Corpus:
    """Reads lines, each with its end: `"".join(corpus)` is the whole file.

    Args:
        path: The file, perhaps gzipped.

    Returns:
        The corpus. Lines end at `\\n`, `\\r\\n` or `\\r`, which are kept as they are.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)
    return _corpus(path, "text", lambda: lines(path, "text"))


def read_parallel(source_path: str | Path, target_path: str | Path) -> Corpus:
    """Reads two line-aligned files: `(source, target)`, without the ends of lines.

    Args:
        source_path: The source's file, perhaps gzipped; it gives the places.
        target_path: The target's file, perhaps gzipped.

    Returns:
        The corpus; reading it fails if the files differ in their numbers of lines.

    Raises:
        CorpusError: If a file is missing or empty.
    """
    paths = Path(source_path), Path(target_path)
    for path in paths:
        next(lines(path, _SENTENCES))

    def source() -> Located:
        sides = [lines(path, _SENTENCES) for path in paths]
        for number, pair in enumerate(itertools.zip_longest(*sides), start=1):
            if None in pair:
                raise _unequal(paths, sides, pair, number)
            yield f"{paths[0]}:{number}", tuple(line.rstrip("\r\n") for _, line in pair)

    return checked(source, f"{paths[0]} and {paths[1]}", _SENTENCES)


def read_pairs(path: str | Path) -> Corpus:
    """Reads rows of `source<TAB>target`: `(source, target)`.

    Args:
        path: A .tsv file without a header, perhaps gzipped.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)

    def examples() -> Iterator[tuple[int, tuple[str, str]]]:
        for number, row in same_width(path, tsv_rows(path, _PAIRS), width=2):
            yield number, (row[0], row[1])

    return _corpus(path, _PAIRS, examples)


def _corpus(
    path: Path, expected: str, examples: Callable[[], Iterator[tuple[int, Example]]]
) -> Corpus:
    """Makes a corpus of `(line, example)` in a file that is there and not empty."""
    next(lines(path, expected))

    def source() -> Located:
        for number, example in examples():
            yield f"{path}:{number}", example

    return checked(source, str(path), expected)


def _visible(directory: Path) -> list[Path]:
    if not directory.exists():
        raise missing(directory)
    if not directory.is_dir():
        raise CorpusError(f"{directory}: a file; expected a directory of class folders")
    return sorted(path for path in directory.iterdir() if path.name[0] != ".")


def _sentences(words: Words) -> Iterator[tuple[int, tuple[list[str], list[str]]]]:
    """Gathers `(line, (word, tag))`, with `(line, None)` between two sentences."""
    for is_gap, rows in itertools.groupby(words, key=lambda row: row[1] is None):
        if not is_gap:
            numbers, pairs = zip(*rows)
            yield numbers[0], tuple(map(list, zip(*pairs)))


def _conll_rows(path: Path) -> Rows:
    """Yields the cells of each line, none for a blank line."""
    for number, line in lines(path, _COLUMNS):
        line = line.rstrip()
        if not line.startswith("-DOCSTART-"):
            in_tabs = "\t" in line
            yield number, line.split("\t") if in_tabs else re.findall("[^ ]+", line)


def _pick(cells: list[str], word: int, tag: int, place: str) -> tuple[str, str]:
    width = len(cells)
    if width < 2:
        raise CorpusError(f"{place}: 1 column where 2 (a word, its tag) were expected")
    for option, column in (("word_column", word), ("tag_column", tag)):
        if not -width <= column < width:
            raise CorpusError(f"{place}: {option} is {column}, with {width} columns")
        if not cells[column].strip():
            raise CorpusError(f"{place}: an empty cell; expected {_COLUMNS}")
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


def _unequal(
    paths: tuple[Path, Path], sides: list[Lines], pair: tuple, number: int
) -> CorpusError:
    counts = [
        number - 1 if line is None else number + sum(1 for _ in side)
        for side, line in zip(sides, pair)
    ]
    return CorpusError(
        f"{paths[0]} has {count(counts[0], 'line')} but {paths[1]} has {counts[1]}"
    )
