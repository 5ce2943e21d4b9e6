"""A trained tagger: sentences in, words and tags out."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import keras
import numpy as np

from zoo.decoding.steps import compile_for_prediction
from zoo.decoding.tagging import BestTaggings, Marginals, ViterbiSearch
from zoo.inference.long_texts import best_sums, cut, pieces, regroup
from zoo.inference.trained_model import (
    PROGRAMS,
    TrainedModel,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.layers.crf import FORBIDDEN
from zoo.models.tagger import CRF_LAYER, HEAD, TaggerConfig, build_tagger
from zoo.text.casing import CASINGS, casing
from zoo.text.normalization import normalize_word
from zoo.text.span_schemes import allowed_transitions
from zoo.text.span_tags import rules_and_notation
from zoo.text.tokenizers import KINDS, Tokenizer
from zoo.text.vocabulary import Labels, Vocabulary

MOST_WORDS = 1000  # of a sentence that is tagged at once
Sentence = str | Sequence[str]  # a text, or its words
Pairs = list[tuple[str, str]]  # of word and tag


@dataclass(frozen=True)
class Tagging:
    """One of several taggings of a sentence.

    Attributes:
        probability: of the whole of it.
        pairs: of (word, tag).
    """

    probability: float
    pairs: Pairs


class Tagger(TrainedModel):
    """A trained tagger.

    Its settings are `lowercase`, of the words but not their characters, and
    `tokenizer`, for texts that come as strings. It may have `scheme`, if the tags are
    of spans (see `zoo.text.span_schemes`); `constrained`, whether a CRF keeps to the
    rules of the scheme; and the settings that `zoo.training.pretrained_embeddings`
    stores.
    """

    task = "tagger"
    config: TaggerConfig

    def __init__(
        self,
        config: TaggerConfig,
        vocabularies: dict[str, list[str]],
        **settings: Any,
    ):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict, lowercase=bool)
        if settings.get("scheme") is not None:
            rules_and_notation(settings["scheme"])
        self.tokenizer = Tokenizer.restored(settings["tokenizer"])
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
        self.crf = self.keras_model.get_layer(CRF_LAYER) if config.crf else None
        self.viterbi = ViterbiSearch(self.keras_model, self.crf)
        self.marginals = Marginals(self.keras_model, self.crf)
        self.best_taggings = functools.lru_cache(PROGRAMS)(
            functools.partial(BestTaggings, self.keras_model, self.crf)
        )
        self._unshifted: np.ndarray | None = None  # the bias before any shift
        self._shifts = np.zeros(len(self.labels), np.float32)

    def build(self, config: TaggerConfig) -> keras.Model:
        """Builds the Keras model of a configuration."""
        if not self.settings.get("constrained"):
            return build_tagger(config)
        labels, scheme = self.vocabularies["labels"], self.settings["scheme"]
        return build_tagger(config, allowed_transitions(labels, scheme).tolist())

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Encodes a sentence.

        Args:
            words: at least one.

        Returns:
            int32 `[time, 1 + word_length]`: the word's id, then those of its
            characters, padded on the right; of a longer word its first and last
            characters. With casing one column more.
        """
        size = self.config.word_length
        words = [normalize_word(word) for word in words]
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
        inputs = {"token_ids": batch[:, :, 0]}  # [batch, time]
        if self.config.characters:  # [batch, time, word_length]
            inputs["character_ids"] = batch[:, :, 1 : 1 + self.config.word_length]
        if self.config.casing:
            inputs["casing_ids"] = batch[:, :, -1]  # [batch, time]
        return inputs

    def classes(self, examples: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the classes of the words in the best tagging of encoded sentences.

        Args:
            examples: int32 `[time, columns]` each, as from `encode`.

        Returns:
            Integers `[time]` for each.
        """
        out = [np.zeros(0, np.int64) for _ in examples]
        for indices, batch in batches_by_length(examples):
            inputs = self.inputs(batch)
            if self.crf:
                best = self.viterbi.predict_on_batch(inputs)  # [batch, time]
            else:
                best = self.keras_model.predict_on_batch(inputs).argmax(-1)
            for row, i in enumerate(indices):
                out[i] = best[row, : len(examples[i])]
        return out

    def shift_score(self, tag: str, score: float) -> None:
        """Shifts the score that a tag has at every word.

        The shift replaces an earlier one of the same tag: 0 restores the score that was
        learned, to the last bit.

        Args:
            tag: one of `labels`.
            score: in nats; below 0 the tag becomes rarer.

        Raises:
            ValueError: if there is no such tag.
        """
        self._shifts[self.labels.names.index(tag)] = score
        bias = self.keras_model.get_layer(HEAD).bias
        if self._unshifted is None:
            self._unshifted = keras.ops.convert_to_numpy(bias).copy()
        bias.assign(self._unshifted + self._shifts)

    @overload  # a string is a sequence of strings, but one sentence
    def predict(  # type: ignore[overload-overlap]
        self, sentences: str, tokenizer: KINDS | None = None
    ) -> Pairs: ...
    @overload
    def predict(
        self, sentences: Iterable[Sentence], tokenizer: KINDS | None = None
    ) -> list[Pairs]: ...
    def predict(self, sentences, tokenizer=None):
        """Tags one text, or each of several.

        One of more than `MOST_WORDS` words is cut at the ends of sentences; see
        `zoo.inference.long_texts`.

        Args:
            sentences: a string, or an iterable of strings or of lists of words.
            tokenizer: what cuts strings into words; None for the model's setting.

        Returns:
            For a string the list of its (word, tag) pairs, else a list of such lists. A
            sentence without words has no tags.
        """
        single = isinstance(sentences, str)
        split = self._split([sentences] if single else sentences, tokenizer)
        parts, owners = cut(split, MOST_WORDS, pieces)
        answers: list[Pairs] = [[] for _ in split]
        tags = self.classes([self.encode(words) for words in parts])
        for owner, words, chosen in zip(owners, parts, tags):
            answers[owner] += self._pairs(words, chosen)
        return answers[0] if single else answers

    @overload  # as for `predict`
    def n_best(  # type: ignore[overload-overlap]
        self, sentences: str, n_best: int = 5, tokenizer: KINDS | None = None
    ) -> list[Tagging]: ...
    @overload
    def n_best(
        self,
        sentences: Iterable[Sentence],
        n_best: int = 5,
        tokenizer: KINDS | None = None,
    ) -> list[list[Tagging]]: ...
    def n_best(self, sentences, n_best=5, tokenizer=None):
        """Finds several taggings of one text, or of each of several.

        Args:
            sentences: as for `predict`.
            n_best: how many taggings of each.
            tokenizer: as for `predict`.

        Returns:
            For a string a list of `Tagging`s, the likeliest first, no more than there
            are; else a list of such lists. The one tagging of a sentence without words
            is certain.

        Raises:
            ValueError: if `n_best` is less than 1.
        """
        if n_best < 1:
            raise ValueError(f"n_best: expected at least 1, got {n_best}")
        single = isinstance(sentences, str)
        split = self._split([sentences] if single else sentences, tokenizer)
        parts, owners = cut(split, MOST_WORDS, pieces)
        taggings = self._taggings([self.encode(words) for words in parts], n_best)
        ranked = [
            [(log, self._pairs(words, tags)) for log, tags in best]
            for words, best in zip(parts, taggings)
        ]
        answers = [
            [
                Tagging(math.exp(log), [*itertools.chain(*pairs)])
                for log, pairs in best_sums(of_parts, n_best)
            ]
            for of_parts in regroup(ranked, owners, len(split))
        ]
        return answers[0] if single else answers

    def probabilities(
        self, sentences: Iterable[Sentence], tokenizer: KINDS | None = None
    ) -> list[list[tuple[str, dict[str, float]]]]:
        """Returns the probabilities of all tags of every word.

        Args:
            sentences: strings or lists of words.
            tokenizer: as for `predict`.

        Returns:
            For each sentence a list of (word, probabilities by tag); with a CRF these
            are sums over all taggings of the sentence.
        """
        split = self._split(sentences, tokenizer)
        parts, owners = cut(split, MOST_WORDS, pieces)
        rows = [np.zeros((0, len(self.labels)), np.float32) for _ in parts]
        for indices, batch in batches_by_length([self.encode(part) for part in parts]):
            found = self.marginals.predict_on_batch(self.inputs(batch))
            for i, row in zip(indices, found):  # [time, tags]
                rows[i] = row
        answers: list[list[tuple[str, dict[str, float]]]] = [[] for _ in split]
        for owner, words, row in zip(owners, parts, rows):
            answers[owner] += [
                (word, dict(zip(self.labels.names, values.tolist())))
                for word, values in zip(words, row)
            ]
        return answers

    def _split(
        self, sentences: Iterable[Sentence], kind: KINDS | None
    ) -> list[list[str]]:
        tokenizer = self.tokenizer if kind is None else Tokenizer(kind)
        return [
            tokenizer.tokenize(s) if isinstance(s, str) else list(s) for s in sentences
        ]

    def _pairs(self, words: list[str], classes: np.ndarray) -> Pairs:
        return list(zip(words, self.labels.decode(classes)))

    def _taggings(
        self, examples: Sequence[np.ndarray], n_best: int
    ) -> list[list[tuple[float, np.ndarray]]]:
        """Returns the likeliest taggings of encoded sentences, with the logarithms of
        their probabilities."""
        search = self.best_taggings(n_best)
        out: list[list[tuple[float, np.ndarray]]] = [[] for _ in examples]
        for indices, batch in batches_by_length(examples):
            # [batch, n_best, time] and [batch, n_best]
            paths, logs = search.predict_on_batch(self.inputs(batch))
            for row, i in enumerate(indices):
                out[i] = [
                    (float(log), path[: len(examples[i])])
                    for rank, (log, path) in enumerate(zip(logs[row], paths[row]))
                    if log > FORBIDDEN / 2 or rank == 0
                ]
        return out
