"""Strings in, plain Python values out: trained models as users hold them."""

from __future__ import annotations

import os

import keras

from zoo import checkpoints
from zoo.inference.cache import Cache
from zoo.inference.classifier import Classifier, Prediction
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.language_model import LanguageModel, Score
from zoo.inference.reranking import check_rerank, n_best_by_lm, rerank
from zoo.inference.tagger import Tagger, Tagging
from zoo.inference.trained_model import TrainedModel
from zoo.inference.translator import Translator
from zoo.training import pretrained_embeddings

__all__ = [
    "Cache",
    "Classifier",
    "Hypothesis",
    "LanguageModel",
    "Prediction",
    "Score",
    "Tagger",
    "Tagging",
    "TrainedModel",
    "Translator",
    "check_rerank",
    "load",
    "n_best_by_lm",
    "rerank",
]


def load(
    path: str | os.PathLike, vectors: str | os.PathLike | None = None
) -> Classifier | Tagger | LanguageModel | Translator:
    """Loads a trained model.

    Args:
        path: a run directory or a checkpoint.
        vectors: where the word vectors are that the checkpoint leaves out, if it does;
            None for where they were in training.

    Raises:
        ValueError: if the checkpoint is missing, changed or of another kind, or the
            word vectors are not there.
    """
    checkpoint = checkpoints.load(path)
    kinds = {
        kind.task: kind for kind in (Classifier, Tagger, LanguageModel, Translator)
    }
    place = checkpoints.find(path) / checkpoints.CONFIG
    if checkpoint.task not in kinds:
        raise ValueError(f"{place}: unknown task {checkpoint.task!r}")
    kind = kinds[checkpoint.task]
    try:
        config = kind.config_type(**checkpoint.model)
        # Random weights that no one will see are not drawn, which takes JAX seconds.
        with keras.StatelessScope(initialize_variables=False):
            trained = kind(
                config,
                checkpoint.vocabularies,
                files=checkpoint.files,
                **checkpoint.settings,
            )
    except KeyError as error:
        raise ValueError(f"{place}: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None
    weights = dict(checkpoint.weights)
    if named := checkpoint.settings.get("vectors"):
        tokens = trained.vocabulary.tokens[-config.num_frozen :]
        try:
            weights[pretrained_embeddings.FROZEN] = pretrained_embeddings.restore(
                tokens, named, vectors
            )
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    checkpoints.fill(trained.keras_model, weights)
    return trained
