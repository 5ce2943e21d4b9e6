"""What all trained models share."""

from __future__ import annotations

import abc
import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt

from pretrained import vectors
from zoo import checkpoints
from zoo.data.bucketing import bucket_length
from zoo.layers.embedding import EMBEDDING
from zoo.text.vocabulary import Vocabulary
from zoo.training import pretrained_embeddings

BATCH_ROWS = 32  # of a prediction batch: always as many, so that few programs compile
PROGRAMS = 8  # of a kind that a model keeps; what was not used for longest goes
MAX_BATCH_TOKENS = BATCH_ROWS * 256  # padding included; one longer row is a batch too


class TrainedModel(abc.ABC):
    """Base of the trained models.

    Args:
        config: of the Keras model.
        vocabularies: lists of tokens or labels, by name.
        files: contents of further files of the checkpoint, by name.
        settings: what else prediction needs, as stored in the checkpoint.

    Attributes:
        task: the name in `zoo.tasks.TASKS`.
        keras_model: the plain `keras.Model`.
        vocabulary: of the tokens that are read.
    """

    task: ClassVar[str]
    config: Any
    vocabulary: Vocabulary

    def __init__(
        self,
        config: Any,
        vocabularies: dict[str, list[str]],
        files: dict[str, bytes] | None = None,
        **settings: Any,
    ):
        self.config, self.vocabularies, self.settings = config, vocabularies, settings
        self.files = files or {}
        self.keras_model: keras.Model = self.build(config)

    @abc.abstractmethod
    def build(self, config: Any) -> keras.Model:
        """Builds the Keras model of a configuration."""

    @property
    def embedding(self) -> keras.layers.Layer:
        """The layer with the vectors of the tokens that are read."""
        return self.keras_model.get_layer(EMBEDDING)

    def read_frozen_vectors(
        self, file: str | os.PathLike[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Reads the word vectors that a checkpoint leaves out.

        Args:
            file: of word vectors; None for those that this machine keeps.

        Returns:
            The vectors by the path of their variable; empty if none are left out.

        Raises:
            ValueError: if they are not there, are other ones, or are not needed.
        """
        named = self.settings.get("vectors")
        if named is None:
            if file is not None:
                raise ValueError(
                    "vectors: expected none, since the checkpoint holds all that it "
                    f"needs, got {os.fspath(file)!r}"
                )
            return {}
        if not self.config.num_frozen:
            raise ValueError("settings: vectors: expected none with num_frozen=None")
        tokens = self.vocabulary.tokens[-self.config.num_frozen :]
        source = None if file is None else os.fspath(file)
        rows = pretrained_embeddings.restore(tokens, named, source)
        return {self._frozen_path: rows}

    @property
    def _frozen_path(self) -> str:
        """The path of the variable that a checkpoint may leave out."""
        return getattr(self.embedding, pretrained_embeddings.FROZEN).path

    def save(
        self, directory: str | os.PathLike[str], dtype: npt.DTypeLike | None = None
    ) -> None:
        """Writes a checkpoint; see `zoo.checkpoints.save`.

        Word vectors that stayed frozen are left out; the setting `vectors` names them.

        Args:
            directory: where to; its parent must exist. What is not a checkpoint there
                is left as it is, and is an error.
            dtype: converts the weights, for example to `np.float16`.
        """
        weights = checkpoints.weights_of(self.keras_model)
        if "vectors" in self.settings:
            vectors.keep(weights.pop(self._frozen_path))
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
    for name, expected in {**types, **_optional(settings)}.items():
        if type(settings.get(name)) is not expected:
            raise ValueError(
                f"settings: {name}: expected {expected.__name__}, got "
                f"{settings.get(name)!r}"
            )


def _optional(settings: Mapping[str, Any]) -> dict[str, type]:
    """Returns the types of the settings that several models may have, if they do."""
    types = {"lower_unknown": bool, "constrained": bool, "scheme": str}
    found = {name: t for name, t in types.items() if settings.get(name) is not None}
    return {**found, "vectors": dict} if "vectors" in settings else found


def check_size(name: str, size: int, entries: Sized) -> None:
    """Raises ValueError unless a vocabulary has as many entries as the model's size."""
    if len(entries) != size:
        raise ValueError(
            f"{name}: expected {len(entries)}, the size of the vocabulary, got {size}"
        )


def batches_by_length(
    examples: Sequence[np.ndarray], rows: int = BATCH_ROWS
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Groups examples of similar length.

    Args:
        examples: integers `[time, ...]`, none of them empty.
        rows: of every batch, except for very long examples.

    Yields:
        Which examples a batch holds, and the batch, int32 `[rows, length, ...]`, padded
        on the right, and filled up with copies of its examples.
    """
    order = np.argsort([len(e) for e in examples], kind="stable").tolist()
    start = 0
    while start < len(order):
        indices = order[start : start + rows]
        length = bucket_length(max(len(examples[i]) for i in indices))
        size = min(rows, max(1, MAX_BATCH_TOKENS // length))
        indices = indices[:size]
        start += size
        length = bucket_length(max(len(examples[i]) for i in indices))
        first = examples[indices[0]]
        batch = np.zeros((size, length, *first.shape[1:]), np.int32)
        for row, i in zip(range(size), itertools.cycle(indices)):
            batch[row, : len(examples[i])] = examples[i]
        yield indices, batch


def chosen_log_probabilities(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Returns the log-probability of each id.

    Args:
        logits: float `[batch, time, vocabulary]`.
        ids: integers `[batch, time]`.

    Returns:
        float64 `[batch, time]`, in nats.

    >>> logits = np.log([[[0.5, 0.25, 0.25]]])
    >>> np.exp(chosen_log_probabilities(logits, np.array([[1]]))).round(6).tolist()
    [[0.25]]
    """
    logs = np.zeros(ids.shape)
    for row, chosen in enumerate(ids):  # row by row, to hold little in float64
        z = logits[row].astype(np.float64)  # [time, vocabulary]
        z -= z.max(-1, keepdims=True)
        logs[row] = z[np.arange(len(chosen)), chosen] - np.log(np.exp(z).sum(-1))
    return logs


def as_texts(texts: str | Iterable[str]) -> tuple[list[str], bool]:
    """Returns a list of texts, and whether a single one was given.

    Raises:
        ValueError: if something else than strings was given.
    """
    single = isinstance(texts, str)
    listed = [texts] if isinstance(texts, str) else list(texts)
    for text in listed:
        if not isinstance(text, str):
            raise ValueError(f"texts: expected strings, got {type(text).__name__}")
    return listed, single
