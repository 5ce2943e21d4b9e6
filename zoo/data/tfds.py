"""Corpora of TensorFlow Datasets, as the examples of `zoo.data.corpora`.

These are the functions of `zoo.data.corpora` for `data="tfds:<builder>[/config]"`, with
the same results, but that a missing split is not held out. They raise `CorpusError` if
there is no such builder or feature, or if the data cannot be downloaded. TensorFlow is
imported only when one of them is called.
"""

import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Located,
    Splits,
    T,
    TaggedWords,
    TextPair,
    checked,
)
from zoo.data.tables import TEXT_NAMES
from zoo.data.tfds_builders import (
    SCHEME,
    SPLIT_NAMES,
    find_builder,
    prepare,
    read_records,
    split_name,
)

__all__ = ["SCHEME", "labeled", "parallel", "tagged", "text"]

WORDS_NAMES = ("tokens", "words", "sentence")

Numbered = Iterator[tuple[int, dict[str, Any]]]


def labeled(data: str, features: str | None) -> Splits[TextPair]:
    """Opens a TFDS corpus of labeled texts.

    Args:
        data: E.g. `"tfds:glue/sst2"`.
        features: `"text_feature,label_feature"`; by default the builder's supervised
            keys, or its one text and its one class label.

    Returns:
        The splits that there are, with labels by name. One whose labels are hidden (-1)
        counts as missing.
    """
    builder = find_builder(data)
    guess, form = _labeled_features(builder), "text_feature,label_feature"
    names = _features(data, builder, features, guess, form)
    text, label = names
    read = [_reader(builder.info.features[name]) for name in names]

    def convert(records: Numbered) -> Iterator[tuple[int, TextPair]]:
        for index, record in records:
            example = read[0](record[text]), read[1](record[label])
            if example[0].strip():
                yield index, example

    splits = _corpora(data, builder, names, convert)
    shown = {
        split: corpus
        for split, corpus in splits.items()
        if split == "train" or not _is_hidden(builder, split, label)
    }
    return Splits(shown, splits.decisions)


def tagged(
    data: str, tag_column: str | None, features: str | None
) -> Splits[TaggedWords]:
    """Opens a TFDS corpus of tagged words.

    Args:
        data: E.g. `"tfds:universal_dependencies/en_ewt"`.
        tag_column: The feature with the tags; by default `upos`, or the one sequence of
            class labels.
        features: `"words_feature,tags_feature"`, instead of `tag_column`.

    Returns:
        The splits, with tags by name. Left out are empty sentences, of which TFDS adds
        one to every CoNLL file, and CoNLL-U's multiword tokens and empty nodes, which
        TFDS mixes with the words.

    Raises:
        CorpusError: If the builder has no such features.
        ValueError: If both `tag_column` and `features` are given.
    """
    if tag_column is not None and features is not None:
        raise ValueError(
            f"tag_column: expected none with features, which name the tags, got "
            f"{tag_column!r}"
        )
    builder = find_builder(data)
    guess = _tagged_features(data, builder, tag_column)
    names = _features(data, builder, features, guess, "words_feature,tags_feature")
    read = [_reader(builder.info.features[name].feature) for name in names]
    head = ["head"] if "head" in builder.info.features else []

    def convert(records: Numbered) -> Iterator[tuple[int, TaggedWords]]:
        for index, record in records:
            words, tags = (list(map(r, record[n])) for r, n in zip(read, names))
            if len(words) != len(tags):
                raise CorpusError(
                    f"{data}:{index}: {len(words)} words but {len(tags)} tags; "
                    "expected a tag for every word"
                )
            # In CoNLL-U only words have a head.
            real = [h != b"None" for h in (record["head"] if head else tags)]
            kept = list(itertools.compress(words, real))
            if kept:
                yield index, (kept, list(itertools.compress(tags, real)))

    return _corpora(data, builder, [*names, *head], convert)


def text(data: str, features: str | None) -> Splits[str]:
    """Opens a TFDS corpus of plain text.

    Args:
        data: E.g. `"tfds:tiny_shakespeare"`.
        features: The text feature; by default `text`, or the only one.

    Returns:
        The splits. If a text does not end with a line end, one is inserted before the
        next text.
    """
    builder = find_builder(data)
    texts = _of_type("Text", builder.info.features)
    guess = ["text"] if "text" in texts else texts
    names = _features(data, builder, features, guess, "text_feature")

    def convert(records: Numbered) -> Iterator[tuple[int, str]]:
        ended = True
        for index, record in records:
            whole = record[names[0]].decode("utf-8")
            if whole and not ended:
                yield index, "\n"
            for line in io.StringIO(whole, newline=""):
                yield index, line
                ended = line.endswith(("\n", "\r"))

    return _corpora(data, builder, names, convert)


def parallel(
    data: str, source: str | None, target: str | None, features: str | None
) -> Splits[TextPair]:
    """Opens a TFDS corpus of translations.

    Args:
        data: E.g. `"tfds:ted_hrlr_translate/pt_to_en"`.
        source: The source's language; by default the builder's first supervised key.
        target: The target's language; by default the second.
        features: `"source_feature,target_feature"`, instead of the languages.

    Returns:
        The splits, without pairs of which one side is empty.
    """
    builder = find_builder(data)
    if features is None and source and target:
        features = f"{source},{target}"
    guess = builder.info.supervised_keys or ()
    names = _features(data, builder, features, guess, "source,target")

    def convert(records: Numbered) -> Iterator[tuple[int, TextPair]]:
        for index, record in records:
            first, second = (record[name].decode("utf-8").strip() for name in names)
            if first and second:
                yield index, (first, second)

    return _corpora(data, builder, names, convert)


def _features(
    data: str, builder: Any, given: str | None, guess: Sequence[str], form: str
) -> Sequence[str]:
    """Returns the names of the features: as given or as guessed, as many as in form."""
    known, count = ", ".join(builder.info.features), form.count(",") + 1
    if given is None:
        names = guess
        message = f"features {known}; expected features={form!r} of them"
    else:
        names = [name.strip() for name in given.split(",")]
        message = f"features is {given!r}; expected {count} of {known}"
    if len(names) != count or not set(names) <= set(builder.info.features):
        raise CorpusError(f"{data}: {message}")
    return names


def _labeled_features(builder: Any) -> Sequence[str]:
    features = builder.info.features
    keys: Sequence[str] = builder.info.supervised_keys or ()
    texts, labels = _of_type("Text", features), _of_type("ClassLabel", features)
    if len(keys) == 2 and keys[0] in texts and keys[1] in labels:
        return keys
    texts = [name for name in TEXT_NAMES if name in texts] or texts
    return [*texts, *labels] if len(texts) == len(labels) == 1 else []


def _tagged_features(data: str, builder: Any, tag_column: str | None) -> Sequence[str]:
    features = builder.info.features
    elements = {name: features[name].feature for name in _of_type("Sequence", features)}
    words = [name for name in WORDS_NAMES if name in elements]
    tags = _of_type("ClassLabel", elements)
    if tag_column is not None:
        if tag_column not in elements:
            raise CorpusError(
                f"{data}: tag_column is {tag_column!r}; expected a sequence of the "
                f"builder: {', '.join(elements) or 'it has none'}"
            )
        tags = [tag_column]
    elif "upos" in elements:
        tags = ["upos"]
    return [words[0], *tags] if words else []


def _of_type(name: str, features: Mapping[str, Any]) -> list[str]:
    """Returns the names of the features that are of a type of TFDS."""
    import tensorflow_datasets as tfds

    kind = getattr(tfds.features, name)
    return [name for name, feature in features.items() if isinstance(feature, kind)]


def _reader(feature: Any) -> Callable[[Any], str]:
    """Returns the function that makes a string of a value of the feature."""
    if hasattr(feature, "int2str"):
        return feature.int2str
    return lambda value: value.decode() if isinstance(value, bytes) else str(value)


def _corpora(
    data: str,
    builder: Any,
    names: Sequence[str],
    convert: Callable[[Numbered], Iterable[tuple[int, T]]],
) -> Splits[T]:
    """Makes a corpus of each split that the builder has; train must be among them."""

    def corpus(split: str) -> Corpus[T]:
        def source() -> Located[T]:
            records = enumerate(read_records(builder, split, names))
            for index, example in convert(records):
                yield f"{data}/{split}:{index}", example

        return checked(source, f"{data}/{split}", f"examples with {', '.join(names)}")

    prepare(data, builder)
    named = ((split, split_name(builder, split)) for split in SPLIT_NAMES)
    found = {split: name for split, name in named if name}
    if "train" not in found:
        known = ", ".join(builder.info.splits)
        raise CorpusError(f"{data}: the splits are {known}; expected one called train")
    decisions: dict[str, Any] = {
        "dataset": builder.info.full_name,
        "features": list(names),
        "splits": found,
    }
    return Splits({split: corpus(name) for split, name in found.items()}, decisions)


def _is_hidden(builder: Any, split: str, label: str) -> bool:
    """Tells whether the labels of a split are not published."""
    first = read_records(builder, f"{split_name(builder, split)}[:1]", [label])
    return any(record[label] == -1 for record in first)
