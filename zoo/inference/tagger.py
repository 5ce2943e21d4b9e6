"""A trained tagger: sentences in, words and tags out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from zoo.decoding import compile_for_prediction
from zoo.inference.trained import Trained, batches_by_length, check_size
from zoo.models.tagger import TaggerConfig, build_tagger
from zoo.tokenizers import Tokenizer
from zoo.vocabulary import Labels, Vocabulary


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
        check_size("vocabulary_size", config.vocabulary_size, self.vocabulary)
        check_size(
            "character_vocabulary_size",
            config.character_vocabulary_size,
            self.characters,
        )
        check_size("num_classes", config.num_classes, self.labels)
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
