"""A trained classifier: texts in, labels and probabilities out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import keras
import numpy as np

from zoo.decoding.steps import compile_for_prediction
from zoo.evaluation.calibration import find_temperature
from zoo.inference.trained_model import (
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.models.classifier import ClassifierConfig, build_classifier
from zoo.text.stored import restored
from zoo.text.vocabulary import SPECIAL_TOKENS, UNKNOWN, UNSEEN, Labels, Vocabulary


@dataclass(frozen=True)
class Prediction:
    """A classifier's answer.

    Attributes:
        label: the likeliest label; a tuple of labels with `head="multilabel"`; the
            value with `head="regression"`.
        probabilities: by label; empty with `head="regression"`.
    """

    label: str | tuple[str, ...] | float
    probabilities: dict[str, float]


class Classifier(TrainedModel):
    """A trained sequence classifier, or regressor.

    Its settings are `tokenizer` (the fields of a `Tokenizer`, or of subwords, whose
    model is the file `tokens.model`) and `max_length` (further tokens are not read);
    with `head="regression"` also `mean` and `scale`. It may have
    the `temperature` that logits are divided by; `label_names`, the words in which
    `predict` answers, by the labels of the data; and the settings that
    `zoo.training.pretrained_embeddings` stores.
    """

    task = "classifier"
    config: ClassifierConfig

    def __init__(
        self,
        config: ClassifierConfig,
        vocabularies: dict[str, list[str]],
        **settings: Any,
    ):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict, max_length=int)
        if config.head == "regression":
            check_settings(settings, mean=float, scale=float)
        self.tokenizer = restored(
            settings["tokenizer"], self.files, "tokens", vocabularies["tokens"]
        )
        lower_unknown = settings.get("lower_unknown", False)
        self.vocabulary = Vocabulary(vocabularies["tokens"], lower_unknown)
        self.labels = Labels(vocabularies["labels"])
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        if "label_names" in settings:
            _check_label_names(settings["label_names"], self.labels.names)
        compile_for_prediction(self.keras_model)

    def build(self, config: ClassifierConfig) -> keras.Model:
        """Builds the Keras model of a configuration."""
        return build_classifier(config)

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
        """Turns the outputs of one example into an answer, in the labels of the data.

        Args:
            logits: float32 `[outputs]`.
        """
        if self.config.head == "regression":
            scale, mean = self.settings["scale"], self.settings["mean"]
            return Prediction(float(logits.astype(np.float64)[0] * scale + mean), {})
        names, p = self.labels.names, self._probabilities(logits)
        probabilities = dict(zip(names, p.tolist()))
        if self.config.head == "multilabel":
            chosen = tuple(name for name in names if probabilities[name] > 0.5)
            return Prediction(chosen, probabilities)
        return Prediction(names[int(p.argmax())], probabilities)

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Returns the probability of each label, float64 `[labels]`."""
        z = logits.astype(np.float64) / self.settings.get("temperature", 1.0)
        if self.config.head == "multiclass":
            p = np.exp(z - z.max())
            return p / p.sum()
        p = 1 / (1 + np.exp(-z))  # [outputs]
        return np.array([1 - p[0], p[0]]) if self.config.head == "binary" else p

    def in_words(self, prediction: Prediction) -> Prediction:
        """Puts the setting `label_names` in place of the labels of the data."""
        names: Mapping[str, str] = self.settings.get("label_names", {})
        if not names:
            return prediction
        label = prediction.label
        return Prediction(
            tuple(names[part] for part in label)
            if isinstance(label, tuple)
            else names[str(label)],
            {names[part]: p for part, p in prediction.probabilities.items()},
        )

    def calibrate(self, logits: np.ndarray, labels: Sequence[str]) -> None:
        """Sets the temperature by examples that had no part in training.

        Args:
            logits: of the examples, float32 `[examples, outputs]`.
            labels: the right ones; one each, so `head` is `"binary"` or `"multiclass"`.
                Examples of labels that the classifier does not have are left out.
        """
        classes = self.labels.encode_all(labels)
        logits, classes = logits[classes != UNSEEN], classes[classes != UNSEEN]
        if not len(classes):
            self.settings["temperature"] = 1.0
            return
        if self.config.head == "binary":
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        self.settings["temperature"] = find_temperature(logits, classes)

    @overload  # a string is an iterable of strings, but one text
    def predict(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, texts: Iterable[str]) -> list[Prediction]: ...
    def predict(self, texts):
        """Classifies one text, or each of several.

        Args:
            texts: a string or an iterable of strings; an empty one is read as a single
                unknown token.

        Returns:
            A `Prediction` for a string, else a list of them; its labels are words if
            the model has a setting `label_names`.
        """
        listed, single = as_texts(texts)
        logits = self.logits([self.encode(text) for text in listed])
        answers = [self.in_words(self.decide(z)) for z in logits]
        return answers[0] if single else answers


def _check_label_names(names: Any, labels: list[str]) -> None:
    if (
        not isinstance(names, dict)
        or sorted(names) != sorted(labels)
        or not all(isinstance(name, str) for name in names.values())
        or len({*names.values()}) < len(labels)
    ):
        raise ValueError(
            f"settings: label_names: expected another name for each of {labels}, got "
            f"{names!r}"
        )
