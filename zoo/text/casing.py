"""The case of words, as one of a few categories."""

from __future__ import annotations

CASINGS = ("lower", "upper", "initial", "mixed", "number", "with digits", "other")


def casing(word: str) -> str:
    """Returns the case of a word, one of `CASINGS`.

    After Collobert et al. (2011), with a category for words of letters and digits.

    >>> [casing(word) for word in ("dog", "USA", "A", "Dog", "iPod", "1,000", "B2B")]
    ['lower', 'upper', 'initial', 'initial', 'mixed', 'number', 'with digits']
    >>> casing("...")
    'other'
    """
    letters = [letter for letter in word if letter.isalpha()]
    has_digits = any(letter.isdigit() for letter in word)
    if has_digits:
        return "with digits" if letters else "number"
    if not letters:
        return "other"
    if word == word.lower():
        return "lower"
    if len(letters) > 1 and word == word.upper():
        return "upper"
    return "initial" if letters[0].isupper() and _is_lower(letters[1:]) else "mixed"


def _is_lower(letters: list[str]) -> bool:
    return all(letter == letter.lower() for letter in letters)
