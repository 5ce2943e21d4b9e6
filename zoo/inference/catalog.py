"""The trained models that came with the package."""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from zoo.checkpoints import CARD, CONFIG


def _home() -> Path:
    return Path(importlib.util.find_spec("pretrained").submodule_search_locations[0])


def list_models() -> list[str]:
    """Returns the names of the trained models, in alphabetical order."""
    return sorted(p.parent.name for p in _home().glob(f"*/{CARD}"))


def find(name: str | os.PathLike) -> Path:
    """Returns where a model is: one of `list_models()`, or an existing path.

    Raises:
        ValueError: if it is neither.
    """
    if str(name) in list_models():
        return _home() / name
    if Path(name).exists():
        return Path(name)
    near = difflib.get_close_matches(str(name), list_models(), 1)
    hint = f"did you mean {near[0]!r}?" if near else "see python -m zoo list"
    raise ValueError(f"{name}: neither a model of the zoo nor a run directory; {hint}")


def card(name: str | os.PathLike) -> dict[str, Any]:
    """Returns the card of a model; without one, what its configuration says.

    Raises:
        ValueError: if there is no such model or its card cannot be read.
    """
    from zoo import checkpoints

    directory = checkpoints.find(find(name))
    file = directory / CARD if (directory / CARD).exists() else directory / CONFIG
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected a JSON object")
    content.pop("files", None)
    return content
