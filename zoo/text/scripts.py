"""Scripts that are written without spaces between words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import regex

CHINESE, JAPANESE = "Chinese characters", "Japanese"
KANA = 0.1  # share of the letters without spaces from which on they are Japanese
# By the codes that Unicode gives them; their letters are as people call them.
UNSPACED_SCRIPTS = {
    "Hani": CHINESE,
    "Hira": JAPANESE,
    "Kana": JAPANESE,
    "Bopo": CHINESE,
    "Thai": "Thai",
    "Laoo": "Lao",
    "Khmr": "Khmer",
    "Mymr": "Burmese",
    "Tale": "Tai Le",
    "Talu": "New Tai Lue",
    "Lana": "Tai Tham",
    "Tavt": "Tai Viet",
    "Java": "Javanese",
    "Bali": "Balinese",
}
# A letter of one of them, as a set for a pattern of `regex.V1`.
UNSPACED_LETTER = (
    "[[" + "".join(rf"\p{{scx={code}}}" for code in UNSPACED_SCRIPTS) + r"]&&\p{L}]"
)
# What words are made of: letters, marks, digits, the underscore and joiners; and the
# same without letters of scripts without spaces, each of which is a word.
SIGN = r"[\p{L}\p{M}\p{N}_\u200c\u200d]"
SPACED_SIGN = rf"[{SIGN}--{UNSPACED_LETTER}]"
MOSTLY = 0.5  # from this share on, a text is said to be without spaces
SAMPLE = 100_000  # characters of a corpus that are looked at

_LETTER = regex.compile(r"\p{L}", regex.V1)
_UNSPACED = regex.compile(UNSPACED_LETTER, regex.V1)
_SCRIPTS = {
    code: regex.compile(rf"\p{{script={code}}}", regex.V1) for code in UNSPACED_SCRIPTS
}


@dataclass(frozen=True)
class Unspaced:
    """How much of a text is written without spaces between words.

    Attributes:
        share: of its letters; 0 to 1.
        script: that of most of these, as people call it; empty if there are none.
    """

    share: float
    script: str

    @property
    def mostly(self) -> bool:
        """Whether most of the text is."""
        return self.share >= MOSTLY

    def in_words(self) -> str:
        """Returns how much it is, for people.

        >>> Unspaced(0.98, "Thai").in_words()
        '98% of the letters are of a script without spaces (Thai)'
        """
        return (
            f"{self.share:.0%} of the letters are of a script without spaces "
            f"({self.script})"
        )


def unspaced(texts: Iterable[str]) -> Unspaced:
    """Tells how much of the beginning of a corpus is in scripts without spaces.

    Args:
        texts: of the corpus; about the first `SAMPLE` characters are read.

    >>> unspaced(["我爱你", "OK"])
    Unspaced(share=0.6, script='Chinese characters')
    """
    sample, size = [], 0
    for text in texts:
        sample.append(text)
        size += len(text)
        if size >= SAMPLE:
            break
    text = "".join(sample)
    counts = Counter[str]()
    for code, script in _SCRIPTS.items():
        counts[UNSPACED_SCRIPTS[code]] += len(script.findall(text))
    found = len(_UNSPACED.findall(text))
    if not found:
        return Unspaced(0.0, "")
    is_japanese = counts[JAPANESE] >= KANA * found
    script = JAPANESE if is_japanese else counts.most_common(1)[0][0]
    return Unspaced(found / len(_LETTER.findall(text)), script)
