"""Text to tokens and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

# English clitics are split off as in the Penn Treebank ("do n't", "it 's"); a visible
# character that is not part of a word is a token by itself.
CLITIC = r"n['’]t\b|['’](?:s|re|ve|ll|d|m)\b"
WORD = re.compile(rf"\w+(?=n['’]t\b)|{CLITIC}|\w+|[^\w\s]", re.IGNORECASE)
KINDS = Literal["words", "spaces", "characters"]
JOINER = "￭"


@dataclass(frozen=True)
class Tokenizer:
    """Cuts text into tokens.

    Args:
        kind: `"words"` (words, clitics and single punctuation marks), `"spaces"` (split
            at white space) or `"characters"`.
        lowercase: whether to convert the text to lower case first.
        joiner: with `"words"`, marks a token that follows the one before it without a
            space, so that `detokenize` restores the text. The mark is U+FFED; where the
            text itself contains it, it is lost.

    Raises:
        ValueError: if there is no such kind.

    >>> tokenizer = Tokenizer("words", joiner=True)
    >>> tokenizer.tokenize("It isn't, is it?")
    ['It', 'is', "￭n't", '￭,', 'is', 'it', '￭?']
    >>> tokenizer.detokenize(tokenizer.tokenize("It isn't, is it?"))
    "It isn't, is it?"
    """

    kind: KINDS = "words"
    lowercase: bool = False
    joiner: bool = False

    def __post_init__(self):
        if self.kind not in get_args(KINDS):
            kinds = " or ".join(map(repr, get_args(KINDS)))
            raise ValueError(f"kind: expected {kinds}, got {self.kind!r}")

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in a checkpoint's configuration."""
        return vars(self)

    def tokenize(self, text: str) -> list[str]:
        """Returns the tokens of `text`.

        There are none if it is only white space, unless the tokens are characters.
        """
        if self.lowercase:
            text = text.lower()
        if self.kind == "characters":
            return list(text)
        if self.kind == "spaces":
            return text.split()
        if not self.joiner:
            return WORD.findall(text)
        return [
            (
                JOINER + m.group()
                if m.start() and not text[m.start() - 1].isspace()
                else m.group()
            )
            for m in WORD.finditer(text)
        ]

    def detokenize(self, tokens: list[str]) -> str:
        """Returns the text of `tokens`; white space between words becomes one space."""
        if self.kind == "characters":
            return "".join(tokens)
        return " ".join(tokens).replace(" " + JOINER, "").removeprefix(JOINER)


def without_joiner(token: str) -> str:
    """Returns a token without the mark that joins it to the one before it.

    >>> without_joiner("￭,")
    ','
    """
    return token.removeprefix(JOINER)
