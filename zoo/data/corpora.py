"""Corpora for the recipes: labeled, tagged, plain and parallel text, pronunciations.

`labeled`, `tagged`, `text`, `parallel` and `pronunciations` take what a recipe's
`--data` takes (nothing, a path or `tfds:<builder>`) and return train, dev and test. The
`read_*` functions read one file each. Everything streams, and what is wrong with a file
is a `CorpusError` of one line: `file:line: what is wrong; what was expected`.
"""

from typing import TypeGuard

from zoo.data import default_corpora, tfds
from zoo.data.conll import column_number, read_conll, read_conllu, read_tagged
from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Splits,
    TaggedWords,
    TextPair,
)
from zoo.data.delimited import find_columns
from zoo.data.readers import (
    read_class_folders,
    read_labeled,
    read_pairs,
    read_parallel,
    read_text,
)
from zoo.data.splits import aligned_paths, hold_out, hold_out_characters, split_paths

__all__ = [
    "DICTIONARY",
    "Corpus",
    "CorpusError",
    "Splits",
    "labeled",
    "parallel",
    "pronunciations",
    "read_class_folders",
    "read_conll",
    "read_conllu",
    "read_labeled",
    "read_pairs",
    "read_parallel",
    "read_tagged",
    "read_text",
    "tagged",
    "text",
]

DICTIONARY = "cmudict"  # names the whole CMU dictionary as data


def labeled(
    data: str | None = None,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    features: str | None = None,
) -> Splits[TextPair]:
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
        ValueError: If an option does not apply to this kind of data (files or TFDS).
    """
    if _is_tfds(
        data,
        features,
        text_column=text_column is not None,
        label_column=label_column is not None,
    ):
        return tfds.labeled(data, features)
    if data is None:
        return default_corpora.docstrings()
    paths = split_paths(data, [{".tsv", ".csv", "/"}])
    if not paths["train"].is_dir():
        *columns, header = find_columns(paths["train"], text_column, label_column)
        if not header:  # what train tells holds for dev and test as well
            text_column, label_column = columns
    found = {
        split: (
            read_class_folders(path)
            if path.is_dir()
            else read_labeled(path, text_column, label_column)
        )
        for split, path in paths.items()
    }
    return hold_out(Splits(found))


def tagged(
    data: str | None = None,
    *,
    word_column: int = 0,
    tag_column: str | int | None = None,
    features: str | None = None,
) -> Splits[TaggedWords]:
    """Opens a corpus for tagging words.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a file; or a
            directory with one file for each split. `.conllu` is read as CoNLL-U,
            anything else as CoNLL columns.
        word_column: Number of the word's column, counted from 0; CoNLL columns only.
        tag_column: The tag's column. Of CoNLL-U its name, e.g. `"upos"` (the default)
            or `"xpos"`; of CoNLL columns its number, by default the last; of TFDS the
            name of the feature, by default `upos` or the one sequence of class labels.
        features: TFDS only: `"words_feature,tags_feature"`, instead of `tag_column`.

    Returns:
        `{"train", "dev", "test"}`, each of `(words, tags)`, two lists of equal
        length. A missing split is held out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read, or has no such column.
        ValueError: If an option does not apply to this kind of data (files or TFDS).
    """
    if _is_tfds(
        data,
        features,
        word_column=word_column != 0,
        tag_column=column_number(tag_column) is not None,
    ):
        name = None if tag_column is None else str(tag_column)
        return tfds.tagged(data, name, features)
    if data is None:
        return default_corpora.restored_text()
    ranks = [{".conllu"}, {".conll", ".iob", ".iob2", ".bio", ".tsv"}, None]
    found = {
        split: read_tagged(path, word_column, tag_column)
        for split, path in split_paths(data, ranks).items()
    }
    return hold_out(Splits(found))


def text(data: str | None = None, *, features: str | None = None) -> Splits[str]:
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
        ValueError: If features are given, but the data is not of TFDS.
    """
    if _is_tfds(data, features):
        return tfds.text(data, features)
    if data is None:
        return default_corpora.documentation()
    paths = split_paths(data, [{".txt", ".text", ".tokens", ".raw"}, None])
    return hold_out_characters(Splits({s: read_text(p) for s, p in paths.items()}))


def parallel(
    data: str | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    features: str | None = None,
) -> Splits[TextPair]:
    """Opens a corpus for translation.

    Args:
        data: `None` for the embedded default, English whose vowels are to be restored;
            `tfds:<builder>[/config]`; a .tsv file of `source<TAB>target`; or a
            directory with one such file for each split, or with two line-aligned files
            for each split, e.g. `train.de` and `train.en.gz`.
        source: Suffix of the source's files (TFDS: its language), e.g. `"de"`.
        target: Suffix of the target's files (TFDS: its language), e.g. `"en"`.
        features: TFDS only: `"source_feature,target_feature"`, guessed by default.

    Returns:
        `{"train", "dev", "test"}`, each of `(source, target)`. A missing split is
        held out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If features are given, but the data is not of TFDS.
    """
    if _is_tfds(data, features):
        return tfds.parallel(data, source, target, features)
    if data is None:
        return default_corpora.restored_vowels()
    if source is None and target is None:
        paths = split_paths(data, [{".tsv"}], " (or give source and target)")
        return hold_out(Splits({s: read_pairs(path) for s, path in paths.items()}))
    aligned = aligned_paths(data, source, target)
    return hold_out(Splits({s: read_parallel(*paths) for s, paths in aligned.items()}))


def pronunciations(data: str | None = None) -> Splits[TextPair]:
    """Opens a corpus of words and their pronunciations.

    Args:
        data: `None` for 30,000 words of the CMU dictionary; `"cmudict"` for all of it;
            a file of `word<TAB>phonemes`, with spaces between the phonemes; or a
            directory with one such file for each split.

    Returns:
        `{"train", "dev", "test"}`, each of `(word, phonemes)`. A missing split is held
        out: every tenth example of train.

    Raises:
        CorpusError: If the data cannot be found or read.
    """
    if data is None:
        return default_corpora.pronunciations()
    if data == DICTIONARY:
        return default_corpora.pronunciations(size=None)
    paths = split_paths(data, [{".tsv"}, {".dict"}, None])
    return hold_out(Splits({s: read_pairs(path) for s, path in paths.items()}))


def _is_tfds(
    data: str | None, features: str | None, **columns_given: bool
) -> TypeGuard[str]:
    """Tells whether data is of TFDS, and checks that no option of other data is given.

    TFDS has features, files have columns.
    """
    is_tfds = data is not None and data.startswith(tfds.SCHEME)
    if features is not None and not is_tfds:
        raise ValueError("features: is for tfds: data only")
    for option, is_given in columns_given.items():
        if is_given and is_tfds:
            raise ValueError(f"{option}: is for files only; give features for {data}")
    return is_tfds
