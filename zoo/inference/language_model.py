"""A trained language model: scores texts and writes them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from zoo.decoding import (
    BeamOptions,
    Continuation,
    Sampling,
    SamplingOptions,
    compile_for_prediction,
)
from zoo.inference.cache import Cache, CacheMemory
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.trained_model import (
    TrainedModel,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
    chosen_log_probabilities,
)
from zoo.models.language_model import LanguageModelConfig, build_language_model
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import END, Vocabulary


@dataclass(frozen=True)
class Score:
    """A language model's opinion of a text.

    Attributes:
        tokens: what was predicted, in order.
        log_probabilities: of each token given those before it, in nats.
        perplexity: exp of the mean negative log-probability; NaN without tokens.
        bits_per_character: of the text and, by words, of its last newline; NaN without.
    """

    tokens: list[str]
    log_probabilities: list[float]
    perplexity: float
    bits_per_character: float


class LanguageModel(TrainedModel):
    """A trained language model. Its setting is `tokenizer`.

    A text is read as if it began a line: by characters behind a newline, which is a
    character like any other, by words behind the end of a sentence, to which a newline
    is translated.
    """

    task, config_type = "language_model", LanguageModelConfig
    build = staticmethod(build_language_model)
    window = 256  # steps of one forward pass in scoring

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, tokenizer=dict)
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        self.vocabulary = Vocabulary(vocabularies["tokens"])
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        self._searches: dict[SamplingOptions | BeamOptions, keras.Model] = {}
        compile_for_prediction(self.keras_model)

    @property
    def boundary(self) -> int:
        """The id that a text is read behind."""
        by_characters = self.tokenizer.kind == "characters"
        if by_characters and "\n" in self.vocabulary:
            return int(self.vocabulary.encode("\n")[0])
        return END

    def encode(self, text: str) -> np.ndarray:
        """Returns the token ids of a text, int32 `[time]`; newlines are kept."""
        if self.tokenizer.kind == "characters":
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
            streams: read a long text as so many streams side by side, which is faster
                on every device. Each but the first begins behind `window` tokens of
                context and not behind all of them.
            cache: mix in a cache, which each stream begins empty.

        Returns:
            float64 `[time]`, in nats.
        """
        size = -(-len(ids) // streams)
        if size < self.window:
            streams, size = 1, len(ids)
        before = np.zeros((streams, size), np.int32)
        before.flat[: len(ids)] = np.concatenate([[self.boundary], ids[:-1]])
        states = [
            np.zeros((streams, s.shape[-1]), np.float32)
            for s in self.keras_model.inputs[1:]
        ]
        if streams > 1:
            context = np.roll(before[:, -self.window :], 1, axis=0)
            _, *states = self.keras_model.predict_on_batch([context, *states])
            states = [np.concatenate([np.zeros_like(s[:1]), s[1:]]) for s in states]
        out = np.zeros((streams, size))
        wanted = np.zeros((streams, size), np.int32)
        wanted.flat[: len(ids)] = ids
        model, memories = self.keras_model, []
        if cache:
            model = self._observed
            memories = [CacheMemory(cache, self.config.units) for _ in range(streams)]
        for start in range(0, size, self.window):
            piece = slice(start, start + self.window)
            length = before[:, piece].shape[1]
            padded = np.zeros((streams, self.window), np.int32)
            padded[:, :length] = before[:, piece]
            logits, *states = model.predict_on_batch([padded, *states])
            hidden = states.pop() if cache else None
            out[:, piece] = chosen_log_probabilities(
                logits[:, :length], wanted[:, piece]
            )
            for row, memory in enumerate(memories):
                out[row, piece] = memory.mix(
                    out[row, piece], hidden[row, :length], wanted[row, piece]
                )
        return out.ravel()[: len(ids)]

    def line_log_probabilities(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Returns how likely each text is as a line, many of them in one pass.

        Args:
            texts: of a line each.

        Returns:
            For each the log-probability of its tokens and of the line's end, in nats,
            and how many tokens that is the sum of.
        """
        known = [self.encode(text + "\n") for text in texts]
        answers = [(0.0, len(ids)) for ids in known]
        for rows, batch in batches_by_length(known):
            before = np.roll(batch, 1, axis=1)
            before[:, 0] = self.boundary
            states = [
                np.zeros((len(batch), s.shape[-1]), np.float32)
                for s in self.keras_model.inputs[1:]
            ]
            logits = self.keras_model.predict_on_batch([before, *states])[0]
            logs = chosen_log_probabilities(logits, batch)
            for row, i in enumerate(rows):
                count = answers[i][1]
                answers[i] = float(logs[row, :count].sum()), count
        return answers

    @functools.cached_property
    def _observed(self) -> keras.Model:
        """The model, with the last recurrent outputs behind its own."""
        last = self.keras_model.get_layer(f"recurrent_{self.config.num_layers - 1}")
        outputs = [*self.keras_model.outputs, last.output[0]]
        model = keras.Model(self.keras_model.inputs, outputs, name="observed")
        compile_for_prediction(model)
        return model

    def score(
        self, texts: str | Iterable[str], cache: Cache | None = None
    ) -> Score | list[Score]:
        """Scores one text, or each of several.

        Args:
            texts: a string or an iterable of strings.
            cache: mix in a cache, which each text begins empty.

        Returns:
            A `Score`, or a list of them. By words, the end of a text's last line is
            scored too, also where it has no newline.
        """
        texts, single = as_texts(texts)
        scores = []
        for text in texts:
            if self.tokenizer.kind != "characters" and not text.endswith("\n"):
                text += "\n"
            ids = self.encode(text)
            logs = self.log_probabilities(ids, cache=cache)
            perplexity = bits = math.nan
            if len(ids):
                perplexity = math.exp(-logs.mean())
                bits = float(-logs.sum()) / math.log(2) / len(text)
            tokens = self.vocabulary.decode(ids)
            scores.append(Score(tokens, logs.tolist(), perplexity, bits))
        return scores[0] if single else scores

    def generate(
        self,
        prompt: str = "",
        max_tokens: int = 200,
        temperature: float = 1.0,
        seed: int = 0,
        **options,
    ) -> str:
        """Writes text.

        Args:
            prompt: what the text begins with.
            max_tokens: how many tokens to write.
            temperature: 1 draws from the model's distribution, less makes it sharper, 0
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
        if how not in self._searches:
            self._searches[how] = Sampling(self.keras_model, how)
        given = self._given(prompt, max_tokens)
        start = np.count_nonzero(given)
        drawn = slice(start, start + max_tokens)
        noise = np.zeros(given.shape, np.float32)
        noise[0, drawn] = np.random.default_rng(seed).random(max_tokens, np.float32)
        ids = self._searches[how].predict_on_batch(
            {
                "given": given,
                "uniform": noise,
                "temperature": np.full((1, 1), temperature, np.float32),
            }
        )
        return self._joined(prompt, ids[0, drawn])

    def continuations(
        self,
        prompt: str = "",
        max_tokens: int = 50,
        n_best: int = 5,
        beam_size: int = 5,
        **options,
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
        if how not in self._searches:
            self._searches[how] = Continuation(self.keras_model, how, self.boundary)
        found, scores, sums = self._searches[how].predict_on_batch(
            self._given(prompt, 0)
        )
        return [
            Hypothesis(self._joined(prompt, ids[ids != 0]), float(score), float(total))
            for ids, score, total in zip(found[0], scores[0], sums[0])
            if np.isfinite(score)
        ]

    def _given(self, prompt: str, max_tokens: int) -> np.ndarray:
        """Returns a prompt's ids and room for more, `[1, length]`, of few lengths."""
        known = self.encode(prompt)
        given = np.zeros((1, -(-(1 + len(known) + max_tokens) // 128) * 128), np.int32)
        given[0, 0], given[0, 1 : 1 + len(known)] = self.boundary, known
        return given

    def _joined(self, prompt: str, ids: np.ndarray) -> str:
        """Returns a prompt and the text of the ids behind it."""
        text = self.text(ids)
        by_words = self.tokenizer.kind != "characters"
        if by_words and prompt and not prompt[-1].isspace() and text[:1] != "\n":
            text = " " + text
        return prompt + text

    def text(self, ids: Iterable[int]) -> str:
        """Returns the text of ids, the end of a sentence as a newline."""
        tokens = ["\n" if i == END else self.vocabulary.tokens[i] for i in ids]
        if self.tokenizer.kind == "characters":
            return "".join(tokens)
        lines, begin = [], 0
        for stop in [i for i, token in enumerate(tokens) if token == "\n"]:
            lines.append(self.tokenizer.detokenize(tokens[begin:stop]))
            begin = stop + 1
        return "\n".join([*lines, self.tokenizer.detokenize(tokens[begin:])])


def _check_max_tokens(max_tokens: int) -> None:
    if max_tokens < 1:
        raise ValueError(f"max_tokens: expected at least 1, got {max_tokens}")
