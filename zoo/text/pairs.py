"""What both sides of pairs of texts, sources and their targets, are cut into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from zoo.text.choice import Tokens, choose_tokens, describe_tokens, make_tokenizer
from zoo.text.stored import AnyTokenizer

Side = Literal["source", "target"]
SIDES: dict[Side, int] = {"source": 0, "target": 1}
Pairs = Iterable[tuple[str, str]]  # which can be read several times


def choose_pair_tokens(given: Tokens | None, train: Pairs) -> dict[Side, Tokens]:
    """Returns what each side is cut into: what is given, or what its script asks for.

    Args:
        given: for both sides; None for nothing.
        train: the training data.

    >>> choose_pair_tokens(None, [("I love you", "我爱你")])
    {'source': 'words', 'target': 'characters'}
    """
    return {
        side: given or choose_tokens(pair[i] for pair in train)
        for side, i in SIDES.items()
    }


def make_pair_tokenizers(
    tokens: Mapping[Side, Tokens], train: Pairs, num_subwords: int, joint: bool
) -> dict[Side, AnyTokenizer]:
    """Returns the tokenizer of each side, after training those of subwords.

    Args:
        tokens: what each side is cut into.
        train: the training data.
        num_subwords: how many subwords to find.
        joint: whether to find them in both sides together.

    Raises:
        ValueError: if the number of subwords does not fit the texts.
    """
    kinds = {*tokens.values()}
    if joint and len(kinds) == 1 and not kinds & {"words", "characters"}:
        texts = (text for pair in train for text in pair)
        both = make_tokenizer(kinds.pop(), texts, num_subwords)
        return dict.fromkeys(SIDES, both)
    return {
        side: make_tokenizer(
            tokens[side], (pair[i] for pair in train), num_subwords, joiner=True
        )
        for side, i in SIDES.items()
    }


def describe_pair_tokens(
    tokens: Mapping[Side, Tokens], train: Pairs
) -> dict[Side, str]:
    """Returns in one line each what the sides are cut into."""
    return {
        side: describe_tokens(tokens[side], (pair[i] for pair in train))
        for side, i in SIDES.items()
    }
