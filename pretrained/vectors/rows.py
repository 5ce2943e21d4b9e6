"""The rows of pretrained vectors for a list of tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence, Set

import numpy as np

MISSING, EXACT, LOWERED = range(3)


class Rows:
    """Collects the vectors of tokens while a source is read from its beginning.

    A token takes the row of its exact form; if there is none, that of its lower case.
    Of several rows with one form the first counts.

    Args:
        tokens: Distinct strings; row `i` of `matrix` belongs to `tokens[i]`.
        first: Number of rows at the beginning of the source that are also wanted,
            whatever their tokens. Those not among `tokens` are added after them.

    Attributes:
        tokens: The tokens asked for; after `check` also the additional ones.
        wanted: Number of tokens asked for.
        forms: What to look for: the exact and lower-case forms, in UTF-8. A reader must
            test each row exactly once (`form in forms`), which counts the first rows.
        matrix: float32 `[len(tokens), dimension]`, zero where nothing was found;
            `[len(tokens), 0]` before the first row.
        kinds: uint8 `[len(tokens)]`: `MISSING`, `EXACT` or `LOWERED`.
        places: int64 `[len(tokens)]`: number of the line or row each was found in.
        repeated: Number of rows whose form had been found before.

    Raises:
        ValueError: If there is no token, or one is listed twice.
    """

    def __init__(self, tokens: Sequence[str], first: int = 0):
        self.tokens = list(tokens)
        self.wanted, self.first = len(self.tokens), first
        self._exact: dict[bytes, int] = {}
        self._lowered: dict[bytes, list[int]] = {}
        for i, token in enumerate(self.tokens):
            lowered = token.lower()
            self._exact[_utf8(token)] = i
            if lowered != token:
                self._lowered.setdefault(_utf8(lowered), []).append(i)
        if not self.tokens:
            raise ValueError("tokens: none given; expected at least one")
        if len(self._exact) != len(self.tokens):
            twice = next(
                t for i, t in enumerate(self.tokens) if self._exact[_utf8(t)] != i
            )
            raise ValueError(f"tokens: {twice!r} is listed twice; expected it once")
        self.forms: Set[bytes] = self._exact.keys() | self._lowered.keys()
        self._first_forms: _FormsAndFirst | None = None
        if first:
            self.forms = self._first_forms = _FormsAndFirst(self.forms, first)
        self.matrix = np.zeros((len(self.tokens), 0), np.float32)
        self.kinds = np.full(len(self.tokens), MISSING, np.uint8)
        self.places = np.zeros(len(self.tokens), np.int64)
        self.repeated = 0
        self._found: set[bytes] = set()
        self._others: list[tuple[str, np.ndarray, int]] = []

    def put(
        self, form: bytes, values: Sequence[float] | np.ndarray, place: int
    ) -> None:
        """Gives a row to the tokens that want it.

        Args:
            form: One of `forms`.
            values: The vector, `[dimension]`, of the same dimension each time.
            place: Number of the line or row.
        """
        if form in self._found:
            self.repeated += 1
            return
        self._found.add(form)
        if not self.matrix.shape[1]:
            self.matrix = np.zeros((len(self.tokens), len(values)), np.float32)
        for i in self._lowered.get(form, ()):
            if self.kinds[i] == MISSING:
                self._set(i, values, LOWERED, place)
        if form in self._exact:
            self._set(self._exact[form], values, EXACT, place)
        elif self._first_forms is not None and self._first_forms.counted <= self.first:
            with contextlib.suppress(UnicodeDecodeError):
                row = np.array(values, np.float32)
                self._others.append((form.decode(), row, place))

    def _set(
        self, i: int, values: Sequence[float] | np.ndarray, kind: int, place: int
    ) -> None:
        self.matrix[i] = values
        self.kinds[i] = kind
        self.places[i] = place

    def check(self, name: str, place: str) -> None:
        """Checks what was found after reading, and appends the additional rows.

        Args:
            name: Of the source.
            place: What precedes the number of a line or row in a message.

        Raises:
            ValueError: If nothing was found, or a number is not finite in float32.
        """
        if not self.kinds.any():
            shown = ", ".join(map(repr, self.tokens[:3]))
            raise ValueError(
                f"{name}: has none of the {len(self.tokens):,} tokens ({shown}, ...); "
                "expected vectors of the same language and tokenization"
            )
        if self._others:
            tokens, matrix, places = zip(*self._others)
            self.tokens += tokens
            self.matrix = np.concatenate([self.matrix, matrix])
            self.kinds = np.pad(self.kinds, (0, len(tokens)), constant_values=EXACT)
            self.places = np.concatenate([self.places, places])
        finite = np.isfinite(self.matrix).all(axis=1)
        if not finite.all():
            i = int(np.argmin(finite))
            column = int(np.argmin(np.isfinite(self.matrix[i]))) + 1
            raise ValueError(
                f"{place}{self.places[i]}: number {column} of {self.tokens[i]!r} is "
                f"{self.matrix[i, column - 1]} in float32; expected a finite number"
            )


class _FormsAndFirst(set[bytes]):
    """A set of forms that also contains whatever the first questions ask for."""

    def __init__(self, forms: Set[bytes], first: int):
        super().__init__(forms)
        self.first, self.counted = first, 0

    def __contains__(self, form: object) -> bool:
        self.counted += 1
        return self.counted <= self.first or super().__contains__(form)


def fill_missing(matrix: np.ndarray, found: np.ndarray, seed: int) -> None:
    """Fills the rows that were not found with random numbers.

    Each column is drawn from the normal distribution with the mean and variance of the
    rows that were found.

    Args:
        matrix: float32 `[tokens, dimension]`, zero where nothing was found; changed.
        found: bool `[tokens]`, at least one of them true.
        seed: Of the random numbers.
    """
    number = found.sum()
    mean = matrix.sum(axis=0, dtype=np.float64) / number
    squares = np.einsum("ij,ij->j", matrix, matrix, dtype=np.float64) / number
    deviation = np.sqrt(np.maximum(squares - mean**2, 0))
    shape = (len(found) - number, matrix.shape[1])
    noise = np.random.default_rng(seed).standard_normal(shape, np.float32)
    noise *= deviation.astype(np.float32)
    noise += mean.astype(np.float32)
    matrix[~found] = noise


def _utf8(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")  # a lone surrogate is never found
