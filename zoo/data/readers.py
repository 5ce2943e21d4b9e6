"""Readers of texts: labeled, plain and parallel; `zoo.data.conll` reads tagged words.

A missing or empty file is reported when the corpus is made, any other problem when it
is read. Everything streams.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Lines,
    Located,
    TextPair,
    checked,
    count,
    file_corpus,
    lines,
    missing,
)
from zoo.data.delimited import LABELED, find_columns, same_width, table, tsv_rows

_NO_CLASSES = frozenset({"unsup"})  # aclImdb/train/unsup: reviews without a label
_SENTENCES = "a sentence a line"
_PAIRS = "rows of source<TAB>target"


def read_labeled(
    path: str | Path,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
) -> Corpus[TextPair]:
    """Reads a table of labeled texts: `(text, label)`.

    Args:
        path: A .csv file, in which cells may be quoted, or a .tsv file, in which
            quotes are ordinary characters; may be gzipped.
        text_column: Name (of a header's column) or 0-based number; by default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label.

    Returns:
        The corpus; texts are unchanged, labels stripped of outer white space.

    Raises:
        CorpusError: If the file or its columns cannot be made out.
    """
    path = Path(path)
    text, label, header = find_columns(path, text_column, label_column)

    def examples() -> Iterator[tuple[int, TextPair]]:
        for number, row in itertools.islice(table(path), int(header), None):
            if not row[label].strip():
                raise CorpusError(
                    f"{path}:{number}: the label is empty; expected {LABELED}"
                )
            yield number, (row[text], row[label].strip())

    return file_corpus(path, LABELED, examples)


def read_class_folders(directory: str | Path) -> Corpus[TextPair]:
    """Reads one folder per class with one text per file: `(text, label)`.

    Args:
        directory: Holds the folders; their names are the labels. Hidden files are
            skipped, and so is `unsup`, the unlabeled folder of aclImdb.

    Returns:
        The corpus, sorted by label and then by file name.

    Raises:
        CorpusError: If there is no folder, or a folder holds no text.
    """
    directory = Path(directory)
    folders = [path for path in _visible(directory) if path.is_dir()]

    def source() -> Located[TextPair]:
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


def read_text(path: str | Path) -> Corpus[str]:
    """Reads lines with their line ends: `"".join(corpus)` is the whole file.

    Args:
        path: The file, may be gzipped.

    Returns:
        The corpus. Lines end at `\\n`, `\\r\\n` or `\\r`, which are kept as they are.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)
    return file_corpus(path, "text", lambda: lines(path, "text"))


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
        sides = [lines(path, _SENTENCES) for path in paths]
        for number, pair in enumerate(itertools.zip_longest(*sides), start=1):
            if None in pair:
                raise _unequal(paths, sides, pair, number)
            (_, first), (_, second) = pair
            yield f"{paths[0]}:{number}", (first.rstrip("\r\n"), second.rstrip("\r\n"))

    return checked(source, f"{paths[0]} and {paths[1]}", _SENTENCES)


def read_pairs(path: str | Path) -> Corpus[TextPair]:
    """Reads rows of `source<TAB>target`: `(source, target)`.

    Args:
        path: A .tsv file without a header, may be gzipped.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the file is missing or empty.
    """
    path = Path(path)

    def examples() -> Iterator[tuple[int, TextPair]]:
        for number, row in same_width(path, tsv_rows(path, _PAIRS), width=2):
            yield number, (row[0], row[1])

    return file_corpus(path, _PAIRS, examples)


def _visible(directory: Path) -> list[Path]:
    if not directory.exists():
        raise missing(directory)
    if not directory.is_dir():
        raise CorpusError(f"{directory}: a file; expected a directory of class folders")
    return sorted(path for path in directory.iterdir() if path.name[0] != ".")


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
