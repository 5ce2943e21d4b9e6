"""Which split a file is, by its name: the habits of the field.

`train`, `training`, `trn`; `dev`, `devel`, `valid`, `val`, ..., `heldout`; `test`,
`testing`, `tst`, `devtest`; with numbers or words around them (`tst2012`,
`wnut17train`, `my_trainset`). `testa` and `testb` are dev and test, the names of
CoNLL-2002 and CoNLL-2003. `eval` is test if nothing else is, else dev.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

SPLITS = ("train", "dev", "test")

_WORDS = {
    "train": "train|training|trn",
    "dev": "dev|devel|development|valid|val|validation|heldout|tune|tuning",
    "test": "test|testing|tst|devtest",
    "eval": "eval|evaluation",
    "testa": "testa",
    "testb": "testb",
}
_AROUND = "set|sets|data|file|split|part|corpus|news|my"
_EXACT = {
    kind: re.compile(f"(?:{_AROUND})?(?:{words})(?:{_AROUND})?")
    for kind, words in _WORDS.items()
}
# Of a longer word, as "latest": perhaps a split, perhaps not.
_PARTS = {"train": "train", "dev": "valid|devel|dev", "test": "test|eval|tst"}
_SUSPICIOUS = {
    split: re.compile(f"(?:{words})[a-z]+|[a-z]+(?:{words})")
    for split, words in _PARTS.items()
}


def split_kinds(name: str) -> set[str]:
    """Returns which splits a name says: of `SPLITS`, or `eval`, `testa`, `testb`.

    >>> split_kinds("eng.testa"), split_kinds("tst2012.de"), split_kinds("latest.txt")
    ({'testa'}, {'test'}, set())
    """
    words = _words(name)
    return {
        kind for kind, pattern in _EXACT.items() if any(map(pattern.fullmatch, words))
    }


def suspected_splits(name: str) -> set[str]:
    """Returns which splits a name may say, in a part of a longer word.

    >>> suspected_splits("latest.txt")
    {'test'}
    """
    words = _words(name)
    return {
        split
        for split, pattern in _SUSPICIOUS.items()
        if any(map(pattern.fullmatch, words))
    }


def by_split(
    paths: Sequence[Path], taken: Collection[str] = ()
) -> Mapping[str, list[Path]]:
    """Returns the candidates for each split.

    Args:
        paths: Files and directories.
        taken: Splits that are known already, so that `eval` is not one of them.

    Returns:
        For each of `SPLITS`, those that its name says.
    """
    kinds = {path: split_kinds(path.name) for path in paths}

    def of(*wanted: str) -> list[Path]:
        return [path for path in paths if kinds[path] & set(wanted)]

    found = {
        "train": of("train"),
        "dev": of("dev", "testa"),
        "test": of("test", "testb"),
    }
    role = "test" if not found["test"] and "test" not in taken else "dev"
    found[role] = [path for path in paths if path in found[role] or path in of("eval")]
    return found


def _words(name: str) -> list[str]:
    joined = re.sub("held[-_. ]out", "heldout", name.lower())
    return re.findall("[a-z]+", joined)
