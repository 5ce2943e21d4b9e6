"""Loading a trained model by its name or its path."""

from __future__ import annotations

import os
from typing import Any

import keras

from zoo import checkpoints, tasks
from zoo.inference import catalog
from zoo.inference.trained_model import TrainedModel
from zoo.keras_compat import own_variables, undisturbed_generators


def load(
    name: str | os.PathLike[str], vectors: str | os.PathLike[str] | None = None
) -> Any:
    """Loads a trained model.

    Args:
        name: one of `zoo.list_models()`, or the path of a run directory or a
            checkpoint.
        vectors: the file or the name of the word vectors that the checkpoint leaves
            out, if it does; None for those of the same checksum that this machine
            keeps. The file or address that the checkpoint names is never opened.

    Returns:
        A `Classifier`, `Tagger`, `LanguageModel` or `Translator` of `zoo.inference`.

    Raises:
        ValueError: if there is no such model, its files are damaged or of an unknown
            task, or the word vectors are not there, are others or are not needed.
    """
    path = catalog.find(name)
    checkpoint = checkpoints.load(path)
    directory = checkpoints.find(path)
    place = directory / checkpoints.CONFIG
    with own_variables(), undisturbed_generators():
        try:
            trained = _build(checkpoint)
            frozen = trained.read_frozen_vectors(vectors)
        except KeyError as error:
            raise ValueError(f"{place}: {error} is missing") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"{place}: {' '.join(str(error).split())}") from None
        try:
            checkpoints.fill(trained.keras_model, {**checkpoint.weights, **frozen})
        except ValueError as error:
            raise ValueError(f"{directory}{os.sep}{error}") from None
    return trained


def _build(checkpoint: checkpoints.Checkpoint) -> TrainedModel:
    """Builds the model of a checkpoint; its weights are not yet those stored."""
    task = tasks.find(checkpoint.task)
    checkpoints.check_sizes(
        checkpoint.model, checkpoint.weights, checkpoint.vocabularies
    )
    config = task.config_type(**checkpoint.model)
    # Random weights that no one will see are not drawn, which takes JAX seconds.
    with keras.StatelessScope(initialize_variables=False):
        return task.trained_type(
            config,
            checkpoint.vocabularies,
            files=checkpoint.files,
            **checkpoint.settings,
        )
