"""What all readers share: the corpus, its error, and the lines of a file.

Files are UTF-8 and may be gzipped, which is recognized by their first bytes. What is
wrong with a file is a `CorpusError` of one line:
`file:line: what is wrong; what was expected`.
"""

import difflib
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

T = TypeVar("T")  # of an example
TextPair = tuple[str, str]  # a text and its label, or a source and its target
TaggedWords = tuple[list[str], list[str]]  # words and their tags, equally many
Located = Iterator[tuple[str, T]]  # examples, each with its place: "file:line"
Lines = Iterator[tuple[int, str]]  # lines, numbered from 1

_GZIP_MAGIC = b"\x1f\x8b"
# What systems and editors leave in directories, besides hidden files.
_SYSTEM_FILES = frozenset({"__macosx", "desktop.ini", "icon\r", "thumbs.db"})
_UNDECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of a bad byte


class CorpusError(ValueError):
    """A corpus that cannot be read: one line with the file, the line and the reason."""


@dataclass(frozen=True)
class Corpus(Generic[T]):
    """Examples that can be read any number of times, each with its place.

    `Corpus[str]` holds lines of text, `Corpus[tuple[str, str]]` texts with their labels
    or translations, and `Corpus[tuple[list[str], list[str]]]` words with their tags.

    Args:
        source: Opens the corpus from its beginning; yields `(place, example)`, where
            the place is `"file:line"`.
        name: What to call the corpus in messages, e.g. its path.

    >>> corpus = Corpus(lambda: iter([("a.txt:1", "To be")]), "a.txt")
    >>> list(corpus), list(corpus.located())
    (['To be'], [('a.txt:1', 'To be')])
    """

    source: Callable[[], Located[T]]
    name: str

    def __iter__(self) -> Iterator[T]:
        return (example for _, example in self.source())

    def located(self) -> Located[T]:
        """Yields `(place, example)`."""
        return self.source()


class Splits(dict[str, Corpus[T]]):
    """The corpora of `"train"`, `"dev"` and `"test"`.

    Attributes:
        decisions: what was found and decided while they were opened, by name, as
            plain values: printed with every run, and stored in its `metrics.json`.

    >>> Splits({}, {"header": "none"}).decisions
    {'header': 'none'}
    """

    def __init__(
        self,
        corpora: Mapping[str, Corpus[T]],
        decisions: Mapping[str, Any] | None = None,
    ):
        super().__init__(corpora)
        self.decisions = dict(decisions or {})


def checked(source: Callable[[], Located[T]], name: str, expected: str) -> Corpus[T]:
    """Makes a corpus that raises an error if it turns out to hold no example.

    Args:
        source: Opens the corpus from its beginning; yields `(place, example)`.
        name: What to call it in messages.
        expected: What should have been found.

    Returns:
        The corpus.
    """

    def source_of_some() -> Located[T]:
        found = False
        for located in source():
            found = True
            yield located
        if not found:
            raise CorpusError(f"{name}: no example found; expected {expected}")

    return Corpus(source_of_some, name)


def file_corpus(
    path: Path, expected: str, examples: Callable[[], Iterator[tuple[int, T]]]
) -> Corpus[T]:
    """Makes a corpus of a file, after checking that the file is there and not empty.

    Args:
        path: The file.
        expected: What it should hold.
        examples: Reads the file from its beginning; yields `(line, example)`.

    Returns:
        The corpus.

    Raises:
        CorpusError: If the file is missing, empty, or its first line is not text.
    """
    next(lines(path, expected))

    def source() -> Located[T]:
        for number, example in examples():
            yield f"{path}:{number}", example

    return checked(source, str(path), expected)


def lines(path: Path, expected: str) -> Lines:
    """Yields the lines of a file with their line ends.

    A line ends at a newline, as `wc -l` counts: neither at a carriage return alone nor
    at a form feed, U+0085 or U+2028.

    Args:
        path: The file.
        expected: What should have been found, for the message about an empty file.

    Yields:
        `(number, line)`, counted from 1.

    Raises:
        CorpusError: If the file is missing, unreadable, empty, damaged or not text.
    """
    number = 0
    try:
        with _open(path) as stream:
            for number, line in enumerate(stream, start=1):
                check_characters(line, f"{path}:{number}")
                yield number, line
    except EOFError as error:
        raise CorpusError(
            f"{path}:{number + 1}: the gzip stream is cut short; expected a whole file"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(
            f"{path}:{number + 1}: the gzip stream is corrupt ({error}); "
            "expected a whole file"
        ) from error
    if not number:
        raise CorpusError(f"{path}: the file is empty; expected {expected}")


def without_end(line: str) -> str:
    """Returns a line without the newline, or carriage return and newline, that ends it.

    >>> without_end("a\\rb\\r\\n")
    'a\\rb'
    """
    return line.removesuffix("\n").removesuffix("\r")


def user_path(text: str) -> Path:
    """Returns the path that a user has given, in which `~` is the home directory.

    Raises:
        CorpusError: If the text is empty.
    """
    if not text.strip():
        raise CorpusError(f"data: expected a file or directory, got {text!r}")
    path = Path(text)
    if text.startswith("~") and not path.exists():
        try:
            return path.expanduser()
        except RuntimeError:  # there is no such user, or no home
            return path
    return path


def visible_entries(directory: Path) -> list[Path]:
    """Returns what is in a directory, without the files of systems and editors.

    Args:
        directory: Of which the entries are returned, sorted by name.
    """
    return sorted(
        path
        for path in directory.iterdir()
        if path.name[0] != "."
        and path.name.lower() not in _SYSTEM_FILES
        and not path.name.endswith(("~", ".bak", ".orig", ".swp", ".tmp"))
    )


def file_suffix(path: Path) -> str:
    """Returns a file's suffix in lower case, ignoring .gz; `"/"` for a directory.

    >>> file_suffix(Path("en_ewt-ud-train.CoNLLU.gz"))
    '.conllu'
    """
    if path.is_dir():
        return "/"
    return Path(path.name.lower().removesuffix(".gz")).suffix


def missing(path: Path) -> CorpusError:
    """Returns the error for a path that does not exist."""
    path = path.absolute()
    if not path.parent.is_dir():
        return CorpusError(f"{path}: does not exist, nor does {path.parent}")
    if path.is_symlink():
        return CorpusError(f"{path}: a link to {path.readlink()}, which does not exist")
    hint = did_you_mean(path.name, os.listdir(path.parent))
    return CorpusError(f"{path}: no such file or directory{hint}")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Returns the end of a message that suggests similar names, if there are any.

    >>> did_you_mean("tets", ["train", "test"])
    '; did you mean test?'
    """
    near = difflib.get_close_matches(name, list(names))
    return f"; did you mean {' or '.join(near)}?" if near else ""


def count(number: int, noun: str) -> str:
    """Returns a number and its noun, in the plural where needed.

    >>> count(1, "line"), count(2, "line")
    ('1 line', '2 lines')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _open(path: Path) -> TextIO:
    if path.is_dir():
        raise CorpusError(f"{path}: a directory; expected a file")
    check_regular(path)
    try:
        with open(path, "rb") as start:
            opener = gzip.open if start.read(2) == _GZIP_MAGIC else open
        # newline="\n" ends lines there only, and keeps the ends as they are;
        # surrogateescape keeps bad bytes, so that check_characters can report them.
        return io.TextIOWrapper(
            opener(path, "rb"), "utf-8-sig", errors="surrogateescape", newline="\n"
        )
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be opened ({error.strerror}); expected a readable file"
        ) from error


def check_regular(path: Path) -> None:
    """Raises CorpusError for a pipe or device, which cannot be read several times."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens the file says why
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "neither a file nor a directory"
        raise CorpusError(
            f"{path}: {kind}, and a corpus is read several times; write it to a file "
            "first, and give that file"
        )


def check_characters(line: str, place: str) -> None:
    """Raises CorpusError unless a line is text.

    Args:
        line: Decoded with `surrogateescape`, which keeps bad bytes.
        place: Where it comes from.
    """
    if "\0" in line:
        raise CorpusError(f"{place}: binary data (a NUL byte); expected UTF-8 text")
    if not line.isascii() and (bad := _UNDECODED.search(line)):
        raise CorpusError(
            f"{place}: not UTF-8 (byte 0x{ord(bad[0]) - 0xDC00:02x} at column "
            f"{bad.start() + 1}); expected UTF-8 text"
        )
