"""Long texts: cut at the ends of sentences, so that work and memory stay bounded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from zoo.inference.hypothesis import Hypothesis
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
    """Cuts tokens into few pieces, each of whole sentences.

    Args:
        tokens: words.
        most: of a piece; a longer sentence is cut after as many.

    Yields:
        The tokens of each piece.

    >>> list(pieces("a . b . c . d .".split(), 5))
    [['a', '.', 'b', '.'], ['c', '.', 'd', '.']]
    """
    piece: list[str] = []
    for sentence in sentences(tokens, most):
        if piece and len(piece) + len(sentence) > most:
            yield piece
            piece = []
        piece += sentence
    if piece:
        yield piece


def cut(
    texts: Iterable[list[str]],
    most: int,
    into: Callable[[Sequence[str], int], Iterable[list[str]]],
) -> tuple[list[list[str]], list[int]]:
    """Cuts those of several texts that are long.

    Args:
        texts: their tokens.
        most: tokens of a text that stays whole.
        into: cuts the tokens of a longer one, `sentences` or `pieces`.

    Returns:
        The parts of all texts, and the number of the text that each is of. A text
        without a token has none.

    >>> cut([["a", ".", "b"], [], ["c"]], 2, sentences)
    ([['a', '.'], ['b'], ['c']], [0, 0, 2])
    """
    owned = [
        (part, i)
        for i, tokens in enumerate(texts)
        for part in ([tokens] if len(tokens) <= most else into(tokens, most))
        if part
    ]
    return [part for part, _ in owned], [i for _, i in owned]


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


def check_length(name: str, length: int, most: int) -> None:
    """Raises ValueError if a text has too many tokens for what is asked of it."""
    if length > most:
        raise ValueError(f"{name}: expected at most {most} tokens, got {length}")


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


def join(texts: Iterable[str]) -> str:
    """Returns one text of several, those that are empty left out."""
    return " ".join(filter(None, texts))


def join_hypotheses(parts: list[list[Hypothesis]], count: int) -> list[Hypothesis]:
    """Returns the best hypotheses for a text out of those for its parts.

    Args:
        parts: of each part the best first; a part for which there are none is left out.
        count: how many are wanted.
    """
    found = [part for part in parts if part]
    if len(found) < 2:
        return found[0] if found else []
    ranked = best_sums([[(h.score, h) for h in part] for part in found], count)
    return [
        Hypothesis(join(h.text for h in chosen), score, sum_of_logs(chosen))
        for score, chosen in ranked
    ]


def sum_of_logs(hypotheses: Iterable[Hypothesis]) -> float:
    """Returns the log-probability of independent hypotheses together, in nats."""
    return sum(h.log_probability for h in hypotheses)
