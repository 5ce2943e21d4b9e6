"""A trained translator: texts in, texts out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from zoo.decoding import (
    BeamOptions,
    BeamSearch,
    GreedySearch,
    compile_for_prediction,
)
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.trained_model import (
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
    chosen_log_probabilities,
)
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import JOINER, Tokenizer
from zoo.text.vocabulary import END, PAD, START, UNKNOWN, Vocabulary

PAIRS = 2**18  # of a source and a target position whose attention is held at once


class Translator(TrainedModel):
    """A trained translator. Its settings are `source_tokenizer` and `target_tokenizer`;
    for subwords its files are `source.model` and `target.model`."""

    task, config_type = "translator", TranslatorConfig
    build = staticmethod(build_translator)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, source_tokenizer=dict, target_tokenizer=dict)
        self.source_tokenizer = self._tokenizer("source")
        self.target_tokenizer = self._tokenizer("target")
        self.source_vocabulary = Vocabulary(vocabularies["source"])
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
            self.keras_model.get_layer("encoder"),
            self.keras_model.get_layer("decoder"),
            config.num_carried,
        )
        self.search = GreedySearch(*self._parts)
        for model in (self.keras_model, *self._parts[:2]):
            compile_for_prediction(model)
        self._beam_searches: dict[BeamOptions, BeamSearch] = {}

    def _tokenizer(self, side: str) -> Tokenizer | SubwordTokenizer:
        settings = self.settings[f"{side}_tokenizer"]
        if settings.get("kind") != "subwords":
            return Tokenizer(**settings)
        tokenizer = SubwordTokenizer(self.files[f"{side}.model"])
        for token in self.vocabularies[side]:
            if token not in tokenizer:
                raise ValueError(
                    f"{side}.model: has no piece {token!r}, which the vocabulary has; "
                    "expected the subword model that was trained with this checkpoint"
                )
        return tokenizer

    def encode(self, text: str) -> np.ndarray:
        """Returns the source ids of a text with its end, int32 `[time]`."""
        ids = self.source_vocabulary.encode(self.source_tokenizer.tokenize(text))
        return np.append(ids, np.int32(END))

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

    def translate(
        self,
        texts: str | Iterable[str],
        beam_size: int = 1,
        replace_unknown: bool = False,
        **options,
    ) -> str | list[str]:
        """Translates one text, or each of several.

        Args:
            texts: a string or an iterable of strings.
            beam_size: how many hypotheses are kept; 1 takes the likeliest word each
                time.
            replace_unknown: whether a word that the model does not know may be written
                as the word of the source which its attention is on.
            options: further fields of `zoo.decoding.BeamOptions`: `length_penalty`,
                `coverage_penalty`, `min_length`, `max_length`, `blocked_ngrams`.

        Returns:
            A string, or a list of them; empty for an empty text.

        Raises:
            ValueError: if an option is out of its range or needs attention where the
                model has none.
        """
        texts, single = as_texts(texts)
        how = BeamOptions(beam_size=beam_size, unknown=replace_unknown, **options)
        if how != BeamOptions(beam_size=1):
            best = self.n_best(texts, 1, beam_size, replace_unknown, **options)
            answers = [found[0].text if found else "" for found in best]
            return answers[0] if single else answers
        answers = [""] * len(texts)
        for rows, batch in self._batches(texts):
            outputs = self.search.predict_on_batch(batch)
            for row, i in enumerate(rows):
                # A row that never ends is cut by its own length, not by its batch's.
                longest = 2 * np.count_nonzero(batch[row]) + 10
                answers[i] = self.decode(outputs[row, :longest])
        return answers[0] if single else answers

    def n_best(
        self,
        texts: str | Iterable[str],
        n_best: int = 5,
        beam_size: int = 5,
        replace_unknown: bool = False,
        **options,
    ) -> list[Hypothesis] | list[list[Hypothesis]]:
        """Finds several translations of one text, or of each of several.

        Args:
            texts: a string or an iterable of strings.
            n_best: how many, at most `beam_size`.
            beam_size: how many hypotheses are kept.
            replace_unknown: as for `translate`.
            options: as for `translate`.

        Returns:
            The best first, for a string; a list of such lists for several. There may be
            fewer than `n_best`, and are none for an empty text.

        Raises:
            ValueError: as `translate` does.
        """
        if (replace_unknown or options.get("coverage_penalty")) and not self.attends:
            name = "replace_unknown" if replace_unknown else "coverage_penalty"
            raise ValueError(f"{name}: needs attention, without which this model is")
        how = BeamOptions(
            beam_size=beam_size, n_best=n_best, unknown=replace_unknown, **options
        )
        if how not in self._beam_searches:
            self._beam_searches[how] = BeamSearch(*self._parts, how)
        search = self._beam_searches[how]
        texts, single = as_texts(texts)
        answers: list[list[Hypothesis]] = [[] for _ in texts]
        for rows, batch in self._batches(texts):
            found, scores, sums = search.predict_on_batch(batch)
            for n in range(n_best):
                sources = None
                if (found[:, n] == UNKNOWN).any():
                    sources = self._sources(batch, found[:, n])
                for row, i in enumerate(rows):
                    if np.isinf(scores[row, n]):
                        continue
                    words = None
                    if sources is not None:
                        tokens = self.source_tokenizer.tokenize(texts[i])
                        words = [tokens[place] for place in sources[row]]
                    text = self.decode(found[row, n], words)
                    answers[i].append(
                        Hypothesis(text, float(scores[row, n]), float(sums[row, n]))
                    )
        return answers[0] if single else answers

    def log_probabilities(
        self, sources: Sequence[str], targets: Sequence[str]
    ) -> list[tuple[float, int]]:
        """Returns how likely each target is as the translation of its source.

        Args:
            sources: texts.
            targets: as many.

        Returns:
            For each pair the log-probability of the target and its end, in nats, and
            how many tokens that is the sum of.
        """
        known = [
            (self.encode(source), self.encode_target(target))
            for source, target in zip(sources, targets)
        ]
        pairs = []
        for source, target in known:
            pair = np.zeros((max(len(source), len(target)), 2), np.int32)
            pair[: len(source), 0], pair[: len(target), 1] = source, target
            pairs.append(pair)
        answers = [(0.0, len(target)) for _, target in known]
        for rows, batch in batches_by_length(pairs):
            source, target = batch[..., 0], batch[..., 1]
            logs = [
                chosen_log_probabilities(logits, target[:, piece])
                for piece, logits, _ in self._forced(source, target)
            ]
            logs = np.concatenate(logs, axis=1)
            for row, i in enumerate(rows):
                count = answers[i][1]
                answers[i] = float(logs[row, :count].sum()), count
        return answers

    @property
    def attends(self) -> bool:
        """Whether the model has attention."""
        return self.config.attention != "none"

    def _batches(self, texts: list[str]):
        """Yields which texts a batch of source ids holds, and the batch.

        Texts without a token are left out.
        """
        examples = [self.encode(t) for t in texts]
        real = [i for i, example in enumerate(examples) if len(example) > 1]
        for rows, batch in batches_by_length([examples[i] for i in real]):
            yield [real[i] for i in rows], batch

    def _forced(self, source_ids: np.ndarray, target_ids: np.ndarray):
        """Reads given targets, in pieces whose attention fits into memory.

        Args:
            source_ids: int32 `[batch, source]`.
            target_ids: int32 `[batch, target]`.

        Yields:
            A slice of the target; its logits, float32 `[batch, piece, vocabulary]`;
            and a list of what the decoder returns behind the states.
        """
        encoder, decoder, count = self._parts
        encoded = keras.tree.flatten(encoder.predict_on_batch(source_ids))
        states, context = encoded[:count], encoded[count:]
        before = np.roll(target_ids, 1, axis=1)
        before[:, 0] = START
        steps = max(1, PAIRS // source_ids.size)
        for begin in range(0, before.shape[1], steps):
            piece = slice(begin, begin + steps)
            inputs = [before[:, piece], *states, *context]
            logits, *rest = decoder.predict_on_batch(inputs)
            states = rest[:count]
            yield piece, logits, rest[count:]

    def _weights(self, source_ids: np.ndarray, target_ids: np.ndarray) -> np.ndarray:
        """Returns the attention behind each target id, `[batch, target, source]`."""
        pieces = self._forced(source_ids, target_ids)
        return np.concatenate([rest[0] for _, _, rest in pieces], axis=1)

    def _sources(self, source_ids: np.ndarray, target_ids: np.ndarray) -> np.ndarray:
        """Returns for each target id the place of its source, `[batch, target]`."""
        weights = self._weights(source_ids, target_ids)
        words = (source_ids != PAD) & (source_ids != END)
        return np.where(words[:, None], weights, -1).argmax(-1)

    def attention(self, text: str) -> tuple[np.ndarray, list[str], list[str]]:
        """Translates a text and tells where the decoder looked.

        Args:
            text: with at least one token.

        Returns:
            The weights, float32 `[target, source]`, and the source tokens, as they are
            in the text even if unknown, and target tokens, each with its end.

        Raises:
            ValueError: if the model has no attention.
        """
        if not self.attends:
            raise ValueError("attention: this model was built without it")
        source = self.encode(text)
        target = self.encode_target(self.translate(text))
        weights = self._weights(source[None], target[None])[0]
        end = self.source_vocabulary.decode([END])
        tokens = (
            [*self.source_tokenizer.tokenize(text), *end],
            self.target_vocabulary.decode(target),
        )
        names = [[token.removeprefix(JOINER) for token in side] for side in tokens]
        return weights, *names
