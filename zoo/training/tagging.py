"""How taggers are trained: the words that they know, their batches and their model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.data.assembly import Batch, tagging_batch
from zoo.data.batches import Batches
from zoo.data.corpus_files import Corpus
from zoo.data.ragged import Ragged
from zoo.models.tagger import build_crf_training
from zoo.text.normalization import normalize_word
from zoo.text.vocabulary import Vocabulary
from zoo.training.config import TrainingConfig, VectorsConfig
from zoo.training.pretrained_embeddings import InitialEmbeddings, initial_embeddings

if TYPE_CHECKING:
    from zoo.inference.tagger import Tagger

Tagged = Corpus[tuple[list[str], list[str]]]


def known_words(
    config: VectorsConfig, train: Tagged, min_count: int, lowercase: bool, seed: int
) -> tuple[InitialEmbeddings, Vocabulary]:
    """Returns the words that a tagger will know, and their characters.

    Args:
        config: which vectors to take.
        train: sentences of the training data.
        min_count: rarer words are left out, unless they have vectors.
        lowercase: whether words are known in lower case.
        seed: of the vectors that are drawn for words that the file lacks.

    Raises:
        ValueError: if the file of vectors is not as expected.
    """
    words = initial_embeddings(
        config,
        ([_form(word, lowercase) for word in words] for words, _ in train),
        min_count,
        seed,
    )
    characters = Vocabulary.build(
        _form(word, False) for words, _ in train for word in words
    )
    return words, characters


def _form(word: str, lowercase: bool) -> str:
    word = normalize_word(word)
    return word.lower() if lowercase else word


def tagging_batches(
    split: str, corpus: Tagged, tagger: Tagger, config: TrainingConfig
) -> Batches:
    """Encodes a split, and cuts it into batches; those for training are shuffled.

    Args:
        split: its name.
        corpus: words and their tags.
        tagger: encodes them.
        config: size of the batches, and the seed of their order.
    """
    columns = {
        "token_ids": Ragged.pack(tagger.encode(words) for words, _ in corpus),
        "tags": Ragged.pack(tagger.labels.encode_all(tags) for _, tags in corpus),
    }

    def assemble(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
        inputs = tagger.inputs(columns["token_ids"])
        x, y, weights = tagging_batch({**inputs, "tags": columns["tags"]}, weights)
        return ({**x, "tags": y} if tagger.config.crf else x), y, weights

    return Batches(
        columns,
        assemble,
        config.batch_size,
        split == "train",
        config.seed,
        config.batch_tokens,
    )


def tagging_training_model(tagger: Tagger) -> keras.Model:
    """Returns the model to train: the tagger's own, or with a CRF one that has its
    loss."""
    if tagger.config.crf:
        return build_crf_training(tagger.keras_model)
    return tagger.keras_model
