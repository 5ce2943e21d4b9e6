"""Word vectors in files: GloVe and word2vec text, fastText .vec, word2vec binary.

A file is read once, in blocks, and only the wanted rows are parsed. It may be gzipped,
or a member of a .zip archive. A header's claims allocate no memory.

What counts as damage, and how other oddities are treated:

- A first line of two whole numbers is a header: rows and dimensions.
- Every line must have as many numbers as the first line has (or as the header says),
  and every file as many rows as its header says. A token may contain spaces, as in
  glove.840B, but only its first part may look like a number: otherwise the line is too
  long, or the line end between two lines was lost.
- The last line must end in a newline, since a truncated number is also a number. Blank
  lines may follow it.
- The numbers of unwanted rows are counted, not parsed.
- A row whose token is not UTF-8 matches nothing (word2vec cuts long words between
  bytes); such rows are counted and reported.
- Of several rows with the same token the first counts; the others are reported.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretrained.vectors.rows import Rows
from pretrained.vectors.streams import EXPECTED, Stream

_BLOCK = 1 << 20  # bytes; no line and no token may be longer
_MOST_DIMENSIONS = 1 << 16
_FOREIGN = (
    (
        re.compile(rb"\x80[\x02-\x05]"),
        "a pickle, which is never opened; save the vectors as text",
    ),
    (
        re.compile(rb"\xba\x16\x4f\x2f"),
        "a fastText model; use the .vec file that comes with it",
    ),
)
_NUMERIC = b"0123456789+-.eE "
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.I)
_CONTROL = re.compile(rb"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class Facts:
    """What is known about a source after reading it.

    Attributes:
        sha256: Of the file on disk; None for vectors in memory.
        rows: Number of vectors in the source.
        not_utf8: Number of those whose token is not UTF-8.
    """

    sha256: str | None
    rows: int
    not_utf8: int = 0


def read(path: Path, rows: Rows) -> Facts:
    """Reads the wanted rows of a file.

    Args:
        path: The file; `archive.zip/member` if an archive holds several.
        rows: What is wanted; receives the rows that are found.

    Returns:
        Facts about the file.

    Raises:
        ValueError: If the file is missing, damaged, or holds no vector that is wanted.
    """
    return _Reader(path, rows).read()


class _Reader:
    """One pass over one file."""

    def __init__(self, path: Path, rows: Rows):
        self.path, self.rows = path, rows
        self.place = f"{path}:"  # what precedes the number of a line or row
        self.number = 0  # of the last line or row that was read
        self.dimension = 0
        self.not_utf8 = 0

    def read(self) -> Facts:
        with Stream(self.path) as stream:
            self._stream = stream
            try:
                with np.errstate(over="ignore"):  # found by rows.check
                    number = self._read()
            except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
                why = str(error) or type(error).__name__
                raise self._error(
                    self.number + 1, f"cannot be read ({why})", "a whole file"
                ) from error
            self.rows.check(str(self.path), self.place)
            return Facts(stream.sha256(), number, self.not_utf8)

    def _read(self) -> int:
        """Detects the format, reads the file, and returns its number of rows."""
        first = self._stream.read(_BLOCK)
        if not first:
            raise ValueError(f"{self.path}: the file is empty; expected {EXPECTED}")
        for magic, what in _FOREIGN:
            if magic.match(first):
                raise ValueError(f"{self.path}: {what}; expected {EXPECTED}")
        line, newline, rest = first.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
        if not newline:
            raise self._no_newline(1, first)
        header = self._header(line)
        binary = self._stream.name.lower().removesuffix(".gz").endswith(".bin")
        if header is None:
            if binary:
                raise self._error(1, "no header", "the number of rows and dimensions")
            self.dimension = self._numbers_at_the_end(line)
            return self._read_text(first.removeprefix(b"\xef\xbb\xbf"), None)
        number, self.dimension = header
        second = rest.partition(b"\n")[0].rstrip()
        if binary and not self._numbers_at_the_end(second) == self.dimension:
            self.place = f"{self.path}:row "
            return self._read_binary(rest, number)
        self.number = 1
        return self._read_text(rest, number)

    def _header(self, line: bytes) -> tuple[int, int] | None:
        """Returns rows and dimensions, or None if the line is no header."""
        fields = line.split()
        if len(fields) != 2 or not all(field.isdigit() for field in fields):
            return None
        if max(map(len, fields)) > 18 or not 1 <= int(fields[1]) <= _MOST_DIMENSIONS:
            raise self._error(
                1,
                f"the header says {_shown(line)}",
                f"rows, and 1 to {_MOST_DIMENSIONS} dimensions",
            )
        return int(fields[0]), int(fields[1])

    def _numbers_at_the_end(self, line: bytes) -> int:
        """Returns how many numbers follow the token."""
        fields = line.rstrip().split(b" ")[1:]
        others = [
            i for i, field in enumerate(fields, 1) if not _NUMBER.fullmatch(field)
        ]
        return len(fields) - max(others, default=0)

    def _read_text(self, first: bytes, expected: int | None) -> int:
        if not self.dimension:
            raise self._error(1, "no numbers", f"a token and its vector: {EXPECTED}")
        header, blank, number_of_rows = 0 if expected is None else 1, 0, 0
        forms, dimension, put = self.rows.forms, self.dimension, self.rows.put
        for block in self._blocks(first):
            lines = block.split(b"\n")
            lines.pop()  # what follows the last newline: nothing
            if (nul := block.find(b"\0")) >= 0:
                number = self.number + block.count(b"\n", 0, nul) + 1
                raise self._error(number, "binary data (a NUL byte)", EXPECTED)
            for number, line in enumerate(lines, self.number + 1):
                line = line.rstrip()
                if not line:
                    blank = blank or number
                    continue
                if blank:
                    raise self._error(blank, "an empty line", "one at the end only")
                if line.count(b" ") == dimension:
                    form = line[: line.find(b" ")]
                else:
                    form = self._token(line, number)
                if not form.isascii():
                    self.not_utf8 += not _is_utf8(form)
                if form in forms:
                    put(form, self._values(line[len(form) + 1 :], number), number)
            self.number += len(lines)
            number_of_rows = (blank - 1 if blank else self.number) - header
            if expected is not None and number_of_rows > expected:
                raise self._error(
                    expected + 2, "a row too many", f"{expected:,} as the header says"
                )
        if expected is not None and number_of_rows != expected:
            raise self._error(
                self.number,
                f"the file ends after {number_of_rows:,} rows",
                f"{expected:,} as the header says",
            )
        return number_of_rows

    def _blocks(self, rest: bytes) -> Iterator[bytes]:
        """Yields blocks of whole lines."""
        while True:
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
            more = b"" if len(rest) > _BLOCK else self._stream.read(_BLOCK)
            if not more:
                break
            rest += more
        if rest.strip():
            raise self._no_newline(self.number + 1, rest)

    def _no_newline(self, number: int, line: bytes) -> ValueError:
        if b"\0" in line:
            return self._error(number, "binary data (a NUL byte)", EXPECTED)
        what = f"a line of over {_BLOCK:,} bytes"
        if len(line) < _BLOCK:
            what = "no newline at the end, so the last number may be cut short"
        return self._error(number, what, "a newline after every vector")

    def _token(self, line: bytes, number: int) -> bytes:
        """Returns the token of a line that does not have one space for each number."""
        fields = line.rsplit(b" ", self.dimension)
        surplus = fields[0].split(b" ")[1:]
        if len(fields) <= self.dimension or any(map(_NUMBER.fullmatch, surplus)):
            raise self._error(
                number,
                f"{line.count(b' ')} numbers after the token",
                f"{self.dimension} as line 1 says (no part of a token may be a number)",
            )
        return fields[0]

    def _values(self, text: bytes, number: int) -> list[float]:
        if not text.translate(None, _NUMERIC):
            try:
                return [float(field) for field in text.split(b" ")]
            except ValueError:
                pass
        fields = enumerate(text.split(b" "), 1)
        column, field = next((i, f) for i, f in fields if not _is_plain(f))
        raise self._error(
            number, f"number {column} is {_shown(field)}", "a finite decimal number"
        )

    def _read_binary(self, data: bytes, expected: int) -> int:
        forms, width = self.rows.forms, 4 * self.dimension
        start = 0
        for row in range(1, expected + 1):
            end = data.find(b" ", start)
            while end < 0 or len(data) - end - 1 < width:
                self.number = row - 1
                data = data[start:]
                more = self._stream.read(_BLOCK)
                if not more or (end < 0 and len(data) > _BLOCK):
                    raise self._error(
                        row, "the file ends within this row", f"{expected:,} whole rows"
                    )
                data += more
                start, end = 0, data.find(b" ")
            token = data[start:end].lstrip(b"\n")
            if not token.isalnum():
                self._check_token(token, row)
            if token in forms:
                values = np.frombuffer(data, "<f4", self.dimension, end + 1)
                self.rows.put(token, values, row)
            start = end + 1 + width
        self.number = expected
        rest = data[start:] + self._stream.read(_BLOCK)
        if rest.strip(b"\n"):
            raise self._error(
                expected + 1, "bytes after the last row", f"{expected:,} rows"
            )
        return expected

    def _check_token(self, token: bytes, row: int) -> None:
        if not token or _CONTROL.search(token):
            raise self._error(row, f"begins with {_shown(token)}", "a token")
        self.not_utf8 += not _is_utf8(token)

    def _error(self, number: int, what: str, expected: str) -> ValueError:
        return ValueError(f"{self.place}{number}: {what}; expected {expected}")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_plain(field: bytes) -> bool:
    number = _NUMBER.fullmatch(field)
    return number is not None and number[3] is None


def _shown(data: bytes) -> str:
    return repr(data[:40].decode("utf-8", "backslashreplace"))
