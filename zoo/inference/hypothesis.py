"""What searches find."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """One of several texts that a search has found.

    Attributes:
        text: a translation, or a prompt and what follows it.
        score: by which they are ranked; see `zoo.decoding.BeamOptions`.
        log_probability: of what was written, with its end, in nats.
    """

    text: str
    score: float
    log_probability: float
