"""One form for texts that look the same: composed characters, none that are invisible.

Every path from a text to ids passes through here, in training and in prediction: the
tokenizers of this package, and the taggers' words.
"""

from __future__ import annotations

import unicodedata

import regex

# Scripts in which a joiner or a non-joiner changes what is written.
_JOINING = """Adlm Arab Mand Mong Nkoo Phag Rohg Syrc
Beng Deva Gujr Guru Khmr Knda Mlym Mymr Orya Sinh Taml Telu Tibt""".split()
_JOINED = (
    "[[" + "".join(rf"\p{{scx={script}}}" for script in _JOINING) + r"]&&[\p{L}\p{M}]]"
)
# What has no shape of its own: soft hyphens, zero-width spaces, byte order marks, word
# joiners, marks of direction, variation selectors. (Fillers of Korean syllables have.)
_INVISIBLE = regex.compile(
    rf"""
    (?P<kept>
        (?<={_JOINED})[\u200c\u200d](?={_JOINED})     # Persian, Indic conjuncts
      | (?<=\p{{ccc=9}})[\u200c\u200d]                # after a virama, also at the end
      | (?<=\p{{ExtPict}}\p{{GCB=Extend}}*)\u200d(?=\p{{ExtPict}})     # emoji
      | (?<=\U0001F3F4[\U000E0020-\U000E007F]*)[\U000E0020-\U000E007F]  # flags
    )
    | [\p{{Default_Ignorable_Code_Point}}--[\u115f\u1160]]
    """,
    regex.VERBOSE | regex.V1,
)


def normalize(text: str) -> str:
    r"""Returns a text in Unicode's form NFC, without invisible characters.

    Joiners and non-joiners stay where they matter: between letters of the scripts that
    join, such as Persian, after a virama, and in emoji. What is plain stays the same:
    it is not compatibility decomposition, and case and white space are kept.

    >>> normalize("Stra\u00dfe, Ma\u0308d\u00adchen")
    'Straße, Mädchen'
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _INVISIBLE.sub(r"\g<kept>", text))


def normalize_word(word: str) -> str:
    r"""Returns a word as `normalize` does, or itself if nothing of it is visible.

    >>> normalize_word("\u200b") == "\u200b"
    True
    """
    return normalize(word) or word
