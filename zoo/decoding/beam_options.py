"""The options of a beam search: which of them are compiled, and which are arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from zoo.decoding.steps import buffer_length

MOST = {"beam_size": 512, "max_length": 4096}  # which bounds memory and time


@dataclass(frozen=True, kw_only=True)
class BeamOptions:
    """How to search.

    The score of a hypothesis `y` is `log p(y) / lp(y) + coverage_penalty * cp(y)`, with
    `lp(y) = ((5 + |y|) / 6) ** length_penalty` and `cp(y)` the sum over the source of
    `log min(1, attention received)` (Wu et al. 2016). Lengths count the end.

    Args:
        beam_size: how many open hypotheses are extended at each step; at most 512.
        n_best: how many finished ones are returned.
        length_penalty: 0 compares log-probabilities, 1 nearly their mean over tokens.
        coverage_penalty: weight of the penalty for source words that attention has left
            out.
        min_length: no hypothesis ends before this length.
        max_length: no hypothesis is longer; one that has not ended there is cut. At
            most 4096; None for a length that depends on the source's.
        blocked_ngrams: no sequence of this many tokens occurs twice; 0 allows all.
        unknown: whether the unknown token may be written.

    Raises:
        ValueError: if a value is out of its range.

    >>> BeamOptions(beam_size=2, n_best=3)
    Traceback (most recent call last):
    ValueError: n_best: expected at most beam_size, 2, got 3
    """

    beam_size: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    min_length: int = 1
    max_length: int | None = None
    blocked_ngrams: int = 0
    unknown: bool = False

    def __post_init__(self) -> None:
        least = {
            "beam_size": 1,
            "n_best": 1,
            "length_penalty": 0,
            "coverage_penalty": 0,
            "min_length": 1,
            "max_length": self.min_length,
            "blocked_ngrams": 0,
            "unknown": False,
        }
        for field in fields(self):
            value, smallest = getattr(self, field.name), least[field.name]
            if value is not None and not smallest <= value < float("inf"):
                raise ValueError(
                    f"{field.name}: expected at least {smallest}, got {value}"
                )
            most = MOST.get(field.name)
            if value is not None and most is not None and value > most:
                raise ValueError(f"{field.name}: expected at most {most}, got {value}")
        if self.n_best > self.beam_size:
            raise ValueError(
                f"n_best: expected at most beam_size, {self.beam_size}, "
                f"got {self.n_best}"
            )

    def numbers(self, rows: int = 1) -> dict[str, np.ndarray]:
        """Returns what a compiled search takes as arguments, by name, `[rows]` each."""
        values = {
            "n_best": np.int32(self.n_best),
            "length_penalty": np.float32(self.length_penalty),
            "coverage_penalty": np.float32(self.coverage_penalty),
            "min_length": np.int32(min(self.min_length, MOST["max_length"] + 1)),
            "unknown": np.bool_(self.unknown),
        }
        return {name: np.full(rows, value) for name, value in values.items()}

    def program(self) -> BeamOptions:
        """Returns the options that a search is compiled for.

        They are the same for all options that differ in nothing but `numbers`, and in
        a `max_length` that a buffer of the same length holds.

        >>> a, b = (BeamOptions(max_length=n, length_penalty=n) for n in (20, 30))
        >>> a.program() == b.program(), b.program().max_length
        (True, 32)
        """
        longest = self.max_length
        return BeamOptions(
            beam_size=self.beam_size,
            n_best=self.beam_size,
            coverage_penalty=1.0 if self.coverage_penalty else 0.0,
            max_length=None if longest is None else buffer_length(longest),
            blocked_ngrams=min(self.blocked_ngrams, MOST["max_length"] + 1),
        )
