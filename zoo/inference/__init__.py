"""Strings in, plain Python values out: trained models as users hold them."""

from __future__ import annotations

import os

from zoo import checkpoints
from zoo.inference.cache import Cache
from zoo.inference.classifier import Classifier, Prediction
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.language_model import LanguageModel, Score
from zoo.inference.reranking import rerank
from zoo.inference.tagger import Tagger, Tagging
from zoo.inference.trained import Trained
from zoo.inference.translator import Translator

__all__ = [
    "Cache",
    "Classifier",
    "Hypothesis",
    "LanguageModel",
    "Prediction",
    "Score",
    "Tagger",
    "Tagging",
    "Trained",
    "Translator",
    "load",
    "rerank",
]


def load(path: str | os.PathLike) -> Classifier | Tagger | LanguageModel | Translator:
    """Loads a trained model.

    Args:
        path: a run directory or a checkpoint.

    Raises:
        ValueError: if the checkpoint is missing, changed or of another kind.
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
        trained = kind(
            config,
            checkpoint.vocabularies,
            files=checkpoint.files,
            **checkpoint.settings,
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None
    checkpoints.fill(trained.model, checkpoint.weights)
    return trained
