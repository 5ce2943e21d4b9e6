"""What a language model says of a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """How likely a text is by a language model.

    Attributes:
        tokens: what was predicted, in order.
        log_probabilities: of each token given those before it, in nats.
        perplexity: exp of the mean negative log-probability, which may be infinite; NaN
            without tokens.
        bits_per_character: of the text, and by words of its last newline; NaN without
            tokens.
    """

    tokens: list[str]
    log_probabilities: list[float]
    perplexity: float
    bits_per_character: float
