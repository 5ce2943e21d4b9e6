"""A trained classifier: texts in, labels and probabilities out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.decoding import compile_for_prediction
from zoo.evaluation.calibration import find_temperature
from zoo.inference.trained_model import (
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.models.classifier import ClassifierConfig, build_classifier
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import SPECIAL_TOKENS, UNKNOWN, Labels, Vocabulary


@dataclass(frozen=True)
class Prediction:
    """A classifier's answer.

    Attributes:
        label: the likeliest label; a tuple of labels with `head="multilabel"`; the
            value with `head="regression"`.
        probabilities: by label; empty with `head="regression"`.
    """

    label: Any
    probabilities: dict[str, float]


class Classifier(TrainedModel):
    """A trained sequence classifier, or regressor.

    Its settings are `tokenizer` (the fields of a `Tokenizer`), `max_length` (further
    tokens are not read), with `head="regression"` `mean` and `scale`, perhaps the
    `temperature` that logits are divided by, and those of `zoo.training.pretrained_embeddings.Words`.
    """

    task, config_type = "classifier", ClassifierConfig
    build = staticmethod(build_classifier)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict, max_length=int)
        if config.head == "regression":
            check_settings(settings, mean=float, scale=float)
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        lower_unknown = settings.get("lower_unknown", False)
        self.vocabulary = Vocabulary(vocabularies["tokens"], lower_unknown)
        self.labels = Labels(vocabularies["labels"])
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        compile_for_prediction(self.keras_model)

    def encode(self, text: str) -> np.ndarray:
        """Returns the token ids of a text, int32 `[time]`; unknown if it is empty."""
        tokens = self.tokenizer.tokenize(text)[: self.settings["max_length"]]
        return self.vocabulary.encode(tokens or [SPECIAL_TOKENS[UNKNOWN]])

    def logits(self, examples: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the outputs of encoded examples, float32 `[examples, outputs]`."""
        out = np.zeros((len(examples), self.config.num_outputs), np.float32)
        for indices, batch in batches_by_length(examples):
            out[indices] = self.keras_model.predict_on_batch(batch)[: len(indices)]
        return out

    def decide(self, logits: np.ndarray) -> Prediction:
        """Turns the outputs of one example, float32 `[outputs]`, into an answer."""
        z = logits.astype(np.float64)
        names = self.labels.names
        if self.config.head == "regression":
            scale, mean = self.settings["scale"], self.settings["mean"]
            return Prediction(float(z[0] * scale + mean), {})
        z /= self.settings.get("temperature", 1.0)
        if self.config.head == "multiclass":
            p = np.exp(z - z.max())
            p /= p.sum()
        else:
            p = 1 / (1 + np.exp(-z))
        if self.config.head == "binary":
            p = np.array([1 - p[0], p[0]])
        probabilities = dict(zip(names, p.tolist()))
        if self.config.head == "multilabel":
            return Prediction(
                tuple(n for n in names if probabilities[n] > 0.5), probabilities
            )
        return Prediction(names[int(p.argmax())], probabilities)

    def calibrate(self, logits: np.ndarray, labels: Sequence[str]) -> None:
        """Sets the temperature by examples that had no part in training.

        Args:
            logits: of the examples, float32 `[examples, outputs]`.
            labels: the right ones; one each, so `head` is `"binary"` or `"multiclass"`.
        """
        classes = np.array([self.labels.names.index(label) for label in labels])
        if self.config.head == "binary":
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        self.settings["temperature"] = find_temperature(logits, classes)

    def predict(self, texts: str | Iterable[str]) -> Prediction | list[Prediction]:
        """Classifies one text, or each of several.

        Args:
            texts: a string or an iterable of strings; an empty one is read as a single
                unknown token.

        Returns:
            A `Prediction`, or a list of them.
        """
        texts, single = as_texts(texts)
        answers = [self.decide(z) for z in self.logits([self.encode(t) for t in texts])]
        return answers[0] if single else answers
