"""A trained tagger: sentences in, words and tags out."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.decoding import (
    BestTaggings,
    Marginals,
    ViterbiSearch,
    compile_for_prediction,
)
from zoo.inference.trained_model import (
    TrainedModel,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.layers.crf import FORBIDDEN
from zoo.models.tagger import TaggerConfig, build_tagger
from zoo.text.casing import CASINGS, casing
from zoo.text.span_schemes import allowed_transitions
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Labels, Vocabulary


@dataclass(frozen=True)
class Tagging:
    """One of several taggings of a sentence.

    Attributes:
        probability: of the whole of it.
        pairs: of (word, tag).
    """

    probability: float
    pairs: list[tuple[str, str]]


class Tagger(TrainedModel):
    """A trained tagger. Its settings are `lowercase`, of the words but not the letters;
    `tokenizer`, for texts that come as strings; perhaps `scheme`, if the tags are of
    spans (see `zoo.text.span_schemes`); `constrained`, whether a CRF keeps to its rules; and
    those of `zoo.training.pretrained_embeddings.Words`."""

    task, config_type = "tagger", TaggerConfig

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict, lowercase=bool)
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        lower_unknown = settings.get("lower_unknown", False)
        self.vocabulary = Vocabulary(vocabularies["words"], lower_unknown)
        self.characters = Vocabulary(vocabularies["characters"])
        self.labels = Labels(vocabularies["labels"])
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        check_size(
            "character_vocabulary_size",
            config.character_vocabulary_size,
            self.characters,
        )
        check_size("num_classes", config.num_classes, self.labels)
        compile_for_prediction(self.keras_model)
        self.crf = self.keras_model.get_layer("crf") if config.crf else None
        self.viterbi = ViterbiSearch(self.keras_model, self.crf)
        self.marginals = Marginals(self.keras_model, self.crf)
        self.best_taggings = functools.lru_cache(
            functools.partial(BestTaggings, self.keras_model, self.crf)
        )

    def build(self, config: TaggerConfig):
        if not self.settings.get("constrained"):
            return build_tagger(config)
        labels, scheme = self.vocabularies["labels"], self.settings["scheme"]
        return build_tagger(config, allowed_transitions(labels, scheme))

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Encodes a sentence.

        Args:
            words: at least one.

        Returns:
            int32 `[time, 1 + word_length]`: the word's id, then those of its letters,
            padded on the right; of a longer word its first and last letters. With
            casing one column more.
        """
        size = self.config.word_length
        lowered = [w.lower() for w in words] if self.settings["lowercase"] else words
        out = np.zeros((len(words), 1 + size + self.config.casing), np.int32)
        out[:, 0] = self.vocabulary.encode(lowered)
        if self.config.casing:
            out[:, -1] = [1 + CASINGS.index(casing(word)) for word in words]
        for i, word in enumerate(words):
            if len(word) > size:
                word = word[: size // 2] + word[-(size - size // 2) :]
            out[i, 1 : 1 + len(word)] = self.characters.encode(word)
        return out

    def inputs(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Splits encoded sentences `[batch, time, columns]` into model inputs."""
        inputs = {"token_ids": batch[:, :, 0]}
        if self.config.characters:
            inputs["character_ids"] = batch[:, :, 1 : 1 + self.config.word_length]
        if self.config.casing:
            inputs["casing_ids"] = batch[:, :, -1]
        return inputs

    def classes(self, examples: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the classes of the words in the best tagging of encoded sentences."""
        out = [np.zeros(0, np.int64)] * len(examples)
        for indices, batch in batches_by_length(examples):
            inputs = self.inputs(batch)
            if self.crf:
                best = self.viterbi.predict_on_batch(inputs)
            else:
                best = self.keras_model.predict_on_batch(inputs).argmax(-1)
            for row, i in enumerate(indices):
                out[i] = best[row, : len(examples[i])]
        return out

    def shift_score(self, tag: str, score: float) -> None:
        """Adds to the score that a tag has at every word.

        Args:
            tag: one of `labels`.
            score: in nats; below 0 the tag becomes rarer.

        Raises:
            ValueError: if there is no such tag.
        """
        change = np.zeros(len(self.labels), np.float32)
        change[self.labels.names.index(tag)] = score
        self.keras_model.get_layer("head").bias.assign_add(change)

    def predict(
        self,
        sentences: str | Iterable[str | Sequence[str]],
        n_best: int | None = None,
    ) -> list:
        """Tags one text, or each of several.

        Args:
            sentences: a string, or an iterable of strings or of lists of words.
            n_best: how many taggings of each are wanted; None for the best alone,
                without its probability.

        Returns:
            For a string the list of its (word, tag) pairs, with `n_best` a list of
            `Tagging`s, the likeliest first, no more than there are; else a list of such
            lists. A sentence without words has no tags, which is certain.

        Raises:
            ValueError: if `n_best` is less than 1.
        """
        if n_best is not None and n_best < 1:
            raise ValueError(f"n_best: expected at least 1, got {n_best}")
        single = isinstance(sentences, str)
        split = self._split([sentences] if single else sentences)
        real = [i for i, words in enumerate(split) if words]
        examples = [self.encode(split[i]) for i in real]
        answers: list[list] = [[] if n_best is None else [Tagging(1.0, [])]] * len(
            split
        )
        if n_best is None:
            for i, tags in zip(real, self.classes(examples)):
                answers[i] = self._pairs(split[i], tags)
        else:
            for i, best in zip(real, self._taggings(examples, n_best)):
                answers[i] = [
                    Tagging(probability, self._pairs(split[i], tags))
                    for probability, tags in best
                ]
        return answers[0] if single else answers

    def probabilities(self, sentences: Iterable[str | Sequence[str]]) -> list:
        """Returns the probabilities of all tags of every word.

        Args:
            sentences: strings or lists of words.

        Returns:
            For each sentence a list of (word, probabilities by tag); with a CRF these
            are sums over all taggings of the sentence.
        """
        split = self._split(sentences)
        real = [i for i, words in enumerate(split) if words]
        examples = [self.encode(split[i]) for i in real]
        answers: list[list] = [[] for _ in split]
        for indices, batch in batches_by_length(examples):
            rows = self.marginals.predict_on_batch(self.inputs(batch))
            for row, i in zip(rows, indices):
                answers[real[i]] = [
                    (word, dict(zip(self.labels.names, values.tolist())))
                    for word, values in zip(split[real[i]], row)
                ]
        return answers

    def _split(self, sentences: Iterable[str | Sequence[str]]) -> list[list[str]]:
        return [
            self.tokenizer.tokenize(s) if isinstance(s, str) else list(s)
            for s in sentences
        ]

    def _pairs(self, words: list[str], classes: np.ndarray) -> list[tuple[str, str]]:
        return list(zip(words, self.labels.decode(classes)))

    def _taggings(
        self, examples: Sequence[np.ndarray], n_best: int
    ) -> list[list[tuple[float, np.ndarray]]]:
        """Returns the likeliest taggings of encoded sentences, with probabilities."""
        search, out = self.best_taggings(n_best), [[]] * len(examples)
        for indices, batch in batches_by_length(examples):
            paths, logs = search.predict_on_batch(self.inputs(batch))
            for row, i in enumerate(indices):
                out[i] = [
                    (math.exp(log), path[: len(examples[i])])
                    for rank, (log, path) in enumerate(zip(logs[row], paths[row]))
                    if log > FORBIDDEN / 2 or rank == 0
                ]
        return out
