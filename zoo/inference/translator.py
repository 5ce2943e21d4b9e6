"""A trained translator: texts in, texts out."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, overload

import keras
import numpy as np

from zoo.decoding.beam_options import BeamOptions
from zoo.decoding.steps import compile_for_prediction
from zoo.decoding.translation import BeamSearch, GreedySearch
from zoo.inference import long_texts
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.teacher_forcing import TeacherForcing
from zoo.inference.trained_model import (
    PROGRAMS,
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.models.translator import (
    DECODER,
    ENCODER,
    SOURCE_EMBEDDING,
    TranslatorConfig,
    build_translator,
)
from zoo.text.stored import AnyTokenizer, restored
from zoo.text.tokenizers import without_joiner
from zoo.text.vocabulary import END, PAD, UNKNOWN, Vocabulary

MOST_TOKENS = 256  # of a text that is translated at once


class Translator(TrainedModel):
    """A trained translator.

    Its settings are `source_tokenizer` and `target_tokenizer`; for subwords its files
    are `source.model` and `target.model`.
    """

    task = "translator"
    config: TranslatorConfig

    def __init__(
        self,
        config: TranslatorConfig,
        vocabularies: dict[str, list[str]],
        **settings: Any,
    ):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, source_tokenizer=dict, target_tokenizer=dict)
        self.source_tokenizer = self._tokenizer("source")
        self.target_tokenizer = self._tokenizer("target")
        lower_unknown = settings.get("lower_unknown", False)
        self.source_vocabulary = Vocabulary(vocabularies["source"], lower_unknown)
        self.vocabulary = self.source_vocabulary
        self.target_vocabulary = Vocabulary(vocabularies["target"])
        check_size(
            "source_vocabulary_size",
            config.source_vocabulary_size,
            self.source_vocabulary,
        )
        check_size(
            "target_vocabulary_size",
            config.target_vocabulary_size,
            self.target_vocabulary,
        )
        self._parts = (
            self.keras_model.get_layer(ENCODER),
            self.keras_model.get_layer(DECODER),
            config.num_carried,
        )
        self.search = GreedySearch(*self._parts)
        self.teacher_forcing = TeacherForcing(*self._parts)
        for model in (self.keras_model, *self._parts[:2]):
            compile_for_prediction(model)
        self._beam_searches = functools.lru_cache(PROGRAMS)(
            functools.partial(BeamSearch, *self._parts)
        )

    def build(self, config: TranslatorConfig) -> keras.Model:
        """Builds the Keras model of a configuration."""
        return build_translator(config)

    @property
    def embedding(self) -> keras.layers.Layer:
        """The layer with the vectors of the source tokens."""
        return self.keras_model.get_layer(ENCODER).get_layer(SOURCE_EMBEDDING)

    @property
    def attends(self) -> bool:
        """Whether the model has attention."""
        return self.config.attention != "none"

    def _tokenizer(self, side: str) -> AnyTokenizer:
        settings, entries = self.settings[f"{side}_tokenizer"], self.vocabularies[side]
        return restored(settings, self.files, side, entries)

    def encode(self, text: str) -> np.ndarray:
        """Returns the source ids of a text with its end, int32 `[time]`."""
        return self._encode(self.source_tokenizer.tokenize(text))

    def _encode(self, tokens: list[str]) -> np.ndarray:
        return np.append(self.source_vocabulary.encode(tokens), np.int32(END))

    def encode_target(self, text: str) -> np.ndarray:
        """Returns the target ids of a text with its end, int32 `[time]`."""
        ids = self.target_vocabulary.encode(self.target_tokenizer.tokenize(text))
        ids[ids == END] = UNKNOWN  # the text itself may hold "</s>"
        return np.append(ids, np.int32(END))

    def decode(self, ids: Iterable[int], words: Sequence[str] | None = None) -> str:
        """Returns the text of target ids up to the end.

        Args:
            ids: of the target.
            words: what to write for each id if it is unknown.
        """
        kept = list(itertools.takewhile(lambda i: i not in (END, PAD), map(int, ids)))
        tokens = self.target_vocabulary.decode(kept)
        if words is not None:
            known = zip(kept, tokens, words)
            tokens = [word if i == UNKNOWN else token for i, token, word in known]
        return self.target_tokenizer.detokenize(tokens)

    @overload  # a string is an iterable of strings, but one text
    def translate(  # type: ignore[overload-overlap]
        self,
        texts: str,
        beam_size: int = 1,
        replace_unknown: bool = False,
        **options: Any,
    ) -> str: ...
    @overload
    def translate(
        self,
        texts: Iterable[str],
        beam_size: int = 1,
        replace_unknown: bool = False,
        **options: Any,
    ) -> list[str]: ...
    def translate(self, texts, beam_size=1, replace_unknown=False, **options):
        """Translates one text, or each of several.

        A text of more than `MOST_TOKENS` is translated sentence by sentence, each with
        the limits of the options; see `zoo.inference.long_texts`.

        Args:
            texts: a string or an iterable of strings.
            beam_size: how many hypotheses are kept; 1 takes the likeliest token each
                time.
            replace_unknown: whether an unknown target token may be written, as the
                source token that it attends to most.
            options: further fields of `zoo.decoding.BeamOptions`: `length_penalty`,
                `coverage_penalty`, `min_length`, `max_length`, `blocked_ngrams`.

        Returns:
            A string, or a list of them; empty for an empty text.

        Raises:
            ValueError: if an option is out of its range or needs attention where the
                model has none.
        """
        listed, single = as_texts(texts)
        how = BeamOptions(beam_size=beam_size, unknown=replace_unknown, **options)
        if how == BeamOptions(beam_size=1):
            parts, owners = self._parts_of(listed)
            found = self._translate_greedily(parts)
            grouped = long_texts.regroup(found, owners, len(listed))
            answers = [long_texts.join(translations) for translations in grouped]
        else:
            best = self.n_best(listed, 1, beam_size, replace_unknown, **options)
            answers = [found[0].text if found else "" for found in best]
        return answers[0] if single else answers

    def _translate_greedily(self, parts: list[list[str]]) -> list[str]:
        answers = [""] * len(parts)
        for rows, batch in batches_by_length([self._encode(part) for part in parts]):
            outputs = self.search.predict_on_batch(batch)  # [batch, target]
            for row, i in enumerate(rows):
                # A row that never ends is cut by its own length, not by its batch's.
                longest = 2 * np.count_nonzero(batch[row]) + 10
                answers[i] = self.decode(outputs[row, :longest])
        return answers

    @overload  # as for `translate`
    def n_best(  # type: ignore[overload-overlap]
        self,
        texts: str,
        n_best: int = 5,
        beam_size: int = 5,
        replace_unknown: bool = False,
        **options: Any,
    ) -> list[Hypothesis]: ...
    @overload
    def n_best(
        self,
        texts: Iterable[str],
        n_best: int = 5,
        beam_size: int = 5,
        replace_unknown: bool = False,
        **options: Any,
    ) -> list[list[Hypothesis]]: ...
    def n_best(self, texts, n_best=5, beam_size=5, replace_unknown=False, **options):
        """Finds several translations of one text, or of each of several.

        Args:
            texts: a string or an iterable of strings.
            n_best: how many, at most `beam_size`.
            beam_size: how many hypotheses are kept.
            replace_unknown: as for `translate`.
            options: as for `translate`.

        Returns:
            For a string a list of hypotheses, the best first; else a list of such
            lists. There may be fewer than `n_best`, and are none for an empty text. The
            scores of a long text are sums over its sentences.

        Raises:
            ValueError: as `translate` does.
        """
        how = BeamOptions(
            beam_size=beam_size, n_best=n_best, unknown=replace_unknown, **options
        )
        search = self._beam_search(how)
        listed, single = as_texts(texts)
        parts, owners = self._parts_of(listed)
        found = self._search(search, parts, how)
        grouped = long_texts.regroup(found, owners, len(listed))
        answers = [long_texts.join_hypotheses(group, n_best) for group in grouped]
        return answers[0] if single else answers

    def _search(
        self, search: BeamSearch, parts: list[list[str]], how: BeamOptions
    ) -> list[list[Hypothesis]]:
        """Returns the best translations of tokens."""
        answers: list[list[Hypothesis]] = [[] for _ in parts]
        for rows, batch in batches_by_length([self._encode(part) for part in parts]):
            # [batch, n_best, target], and [batch, n_best] twice
            found, scores, sums = search.find(batch, how)
            for n in range(how.n_best):
                words = self._source_words(batch, found[:, n], [parts[i] for i in rows])
                for row, i in enumerate(rows):
                    if np.isfinite(scores[row, n]):
                        text = self.decode(found[row, n], words[row])
                        score, total = float(scores[row, n]), float(sums[row, n])
                        answers[i].append(Hypothesis(text, score, total))
        return answers

    def _beam_search(self, how: BeamOptions) -> BeamSearch:
        """Returns a search, the same one where only numbers differ."""
        if (how.unknown or how.coverage_penalty) and not self.attends:
            name = "replace_unknown" if how.unknown else "coverage_penalty"
            raise ValueError(
                f"{name}: requires attention; this model has attention='none'"
            )
        return self._beam_searches(how.program())

    def _source_words(
        self, source_ids: np.ndarray, target_ids: np.ndarray, tokens: list[list[str]]
    ) -> Sequence[list[str] | None]:
        """Returns what to write in place of each target id, should it be unknown.

        Args:
            source_ids: int32 `[batch, source]`.
            target_ids: int32 `[batch, target]`.
            tokens: of the sources.

        Returns:
            For each source a source token for each target id; None if all are known.
        """
        if not (target_ids == UNKNOWN).any():
            return [None] * len(tokens)
        places = self.teacher_forcing.attended(source_ids, target_ids)
        return [[words[i] for i in row] for words, row in zip(tokens, places)]

    def log_probabilities(
        self, sources: Sequence[str], targets: Sequence[str]
    ) -> list[tuple[float, int]]:
        """Returns how likely each target is as the translation of its source.

        Args:
            sources: texts.
            targets: as many.

        Returns:
            For each pair the log-probability of the target and its end, in nats, and
            the number of these tokens.

        Raises:
            ValueError: if a text is too long to be read at once.
        """
        source_ids = [self.encode(text) for text in sources]
        target_ids = [self.encode_target(text) for text in targets]
        totals = self.teacher_forcing.totals(source_ids, target_ids)
        return [(total, len(ids)) for total, ids in zip(totals, target_ids)]

    def _parts_of(self, texts: list[str]) -> tuple[list[list[str]], list[int]]:
        """Returns the tokens of what is translated at once; see `long_texts.cut`."""
        tokens = map(self.source_tokenizer.tokenize, texts)
        return long_texts.cut(tokens, MOST_TOKENS, long_texts.sentences)

    def attention(self, text: str) -> tuple[np.ndarray, list[str], list[str]]:
        """Translates a text and tells where the decoder looked.

        Args:
            text: with at least one token.

        Returns:
            The weights, float32 `[target, source]`, and the source tokens, as they are
            in the text even if unknown, and target tokens, each with its end.

        Raises:
            ValueError: if the model has no attention, or the text is longer than what
                is translated at once.
        """
        if not self.attends:
            raise ValueError("attention: this model was built without it")
        source = self.encode(text)
        long_texts.check_length("text", len(source) - 1, MOST_TOKENS)
        target = self.encode_target(self.translate(text))
        weights = self.teacher_forcing.attention(source[None], target[None])[0]
        source_tokens = [
            *self.source_tokenizer.tokenize(text),
            *self.source_vocabulary.decode([END]),
        ]
        target_tokens = self.target_vocabulary.decode(target)
        return (
            weights,
            [*map(without_joiner, source_tokens)],
            [*map(without_joiner, target_tokens)],
        )
