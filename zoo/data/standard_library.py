"""Docstrings and documentation out of the source files of Python's standard library.

Nothing is imported to be read: the files are parsed.
"""

import ast
import functools
import itertools
import re
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus_files import CorpusError, TextPair
from zoo.data.stable_order import by_hash

NUM_PACKAGES = 12

# Tests, what others installed, and IDLE, which is a program and not a library.
_SKIPPED = frozenset(
    "test tests idlelib site-packages dist-packages __pycache__".split()
)
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_LONG_PARAGRAPH = 60  # characters; shorter ones ("Example:") may occur again


@functools.lru_cache
def package_docstrings() -> tuple[TextPair, ...]:
    """Returns `(docstring, package)`, from the packages with the most docstrings."""
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
    return tuple((text, label_of[text]) for text in by_hash(texts))


def documentation_texts(size: int) -> list[str]:
    """Returns the topics of `help()`, then docstrings, the longest first.

    Args:
        size: Characters after which no further text is added.

    Returns:
        Texts of printable ASCII lines; no longer paragraph occurs twice.

    Raises:
        CorpusError: If the library's source files are not installed.
    """
    topics = _topics()
    docstrings = {d for path in _library_files() for d in _docstrings_in(path)}
    longest = sorted(docstrings, key=lambda text: (-len(text), text))
    texts: list[str] = []
    seen: set[str] = set()
    total = 0
    for text in itertools.chain((topics[topic] for topic in sorted(topics)), longest):
        text = _prose(text, seen)
        texts.append(text)
        total += len(text)
        if total >= size:
            break
    return texts


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
        warnings.simplefilter("ignore")  # about invalid escapes in old modules
        try:
            module = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # a template, or Python 2 kept as an example
            return ()
    found = (ast.get_docstring(node) for node in _documented(module))
    return tuple(filter(None, found))


def _documented(node: ast.AST) -> Iterator[_Documented]:
    """Walks statements only, which is five times as fast as `ast.walk`."""
    if isinstance(node, _Documented):
        yield node
    for field in ("body", "orelse", "handlers", "finalbody"):
        children = getattr(node, field, ())
        if isinstance(children, list):
            for child in children:
                yield from _documented(child)


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
