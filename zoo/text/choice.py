"""How the text of a corpus is cut, where the user does not say it, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Literal

from zoo.text.normalization import normalize_word
from zoo.text.scripts import unspaced
from zoo.text.stored import AnyTokenizer
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import Tokenizer

SENTENCES = 2000  # of a corpus that are looked at
ENOUGH = 0.9  # of a corpus's words that a tokenizer must leave whole to be its own
WORTH_SAYING = 0.01  # of a corpus's letters
Tokens = Literal["words", "characters", "bpe", "unigram"]
WordTokens = Literal["words", "treebank", "spaces"]
# How long texts are in tokens, for each of their words.
LENGTHS: dict[Tokens, int] = {"words": 1, "bpe": 2, "unigram": 2, "characters": 5}


def choose_tokens(texts: Iterable[str]) -> Tokens:
    """Chooses what texts are cut into, so that they can be put together again.

    Args:
        texts: of the training data.

    Returns:
        Words, or characters if most of the text has no spaces between words.
    """
    return "characters" if unspaced(texts).mostly else "words"


def make_tokenizer(
    tokens: Tokens,
    texts: Iterable[str],
    num_subwords: int,
    lowercase: bool = False,
    joiner: bool = False,
) -> AnyTokenizer:
    """Makes a tokenizer, after training that of subwords.

    Args:
        tokens: what it cuts texts into.
        texts: of the training data.
        num_subwords: how many of them to find.
        lowercase: whether to convert texts to lower case first.
        joiner: whether words tell if a space stood in front of them.

    Raises:
        ValueError: if the number of subwords does not fit the texts.
    """
    if tokens == "words" or tokens == "characters":  # which mypy tells apart
        return Tokenizer(tokens, lowercase, joiner=joiner and tokens == "words")
    return SubwordTokenizer.train(texts, num_subwords, tokens, lowercase)


def describe_tokens(tokens: str, texts: Iterable[str]) -> str:
    """Returns in one line what texts are cut into, and what is special about them.

    Args:
        tokens: what they are cut into: `Tokens`, or a `Tokenizer`'s kind.
        texts: of the training data.

    >>> describe_tokens("words", ["Das ist gut."])
    "words by Unicode's rules"
    """
    said = {
        "words": "words by Unicode's rules",
        "spaces": "words between spaces",
        "characters": "characters",
    }
    text = said.get(tokens, f"subwords by {tokens}")
    found = unspaced(texts)
    if found.share < WORTH_SAYING:
        return text
    more = {
        "words": ", each of which is a token",
        "spaces": ", whose sentences are one word: characters may suit them better",
    }
    return f"{text}; {found.in_words()}{more.get(tokens, '')}"


def describe_texts(
    tokens: Tokens, texts: Iterable[str], max_length: int | None
) -> dict[str, str]:
    """Returns what to tell of texts of which only the beginning is read.

    Args:
        tokens: what they are cut into.
        texts: of the training data.
        max_length: tokens that are read; None for all.

    >>> describe_texts("words", ["Das ist gut."], 9)
    {'tokenization': "words by Unicode's rules", 'max_length': '9 words of a text'}
    """
    said = {"tokenization": describe_tokens(tokens, texts)}
    if max_length is not None:
        named = tokens if tokens in ("words", "characters") else "subwords"
        said["max_length"] = f"{max_length} {named} of a text"
    return said


def choose_word_tokenizer(
    sentences: Iterable[Sequence[str]], given: WordTokens | None = None
) -> tuple[WordTokens, str]:
    """Chooses how raw text is cut for a tagger: as its training data are cut.

    Args:
        sentences: words of the training data.
        given: what the user says; None for nothing.

    Returns:
        What is given, else of the tokenizers of words the one that leaves more of these
        words whole, or spaces if none leaves enough; and what to tell of it.

    >>> choose_word_tokenizer([["in", "the", "U.S.", "well", "-", "known"]])[0]
    'treebank'
    """
    sample = itertools.islice(sentences, SENTENCES)
    words = [normalize_word(word) for sentence in sample for word in sentence]
    kinds: tuple[WordTokens, ...] = ("words", "treebank")
    shares = {
        kind: sum(Tokenizer(kind).tokenize(word) == [word] for word in words)
        / max(1, len(words))
        for kind in kinds
    }
    best = max(kinds, key=lambda kind: shares[kind])  # the first of equal ones
    said = " and ".join(f"{shares[kind]:.1%} by {kind}" for kind in kinds)
    said = f"the training data's words are left whole: {said}"
    if given is not None:
        return given, f"{given}; {said}"
    if shares[best] < ENOUGH:
        return "spaces", f"spaces: {said}; give texts with spaces between words"
    return best, f"{best}: {said}"
