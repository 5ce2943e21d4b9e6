"""A trained language model: scores texts and writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zoo.decoding import Sampling, compile_for_prediction
from zoo.inference.trained import Trained, as_texts, check_settings, check_size
from zoo.models.language_model import LanguageModelConfig, build_language_model
from zoo.tokenizers import Tokenizer
from zoo.vocabulary import END, Vocabulary


@dataclass(frozen=True)
class Score:
    """A language model's opinion of a text.

    Attributes:
        tokens: what was predicted, in order.
        log_probabilities: of each token given those before it, in nats.
        perplexity: exp of the mean negative log-probability; NaN without tokens.
    """

    tokens: list[str]
    log_probabilities: list[float]
    perplexity: float


class LanguageModel(Trained):
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
        self.sampling = Sampling(self.model)
        compile_for_prediction(self.model)

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

    def log_probabilities(self, ids: np.ndarray, streams: int = 1) -> np.ndarray:
        """Returns the log-probability of each id of a text given those before it.

        Args:
            ids: int32 `[time]`.
            streams: read a long text as so many streams side by side, which is faster
                on every device. Each but the first begins behind `window` tokens of
                context and not behind all of them.

        Returns:
            float64 `[time]`, in nats.
        """
        size = -(-len(ids) // streams)
        if size < self.window:
            streams, size = 1, len(ids)
        before = np.zeros((streams, size), np.int32)
        before.flat[: len(ids)] = np.concatenate([[self.boundary], ids[:-1]])
        states = [
            np.zeros((streams, s.shape[-1]), np.float32) for s in self.model.inputs[1:]
        ]
        if streams > 1:
            context = np.roll(before[:, -self.window :], 1, axis=0)
            _, *states = self.model.predict_on_batch([context, *states])
            states = [np.concatenate([np.zeros_like(s[:1]), s[1:]]) for s in states]
        out = np.zeros((streams, size))
        wanted = np.zeros((streams, size), np.int32)
        wanted.flat[: len(ids)] = ids
        for start in range(0, size, self.window):
            piece = slice(start, start + self.window)
            padded = np.zeros((streams, self.window), np.int32)
            padded[:, : before[:, piece].shape[1]] = before[:, piece]
            logits, *states = self.model.predict_on_batch([padded, *states])
            z = logits[:, : before[:, piece].shape[1]].astype(np.float64)
            z -= z.max(-1, keepdims=True)
            chosen = np.take_along_axis(z, wanted[:, piece, None], -1)[..., 0]
            out[:, piece] = chosen - np.log(np.exp(z).sum(-1))
        return out.ravel()[: len(ids)]

    def score(self, texts: str | Iterable[str]) -> Score | list[Score]:
        """Scores one text, or each of several.

        Args:
            texts: a string or an iterable of strings.

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
            logs = self.log_probabilities(ids)
            perplexity = math.exp(-logs.mean()) if len(ids) else math.nan
            scores.append(Score(self.vocabulary.decode(ids), logs.tolist(), perplexity))
        return scores[0] if single else scores

    def generate(
        self,
        prompt: str = "",
        max_tokens: int = 200,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> str:
        """Writes text.

        Args:
            prompt: what the text begins with.
            max_tokens: how many tokens to write.
            temperature: 1 draws from the model's distribution, less makes it sharper, 0
                takes the likeliest token.
            seed: of the draws; the same seed gives the same text.

        Returns:
            The prompt and what follows it.

        Raises:
            ValueError: if `max_tokens`, `temperature` or `seed` is out of its range.
        """
        if max_tokens < 1:
            raise ValueError(f"max_tokens: expected at least 1, got {max_tokens}")
        if not temperature >= 0:
            raise ValueError(f"temperature: expected at least 0, got {temperature}")
        if seed < 0:
            raise ValueError(f"seed: expected at least 0, got {seed}")
        known = self.encode(prompt)
        total = 1 + len(known) + max_tokens
        given = np.zeros((1, -(-total // 128) * 128), np.int32)
        given[0, 0], given[0, 1 : 1 + len(known)] = self.boundary, known
        uniform = np.random.default_rng(seed).random((1, max_tokens), np.float32)
        noise = np.zeros(given.shape, np.float32)
        noise[0, 1 + len(known) : total] = uniform
        ids = self.sampling.predict_on_batch(
            {
                "given": given,
                "uniform": noise,
                "temperature": np.full((1, 1), temperature, np.float32),
            }
        )[0, 1 + len(known) : total]
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
