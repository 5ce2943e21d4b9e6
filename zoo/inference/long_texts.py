"""Long texts: cut at the ends of sentences, so that work and memory stay bounded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from zoo.text.subwords import SPACE
from zoo.text.tokenizers import JOINER

T = TypeVar("T")
Ranked = list[tuple[float, list[T]]]  # scores and what they are of, the best first

ENDS = frozenset(".!?…。！？｡؟۔।॥;；")  # the last character of a sentence
CLOSING = frozenset("\"'”’»)]}」』）")  # what may follow it
MARKS = JOINER + SPACE  # of the tokenizers, which are no part of a token
CHARACTERS = 16  # for each token that is wanted, of the beginning that is read first
UNSURE = 8  # tokens before the end of a beginning that may change with what follows


def sentences(tokens: Sequence[str], most: int) -> Iterator[list[str]]:
    """Cuts tokens after the ends of sentences.

    Args:
        tokens: words, subwords or characters.
        most: a longer sentence is cut after as many tokens.

    Yields:
        The tokens of each sentence.

    >>> list(sentences("Go ! ( Or not . ) a b c d".split(), 5))
    [['Go', '!'], ['(', 'Or', 'not', '.', ')'], ['a', 'b', 'c', 'd']]
    """
    begin, ended = 0, False
    for i, token in enumerate(tokens):
        bare = token.strip(MARKS)
        closes = bool(bare) and CLOSING.issuperset(bare)
        if i > begin and ((ended and not closes) or i - begin == most):
            yield list(tokens[begin:i])
            begin = i
        ended = bare[-1:] in ENDS if not closes else ended
    if begin < len(tokens):
        yield list(tokens[begin:])


def pieces(tokens: Sequence[str], most: int) -> Iterator[list[str]]:
    """Cuts tokens into as few pieces as end with sentences.

    Args:
        tokens: words.
        most: of a piece; where a sentence is longer, so is cut that.

    Yields:
        The tokens of each piece; a single one if there are at most `most` tokens.

    >>> list(pieces("a . b . c . d .".split(), 5))
    [['a', '.', 'b', '.'], ['c', '.', 'd', '.']]
    """
    piece: list[str] = []
    for sentence in [tokens] if len(tokens) <= most else sentences(tokens, most):
        if piece and len(piece) + len(sentence) > most:
            yield piece
            piece = []
        piece += sentence
    if piece:
        yield piece


def first_tokens(
    tokenize: Callable[[str], list[str]], text: str, count: int
) -> list[str]:
    """Returns the first tokens of a text, of which no more is read than is needed.

    Args:
        tokenize: from a text to its tokens.
        text: of any length.
        count: of the tokens.
    """
    size = CHARACTERS * (count + UNSURE)
    while size < len(text):
        tokens = tokenize(text[:size])
        if len(tokens) >= count + UNSURE:
            return tokens[:count]
        size *= 4
    return tokenize(text)[:count]


def regroup(parts: Iterable[T], owners: Iterable[int], count: int) -> list[list[T]]:
    """Gathers the parts of each text, in their order.

    Args:
        parts: of all texts.
        owners: the number of the text that each part is of.
        count: of the texts.

    >>> regroup("abc", [0, 2, 2], 3)
    [['a'], [], ['b', 'c']]
    """
    groups: list[list[T]] = [[] for _ in range(count)]
    for part, owner in zip(parts, owners):
        groups[owner].append(part)
    return groups


def best_sums(parts: Iterable[Sequence[tuple[float, T]]], count: int) -> Ranked[T]:
    """Finds the best ways to choose one thing of each part.

    Args:
        parts: for each part its things with their scores, the best first.
        count: how many ways are wanted.

    Returns:
        Sums of scores, each with what is chosen; the best first.

    >>> best_sums([[(0, "a"), (-3, "b")], [(-1, "c"), (-2, "d")]], 3)
    [(-1, ['a', 'c']), (-2, ['a', 'd']), (-4, ['b', 'c'])]
    """
    best: Ranked[T] = [(0, [])]
    for part in parts:
        ways = [
            (total + score, chosen, thing)
            for total, chosen in best
            for score, thing in part
        ]
        top = heapq.nlargest(count, ways, key=lambda way: way[0])
        best = [(total, [*chosen, thing]) for total, chosen, thing in top]
    return best
