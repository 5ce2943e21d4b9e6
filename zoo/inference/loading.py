"""Loading a trained model by its name or its path."""

from __future__ import annotations

import os
from typing import Any

import keras

from zoo import checkpoints, tasks
from zoo.inference import catalog
from zoo.inference.trained_model import TrainedModel


def load(
    name: str | os.PathLike[str], vectors: str | os.PathLike[str] | None = None
) -> Any:
    """Loads a trained model.

    Args:
        name: one of `zoo.list_models()`, or the path of a run directory or a
            checkpoint.
        vectors: the file of word vectors that the checkpoint leaves out, if it does;
            None for where it was in training.

    Returns:
        A `Classifier`, `Tagger`, `LanguageModel` or `Translator` of `zoo.inference`.

    Raises:
        ValueError: if there is no such model, its files are damaged or of an unknown
            task, or the word vectors are not there.
    """
    path = catalog.find(name)
    checkpoint = checkpoints.load(path)
    place = checkpoints.find(path) / checkpoints.CONFIG
    try:
        trained = _build(checkpoint)
        frozen = trained.read_frozen_vectors(vectors)
    except KeyError as error:
        raise ValueError(f"{place}: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None
    checkpoints.fill(trained.keras_model, {**checkpoint.weights, **frozen})
    return trained


def _build(checkpoint: checkpoints.Checkpoint) -> TrainedModel:
    """Builds the model of a checkpoint; its weights are not yet those stored."""
    task = tasks.find(checkpoint.task)
    config = task.config_type(**checkpoint.model)
    # Random weights that no one will see are not drawn, which takes JAX seconds.
    with keras.StatelessScope(initialize_variables=False):
        return task.trained_type(
            config,
            checkpoint.vocabularies,
            files=checkpoint.files,
            **checkpoint.settings,
        )
