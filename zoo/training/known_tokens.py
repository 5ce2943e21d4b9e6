"""The tokens that a model of texts knows, with the vectors they start with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from zoo.text.normalization import normalize_word
from zoo.text.pairs import Pairs, Side
from zoo.text.stored import AnyTokenizer
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import without_joiner
from zoo.text.vocabulary import Vocabulary, rank
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


def known_pair_tokens(
    config: VectorsConfig,
    tokenizers: Mapping[Side, AnyTokenizer],
    train: Pairs,
    min_count: int,
    seed: int,
) -> tuple[InitialEmbeddings, Vocabulary]:
    """Returns what a translator knows: `known_tokens` of sources, those of targets.

    Args:
        config: which vectors the source tokens start with.
        tokenizers: of both sides.
        train: pairs of source and target.
        min_count: as for `known_tokens`.
        seed: likewise.

    Raises:
        ValueError: likewise.
    """
    sources, targets = (source for source, _ in train), (target for _, target in train)
    known = known_tokens(config, tokenizers["source"], sources, min_count, seed)
    return known, known_vocabulary(tokenizers["target"], targets, min_count)


def known_words(
    config: VectorsConfig,
    sentences: Iterable[Sequence[str]],
    min_count: int,
    seed: int,
    lowercase: bool,
) -> tuple[InitialEmbeddings, Vocabulary]:
    """Returns the words that a tagger knows, and their characters.

    Args:
        config: which vectors the words start with.
        sentences: the words of each sentence of the training data; read once.
        min_count: rarer words are left out, unless they have vectors.
        seed: of the vectors that are drawn for words that the file lacks.
        lowercase: whether words are known in lower case; their characters are not.

    Raises:
        ValueError: if an option or the file of vectors is not as expected.
    """
    characters: Counter[str] = Counter()

    def forms() -> Iterator[list[str]]:
        for words in sentences:
            normal = [normalize_word(word) for word in words]
            characters.update("".join(normal))
            yield [word.lower() for word in normal] if lowercase else normal

    known = initial_embeddings(config, forms(), min_count, seed)
    return known, Vocabulary(rank(characters))
