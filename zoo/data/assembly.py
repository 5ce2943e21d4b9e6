"""Batches for `fit`, assembled of padded columns: one function for each task.

A batch is `(x, y, sample_weight)`, where padding and rows that only fill up the batch
have weight 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.text.vocabulary import END, START, UNSEEN

Batch = tuple[Any, np.ndarray, np.ndarray]


def classification_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles a batch for a classifier.

    Args:
        columns: `token_ids`, int32 `[batch, time]`, and `targets`, of any type,
            `[batch, 1, outputs]`.
        weights: float32 `[batch]`, 0 for a row that only fills up the batch.

    Returns:
        Token ids `[batch, time]`, targets `[batch, outputs]`, weights `[batch]`. A
        class that the training data do not have has no loss: its weight is 0.
    """
    targets = columns["targets"][:, 0]  # [batch, outputs]
    if targets.dtype.kind == "i":
        known = targets != UNSEEN  # [batch, 1]
        weights = weights * known.reshape(len(targets), -1).all(axis=1)
        targets = np.maximum(targets, 0)
    return columns["token_ids"], targets, weights


def tagging_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles a batch for a tagger.

    Args:
        columns: `token_ids` and `tags`, int32 `[batch, time]`, and the tagger's other
            inputs, as `character_ids`, int32 `[batch, time, characters]`.
        weights: float32 `[batch]`, 0 for a row that only fills up the batch.

    Returns:
        The inputs by name, tags `[batch, time]`, weights `[batch, time]`. A tag that
        the training data do not have has no loss: its weight is 0.
    """
    x = {name: value for name, value in columns.items() if name != "tags"}
    tags = columns["tags"]
    token_weights = (x["token_ids"] != 0) * weights[:, None]  # [batch, time]
    return x, np.maximum(tags, 0), token_weights * (tags != UNSEEN)


def translation_batch(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
    """Assembles a batch for an encoder-decoder under teacher forcing.

    The decoder reads the start and then the target without its end, and is to predict
    the target with its end.

    Args:
        columns: `source_ids` `[batch, source_time]` and `target_ids` `[batch, time]`,
            int32; both end with `END`.
        weights: float32 `[batch]`, 0 for a row that only fills up the batch.

    Returns:
        The inputs by name, targets `[batch, time]`, weights `[batch, time]`.
    """
    y = columns["target_ids"]
    start = np.full((len(y), 1), START, y.dtype)  # [batch, 1]
    shifted = np.where(y == END, 0, y)[:, :-1]  # [batch, time - 1]
    x = {
        "source_ids": columns["source_ids"],
        "target_ids": np.concatenate([start, shifted], 1),  # [batch, time]
    }
    return x, y, (y != 0) * weights[:, None]
