"""What all trained models share."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import keras
import numpy as np

from zoo import checkpoints
from zoo.data.bucketing import bucket_length
from zoo.training import pretrained_embeddings

ROWS = 32  # of a prediction batch: always as many, so that few programs are compiled
CELLS = ROWS * 256  # of a batch at most, as long as one row does not hold more


class TrainedModel:
    """Base of the trained models.

    Args:
        config: of the Keras model.
        vocabularies: lists of tokens or labels, by name.
        files: contents of further files of the checkpoint, by name.
        settings: what else prediction needs, as stored in the checkpoint.

    Attributes:
        keras_model: the plain `keras.Model`.
    """

    task: str
    config_type: type
    build: Any

    def __init__(
        self,
        config,
        vocabularies: dict[str, list[str]],
        files: dict[str, bytes] | None = None,
        **settings,
    ):
        self.config, self.vocabularies, self.settings = config, vocabularies, settings
        self.files = files or {}
        self.keras_model: keras.Model = self.build(config)

    def save(self, directory: str | os.PathLike, dtype=None) -> None:
        """Writes a checkpoint; see `zoo.checkpoints.save`.

        Word vectors that stayed frozen are left out; the setting `vectors` names them.
        """
        weights = checkpoints.weights_of(self.keras_model)
        if "vectors" in self.settings:
            del weights[pretrained_embeddings.FROZEN]
        checkpoint = checkpoints.Checkpoint(
            task=self.task,
            model=dataclasses.asdict(self.config),
            settings=self.settings,
            vocabularies=self.vocabularies,
            weights=weights,
            files=self.files,
        )
        checkpoints.save(directory, checkpoint, dtype)


def check_settings(settings: Mapping[str, Any], **types: type) -> None:
    """Raises ValueError unless the settings by these names are of these types."""
    for name, kind in types.items():
        if type(settings.get(name)) is not kind:
            raise ValueError(
                f"settings: {name}: expected {kind.__name__}, got "
                f"{settings.get(name)!r}"
            )


def check_size(name: str, size: int, entries: Sized) -> None:
    """Raises ValueError unless a vocabulary has as many entries as the model's size."""
    if len(entries) != size:
        raise ValueError(
            f"{name}: expected {len(entries)}, the size of the vocabulary, got {size}"
        )


def batches_by_length(
    examples: Sequence[np.ndarray], rows: int = ROWS
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Groups examples of like length.

    Args:
        examples: integers `[time, ...]`, none of them empty.
        rows: of every batch, but for very long examples.

    Yields:
        Which examples a batch holds, and the batch `[rows, length, ...]`, padded on the
        right, filled up with rows of the first example.
    """
    order = np.argsort([len(e) for e in examples], kind="stable")
    start = 0
    while start < len(order):
        indices = order[start : start + rows]
        length = bucket_length(max(len(examples[i]) for i in indices))
        size = min(rows, max(1, CELLS // length))
        indices = indices[:size]
        start += size
        length = bucket_length(max(len(examples[i]) for i in indices))
        first = examples[indices[0]]
        batch = np.zeros((size, length, *first.shape[1:]), np.int32)
        for row, i in enumerate(np.resize(indices, size)):
            batch[row, : len(examples[i])] = examples[i]
        yield indices.tolist(), batch


def chosen_log_probabilities(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Returns the log-probability of each id.

    Args:
        logits: float `[batch, time, vocabulary]`.
        ids: integers `[batch, time]`.

    Returns:
        float64 `[batch, time]`, in nats.
    """
    logs = np.zeros(ids.shape)
    for row, chosen in enumerate(ids):  # one by one, to hold little in float64
        z = logits[row].astype(np.float64)
        z -= z.max(-1, keepdims=True)
        logs[row] = z[np.arange(len(chosen)), chosen] - np.log(np.exp(z).sum(-1))
    return logs


def as_texts(texts: str | Iterable[str]) -> tuple[list[str], bool]:
    """Returns a list of texts, and whether a single one was given.

    Raises:
        ValueError: if something else than strings was given.
    """
    single = isinstance(texts, str)
    texts = [texts] if single else list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"texts: expected strings, got {type(text).__name__}")
    return texts, single
