"""What is held out of train where a dev or test split is missing."""

import functools
import hashlib
import itertools
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Located,
    Splits,
    T,
    checked,
    count,
)
from zoo.data.split_names import SPLITS

PARTS = 10  # each split that is held out is one of them
_MOST_STRATA = 1_000
_MOST_SHOWN = 20  # labels


def hold_out(
    splits: Splits[T],
    text: Callable[[T], str],
    label: Callable[[T], str] | None = None,
    seed: int = 0,
    train_has_all: bool = True,
) -> Splits[T]:
    """Fills in a missing dev or test split with a tenth of train each.

    The examples are shuffled and cut in ten by scikit-learn's `StratifiedKFold`, of
    which one part is dev, one test and the others train. Equal texts are one example
    in this, so that none is in two splits; of fewer than ten texts each is a part.

    Args:
        splits: `{"train"}` and perhaps `"dev"` and `"test"`. Train is read once, of
            which 13 bytes an example and 8 a text are kept.
        text: Returns the text of an example; outer white space does not count.
        label: Returns the label of which each part shall have its share; None to
            shuffle only.
        seed: Of the order. It is no run's seed, so that runs with different seeds are
            scored on the same examples.
        train_has_all: Whether a label with too few texts for all splits has those that
            there are in train, as a class should.

    Returns:
        All three; train without what was held out. The decisions say `held_out`.

    Raises:
        CorpusError: If there are fewer than ten examples, or fewer different texts than
            splits, or train cannot be read.
    """
    absent = [split for split in SPLITS if split not in splits]
    if not absent:
        return splits
    train = splits["train"]
    examples = _read(train, text, label)
    part_of, about = _cut(train.name, examples, absent, seed, train_has_all)
    wanted = {split: [part] for part, split in enumerate(absent)}
    wanted["train"] = list(range(len(absent), PARTS))
    found = {
        split: (
            _chosen(train, split, np.isin(part_of, wanted[split]))
            if split in wanted
            else splits[split]
        )
        for split in SPLITS
    }
    return Splits(found, {**splits.decisions, **about})


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
        about = "the first 5% of train's characters are dev, the last 10% test"
    else:
        held = {"train": (0, 0.95), absent[0]: (0.95, 1)}
        about = f"the last 5% of train's characters are {absent[0]}"
    size = functools.cache(lambda: sum(map(len, train)))  # one pass for all the cuts
    found = {
        split: (
            _clipped(train, split, *held[split], size)
            if split in held
            else splits[split]
        )
        for split in SPLITS
    }
    return Splits(found, {**splits.decisions, "held_out": about})


@dataclass(frozen=True)
class _Examples:
    texts: np.ndarray  # the text's hash of each example, int64 `[examples]`
    labels: np.ndarray | None  # the label's number of each example, int32 `[examples]`
    names: list[str]  # of the labels


def _read(
    train: Corpus[T], text: Callable[[T], str], label: Callable[[T], str] | None
) -> _Examples:
    hashes, numbers = array("q"), array("i")
    known: dict[str, int] = {}
    for example in train:
        digest = hashlib.blake2b(text(example).strip().encode(), digest_size=8).digest()
        hashes.append(int.from_bytes(digest, "big", signed=True))
        if label:
            numbers.append(known.setdefault(label(example), len(known)))
    labels = np.frombuffer(numbers, np.int32) if label else None
    return _Examples(np.frombuffer(hashes, np.int64), labels, list(known))


def _cut(
    name: str,
    examples: _Examples,
    absent: Sequence[str],
    seed: int,
    train_has_all: bool,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Cuts examples in parts, of which the first are the splits that are absent.

    Args:
        name: of the corpus, for messages.
        examples: to be cut.
        absent: the splits to hold out.
        seed: of the order.
        train_has_all: whether train is to have every label.

    Returns:
        The part of each example, uint8 `[examples]`, and what is said of it.

    Raises:
        CorpusError: If there are too few texts.
    """
    options = " and ".join(f"--{split} FILE" for split in absent)
    number, first = _different(examples.texts)
    cuts = min(PARTS, len(first))  # fewer parts of fewer texts
    if len(number) < PARTS or cuts < 1 + len(absent):
        raise CorpusError(
            f"{name}: {count(len(first), 'different example')}; expected at least "
            f"{PARTS} examples, a tenth of which is held out as "
            f"{' and as '.join(absent)}; or give {options}"
        )
    labels = None if examples.labels is None else examples.labels[first]  # [texts]
    strata = None if labels is None else _strata(labels, cuts)
    parts = _parts(len(first), strata, cuts, seed)  # [texts]
    if labels is not None and train_has_all:
        in_train = np.isin(labels, labels[parts >= len(absent)])
        parts = np.where(in_train, parts, PARTS - 1)
    part_of = parts[number].astype(np.uint8)  # [examples]
    sizes = np.bincount(part_of, minlength=PARTS)
    if not sizes[: len(absent)].all():
        raise CorpusError(
            f"{name}: so few texts of each label that train needs them; give {options}"
        )
    shares = " and ".join(f"{split} {sizes[i]:,}" for i, split in enumerate(absent))
    stratified = "" if strata is None else "stratified by label, "
    how = f"shuffled with seed {seed}, {stratified}equal texts on one side"
    about: dict[str, Any] = {
        "held_out": f"{shares} of the {len(part_of):,} examples of train, {how}"
    }
    if examples.labels is not None and train_has_all:
        about |= _too_rare(part_of, examples.labels, examples.names, absent)
    return part_of, about


def _different(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the different texts in the order in which they come.

    Returns:
        The text's number of each example, `[examples]`, and the example at which each
        text comes first, `[texts]`.
    """
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse.reshape(-1)], first[order]


def _strata(labels: np.ndarray, cuts: int) -> np.ndarray | None:
    """Returns the labels, those with fewer texts than parts as one; None for shuffling.

    So it is if all labels are rare, as numbers are, or if there are very many.
    """
    counts = np.bincount(labels)
    strata = np.where(counts[labels] < cuts, -1, labels)
    found = np.unique(strata)
    return strata if (found >= 0).any() and len(found) <= _MOST_STRATA else None


def _parts(texts: int, strata: np.ndarray | None, cuts: int, seed: int) -> np.ndarray:
    """Returns the part of each text, int `[texts]`.

    Args:
        texts: How many there are.
        strata: Of which each part gets its share, int `[texts]`; None to shuffle only.
        cuts: Number of parts.
        seed: Of the order.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    parts = np.zeros(texts, np.int64)
    cutter = KFold if strata is None else StratifiedKFold
    with warnings.catch_warnings():  # that the rare labels together are few, too
        warnings.simplefilter("ignore", UserWarning)
        folds = cutter(cuts, shuffle=True, random_state=seed).split(parts, strata)
        for part, (_, chosen) in enumerate(folds):
            parts[chosen] = part
    return parts


def _too_rare(
    parts: np.ndarray, labels: np.ndarray, names: list[str], absent: Sequence[str]
) -> dict[str, Any]:
    """Returns a decision about the labels that not every split has.

    Args:
        parts: Of each example.
        labels: Of each example.
        names: Of the labels.
        absent: The splits that are held out, the first parts.
    """
    counts = Counter(labels.tolist())
    lacking: dict[str, Any] = {}
    for part, split in enumerate(absent):
        present = set(labels[parts == part].tolist())
        few = {names[i]: n for i, n in counts.items() if i not in present}
        if few:
            lacking[split] = few if len(few) <= _MOST_SHOWN else f"{len(few)} labels"
    return {"labels_too_rare_for": lacking} if lacking else {}


def _chosen(corpus: Corpus[T], split: str, kept: np.ndarray) -> Corpus[T]:
    """Returns the examples that are kept, bool `[examples]`."""

    def source() -> Located[T]:
        return itertools.compress(corpus.located(), kept)

    return checked(source, f"{corpus.name} [{split}]", "examples to hold out")


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
