"""Corpora of TensorFlow Datasets, as the examples of `zoo.data.corpora`.

These are the functions of `zoo.data.corpora` for `data="tfds:<builder>[/config]"`, with the
same results. They raise `CorpusError` if there is no such builder, feature or way to
download. TensorFlow is imported only when one of them is called.
"""

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Example,
    Located,
    checked,
    did_you_mean,
)
from zoo.data.delimited import TEXT_NAMES
from zoo.data.splits import SPLITS, hold_out, hold_out_characters

SCHEME = "tfds:"
WORDS_NAMES = ("tokens", "words", "sentence")
_MOST_FILES_TO_NAME = 4

Numbered = Iterator[tuple[int, dict[str, Any]]]
Convert = Callable[[Numbered], Iterable[tuple[int, Example]]]


def labelled(data: str, features: str | None) -> dict[str, Corpus]:
    """Opens a TFDS corpus of labelled texts.

    Args:
        data: E.g. `"tfds:glue/sst2"`.
        features: `"text_feature,label_feature"`; by default the builder's supervised
            keys, or its one text and its one class label.

    Returns:
        The splits, labels by name. One whose labels are hidden (-1) is held out.
    """
    builder = _builder(data)
    guess, form = _labelled_features(builder), "text_feature,label_feature"
    names = text, label = _features(data, builder, features, guess, form)
    read = [_reader(builder.info.features[name]) for name in names]

    def convert(records: Numbered) -> Iterator[tuple[int, tuple[str, str]]]:
        for index, record in records:
            example = read[0](record[text]), read[1](record[label])
            if example[0].strip():
                yield index, example

    splits = _corpora(data, builder, names, convert)
    return hold_out(
        {
            split: corpus
            for split, corpus in splits.items()
            if split == "train" or not _hidden(builder, split, label)
        }
    )


def tagged(data: str, tag: str, features: str | None) -> dict[str, Corpus]:
    """Opens a TFDS corpus of tagged words.

    Args:
        data: E.g. `"tfds:universal_dependencies/en_ewt"`.
        tag: The feature with the tags, where the builder has it.
        features: `"words_feature,tags_feature"`; by default `tokens` and `tag`, or the
            one sequence of class labels.

    Returns:
        The splits, tags by name. Empty sentences, of which TFDS adds one to every
        CoNLL file, are dropped, and so are CoNLL-U's multiword tokens and empty nodes,
        which TFDS mixes with the words.
    """
    builder = _builder(data)
    guess, form = _tagged_features(builder, tag), "words_feature,tags_feature"
    names = _features(data, builder, features, guess, form)
    read = [_reader(builder.info.features[name].feature) for name in names]
    head = ["head"] if "head" in builder.info.features else []

    def convert(records: Numbered) -> Iterator[tuple[int, Example]]:
        for index, record in records:
            words, tags = (list(map(r, record[n])) for r, n in zip(read, names))
            if len(words) != len(tags):
                raise CorpusError(
                    f"{data}:{index}: {len(words)} words but {len(tags)} tags"
                )
            # In CoNLL-U whatever is not a word has no head.
            real = [h != b"None" for h in (record["head"] if head else tags)]
            if any(real):
                kept = itertools.compress(words, real), itertools.compress(tags, real)
                yield index, tuple(map(list, kept))

    return hold_out(_corpora(data, builder, [*names, *head], convert))


def text(data: str, features: str | None) -> dict[str, Corpus]:
    """Opens a TFDS corpus of plain text.

    Args:
        data: E.g. `"tfds:tiny_shakespeare"`.
        features: The text feature; by default `text`, or the only one.

    Returns:
        The splits. Texts of which the first does not end its last line are set apart
        by a new line.
    """
    builder = _builder(data)
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

    return hold_out_characters(_corpora(data, builder, names, convert))


def parallel(
    data: str, source: str | None, target: str | None, features: str | None
) -> dict[str, Corpus]:
    """Opens a TFDS corpus of translations.

    Args:
        data: E.g. `"tfds:ted_hrlr_translate/pt_to_en"`.
        source: The source's language; by default the builder's first supervised key.
        target: The target's language; by default the second.
        features: `"source_feature,target_feature"`, instead of the languages.

    Returns:
        The splits, without pairs of which one side is empty.
    """
    builder = _builder(data)
    if features is None and source and target:
        features = f"{source},{target}"
    guess = builder.info.supervised_keys or ()
    names = _features(data, builder, features, guess, "source,target")

    def convert(records: Numbered) -> Iterator[tuple[int, tuple[str, str]]]:
        for index, record in records:
            pair = tuple(record[name].decode("utf-8").strip() for name in names)
            if all(pair):
                yield index, pair

    return hold_out(_corpora(data, builder, names, convert))


def _features(
    data: str, builder: Any, given: str | None, guess: Sequence[str], form: str
) -> Sequence[str]:
    """The names of the features: as given or as guessed, as many as in the form."""
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


def _labelled_features(builder: Any) -> Sequence[str]:
    features, keys = builder.info.features, builder.info.supervised_keys or ()
    texts, labels = _of_type("Text", features), _of_type("ClassLabel", features)
    if len(keys) == 2 and keys[0] in texts and keys[1] in labels:
        return keys
    texts = [name for name in TEXT_NAMES if name in texts] or texts
    return [*texts, *labels] if len(texts) == len(labels) == 1 else []


def _tagged_features(builder: Any, tag: str) -> Sequence[str]:
    features = builder.info.features
    elements = {name: features[name].feature for name in _of_type("Sequence", features)}
    words = [name for name in WORDS_NAMES if name in elements]
    tags = [tag] if tag in elements else _of_type("ClassLabel", elements)
    return [words[0], *tags] if words else []


def _of_type(kind: str, features: Mapping[str, Any]) -> list[str]:
    import tensorflow_datasets as tfds

    kind = getattr(tfds.features, kind)
    return [name for name, feature in features.items() if isinstance(feature, kind)]


def _reader(feature: Any) -> Callable[[Any], str]:
    """What makes a string of one value of the feature."""
    if hasattr(feature, "int2str"):
        return feature.int2str
    return lambda value: value.decode() if isinstance(value, bytes) else str(value)


def _corpora(
    data: str, builder: Any, names: Sequence[str], convert: Convert
) -> dict[str, Corpus]:
    def corpus(split: str) -> Corpus:
        def source() -> Located:
            for index, example in convert(enumerate(_records(builder, split, names))):
                yield f"{data}/{split}:{index}", example

        return checked(source, f"{data}/{split}", f"examples with {', '.join(names)}")

    _prepare(data, builder)
    theirs = {split: _their_name(builder, split) for split in SPLITS}
    if not theirs["train"]:
        found = ", ".join(builder.info.splits)
        raise CorpusError(f"{data}: the splits are {found}; expected one called train")
    return {split: corpus(name) for split, name in theirs.items() if name}


def _their_name(builder: Any, split: str) -> str | None:
    return next((name for name in builder.info.splits if name in SPLITS[split]), None)


def _records(builder: Any, split: str, names: Sequence[str]) -> Iterable[dict]:
    import tensorflow_datasets as tfds

    is_plain = type(builder.info.features) is tfds.features.FeaturesDict
    only = tfds.decode.PartialDecoding(dict.fromkeys(names, True)) if is_plain else None
    return tfds.as_numpy(builder.as_dataset(split=split, decoders=only))


def _hidden(builder: Any, split: str, label: str) -> bool:
    first = _records(builder, f"{_their_name(builder, split)}[:1]", [label])
    return any(record[label] == -1 for record in first)


def _builder(data: str) -> Any:
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise CorpusError(
            f"{data}: {error}; expected the package tensorflow-datasets"
        ) from error
    _leave_accelerators_to_keras()
    tfds.disable_progress_bar()
    name, _, config = data.removeprefix(SCHEME).partition("/")
    builders = tfds.list_builders(with_community_datasets=False)  # asks no server
    if name not in builders:
        raise CorpusError(
            f"{data}: no such builder{did_you_mean(name, builders)}; "
            "expected one of tfds.list_builders()"
        )
    configs = tfds.builder_cls(name).builder_configs
    if config and configs and config.split("/")[0].split(":")[0] not in configs:
        hint = did_you_mean(config, configs)
        raise CorpusError(f"{data}: {name} has no configuration {config!r}{hint}")
    try:
        return tfds.builder(data.removeprefix(SCHEME), data_dir=_data_dir())
    except Exception as error:
        raise CorpusError(f"{data}: {_first_line(error)}") from error


def _prepare(data: str, builder: Any) -> None:
    """Downloads and prepares the data, unless that has been done."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # whatever two hundred builders may raise
        ways = ", or ".join(_ways_out(builder))
        raise CorpusError(f"{data}: {_first_line(error)}; {ways}") from error


def _ways_out(builder: Any) -> Iterator[str]:
    """What to do about a failed download; names its files if they are few."""
    config = builder.builder_config.name if builder.builder_config else ""
    infos = (builder.url_infos or {}).values()
    files = sorted({info.filename for info in infos} - {None})
    files = [f for f in files if config and f.startswith(f"{config}-")] or files
    if 0 < len(files) <= _MOST_FILES_TO_NAME:
        manual = _data_dir() / "downloads" / "manual"
        yield f"place {', '.join(str(manual / file) for file in files)}"
    yield "run once with a network"
    yield f"copy the prepared data set to {_data_dir() / builder.name}"


def _data_dir() -> Path:
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {line[:160]}"


def _leave_accelerators_to_keras() -> None:
    """Under another backend TensorFlow only reads, and must not fill the GPU."""
    keras = sys.modules.get("keras")
    backend = keras.config.backend() if keras else os.environ.get("KERAS_BACKEND")
    if backend not in (None, "tensorflow"):
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # TensorFlow has already started
            tf.config.set_visible_devices([], "GPU")
