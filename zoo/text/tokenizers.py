"""Text to tokens and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import regex

from zoo.text.normalization import normalize
from zoo.text.scripts import SIGN, SPACED_SIGN
from zoo.text.treebank import TREEBANK_WORD

# English clitics are split off as in the Penn Treebank ("do n't", "it 's"); a visible
# character that is not part of a word is a token by itself.
CLITIC = r"n['’]t\b|['’](?:s|re|ve|ll|d|m)\b"
WORD = re.compile(rf"\w+(?=n['’]t\b)|{CLITIC}|\w+|[^\w\s]", re.IGNORECASE)
# The same for all of Unicode, where it differs: marks and joiners are parts of their
# word, and so is an apostrophe, a gershayim and the like between letters of scripts
# that spell words with them; a letter of a script without spaces is a token, and a
# symbol is with what modifies it.
_INSIDE = (
    r"(?<=\p{Hebrew}\p{M}*)[\"'’\u05f3\u05f4](?=\p{Hebrew})"
    r"|(?<=\p{Cyrillic})['’](?=\p{Cyrillic})"
    r"|(?<=\p{Armenian})[\u055a-\u055c\u055e](?=\p{Armenian})"
    r"|(?<=[lL])·(?=[lL])"  # Catalan
)
_END = rf"(?!{SIGN})"
_NT = rf"(?i:n['’]t){_END}"
UNICODE_WORD = regex.compile(
    rf"{SPACED_SIGN}+(?={_NT})|{_NT}|['’](?i:s|re|ve|ll|d|m){_END}"
    rf"|{SPACED_SIGN}+(?:(?:{_INSIDE}){SPACED_SIGN}+)*|(?![\s\x1c-\x1f])\X",
    regex.V1,
)
KINDS = Literal["words", "treebank", "spaces", "characters"]
JOINER = "￭"
FIRST_RULES, RULES = 1, 2  # of the words of checkpoints that state none; of new ones


@dataclass(frozen=True)
class Tokenizer:
    """Cuts text into tokens, after putting it in one form; see `normalize`.

    Args:
        kind: `"words"` (words, clitics and single punctuation marks; each character of
            a script without spaces), `"treebank"` (words as in UD English EWT),
            `"spaces"` (split at white space) or `"characters"`.
        lowercase: whether to convert the text to lower case first.
        joiner: with words, marks a token that follows the one before it without a
            space, so that `detokenize` restores the text. The mark is U+FFED; where the
            text itself contains it, it is lost.
        rules: of `"words"`: 2; or 1, that of earlier checkpoints, which knows neither
            combining marks nor scripts without spaces.

    Raises:
        ValueError: if there is no such kind, or there are no such rules.

    >>> tokenizer = Tokenizer("words", joiner=True)
    >>> tokenizer.tokenize("It isn't, is it?")
    ['It', 'is', "￭n't", '￭,', 'is', 'it', '￭?']
    >>> tokenizer.detokenize(tokenizer.tokenize("It isn't, is it?"))
    "It isn't, is it?"
    >>> Tokenizer("treebank").tokenize("He paid $1,000.50 to the U.S. in 2001.")
    ['He', 'paid', '$', '1,000.50', 'to', 'the', 'U.S.', 'in', '2001', '.']
    """

    kind: KINDS = "words"
    lowercase: bool = False
    joiner: bool = False
    rules: int = RULES

    def __post_init__(self):
        if self.kind not in get_args(KINDS):
            kinds = " or ".join(map(repr, get_args(KINDS)))
            raise ValueError(f"kind: expected {kinds}, got {self.kind!r}")
        if self.rules not in (FIRST_RULES, RULES):
            raise ValueError(f"rules: expected 1 or 2, got {self.rules!r}")

    @classmethod
    def restored(cls, settings: Mapping[str, Any]) -> Self:
        """Makes the tokenizer of a checkpoint's settings.

        Args:
            settings: as `settings` says; those of earlier checkpoints have no `rules`.

        Raises:
            ValueError: if a setting has a value that it cannot have.
            TypeError: if there is no such setting.
        """
        return cls(**{"rules": FIRST_RULES, **settings})

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in a checkpoint's configuration."""
        return dict(vars(self))

    def tokenize(self, text: str) -> list[str]:
        """Returns the tokens of `text`.

        There are none if nothing of it is visible, unless the tokens are characters,
        of which white space is some.
        """
        text = normalize(text)
        if self.kind == "treebank":
            return self._marked(text, TREEBANK_WORD, self.lowercase)
        if self.lowercase:
            text = normalize(text.lower())
        if self.kind == "characters":
            return list(text)
        if self.kind == "spaces":
            return text.split()
        is_plain = text.isascii() or self.rules == FIRST_RULES
        return self._marked(text, WORD if is_plain else UNICODE_WORD)

    def _marked(self, text: str, word: Any, lowercase: bool = False) -> list[str]:
        """Returns the matches of a pattern, with marks if there are to be some."""
        if not (self.joiner or lowercase or word.groups):
            return word.findall(text)
        return [
            (JOINER if self.joiner and _follows(text, m.start()) else "")
            + (m.group().lower() if lowercase else m.group())
            for m in word.finditer(text)
        ]

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Returns the text of `tokens`; white space between words becomes one space."""
        if self.kind == "characters":
            return "".join(tokens)
        return " ".join(tokens).replace(" " + JOINER, "").removeprefix(JOINER)


def _follows(text: str, start: int) -> bool:
    """Tells whether something visible stands right before a place in a text."""
    return start > 0 and not text[start - 1].isspace()


def without_joiner(token: str) -> str:
    """Returns a token without the mark that joins it to the one before it.

    >>> without_joiner("￭,")
    ','
    """
    return token.removeprefix(JOINER)
