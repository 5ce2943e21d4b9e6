"""What every reader shares: the corpus, its error, and lines out of files.

Files are UTF-8, perhaps gzipped (told by their first bytes). Whatever is wrong with one
is a `CorpusError` of one line: `file:line: what is wrong; what was expected`.
"""

import difflib
import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

Example = tuple[str, str] | tuple[list[str], list[str]] | str
Located = Iterator[tuple[str, Example]]
Lines = Iterator[tuple[int, str]]

_GZIP_MAGIC = b"\x1f\x8b"
_UNDECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of a bad byte


class CorpusError(ValueError):
    """A corpus that cannot be read: one line with the file, the line and the reason."""


@dataclass(frozen=True)
class Corpus:
    """Examples that can be read any number of times, each with where it came from.

    Args:
        source: Opens the corpus anew; yields `(place, example)`, where the place is
            `"file:line"`.
        name: What to call the corpus in messages, e.g. its path.

    >>> corpus = Corpus(lambda: iter([("a.txt:1", "To be")]), "a.txt")
    >>> list(corpus), list(corpus.located())
    (['To be'], [('a.txt:1', 'To be')])
    """

    source: Callable[[], Located]
    name: str

    def __iter__(self) -> Iterator[Example]:
        return (example for _, example in self.source())

    def located(self) -> Located:
        """Yields `(place, example)`."""
        return self.source()


def checked(source: Callable[[], Located], name: str, expected: str) -> Corpus:
    """Makes a corpus whose reading fails if it turns out to hold no example.

    Args:
        source: Opens the corpus anew; yields `(place, example)`.
        name: What to call it in messages.
        expected: What should have been found.

    Returns:
        The corpus.
    """

    def source_of_some() -> Located:
        located = None
        for located in source():
            yield located
        if located is None:
            raise CorpusError(f"{name}: no example found; expected {expected}")

    return Corpus(source_of_some, name)


def lines(path: Path, expected: str) -> Lines:
    """Yields the lines of a file, each with its end.

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


def kind(path: Path) -> str:
    """Returns the suffix beneath any .gz, in lower case; `"/"` for a directory."""
    if path.is_dir():
        return "/"
    return Path(path.name.lower().removesuffix(".gz")).suffix


def missing(path: Path) -> CorpusError:
    """Makes the error for a path that does not exist."""
    path = path.absolute()
    if not path.parent.is_dir():
        return CorpusError(f"{path}: does not exist, nor does {path.parent}")
    if path.is_symlink():
        return CorpusError(f"{path}: a link to {path.readlink()}, which does not exist")
    hint = did_you_mean(path.name, os.listdir(path.parent))
    return CorpusError(f"{path}: no such file or directory{hint}")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Ends a message with the names that are near, if there are any.

    >>> did_you_mean("tets", ["train", "test"])
    '; did you mean test?'
    """
    near = difflib.get_close_matches(name, list(names))
    return f"; did you mean {' or '.join(near)}?" if near else ""


def count(number: int, noun: str) -> str:
    """Writes a number and its noun.

    >>> count(1, "line"), count(2, "line")
    ('1 line', '2 lines')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _open(path: Path) -> TextIO:
    if path.is_dir():
        raise CorpusError(f"{path}: a directory; expected a file")
    try:
        with open(path, "rb") as start:
            opener = gzip.open if start.read(2) == _GZIP_MAGIC else open
        # Universal ends of lines, not translated; bad bytes are kept to be reported.
        return io.TextIOWrapper(
            opener(path, "rb"), "utf-8-sig", errors="surrogateescape", newline=""
        )
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be opened ({error.strerror}); expected a readable file"
        ) from error


def check_characters(line: str, place: str) -> None:
    """Raises CorpusError unless a line is text.

    Args:
        line: Decoded with `surrogateescape`, so that bad bytes are in it.
        place: Where it comes from.
    """
    if "\0" in line:
        raise CorpusError(f"{place}: binary data (a NUL byte); expected UTF-8 text")
    if not line.isascii() and (bad := _UNDECODED.search(line)):
        raise CorpusError(
            f"{place}: not UTF-8 (byte 0x{ord(bad[0]) - 0xDC00:02x} at column "
            f"{bad.start() + 1}); expected UTF-8 text"
        )
