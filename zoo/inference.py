"""Strings in, plain Python values out: trained models as users hold them."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo import checkpoints
from zoo.batches import ladder_length
from zoo.decoding import GreedySearch, Sampling, compile_for_prediction
from zoo.models.classifier import ClassifierConfig, build_classifier
from zoo.models.language_model import LanguageModelConfig, build_language_model
from zoo.models.tagger import TaggerConfig, build_tagger
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.tokenizers import JOINER, Tokenizer
from zoo.vocabulary import (
    END,
    PAD,
    SPECIAL_TOKENS,
    START,
    UNKNOWN,
    Labels,
    Vocabulary,
)

ROWS = 32  # of a prediction batch: always as many, so that few programs are compiled


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
        trained = kind(config, checkpoint.vocabularies, **checkpoint.settings)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None
    checkpoints.fill(trained.model, checkpoint.weights)
    return trained


class Trained:
    """Base of the trained models.

    Args:
        config: of the Keras model.
        vocabularies: lists of tokens or labels, by name.
        settings: what else prediction needs, as stored in the checkpoint.

    Attributes:
        model: the plain `keras.Model`.
    """

    task: str
    config_type: type
    build: Any

    def __init__(self, config, vocabularies: dict[str, list[str]], **settings):
        self.config, self.vocabularies, self.settings = config, vocabularies, settings
        self.model: keras.Model = type(self).build(config)

    def save(self, directory: str | os.PathLike, dtype=None) -> None:
        """Writes a checkpoint; see `zoo.checkpoints.save`."""
        checkpoint = checkpoints.Checkpoint(
            task=self.task,
            model=dataclasses.asdict(self.config),
            settings=self.settings,
            vocabularies=self.vocabularies,
            weights=checkpoints.weights_of(self.model),
        )
        checkpoints.save(directory, checkpoint, dtype)


def batches_by_length(
    examples: Sequence[np.ndarray], rows: int = ROWS
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Groups examples of like length.

    Args:
        examples: integers `[time, ...]`, none of them empty.
        rows: of every batch.

    Yields:
        Which examples a batch holds, and the batch `[rows, length, ...]`, padded on the
        right, filled up with rows of the first example.
    """
    order = np.argsort([len(e) for e in examples], kind="stable")
    for start in range(0, len(order), rows):
        indices = order[start : start + rows]
        length = ladder_length(max(len(examples[i]) for i in indices))
        first = examples[indices[0]]
        batch = np.zeros((rows, length, *first.shape[1:]), np.int32)
        for row, i in enumerate(np.resize(indices, rows)):
            batch[row, : len(examples[i])] = examples[i]
        yield indices.tolist(), batch


def as_texts(texts: str | Iterable[str]) -> tuple[list[str], bool]:
    """Returns a list of texts, and whether a single one was given.

    Raises:
        ValueError: if something else than strings was given.
    """
    single = isinstance(texts, str)
    texts = [texts] if single else list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"texts: expected strings, got {type(text).__name__}")
    return texts, single


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


class Classifier(Trained):
    """A trained sequence classifier, or regressor.

    Its settings are `tokenizer` (the fields of a `Tokenizer`), `max_length` (further
    tokens are not read), and with `head="regression"` `mean` and `scale`.
    """

    task, config_type = "classifier", ClassifierConfig
    build = staticmethod(build_classifier)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        self.vocabulary = Vocabulary(vocabularies["tokens"])
        self.labels = Labels(vocabularies["labels"])
        compile_for_prediction(self.model)

    def encode(self, text: str) -> np.ndarray:
        """Returns the token ids of a text, int32 `[time]`; unknown if it is empty."""
        tokens = self.tokenizer.tokenize(text)[: self.settings["max_length"]]
        return self.vocabulary.encode(tokens or [SPECIAL_TOKENS[UNKNOWN]])

    def logits(self, examples: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the outputs of encoded examples, float32 `[examples, outputs]`."""
        out = np.zeros((len(examples), self.config.num_outputs), np.float32)
        for indices, batch in batches_by_length(examples):
            out[indices] = self.model.predict_on_batch(batch)[: len(indices)]
        return out

    def decide(self, logits: np.ndarray) -> Prediction:
        """Turns the outputs of one example, float32 `[outputs]`, into an answer."""
        z = logits.astype(np.float64)
        names = self.labels.names
        if self.config.head == "regression":
            scale, mean = self.settings["scale"], self.settings["mean"]
            return Prediction(float(z[0] * scale + mean), {})
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


class Tagger(Trained):
    """A trained tagger. Its settings are `lowercase`, of the words but not the letters,
    and `tokenizer`, for texts that come as strings."""

    task, config_type = "tagger", TaggerConfig
    build = staticmethod(build_tagger)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        self.vocabulary = Vocabulary(vocabularies["words"])
        self.characters = Vocabulary(vocabularies["characters"])
        self.labels = Labels(vocabularies["labels"])
        compile_for_prediction(self.model)

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Encodes a sentence.

        Args:
            words: at least one.

        Returns:
            int32 `[time, 1 + word_length]`: the word's id, then those of its letters,
            padded on the right; of a longer word its first and last letters.
        """
        size = self.config.word_length
        lowered = [w.lower() for w in words] if self.settings["lowercase"] else words
        out = np.zeros((len(words), 1 + size), np.int32)
        out[:, 0] = self.vocabulary.encode(lowered)
        for i, word in enumerate(words):
            if len(word) > size:
                word = word[: size // 2] + word[-(size - size // 2) :]
            out[i, 1 : 1 + len(word)] = self.characters.encode(word)
        return out

    def inputs(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Splits encoded sentences `[batch, time, 1 + letters]` into model inputs."""
        inputs = {"token_ids": batch[:, :, 0]}
        if self.config.characters:
            inputs["character_ids"] = batch[:, :, 1:]
        return inputs

    def classes(self, examples: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the likeliest class of each word of encoded sentences."""
        out = [np.zeros(0, np.int64)] * len(examples)
        for indices, batch in batches_by_length(examples):
            best = self.model.predict_on_batch(self.inputs(batch)).argmax(-1)
            for row, i in enumerate(indices):
                out[i] = best[row, : len(examples[i])]
        return out

    def predict(self, sentences: str | Iterable[str | Sequence[str]]) -> list:
        """Tags one text, or each of several.

        Args:
            sentences: a string, or an iterable of strings or of lists of words.

        Returns:
            For a string the list of its (word, tag) pairs; else a list of such lists.
            A sentence without words has no tags.
        """
        single = isinstance(sentences, str)
        split = [
            self.tokenizer.tokenize(s) if isinstance(s, str) else list(s)
            for s in ([sentences] if single else sentences)
        ]
        real = [i for i, words in enumerate(split) if words]
        classes = self.classes([self.encode(split[i]) for i in real])
        answers: list[list[tuple[str, str]]] = [[] for _ in split]
        for i, tags in zip(real, classes):
            answers[i] = list(zip(split[i], self.labels.decode(tags)))
        return answers[0] if single else answers


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
        self.tokenizer = Tokenizer(**settings["tokenizer"])
        self.vocabulary = Vocabulary(vocabularies["tokens"])
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

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Returns the log-probability of each id of one stream, float64 `[time]`."""
        out = np.zeros(len(ids))
        states = [np.zeros((1, s.shape[-1]), np.float32) for s in self.model.inputs[1:]]
        before = np.concatenate([[self.boundary], ids[:-1]]).astype(np.int32)
        for start in range(0, len(ids), self.window):
            piece = before[start : start + self.window]
            padded = np.zeros((1, self.window), np.int32)
            padded[0, : len(piece)] = piece
            logits, *states = self.model.predict_on_batch([padded, *states])
            z = logits[0, : len(piece)].astype(np.float64)
            z -= z.max(-1, keepdims=True)
            chosen = z[np.arange(len(piece)), ids[start : start + self.window]]
            out[start : start + len(piece)] = chosen - np.log(np.exp(z).sum(-1))
        return out

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
            ValueError: if `max_tokens` or `temperature` is negative or not a number.
        """
        if max_tokens < 1:
            raise ValueError(f"max_tokens: expected at least 1, got {max_tokens}")
        if not temperature >= 0:
            raise ValueError(f"temperature: expected at least 0, got {temperature}")
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
        return prompt + self.text(ids)

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


class Translator(Trained):
    """A trained translator. Its settings are `source_tokenizer` and
    `target_tokenizer`."""

    task, config_type = "translator", TranslatorConfig
    build = staticmethod(build_translator)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        self.source_tokenizer = Tokenizer(**settings["source_tokenizer"])
        self.target_tokenizer = Tokenizer(**settings["target_tokenizer"])
        self.source_vocabulary = Vocabulary(vocabularies["source"])
        self.target_vocabulary = Vocabulary(vocabularies["target"])
        self.search = GreedySearch(
            self.model.get_layer("encoder"),
            self.model.get_layer("decoder"),
            config.num_layers * config.num_states,
        )

    def encode(self, text: str) -> np.ndarray:
        """Returns the source ids of a text with its end, int32 `[time]`."""
        ids = self.source_vocabulary.encode(self.source_tokenizer.tokenize(text))
        return np.append(ids, np.int32(END))

    def encode_target(self, text: str) -> np.ndarray:
        """Returns the target ids of a text with its end, int32 `[time]`."""
        ids = self.target_vocabulary.encode(self.target_tokenizer.tokenize(text))
        return np.append(ids, np.int32(END))

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of target ids up to the end."""
        kept: list[int] = []
        for i in ids:
            if i in (END, PAD):
                break
            kept.append(int(i))
        return self.target_tokenizer.detokenize(self.target_vocabulary.decode(kept))

    def translate(self, texts: str | Iterable[str]) -> str | list[str]:
        """Translates one text, or each of several, greedily.

        Args:
            texts: a string or an iterable of strings.

        Returns:
            A string, or a list of them; empty for an empty text.
        """
        texts, single = as_texts(texts)
        answers = [""] * len(texts)
        examples = [self.encode(t) for t in texts]
        real = [i for i, example in enumerate(examples) if len(example) > 1]
        for rows, batch in batches_by_length([examples[i] for i in real]):
            outputs = self.search.predict_on_batch(batch)
            for row, i in enumerate(rows):
                answers[real[i]] = self.decode(outputs[row])
        return answers[0] if single else answers

    def attention(self, text: str) -> tuple[np.ndarray, list[str], list[str]]:
        """Translates a text and tells where the decoder looked.

        Args:
            text: with at least one token.

        Returns:
            The weights, float32 `[target, source]`, and the source and target tokens,
            each with its end.

        Raises:
            ValueError: if the model has no attention.
        """
        if self.config.attention == "none":
            raise ValueError("attention: this model was built without it")
        source = self.encode(text)
        target = self.encode_target(self.translate(text))
        encoded = self.search.encoder(source[None])
        shifted = np.concatenate([[START], target[:-1]]).astype(np.int32)
        weights = self.search.decoder([shifted[None], *encoded])[-1]
        names = [
            [token.removeprefix(JOINER) for token in vocabulary.decode(ids)]
            for vocabulary, ids in (
                (self.source_vocabulary, source),
                (self.target_vocabulary, target),
            )
        ]
        return keras.ops.convert_to_numpy(weights)[0], *names
