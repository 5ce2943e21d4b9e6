"""Train, dev and test: which files they are, and what is held out for a missing one."""

import functools
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from zoo.data.corpus_files import Corpus, CorpusError, Located, checked, kind, missing

SPLITS = {
    "train": frozenset({"train"}),
    "dev": frozenset({"dev", "valid", "val", "validation"}),
    "test": frozenset({"test"}),
}

Kinds = Collection[str] | None


def split_paths(data: str, ranks: Sequence[Kinds], hint: str = "") -> dict[str, Path]:
    """Finds the file of each split; a single file is train.

    Args:
        data: A file, or a directory whose files have the split in their names.
        ranks: Kinds of files (see `zoo.data.corpus_files.kind`), the preferred ones first; `None`
            is any file.
        hint: What to add to a message about files of the wrong kinds.

    Returns:
        `{"train"}` and perhaps `"dev"` and `"test"`.

    Raises:
        CorpusError: If there is no train split, or a file is not certain.
    """
    path = Path(data).expanduser()
    if not path.exists():
        raise missing(path)
    if not path.is_dir():
        if None not in ranks and kind(path) not in set().union(*ranks):
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
        CorpusError: If a suffix or a file is missing, or a file is not certain.
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


def hold_out(splits: dict[str, Corpus]) -> dict[str, Corpus]:
    """Fills in a missing dev and a missing test with every tenth example of train.

    Args:
        splits: `{"train"}` and perhaps `"dev"` and `"test"`.

    Returns:
        All three; what was held out is left out of train.
    """
    absent = [split for split in SPLITS if split not in splits]
    if not absent:
        return splits
    held = {split: {9 - k} for k, split in enumerate(absent)}
    held["train"] = set(range(10 - len(absent)))
    return {
        split: (
            _remainders(splits["train"], split, held[split])
            if split in held
            else splits[split]
        )
        for split in SPLITS
    }


def hold_out_characters(splits: dict[str, Corpus]) -> dict[str, Corpus]:
    """Fills in a missing dev and a missing test with some of train's characters.

    Args:
        splits: `{"train"}` and perhaps `"dev"` and `"test"`, each of lines.

    Returns:
        All three. Train alone is cut at 5% and 90%: nanoGPT's 90/10, with the first
        five points held out for choices, so that what is trained on leads up to the
        test as it does there. Else the last 5% are held out. Lines are clipped at the
        cut.
    """
    absent = [split for split in SPLITS if split not in splits]
    if not absent:
        return splits
    train = splits["train"]
    if len(absent) == 2:
        held = {"dev": (0, 0.05), "train": (0.05, 0.9), "test": (0.9, 1)}
    else:
        held = {"train": (0, 0.95), absent[0]: (0.95, 1)}
    size = functools.cache(lambda: sum(map(len, train)))  # one pass, shared by all cuts
    return {
        split: (
            _clipped(train, split, *held[split], size)
            if split in held
            else splits[split]
        )
        for split in SPLITS
    }


def _remainders(corpus: Corpus, split: str, remainders: Collection[int]) -> Corpus:
    def source() -> Located:
        for index, located in enumerate(corpus.located()):
            if index % 10 in remainders:
                yield located

    expected = "at least 10 examples, since every tenth of them is held out"
    return checked(source, f"{corpus.name} [{split}]", expected)


def _clipped(
    corpus: Corpus, split: str, start: float, stop: float, size: Callable[[], int]
) -> Corpus:
    def source() -> Located:
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


def _candidates(directory: Path, split: str, ranks: Sequence[Kinds]) -> list[Path]:
    named = [
        path
        for path in sorted(directory.iterdir())
        if not path.name.startswith(".")
        and SPLITS[split] & set(re.findall("[a-z]+", path.name.lower()))
    ]
    for rank in ranks:
        chosen = [p for p in named if kind(p) in (rank or {kind(p)} - {"/"})]
        if chosen:
            return chosen
    return []


def _suffixes(ranks: Sequence[Kinds]) -> str:
    if None in ranks:
        return "a file"
    kinds = set().union(*ranks)
    folders = " or a directory of class folders" if "/" in kinds else ""
    return f"a {' or '.join(sorted(kinds - {'/'}))} file (.gz allowed){folders}"
