"""Readers of texts: labeled, plain and parallel; `zoo.data.conll` reads tagged words.

A missing or empty file is reported when the corpus is made, any other problem when it
is read. Everything streams.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.data.columns import find_columns
from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Located,
    Splits,
    TextPair,
    checked,
    file_corpus,
    lines,
    missing,
    visible_entries,
)
from zoo.data.delimited import (
    LABELED,
    table,
)
from zoo.text.normalization import normalize_word

_NO_CLASSES = frozenset({"unsup"})  # aclImdb/train/unsup: reviews without a label


def open_labeled(
    paths: Mapping[str, Path],
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    header: bool | None = None,
    unlabeled: bool = False,
) -> Splits[TextPair]:
    """Reads labeled texts of some splits, from tables or class folders.

    Args:
        paths: A .csv or .tsv file or a directory of class folders for each split.
        text_column: As of `zoo.data.columns.find_columns`, as are the next two.
        label_column: Likewise.
        header: Likewise.
        unlabeled: Whether a label may be empty, as where a text has any number of them.

    Returns:
        The corpora, with what was decided about columns, header and folders.

    Raises:
        CorpusError: If a file or its columns cannot be made out.
    """
    read: dict[str, Corpus[TextPair]] = {}
    decisions: dict[str, Any] = {}
    tables = {split: path for split, path in paths.items() if not path.is_dir()}
    if tables:
        columns = find_columns(tables, text_column, label_column, header)
        decisions |= columns.decisions()
        for split, path in tables.items():
            numbers = columns.numbers[split]
            read[split] = read_columns(path, numbers, columns.header, unlabeled)
    for split in paths.keys() - tables.keys():
        read[split] = read_class_folders(paths[split])
        if empty := empty_folders(paths[split]):
            decisions.setdefault("empty_class_folders", {})[split] = empty
    return Splits({split: read[split] for split in paths}, decisions)


def read_labeled(
    path: str | Path,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    header: bool | None = None,
) -> Corpus[TextPair]:
    """Reads a table of labeled texts: `(text, label)`.

    Args:
        path: A .csv file, in which cells may be quoted, or a .tsv file, in which
            quotes are ordinary characters; may be gzipped.
        text_column: Name (of a header's column) or 0-based number; by default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label.
        header: Whether the first row is a header; None to find out.

    Returns:
        The corpus; texts are unchanged, labels stripped of outer white space.

    Raises:
        CorpusError: If the file or its columns cannot be made out.
    """
    path = Path(path)
    columns = find_columns({"train": path}, text_column, label_column, header)
    return read_columns(path, columns.numbers["train"], columns.header)


def read_columns(
    path: Path, columns: tuple[int, int], header: bool, unlabeled: bool = False
) -> Corpus[TextPair]:
    """Reads a table of which the columns are known: `(text, label)`.

    Args:
        path: A .csv or .tsv file, may be gzipped.
        columns: Of the text and of the label, counted from 0.
        header: Whether the first row is one.
        unlabeled: Whether a label may be empty, as where a text has any number of them.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    text, label = columns
    hint = "" if unlabeled else " (with several or none each: --head multilabel)"

    def examples() -> Iterator[tuple[int, TextPair]]:
        for number, row in itertools.islice(table(path), int(header), None):
            if not row[label].strip() and not unlabeled:
                raise CorpusError(
                    f"{path}:{number}: the label is empty; expected {LABELED}{hint}"
                )
            yield number, (row[text], normalize_word(row[label].strip()))

    return file_corpus(path, LABELED, examples)


def read_class_folders(directory: str | Path) -> Corpus[TextPair]:
    """Reads one folder per class with one text per file: `(text, label)`.

    Args:
        directory: Holds the folders; their names are the labels. What is hidden or a
            system's (`.DS_Store`, `Thumbs.db`) is skipped, and so are empty folders and
            `unsup`, the unlabeled folder of aclImdb.

    Returns:
        The corpus, sorted by label and then by file name.

    Raises:
        CorpusError: If there is no folder with a text.
    """
    directory = Path(directory)
    folders = class_folders(directory)

    def source() -> Located[TextPair]:
        for folder in folders:
            label = normalize_word(folder.name)  # some systems decompose it
            for file in _texts(folder):
                if not file.stat().st_size:
                    yield f"{file}:1", ("", label)
                    continue
                whole = "".join(line for _, line in lines(file, "a text"))
                yield f"{file}:1", (whole.strip(), label)

    return checked(source, str(directory), "one folder per class, with texts in it")


def class_folders(directory: Path) -> list[Path]:
    """Returns the folders of the classes.

    Args:
        directory: Holds them.

    Raises:
        CorpusError: If it is no directory.
    """
    if not directory.exists():
        raise missing(directory)
    if not directory.is_dir():
        raise CorpusError(f"{directory}: a file; expected a directory of class folders")
    return [
        path
        for path in visible_entries(directory)
        if path.is_dir() and path.name not in _NO_CLASSES
    ]


def empty_folders(directory: Path) -> list[str]:
    """Returns the names of the class folders without a text.

    Args:
        directory: Holds the class folders.
    """
    return [folder.name for folder in class_folders(directory) if not _texts(folder)]


def read_text(path: str | Path) -> Corpus[str]:
    """Reads lines with their line ends: `"".join(corpus)` is the whole file.

    Args:
        path: The file, may be gzipped.

    Returns:
        The corpus. Lines end at `\\n`; their ends are kept as they are.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)
    return file_corpus(path, "text", lambda: lines(path, "text"))


def _texts(folder: Path) -> list[Path]:
    return [path for path in visible_entries(folder) if path.is_file()]
