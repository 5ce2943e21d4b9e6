"""Corpora for the recipes: labelled text, tagged words, plain text, parallel text.

`labelled`, `tagged`, `text` and `parallel` take what a recipe's `--data` takes
(nothing, a path or `tfds:<builder>`) and give train, dev and test. The `read_*`
functions beneath them read one file. Everything streams, and whatever is wrong with a
file is a `CorpusError` of one line: `file:line: what is wrong; what was expected`.
"""

from zoo.data import default_corpora, tfds
from zoo.data.corpus_files import Corpus, CorpusError, kind
from zoo.data.delimited import find_columns
from zoo.data.readers import (
    read_class_folders,
    read_conll,
    read_conllu,
    read_labelled,
    read_pairs,
    read_parallel,
    read_text,
)
from zoo.data.splits import aligned_paths, hold_out, hold_out_characters, split_paths

__all__ = [
    "DICTIONARY",
    "Corpus",
    "CorpusError",
    "labelled",
    "parallel",
    "read_class_folders",
    "read_conll",
    "read_conllu",
    "read_labelled",
    "read_pairs",
    "read_parallel",
    "read_text",
    "tagged",
    "text",
]

DICTIONARY = "cmudict"  # names the whole CMU dictionary as data


def labelled(
    data: str | None = None,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    features: str | None = None,
) -> dict[str, Corpus]:
    """Opens a corpus for text classification.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a .tsv or
            .csv file; or a directory that holds one such file, or one directory of
            class folders, for each split.
        text_column: Name or 0-based number of the text's column. By default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label's column.
        features: TFDS only: `"text_feature,label_feature"`, guessed by default.

    Returns:
        `{"train", "dev", "test"}`, each of `(text, label)`. A split that is missing
        is held out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If an option is of the other kind of data (files, TFDS).
    """
    if _is_tfds(
        data,
        features,
        text_column=text_column is not None,
        label_column=label_column is not None,
    ):
        return tfds.labelled(data, features)
    if data is None:
        return default_corpora.docstrings()
    paths = split_paths(data, [{".tsv", ".csv", "/"}])
    if not paths["train"].is_dir():
        *columns, header = find_columns(paths["train"], text_column, label_column)
        if not header:  # what train tells holds for dev and test as well
            text_column, label_column = columns
    return hold_out(
        {
            split: (
                read_class_folders(path)
                if path.is_dir()
                else read_labelled(path, text_column, label_column)
            )
            for split, path in paths.items()
        }
    )


def tagged(
    data: str | None = None,
    *,
    tag: str = "upos",
    word_column: int = 0,
    tag_column: int = -1,
    features: str | None = None,
) -> dict[str, Corpus]:
    """Opens a corpus for tagging words.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a file; or a
            directory with one file for each split. `.conllu` is read as CoNLL-U,
            anything else as CoNLL columns.
        tag: `"upos"` or `"xpos"`; CoNLL-U and TFDS only.
        word_column: Column of the word; CoNLL columns only.
        tag_column: Column of the tag, -1 for the last; CoNLL columns only.
        features: TFDS only: `"words_feature,tags_feature"`, guessed by default.

    Returns:
        `{"train", "dev", "test"}`, each of `(words, tags)`, two lists of equal
        length. A missing split is held out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If an option is of the other kind of data (files, TFDS).
    """
    if _is_tfds(
        data,
        features,
        word_column=word_column != 0,
        tag_column=tag_column != -1,
    ):
        return tfds.tagged(data, tag, features)
    if data is None:
        return default_corpora.restored_text()
    ranks = [{".conllu"}, {".conll", ".iob", ".iob2", ".bio", ".tsv"}, None]
    return hold_out(
        {
            split: (
                read_conllu(path, tag)
                if kind(path) == ".conllu"
                else read_conll(path, word_column, tag_column)
            )
            for split, path in split_paths(data, ranks).items()
        }
    )


def text(data: str | None = None, *, features: str | None = None) -> dict[str, Corpus]:
    """Opens a corpus for language modelling.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a text file;
            or a directory with one text file for each split.
        features: TFDS only: the name of the text feature, guessed by default.

    Returns:
        `{"train", "dev", "test"}`, each of lines with their ends, so that
        `"".join(corpus)` is the text. Of a single file the first 5% of the characters
        are dev and the last 10% are test; if only one of the two is missing, it is the
        last 5% of train.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If features are given for other data than TFDS's.
    """
    if _is_tfds(data, features):
        return tfds.text(data, features)
    if data is None:
        return default_corpora.documentation()
    paths = split_paths(data, [{".txt", ".text", ".tokens", ".raw"}, None])
    return hold_out_characters({s: read_text(path) for s, path in paths.items()})


def parallel(
    data: str | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    features: str | None = None,
) -> dict[str, Corpus]:
    """Opens a corpus for translation.

    Args:
        data: `None` for the embedded default, which is 30,000 words of the CMU
            dictionary; `"cmudict"` for all of it; `tfds:<builder>[/config]`; a .tsv
            file of `source<TAB>target`; or a directory with one such file for each
            split, or with two line-aligned files for each split, e.g. `train.de` and
            `train.en.gz`.
        source: Suffix of the source's files (TFDS: its language), e.g. `"de"`.
        target: Suffix of the target's files (TFDS: its language), e.g. `"en"`.
        features: TFDS only: `"source_feature,target_feature"`, guessed by default.

    Returns:
        `{"train", "dev", "test"}`, each of `(source, target)`. A missing split is
        held out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If features are given for other data than TFDS's.
    """
    if _is_tfds(data, features):
        return tfds.parallel(data, source, target, features)
    if data is None:
        return default_corpora.pronunciations()
    if data == DICTIONARY:
        return default_corpora.pronunciations(size=None)
    if source is None and target is None:
        paths = split_paths(data, [{".tsv"}], " (or give source and target)")
        return hold_out({split: read_pairs(path) for split, path in paths.items()})
    return hold_out(
        {
            split: read_parallel(*paths)
            for split, paths in aligned_paths(data, source, target).items()
        }
    )


def _is_tfds(data: str | None, features: str | None, **columns_given: bool) -> bool:
    """Tells TFDS, which has features, from what has columns; refuses the other's."""
    is_tfds = data is not None and data.startswith(tfds.SCHEME)
    if features is not None and not is_tfds:
        raise ValueError("features: is for tfds: data only")
    for option, is_given in columns_given.items():
        if is_given and is_tfds:
            raise ValueError(f"{option}: is for files only; give features for {data}")
    return is_tfds
