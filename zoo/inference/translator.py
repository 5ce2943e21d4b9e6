"""A trained translator: texts in, texts out."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np

from zoo.decoding import GreedySearch
from zoo.inference.trained import (
    Trained,
    as_texts,
    batches_by_length,
    check_settings,
    check_size,
)
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.tokenizers import JOINER, Tokenizer
from zoo.vocabulary import END, PAD, START, UNKNOWN, Vocabulary


class Translator(Trained):
    """A trained translator. Its settings are `source_tokenizer` and
    `target_tokenizer`."""

    task, config_type = "translator", TranslatorConfig
    build = staticmethod(build_translator)

    def __init__(self, config, vocabularies, **settings):
        super().__init__(config, vocabularies, **settings)
        check_settings(settings, source_tokenizer=dict, target_tokenizer=dict)
        self.source_tokenizer = Tokenizer(**settings["source_tokenizer"])
        self.target_tokenizer = Tokenizer(**settings["target_tokenizer"])
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
        ids[ids == END] = UNKNOWN  # the text itself may hold "</s>"
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
                # A row that never ends is cut by its own length, not by its batch's.
                longest = 2 * len(examples[real[i]]) + 10
                answers[real[i]] = self.decode(outputs[row, :longest])
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
        shifted = keras.ops.convert_to_tensor([[START, *target[:-1]]], "int32")
        weights = self.search.decoder([shifted, *encoded])[-1]
        names = [
            [token.removeprefix(JOINER) for token in vocabulary.decode(ids)]
            for vocabulary, ids in (
                (self.source_vocabulary, source),
                (self.target_vocabulary, target),
            )
        ]
        return keras.ops.convert_to_numpy(weights)[0], *names
