"""Tokenizers of checkpoints, made again from what is stored of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import Tokenizer

AnyTokenizer = Tokenizer | SubwordTokenizer


def restored(
    settings: Mapping[str, Any],
    files: Mapping[str, bytes],
    name: str,
    vocabulary: Iterable[str],
) -> AnyTokenizer:
    """Makes a tokenizer of a checkpoint.

    Args:
        settings: of the tokenizer.
        files: of the checkpoint; a subword model is `{name}.model`.
        name: of the tokenizer's vocabulary.
        vocabulary: its tokens, each of which is a piece of the subword model.

    Raises:
        KeyError: if there is no such file.
        TypeError: if there is no such setting.
        ValueError: if a setting or the file is not as expected.
    """
    if settings.get("kind") != "subwords":
        return Tokenizer.restored(settings)
    others = {key: value for key, value in settings.items() if key != "kind"}
    tokenizer = SubwordTokenizer(files[f"{name}.model"], **others)
    for token in vocabulary:
        if token not in tokenizer:
            raise ValueError(
                f"{name}.model: has no piece {token!r}, which the vocabulary has; "
                "expected the subword model that was trained with this checkpoint"
            )
    return tokenizer


def subword_files(tokenizers: Mapping[Any, AnyTokenizer]) -> dict[str, bytes]:
    """Returns the further files of a checkpoint, by name.

    Args:
        tokenizers: by the names of their vocabularies.
    """
    return {
        f"{name}.model": tokenizer.model
        for name, tokenizer in tokenizers.items()
        if isinstance(tokenizer, SubwordTokenizer)
    }
