"""Train, dev and test: which files they are, and what that was decided by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.checksums import sha256
from zoo.data.corpus_files import (
    CorpusError,
    check_regular,
    file_suffix,
    missing,
    user_path,
    visible_entries,
)
from zoo.data.split_names import SPLITS, by_split, split_kinds, suspected_splits

_ABOUT_DATA = frozenset(
    "changelog citation copying index info licence license notes readme source".split()
)
_MOST_SHOWN = 10  # files that are not used

Suffixes = Collection[str] | None  # as by `file_suffix`; None is any but a directory
Found = dict[str, tuple[Path, ...]]  # one file, or two that are aligned, of each split

# What stands beside data and is none, whatever its name.
_NO_DATA = frozenset(
    """.cfg .css .h5 .htm .html .ini .ipynb .jpeg .jpg .log .md .md5 .model .npy .npz
    .pdf .pkl .pl .png .pt .py .pyc .r .rst .safetensors .sh .sha1 .sha256 .sum .svg
    .toml .vocab .yaml .yml""".split()
)


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Where the splits are: as given by the user.

    Attributes:
        data: a file, which is train, or a directory whose files have the split in
            their names; of labeled text also one of class folders, which is train.
            None if the others say it all.
        train: the file of this split, looked up in the directory `data` first. Of
            parallel data also two files with a comma between them, or what their names
            have before the suffixes of the languages.
        dev: likewise.
        test: likewise.
    """

    data: str | None = None
    train: str | None = None
    dev: str | None = None
    test: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """The splits whose files are given."""
        files = {split: getattr(self, split) for split in SPLITS}
        return {split: file for split, file in files.items() if file is not None}

    @property
    def directory(self) -> Path | None:
        """The directory in which splits are looked for."""
        path = None if self.data is None else user_path(self.data)
        return path if path is not None and path.is_dir() else None


def find_files(
    where: SplitFiles,
    ranks: Sequence[Suffixes],
    hint: str = "",
    suffixes: Sequence[str] = (),
) -> tuple[Found, dict[str, Any]]:
    """Finds the file of each split; a single file is train.

    Args:
        where: What the user has said of them.
        ranks: Suffixes of the files, the preferred ones first.
        hint: What to add to a message about files with other suffixes.
        suffixes: Of source and target, if each split is two aligned files; they stand
            in place of `ranks`.

    Returns:
        The files of `"train"`, and perhaps of `"dev"` and `"test"`; and what was
        decided: `files`, their `sha256`, and `files_not_used`.

    Raises:
        CorpusError: If there is no train split, several files could be one split, or a
            file looks like a split and would not be used.
    """
    given = {
        split: given_files(file, where.directory, split, suffixes)
        for split, file in where.given.items()
    }
    found: Found = {}
    unused: list[Path] = []
    if where.directory is not None:
        if len(given) < len(SPLITS):
            sides: list[Sequence[Suffixes]] = [[{f".{s}"}] for s in suffixes]
            sides = sides or [ranks]
            found, unused = _look_in(where.directory, sides, given, hint)
    elif where.data is not None:
        if "train" in given:
            raise CorpusError(
                f"{where.data}: not a directory, and --train is given; expected one of "
                "them"
            )
        found = {"train": (_single_file(where.data, ranks, hint, suffixes),)}
    found |= given
    for path in (path for files in found.values() for path in files):
        check_regular(path)  # a pipe would block
    found = {split: found[split] for split in SPLITS if split in found}
    if "train" not in found:
        options = " and ".join(f"--{split}" for split in given)
        raise CorpusError(f"{options}: no train split; expected --train FILE too")
    _check_different(found, where)
    return found, _decisions(found, unused)


def given_files(
    text: str, directory: Path | None, split: str, suffixes: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Returns the files that a user has named for a split.

    Args:
        text: What was given: a path; two with a comma between them; or, with suffixes,
            one without them.
        directory: Where relative paths are looked up first; None for nowhere else.
        split: For which it was given.
        suffixes: Of source and target.

    Raises:
        CorpusError: If there is no such file.
    """
    whole = _look_up(text, directory)
    if suffixes and "," not in text:
        stem = text.removesuffix(".gz")
        for suffix in suffixes:
            stem = stem.removesuffix(f".{suffix}")
        tries = [[f"{stem}.{suffix}{gz}" for gz in ("", ".gz")] for suffix in suffixes]
        files = [[_look_up(name, directory) for name in names] for names in tries]
        pair = tuple(next((f for f in two if f.exists()), two[0]) for two in files)
    elif whole.exists() or "," not in text:
        pair = (whole,)
    else:
        pair = tuple(_look_up(part.strip(), directory) for part in text.split(","))
    for path in pair:
        if not path.exists():
            error = missing(path)
            raise CorpusError(f"--{split}: {error}")
    return pair


def _look_up(text: str, directory: Path | None) -> Path:
    path = user_path(text)
    if directory is None or path.exists() and not (directory / path).exists():
        return path
    return directory / path


def _single_file(
    data: str, ranks: Sequence[Suffixes], hint: str, suffixes: Sequence[str]
) -> Path:
    path = user_path(data)
    if not path.exists():
        raise missing(path)
    check_regular(path)
    if suffixes:
        raise CorpusError(f"{data}: a file; source and target are for a directory")
    if None not in ranks and file_suffix(path) not in _union(ranks):
        raise CorpusError(f"{path}: expected a directory or {_suffixes(ranks)}{hint}")
    return path


def _look_in(
    directory: Path,
    sides: Sequence[Sequence[Suffixes]],
    given: Mapping[str, tuple[Path, ...]],
    hint: str,
) -> tuple[Found, list[Path]]:
    """Finds the splits that are not given; returns them, and what was left.

    Args:
        directory: Where to look.
        sides: The ranks of the source's and of the target's suffixes, or of one file.
        given: Files of the other splits.
        hint: What to add to a message about other suffixes.
    """
    named = [p for files in given.values() for p in files]
    entries = [path for path in visible_entries(directory) if path not in named]
    entries = [path for path in entries if file_suffix(path) not in _NO_DATA]
    if not given and "/" in (sides[0][0] or ()) and _is_of_folders(entries):
        return {"train": (directory,)}, []
    chosen = [_choose(directory, entries, ranks, given) for ranks in sides]
    for side, ranks in zip(chosen, sides):
        if "train" not in side and "train" not in given:
            raise CorpusError(
                f"{directory}: no train split; expected {_suffixes(ranks)} with the "
                f"word train in its name{hint}, or --train FILE"
            )
    for split in chosen[0].keys() ^ chosen[-1].keys():
        present = chosen[0].get(split) or chosen[-1][split]
        raise CorpusError(
            f"{present}: no counterpart; expected {split} in both languages"
        )
    found = {split: tuple(side[split] for side in chosen) for split in chosen[0]}
    expected = " and ".join(map(_suffixes, sides))
    used = {path for files in found.values() for path in files}
    ends = [suffix for side in sides for rank in side for suffix in rank or ()]
    aligned = ends if len(sides) > 1 else []
    left = [
        path
        for path in entries
        if path not in used
        and path.name.split(".")[0].lower() not in _ABOUT_DATA
        and (not aligned or any(f"{end}." in f"{path.name}." for end in aligned))
    ]
    _check_unused(left, {*found, *given}, expected)
    return found, [path for path in left if not path.is_dir() or _says_split(path)]


def _choose(
    directory: Path,
    entries: Sequence[Path],
    ranks: Sequence[Suffixes],
    given: Mapping[str, tuple[Path, ...]],
) -> dict[str, Path]:
    """Returns the file of each split that is not given, by the best rank with any."""
    fitting = [path for path in entries if any(_has_suffix(path, r) for r in ranks)]
    found = {}
    for split, candidates in by_split(fitting, given).items():
        if split in given or not candidates:
            continue
        best = next(r for r in ranks if any(_has_suffix(p, r) for p in candidates))
        chosen = [path for path in candidates if _has_suffix(path, best)]
        if len(chosen) > 1:
            names = " and ".join(path.name for path in chosen)
            raise CorpusError(
                f"{directory}: {names} could all be {split}; expected one: say which "
                f"by --{split} FILE"
            )
        found[split] = chosen[0]
    if len(set(found.values())) < len(found):
        names = ", ".join(f"{split}={file.name}" for split, file in found.items())
        raise CorpusError(
            f"{directory}: one file for two splits ({names}); expected two: say which "
            "by --train, --dev and --test FILE"
        )
    return found


def _is_of_folders(entries: Sequence[Path]) -> bool:
    """Tells whether a directory is one of class folders, and no split among them."""
    folders = [path for path in entries if path.is_dir()]
    return len(folders) > 1 and not any(map(_says_split, entries))


def _says_split(path: Path) -> bool:
    return bool(split_kinds(path.name) | suspected_splits(path.name))


def _check_unused(unused: Sequence[Path], known: set[str], expected: str) -> None:
    """Raises CorpusError if a file may be a split that would be held out of train."""
    for path in unused:
        kinds = split_kinds(path.name)
        says = {"testa": "dev", "testb": "test", "eval": "test"}
        splits = {says.get(kind, kind) for kind in kinds} or suspected_splits(path.name)
        for split in SPLITS:
            if split in splits and split not in known:
                raise CorpusError(
                    f"{path}: looks like the {split} split and would not be used "
                    f"(expected {expected}); say which file it is by --{split} FILE, "
                    "or name all files by --train, --dev and --test"
                )


def _check_different(found: Found, where: SplitFiles) -> None:
    resolved: dict[tuple[Path, ...], str] = {}
    for split, files in found.items():
        key = tuple(path.resolve() for path in files)
        if key in resolved and where.given:
            names = " and ".join(map(str, files))
            raise CorpusError(
                f"{names}: given as {resolved[key]} and as {split}; expected two files"
            )
        resolved[key] = split


def _decisions(found: Found, unused: Sequence[Path]) -> dict[str, Any]:
    files: dict[str, Any] = {}
    sums: dict[str, Any] = {}
    for split, paths in found.items():
        names, hashes = [str(path) for path in paths], [sha256(path) for path in paths]
        files[split] = names[0] if len(names) == 1 else names
        sums[split] = hashes[0] if len(hashes) == 1 else hashes
    decisions: dict[str, Any] = {"files": files, "sha256": sums}
    if unused:
        names = [path.name for path in unused[:_MOST_SHOWN]]
        more = [f"and {len(unused) - len(names)} more"] * (len(unused) > len(names))
        decisions["files_not_used"] = names + more
    return decisions


def _has_suffix(path: Path, rank: Suffixes) -> bool:
    suffix = file_suffix(path)
    return suffix != "/" if rank is None else suffix in {s.lower() for s in rank}


def _union(ranks: Sequence[Suffixes]) -> set[str]:
    return {suffix for rank in ranks if rank is not None for suffix in rank}


def _suffixes(ranks: Sequence[Suffixes]) -> str:
    if None in ranks:
        return "a file"
    suffixes = _union(ranks)
    folders = " or a directory of class folders" if "/" in suffixes else ""
    return f"a {' or '.join(sorted(suffixes - {'/'}))} file (.gz allowed){folders}"
