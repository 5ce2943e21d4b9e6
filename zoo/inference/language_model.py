"""A trained language model: scores texts and writes them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import keras
import numpy as np

from zoo.decoding.beam_options import BeamOptions
from zoo.decoding.continuation import Continuation, PromptReader
from zoo.decoding.sampling import Sampling, SamplingOptions
from zoo.decoding.steps import compile_for_prediction
from zoo.evaluation.plain_numbers import perplexity
from zoo.inference.cache import Cache
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.score import Score
from zoo.inference.stream_reading import StreamReader, zero_states
from zoo.inference.trained_model import (
    PROGRAMS,
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
    chosen_log_probabilities,
)
from zoo.models.language_model import LanguageModelConfig, build_language_model
from zoo.text.normalization import normalize
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import END, Vocabulary

MOST_TOKENS = 1024  # of a line whose probabilities are computed at once
PIECE = 128  # tokens of a prompt, or of what follows it, of one call: one shape


class LanguageModel(TrainedModel):
    """A trained language model. Its setting is `tokenizer`.

    A text is read as if it began a line: by characters after a newline, which is a
    character like any other; by words after the end of a sentence, to which a newline
    is translated.
    """

    task = "language_model"
    config: LanguageModelConfig

    def __init__(
        self,
        config: LanguageModelConfig,
        vocabularies: dict[str, list[str]],
        **settings: Any,
    ):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict)
        self.tokenizer = Tokenizer.restored(settings["tokenizer"])
        lower_unknown = settings.get("lower_unknown", False)
        self.vocabulary = Vocabulary(vocabularies["tokens"], lower_unknown)
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        compile_for_prediction(self.keras_model)
        self._prompt_reader = PromptReader(self.keras_model)
        self._sampling = functools.lru_cache(PROGRAMS)(
            functools.partial(Sampling, self.keras_model)
        )
        self._continuation = functools.lru_cache(PROGRAMS)(
            functools.partial(Continuation, self.keras_model, end=self.boundary)
        )

    def build(self, config: LanguageModelConfig) -> keras.Model:
        """Builds the Keras model of a configuration."""
        return build_language_model(config)

    @property
    def by_characters(self) -> bool:
        """Whether its tokens are characters."""
        return self.tokenizer.kind == "characters"

    @property
    def boundary(self) -> int:
        """The id that comes before a text."""
        if self.by_characters and "\n" in self.vocabulary:
            return int(self.vocabulary.encode("\n")[0])
        return END

    def encode(self, text: str) -> np.ndarray:
        """Returns the token ids of a text, int32 `[time]`; newlines are kept."""
        if self.by_characters:
            return self.vocabulary.encode(self.tokenizer.tokenize(text))
        ids: list[int] = []
        for line in text.splitlines(keepends=True):
            ids += self.vocabulary.encode(self.tokenizer.tokenize(line)).tolist()
            ids += [END] if line.endswith("\n") else []
        return np.array(ids, np.int32)

    def log_probabilities(
        self, ids: np.ndarray, streams: int = 1, cache: Cache | None = None
    ) -> np.ndarray:
        """Returns the log-probability of each id of a text given those before it.

        Args:
            ids: int32 `[time]`.
            streams: the number of streams that a long text is cut into and that are
                read at once, which is faster on every device. Each but the first sees
                only the last `zoo.inference.stream_reading.WINDOW` tokens before it.
            cache: mix in a cache, which is empty at the start of each stream.

        Returns:
            float64 `[time]`, in nats.
        """
        return self._reader.log_probabilities(ids, self.boundary, streams, cache)

    @functools.cached_property
    def _reader(self) -> StreamReader:
        return StreamReader(self.keras_model, self.config)

    def line_log_probabilities(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Returns how likely each text is as a line, many of them in one pass.

        Args:
            texts: one line each.

        Returns:
            For each the log-probability of its tokens and of the line's end, in nats,
            and the number of these tokens.
        """
        known = [self.encode(text + "\n") for text in texts]
        answers = [(0.0, len(ids)) for ids in known]
        long = {i for i, ids in enumerate(known) if len(ids) > MOST_TOKENS}
        for i in long:  # read in windows
            answers[i] = float(self.log_probabilities(known[i]).sum()), len(known[i])
        short = [i for i in range(len(known)) if i not in long]
        for places, batch in batches_by_length([known[i] for i in short]):
            rows = [short[place] for place in places]
            before = np.roll(batch, 1, axis=1)  # [batch, time]
            before[:, 0] = self.boundary
            states = zero_states(self.keras_model, len(batch))
            logits = self.keras_model.predict_on_batch([before, *states])[0]
            logs = chosen_log_probabilities(logits, batch)  # [batch, time]
            for row, i in enumerate(rows):
                count = answers[i][1]
                answers[i] = float(logs[row, :count].sum()), count
        return answers

    @overload  # a string is an iterable of strings, but one text
    def score(  # type: ignore[overload-overlap]
        self, texts: str, cache: Cache | None = None
    ) -> Score: ...
    @overload
    def score(
        self, texts: Iterable[str], cache: Cache | None = None
    ) -> list[Score]: ...
    def score(self, texts, cache=None):
        """Scores one text, or each of several.

        Args:
            texts: a string or an iterable of strings.
            cache: mix in a cache, which is empty at the start of each text.

        Returns:
            A `Score` for a string, else a list of them. By words, the end of a text's
            last line is scored too, also where it has no newline.
        """
        listed, single = as_texts(texts)
        scores = [self._score(text, cache) for text in listed]
        return scores[0] if single else scores

    def _score(self, text: str, cache: Cache | None) -> Score:
        if not self.by_characters and not text.endswith("\n"):
            text += "\n"
        ids = self.encode(text)
        logs = self.log_probabilities(ids, cache=cache)
        per_token = bits = math.nan
        if len(ids):
            per_token = perplexity(-logs.mean())
            bits = float(-logs.sum()) / math.log(2) / len(normalize(text))
        return Score(self.vocabulary.decode(ids), logs.tolist(), per_token, bits)

    def generate(
        self,
        prompt: str = "",
        max_tokens: int = 200,
        temperature: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> str:
        """Writes text.

        Args:
            prompt: what the text begins with.
            max_tokens: how many tokens to write.
            temperature: 1 draws from the model's distribution, less sharpens it, 0
                takes the likeliest token.
            seed: of the draws; the same seed gives the same text.
            options: fields of `zoo.decoding.SamplingOptions`: `top_k`, `top_p`,
                `repetition_penalty`.

        Returns:
            The prompt and what follows it.

        Raises:
            ValueError: if an option is out of its range.
        """
        _check_max_tokens(max_tokens)
        if not temperature >= 0:
            raise ValueError(f"temperature: expected at least 0, got {temperature}")
        if seed < 0:
            raise ValueError(f"seed: expected at least 0, got {seed}")
        how = SamplingOptions(**options)
        known, states = self._read(prompt)
        drawn: list[int] = []
        for numbers in _uniform(seed, max_tokens):
            text = [*known, *drawn]
            ids, states = self._draw(text, states, numbers, temperature, how)
            drawn += ids
        return self._joined(prompt, drawn)

    def _draw(
        self,
        known: list[int],
        states: list[np.ndarray],
        numbers: np.ndarray,
        temperature: float,
        how: SamplingOptions,
    ) -> tuple[list[int], list[np.ndarray]]:
        """Draws the next tokens of a text.

        Args:
            known: the ids so far.
            states: before the last of them.
            numbers: random ones, at most `PIECE`: as many ids are drawn.
            temperature: as for `generate`.
            how: likewise.

        Returns:
            The ids, and the states before the last of them.
        """
        given = np.zeros((1, 1 + PIECE), np.int32)
        uniform = np.zeros(given.shape, np.float32)
        given[0, 0], uniform[0, 1 : 1 + len(numbers)] = known[-1], numbers
        inputs: dict[str, Any] = {
            "given": given,
            "uniform": uniform,
            "temperature": np.full((1, 1), temperature, np.float32),
            "states": states,
            "seen": np.zeros((1, 1), bool),
            "steps": np.full(1, len(numbers), np.int32),
            **how.numbers(),
        }
        if how.repetition_penalty != 1:
            seen = np.isin(np.arange(len(self.vocabulary)), known)
            inputs["seen"] = seen[None]  # [1, vocabulary]
        ids, *states = self._sampling(how.program()).predict_on_batch(inputs)
        return ids[0, 1 : 1 + len(numbers)].tolist(), states

    def continuations(
        self,
        prompt: str = "",
        max_tokens: int = 50,
        n_best: int = 5,
        beam_size: int = 5,
        **options: Any,
    ) -> list[Hypothesis]:
        """Searches for how a text is likeliest to go on, up to the end of the line.

        Args:
            prompt: what the text begins with.
            max_tokens: how many tokens to write at most.
            n_best: how many continuations, at most `beam_size`.
            beam_size: how many are kept in the search.
            options: further fields of `zoo.decoding.BeamOptions`: `length_penalty`,
                `min_length`, `blocked_ngrams`.

        Returns:
            The best first; each text begins with the prompt.

        Raises:
            ValueError: if an option is out of its range.
        """
        _check_max_tokens(max_tokens)
        how = BeamOptions(
            beam_size=beam_size, n_best=n_best, max_length=max_tokens, **options
        )
        if how.coverage_penalty:
            raise ValueError("coverage_penalty: a language model has no attention")
        known, states = self._read(prompt)
        search = self._continuation(how.program())
        found, scores, sums = search.find(np.array(known[-1:], np.int32), states, how)
        return [
            Hypothesis(self._joined(prompt, ids[ids != 0]), float(score), float(total))
            for ids, score, total in zip(found[0], scores[0], sums[0])
            if np.isfinite(score)
        ]

    def _read(self, prompt: str) -> tuple[list[int], list[np.ndarray]]:
        """Returns the boundary and a prompt's ids, and the states before the last."""
        known = [self.boundary, *self.encode(prompt).tolist()]
        states = zero_states(self.keras_model, 1)
        for begin in range(0, len(known) - 1, PIECE):
            piece = known[begin : min(begin + PIECE, len(known) - 1)]
            given = np.zeros((1, PIECE), np.int32)
            given[0, : len(piece)] = piece
            inputs = {"given": given, "states": states}
            states = self._prompt_reader.predict_on_batch(inputs)
        return known, states

    def _joined(self, prompt: str, ids: Iterable[int]) -> str:
        """Returns a prompt and the text of the ids that follow it."""
        text = self.text(ids)
        if self.by_characters or not prompt or prompt[-1].isspace() or text[:1] == "\n":
            return prompt + text
        return f"{prompt} {text}"

    def text(self, ids: Iterable[int]) -> str:
        """Returns the text of ids, the end of a sentence as a newline."""
        tokens = ["\n" if i == END else self.vocabulary.tokens[i] for i in ids]
        if self.by_characters:
            return "".join(tokens)
        lines, begin = [], 0
        for stop in [i for i, token in enumerate(tokens) if token == "\n"]:
            lines.append(self.tokenizer.detokenize(tokens[begin:stop]))
            begin = stop + 1
        return "\n".join([*lines, self.tokenizer.detokenize(tokens[begin:])])


def _uniform(seed: int, count: int) -> Iterator[np.ndarray]:
    """Yields random numbers in [0, 1), float32, in pieces of at most `PIECE`."""
    random = np.random.default_rng(seed)
    for begin in range(0, count, PIECE):
        yield random.random(min(PIECE, count - begin), np.float32)


def _check_max_tokens(max_tokens: int) -> None:
    if max_tokens < 1:
        raise ValueError(f"max_tokens: expected at least 1, got {max_tokens}")
