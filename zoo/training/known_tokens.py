"""The tokens that a model of texts knows, with the vectors they start with."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.text.stored import AnyTokenizer
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import without_joiner
from zoo.text.vocabulary import Vocabulary
from zoo.training.config import VectorsConfig
from zoo.training.pretrained_embeddings import InitialEmbeddings, initial_embeddings


def known_vocabulary(
    tokenizer: AnyTokenizer, texts: Iterable[str], min_count: int
) -> Vocabulary:
    """Returns the tokens of the training data that a model will know.

    Args:
        tokenizer: cuts the texts.
        texts: of the training data.
        min_count: rarer tokens are left out, unless they are subwords.
    """
    if isinstance(tokenizer, SubwordTokenizer):
        return tokenizer.vocabulary(texts)
    return Vocabulary.build(map(tokenizer.tokenize, texts), min_count)


def known_tokens(
    config: VectorsConfig,
    tokenizer: AnyTokenizer,
    texts: Iterable[str],
    min_count: int,
    seed: int,
) -> InitialEmbeddings:
    """Returns the same with pretrained vectors, if the configuration names some.

    Args:
        config: which vectors to take.
        tokenizer: cuts the texts.
        texts: of the training data.
        min_count: rarer tokens are left out, unless they have vectors or are subwords.
        seed: of the vectors that are drawn for words that the file lacks.

    Raises:
        ValueError: if an option or the file of vectors is not as expected.
    """
    if config.vectors is None:
        return InitialEmbeddings(known_vocabulary(tokenizer, texts, min_count))
    tokens = map(tokenizer.tokenize, texts)
    return initial_embeddings(config, tokens, min_count, seed, form=without_joiner)
