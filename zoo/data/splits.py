"""Train, dev and test: which files they are, and what is held out if one is missing."""

import functools
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Located,
    Splits,
    T,
    checked,
    file_suffix,
    missing,
)

# What a split may be called in the name of a file.
SPLITS = {
    "train": frozenset({"train"}),
    "dev": frozenset({"dev", "valid", "val", "validation"}),
    "test": frozenset({"test"}),
}

Suffixes = Collection[str] | None  # as by `file_suffix`; None is any but a directory


def split_paths(
    data: str, ranks: Sequence[Suffixes], hint: str = ""
) -> dict[str, Path]:
    """Finds the file of each split; a single file is train.

    Args:
        data: A file, or a directory whose files have the split in their names.
        ranks: Suffixes of the files, the preferred ones first.
        hint: What to add to a message about files with other suffixes.

    Returns:
        `{"train"}` and perhaps `"dev"` and `"test"`.

    Raises:
        CorpusError: If there is no train split, or several files could be one split.
    """
    path = Path(data).expanduser()
    if not path.exists():
        raise missing(path)
    if not path.is_dir():
        if None not in ranks and file_suffix(path) not in _union(ranks):
            raise CorpusError(
                f"{path}: expected a directory or {_suffixes(ranks)}{hint}"
            )
        return {"train": path}
    found = {}
    for split in SPLITS:
        chosen = _candidates(path, split, ranks)
        if len(chosen) > 1:
            names = " and ".join(candidate.name for candidate in chosen)
            raise CorpusError(f"{path}: {names} could all be {split}; expected one")
        if chosen:
            found[split] = chosen[0]
    if "train" not in found:
        raise CorpusError(
            f"{path}: no train split; expected {_suffixes(ranks)} "
            f"with the word train in its name{hint}"
        )
    if len(set(found.values())) < len(found):
        names = ", ".join(f"{split}={file.name}" for split, file in found.items())
        raise CorpusError(f"{path}: one file for two splits ({names}); expected two")
    return found


def aligned_paths(
    data: str, source: str | None, target: str | None
) -> dict[str, tuple[Path, Path]]:
    """Finds the two files of each split of a parallel corpus.

    Args:
        data: A directory.
        source: Suffix of the source's files, e.g. `"de"`.
        target: Suffix of the target's files, e.g. `"en"`.

    Returns:
        `(source, target)` of `"train"` and perhaps of `"dev"` and `"test"`.

    Raises:
        CorpusError: If a suffix or a file is missing, or several files could be one
            split.
    """
    if not source or not target:
        raise CorpusError(
            f"{data}: source is {source!r} and target is {target!r}; expected the "
            "suffixes of both languages, e.g. 'de' and 'en'"
        )
    if Path(data).expanduser().is_file():
        raise CorpusError(f"{data}: a file; source and target are for a directory")
    sources = split_paths(data, [{f".{source}".lower()}])
    targets = split_paths(data, [{f".{target}".lower()}])
    for split in sources.keys() ^ targets.keys():
        found = sources.get(split) or targets[split]
        raise CorpusError(
            f"{found}: no counterpart; expected {split} in both languages"
        )
    return {split: (sources[split], targets[split]) for split in sources}


def hold_out(splits: Splits[T]) -> Splits[T]:
    """Fills in a missing dev or test split with every tenth example of train.

    Args:
        splits: `{"train"}` and perhaps `"dev"` and `"test"`.

    Returns:
        All three; train without what was held out.
    """
    absent = [split for split in SPLITS if split not in splits]
    if not absent:
        return splits
    held = {split: {9 - k} for k, split in enumerate(absent)}
    held["train"] = set(range(10 - len(absent)))
    found = {
        split: (
            _remainders(splits["train"], split, held[split])
            if split in held
            else splits[split]
        )
        for split in SPLITS
    }
    return Splits(found, splits.decisions)


def hold_out_characters(splits: Splits[str]) -> Splits[str]:
    """Fills in a missing dev or test split with some of train's characters.

    Args:
        splits: `{"train"}` and perhaps `"dev"` and `"test"`, each of lines.

    Returns:
        All three. If there is only train, its first 5% are dev and its last 10% are
        test: the 90/10 of nanoGPT with dev taken from the beginning, so that the
        training text leads up to the test text as it does there. If one split is
        missing, it is the last 5% of train. Lines are clipped at the cut.
    """
    absent = [split for split in SPLITS if split not in splits]
    if not absent:
        return splits
    train = splits["train"]
    if len(absent) == 2:
        held = {"dev": (0, 0.05), "train": (0.05, 0.9), "test": (0.9, 1)}
    else:
        held = {"train": (0, 0.95), absent[0]: (0.95, 1)}
    size = functools.cache(lambda: sum(map(len, train)))  # one pass for all the cuts
    found = {
        split: (
            _clipped(train, split, *held[split], size)
            if split in held
            else splits[split]
        )
        for split in SPLITS
    }
    return Splits(found, splits.decisions)


def _remainders(
    corpus: Corpus[T], split: str, remainders: Collection[int]
) -> Corpus[T]:
    """Returns the examples whose number has one of these remainders modulo 10."""

    def source() -> Located[T]:
        for index, located in enumerate(corpus.located()):
            if index % 10 in remainders:
                yield located

    expected = "at least 10 examples, since every tenth of them is held out"
    return checked(source, f"{corpus.name} [{split}]", expected)


def _clipped(
    corpus: Corpus[str], split: str, start: float, stop: float, size: Callable[[], int]
) -> Corpus[str]:
    """Returns the characters from one share of the text to another."""

    def source() -> Located[str]:
        first, last = int(start * size()), int(stop * size())
        position = 0
        for place, line in corpus.located():
            piece = line[max(first - position, 0) : max(last - position, 0)]
            if piece:
                yield place, piece
            position += len(line)
            if position >= last:
                return

    expected = "at least 20 characters, since 5% of them are held out"
    return checked(source, f"{corpus.name} [{split}]", expected)


def _candidates(directory: Path, split: str, ranks: Sequence[Suffixes]) -> list[Path]:
    """Returns the files that are named after a split, of the best rank that has any."""
    named = [
        path
        for path in sorted(directory.iterdir())
        if not path.name.startswith(".")
        and SPLITS[split] & set(re.findall("[a-z]+", path.name.lower()))
    ]
    for rank in ranks:
        chosen = [p for p in named if _has_suffix(p, rank)]
        if chosen:
            return chosen
    return []


def _has_suffix(path: Path, rank: Suffixes) -> bool:
    suffix = file_suffix(path)
    return suffix != "/" if rank is None else suffix in rank


def _union(ranks: Sequence[Suffixes]) -> set[str]:
    return {suffix for rank in ranks if rank is not None for suffix in rank}


def _suffixes(ranks: Sequence[Suffixes]) -> str:
    if None in ranks:
        return "a file"
    suffixes = _union(ranks)
    folders = " or a directory of class folders" if "/" in suffixes else ""
    return f"a {' or '.join(sorted(suffixes - {'/'}))} file (.gz allowed){folders}"
