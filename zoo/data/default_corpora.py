"""The embedded default corpora: real text that the dependencies bring along.

Each function returns `{"train", "dev", "test"}`, the same at every call and on every
machine with the same versions of Python and the packages.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence

from zoo.data import cmu_dictionary, news, standard_library, vowels
from zoo.data.cmu_dictionary import all_pronunciations
from zoo.data.corpus_files import Corpus, Located, Splits, T, TaggedWords, TextPair
from zoo.data.stable_order import by_hash

__all__ = [
    "all_pronunciations",
    "docstrings",
    "documentation",
    "pronunciations",
    "restored_text",
    "restored_vowels",
]

DOCUMENTATION_CHARACTERS = 600_000
SENTENCES_CHARACTERS = 1_000_000
NUM_HELD_OUT_WORDS = 1_000

_LONGEST_HELD_OUT = 10_000  # characters; a longer topic would be a whole dev set


def docstrings() -> Splits[TextPair]:
    """Docstrings of Python's standard library, by the package they come from.

    Of the twelve packages with the most docstrings of four words and more; each text
    occurs once. A distribution that ships parts of the library apart (tkinter) has
    other packages among the twelve.

    Returns:
        `{"train", "dev", "test"}` of `(text, package)`, 80/10/10.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    return _corpora("docstrings", _tenths(standard_library.package_docstrings()))


def restored_text() -> Splits[TaggedWords]:
    """News without case and punctuation, each word tagged with what it has lost.

    The Lee corpus (Lee, Pincombe and Welsh 2005) in gensim's wheel: 300 documents of
    the Australian Broadcasting Corporation. A tag is the word's case (`lower`,
    `Title`, `UPPER`) and the mark that followed: nothing, `,` (also `;` and `:`) or
    `.` (also `?` and `!`). Documents are cut into pieces of 40 words, since pieces
    that end with a sentence would give the answer away.

    Returns:
        `{"train", "dev", "test"}` of `(words, tags)`, 80/10/10 by document.

    Raises:
        CorpusError: If gensim's wheel is not installed.
    """
    splits = _tenths(news.documents())
    pieces = {split: [*news.pieces(map(news.mark, t))] for split, t in splits.items()}
    return _corpora("restored_text", pieces)


def documentation() -> Splits[str]:
    """Python's own documentation: pydoc's topics and the longest docstrings.

    About 600,000 printable ASCII characters. No longer paragraph occurs twice.

    Returns:
        `{"train", "dev", "test"}` of lines with their ends, 90/5/5 by whole topics
        and docstrings.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    splits = _documentation_splits(DOCUMENTATION_CHARACTERS, 20)
    lines = {s: "".join(texts).splitlines(True) for s, texts in splits.items()}
    return _corpora("documentation", lines)


def restored_vowels() -> Splits[TextPair]:
    """English phrases without vowels, and with: `("nd f th fl", "end of the file")`.

    Hebrew, Arabic and other scripts write few vowels or none. To restore them, or the
    diacritics that stand for them, is a real task in these languages, and the first
    step of reading a text aloud. Here the vowels are removed from Python's own
    documentation, of which the phrases are 4 to 10 consecutive words of a sentence, in
    lower case. A word of vowels alone ("a", "I") leaves nothing, so that source and
    target differ in length.

    Returns:
        `{"train", "dev", "test"}` of `(source, target)`, 80/10/10 by whole topics and
        docstrings. No target occurs twice.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    return _corpora("restored_vowels", _vowel_splits())


def pronunciations(size: int | None = 30_000) -> Splits[TextPair]:
    """English spelling and pronunciation: the CMU dictionary.

    Words of 2 to 16 characters, which are a to z and the apostrophe, with their first
    pronunciation, without stress: `("adamstown", "AE D AH M Z T AW N")`.

    Args:
        size: Number of words to train on; `None` for all the rest.

    Returns:
        `{"train", "dev", "test"}` of `(spelling, phonemes)`; dev and test hold 1,000
        words each, the same for every `size`.
    """
    words = cmu_dictionary.first_pronunciations()
    test, dev = NUM_HELD_OUT_WORDS, 2 * NUM_HELD_OUT_WORDS
    train = words[dev:] if size is None else words[dev : dev + size]
    return _corpora(
        "pronunciations", {"train": train, "dev": words[test:dev], "test": words[:test]}
    )


def _corpora(name: str, splits: Mapping[str, Sequence[T]]) -> Splits[T]:
    def corpus(split: str) -> Corpus[T]:
        def source() -> Located[T]:
            for number, example in enumerate(splits[split], start=1):
                yield f"{name}/{split}:{number}", example

        return Corpus(source, f"{name}/{split}")

    found = {split: corpus(split) for split in ("train", "dev", "test")}
    return Splits(found, {"corpus": f"{name}, which the dependencies bring along"})


def _tenths(items: Sequence[T]) -> dict[str, Sequence[T]]:
    dev, test = len(items) * 8 // 10, len(items) * 9 // 10
    return {"train": items[:dev], "dev": items[dev:test], "test": items[test:]}


@functools.lru_cache
def _documentation_splits(size: int, parts: int) -> dict[str, tuple[str, ...]]:
    """Splits texts of the documentation, each of which is in one split as a whole.

    Args:
        size: Characters of documentation.
        parts: Dev and test get one part in `parts` each.
    """
    texts = by_hash(standard_library.documentation_texts(size))
    held_out = sum(map(len, texts)) // parts
    splits: dict[str, list[str]] = {"dev": [], "test": [], "train": []}
    sizes: Counter[str] = Counter()
    for text in texts:
        room = (s for s in ("dev", "test") if sizes[s] + len(text) <= held_out)
        split = next(room, "train") if len(text) <= _LONGEST_HELD_OUT else "train"
        splits[split].append(text)
        sizes[split] += len(text)
    return {split: tuple(texts) for split, texts in splits.items()}


@functools.lru_cache
def _vowel_splits() -> dict[str, list[TextPair]]:
    """Pairs of phrases without and with vowels; no phrase is in two splits."""
    splits: dict[str, list[TextPair]] = {}
    seen: set[str] = set()
    for split, texts in _documentation_splits(SENTENCES_CHARACTERS, 10).items():
        phrases = dict.fromkeys(p for text in texts for p in vowels.phrases(text))
        kept = [phrase for phrase in phrases if phrase not in seen]
        splits[split] = [(vowels.without_vowels(phrase), phrase) for phrase in kept]
        seen.update(kept)
    return splits
