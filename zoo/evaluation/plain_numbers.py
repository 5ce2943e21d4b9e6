"""Numbers that are too large to be written, or that there is none of."""

from __future__ import annotations

import json
import math
from typing import Any


def perplexity(nats: float) -> float:
    """Returns the perplexity of a cross-entropy, infinite beyond the largest number.

    Args:
        nats: per token.

    >>> perplexity(0), perplexity(1000)
    (1.0, inf)
    """
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def json_text(value: Any, indent: int | None = None) -> str:
    """Returns a value as JSON, which has no infinite numbers and no NaN: they are null.

    Args:
        value: made of what JSON has.
        indent: spaces by which a level is indented; None for a single line.

    >>> json_text({"perplexity": math.inf, "nats": [1.5, math.nan]})
    '{"perplexity": null, "nats": [1.5, null]}'
    """
    plain = _finite(value)
    text = json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False)
    # The name of a file need not be UTF-8; an escape of Python's is one of JSON's.
    return text.encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value
