"""How BLEU cuts translations into words: by the target language.

sacrebleu's 13a cuts at spaces and punctuation, which leaves a Chinese sentence one
word; its other tokenizers are for the languages that need them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Literal

from zoo.text.scripts import CHINESE, JAPANESE, unspaced

BleuTokenization = Literal["13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab"]
LANGUAGES: dict[BleuTokenization, str] = {  # by the codes of ISO 639
    "zh": "zh zho chi cmn yue wuu nan hak lzh",
    "ja-mecab": "ja jpn",
    "ko-mecab": "ko kor",
    "char": "th tha lo lao km khm my mya bur bo bod tib dz dzo",
}


def choose_bleu_tokenization(
    language: str | None,
    targets: Iterable[str],
    given: BleuTokenization | None = None,
) -> tuple[BleuTokenization, str]:
    """Chooses sacrebleu's tokenizer for a target language.

    Args:
        language: its code, such as `"zh"` or `"zh-TW"`; None if it is not known.
        targets: texts in the language, which decide where the code says nothing.
        given: what the user says; None for nothing.

    Returns:
        The tokenizer, and why it was taken. Where that of Japanese or Korean is not
        installed, it is characters.

    Raises:
        ValueError: if the one that is given is not installed.

    >>> choose_bleu_tokenization("zh_CN", [])
    ('zh', 'zh, for the target language zh_CN')
    >>> choose_bleu_tokenization("de", ["Das ist gut."])
    ('13a', '13a')
    """
    if given is not None:
        _check_installed(given)
        return given, given
    code = (language or "").lower().replace("_", "-").split("-")[0]
    for tokenization, codes in LANGUAGES.items():
        if code in codes.split():
            return _installed(tokenization, f"for the target language {language}")
    found = unspaced(targets)
    if not found.mostly:
        return "13a", "13a"
    why = f"since {found.in_words()}"
    if found.script == JAPANESE:
        return _installed("ja-mecab", why)
    return _installed("zh" if found.script == CHINESE else "char", why)


def _check_installed(tokenization: BleuTokenization) -> None:
    if not _is_installed(tokenization):
        language = tokenization.split("-")[0]
        raise ValueError(
            f"bleu_tokenize: {tokenization} needs pip install 'sacrebleu[{language}]'; "
            "or take char"
        )


def _installed(
    tokenization: BleuTokenization, why: str
) -> tuple[BleuTokenization, str]:
    if _is_installed(tokenization):
        return tokenization, f"{tokenization}, {why}"
    return "char", f"char, {why}: {tokenization} is not installed"


@functools.cache
def _is_installed(tokenization: BleuTokenization) -> bool:
    """Tells whether sacrebleu has what a tokenizer needs."""
    from sacrebleu.metrics import BLEU

    try:
        BLEU(tokenize=tokenization)
    except (ImportError, RuntimeError):
        return False
    return True
