"""Corpora for the recipes: labeled, tagged, plain and parallel text, pronunciations.

`labeled`, `tagged`, `text`, `parallel` and `pronunciations` take what a recipe's
`--data` takes (nothing, a path or `tfds:<builder>`) and return train, dev and test,
with what was decided about them. The `read_*` functions read one file each. Everything
streams, and what is wrong with a file is a `CorpusError` of one line: `file:line: what
is wrong; what was expected`.
"""

from typing import Literal

from zoo.data import default_corpora, tfds
from zoo.data.conll import column_number, read_conll, read_conllu, read_tagged
from zoo.data.corpus_files import (
    Corpus,
    CorpusError,
    Splits,
    TaggedWords,
    TextPair,
    file_suffix,
)
from zoo.data.holding_out import hold_out, hold_out_characters
from zoo.data.pairs import open_pairs, read_pairs, read_parallel
from zoo.data.readers import (
    open_labeled,
    read_class_folders,
    read_labeled,
    read_text,
)
from zoo.data.splits import SplitFiles, find_files
from zoo.data.tagged_lines import describe_lines

__all__ = [
    "DICTIONARY",
    "Corpus",
    "CorpusError",
    "SplitFiles",
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


Data = str | SplitFiles | None


def labeled(
    data: Data = None,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    header: bool | None = None,
    head: Literal["multilabel", "regression"] | None = None,
    features: str | None = None,
    split_seed: int = 0,
) -> Splits[TextPair]:
    """Opens a corpus for text classification.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a .tsv or
            .csv file; a directory that holds one such file, or one directory of class
            folders, for each split; or `SplitFiles` that name them.
        text_column: Name or 0-based number of the text's column. By default the
            header tells; without one, of two columns the shorter is the label.
        label_column: The same for the label's column.
        header: Whether tables have a header; None to find out.
        head: `"multilabel"` if a text may have several labels or none, `"regression"`
            if the label is a number.
        features: TFDS only: `"text_feature,label_feature"`, guessed by default.
        split_seed: Of the order in which examples are held out.

    Returns:
        `{"train", "dev", "test"}`, each of `(text, label)`. A split that is missing
        is held out of train: a tenth, see `zoo.data.holding_out.hold_out`.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If an option does not apply to this kind of data (files or TFDS).
    """
    if data is None and features is None:
        return default_corpora.docstrings()
    name = _tfds_name(
        data,
        features,
        text_column=text_column is not None,
        label_column=label_column is not None,
        header=header is not None,
    )
    if name is not None:
        splits = tfds.labeled(name, features)
    else:
        found, decisions = find_files(_where(data), [{".tsv", ".csv", "/"}])
        paths = {split: files[0] for split, files in found.items()}
        unlabeled = head == "multilabel"
        read = open_labeled(paths, text_column, label_column, header, unlabeled)
        splits = Splits(read, decisions | read.decisions)
    return hold_out(
        splits,
        text=lambda pair: pair[0],
        label=None if head == "regression" else lambda pair: pair[1],
        seed=split_seed,
        train_has_all=head is None,
    )


def tagged(
    data: Data = None,
    *,
    word_column: int = 0,
    tag_column: str | int | None = None,
    features: str | None = None,
    split_seed: int = 0,
) -> Splits[TaggedWords]:
    """Opens a corpus for tagging words.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a file; a
            directory with one file for each split; or `SplitFiles` that name them.
            `.conllu` is read as CoNLL-U, anything else as CoNLL columns.
        word_column: Number of the word's column, counted from 0; CoNLL columns only.
        tag_column: The tag's column. Of CoNLL-U its name, e.g. `"upos"` (the default)
            or `"xpos"`; of CoNLL columns its number, by default the last; of TFDS the
            name of the feature, by default `upos` or the one sequence of class labels.
        features: TFDS only: `"words_feature,tags_feature"`, instead of `tag_column`.
        split_seed: Of the order in which sentences are held out.

    Returns:
        `{"train", "dev", "test"}`, each of `(words, tags)`, two lists of equal
        length. A missing split is held out of train: a tenth of the sentences.

    Raises:
        CorpusError: If the data cannot be found or read, or has no such column.
        ValueError: If an option does not apply to this kind of data (files or TFDS).
    """
    if data is None and features is None:
        return default_corpora.restored_text()
    name = _tfds_name(
        data,
        features,
        word_column=word_column != 0,
        tag_column=column_number(tag_column) is not None,
    )
    if name is not None:
        tags = None if tag_column is None else str(tag_column)
        splits = tfds.tagged(name, tags, features)
    else:
        ranks = [{".conllu"}, {".conll", ".iob", ".iob2", ".bio", ".tsv"}, None]
        found, decisions = find_files(_where(data), ranks)
        read = {
            split: read_tagged(files[0], word_column, tag_column)
            for split, files in found.items()
        }
        columns = {
            split: files[0]
            for split, files in found.items()
            if file_suffix(files[0]) != ".conllu"
        }
        if tag_column is None:
            tag_column = "last" if columns else "upos"
        word = word_column if columns else "form"
        decisions["columns"] = {"word": word, "tag": tag_column}
        splits = Splits(read, decisions | describe_lines(columns))
    return hold_out(splits, text=lambda pair: " ".join(pair[0]), seed=split_seed)


def text(data: Data = None, *, features: str | None = None) -> Splits[str]:
    """Opens a corpus for language modelling.

    Args:
        data: `None` for the embedded default; `tfds:<builder>[/config]`; a text file;
            a directory with one text file for each split; or `SplitFiles` that name
            them.
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
    if data is None and features is None:
        return default_corpora.documentation()
    name = _tfds_name(data, features)
    if name is not None:
        return hold_out_characters(tfds.text(name, features))
    ranks = [{".txt", ".text", ".tokens", ".raw"}, None]
    found, decisions = find_files(_where(data), ranks)
    read = {split: read_text(files[0]) for split, files in found.items()}
    return hold_out_characters(Splits(read, decisions))


def parallel(
    data: Data = None,
    *,
    source: str | None = None,
    target: str | None = None,
    header: bool | None = None,
    features: str | None = None,
    split_seed: int = 0,
) -> Splits[TextPair]:
    """Opens a corpus for translation.

    Args:
        data: `None` for the embedded default, English whose vowels are to be restored;
            `tfds:<builder>[/config]`; a .tsv or .txt file of `source<TAB>target`; a
            directory with one such file for each split, or with two line-aligned files
            for each, e.g. `train.de` and `train.en.gz`; or `SplitFiles` that name them.
        source: Suffix of the source's files (TFDS: its language), e.g. `"de"`.
        target: Suffix of the target's files (TFDS: its language), e.g. `"en"`.
        header: Whether .tsv files have a header; None to find out.
        features: TFDS only: `"source_feature,target_feature"`, guessed by default.
        split_seed: Of the order in which pairs are held out.

    Returns:
        `{"train", "dev", "test"}`, each of `(source, target)`. A missing split is
        held out of train: a tenth of the sources.

    Raises:
        CorpusError: If the data cannot be found or read.
        ValueError: If features are given, but the data is not of TFDS.
    """
    if data is None and features is None:
        return default_corpora.restored_vowels()
    name = _tfds_name(data, features, header=header is not None)
    if name is not None:
        splits = tfds.parallel(name, source, target, features)
    else:
        suffixes = _languages(data, source, target)
        hint = " (or give source and target)"
        ranks = [{".tsv"}, {".txt"}]
        found, decisions = find_files(_where(data), ranks, hint, suffixes)
        splits = open_pairs(found, decisions, header)
    return hold_out(splits, text=lambda pair: pair[0], seed=split_seed)


def pronunciations(
    data: Data = None, *, header: bool | None = None, split_seed: int = 0
) -> Splits[TextPair]:
    """Opens a corpus of words and their pronunciations.

    Args:
        data: `None` for 30,000 words of the CMU dictionary; `"cmudict"` for all of it;
            a file of `word<TAB>phonemes`, with spaces between the phonemes; a
            directory with one such file for each split; or `SplitFiles` that name them.
        header: Whether files have a header; None to find out.
        split_seed: Of the order in which words are held out.

    Returns:
        `{"train", "dev", "test"}`, each of `(word, phonemes)`. A missing split is held
        out of train: a tenth of the words.

    Raises:
        CorpusError: If the data cannot be found or read.
    """
    if data is None:
        return default_corpora.pronunciations()
    if _where(data) == SplitFiles(data=DICTIONARY):
        return default_corpora.pronunciations(size=None)
    found, decisions = find_files(_where(data), [{".tsv"}, {".dict"}, None])
    splits = open_pairs(found, decisions, header)
    return hold_out(splits, text=lambda pair: pair[0], seed=split_seed)


def _where(data: Data) -> SplitFiles:
    return data if isinstance(data, SplitFiles) else SplitFiles(data=data)


def _languages(data: Data, source: str | None, target: str | None) -> tuple[str, ...]:
    """Returns the suffixes of two aligned files; none for one file of pairs."""
    if source is None and target is None:
        return ()
    if not source or not target:
        shown = data.data if isinstance(data, SplitFiles) else data
        raise CorpusError(
            f"{shown}: source is {source!r} and target is {target!r}; expected the "
            "suffixes of both languages, e.g. 'de' and 'en'"
        )
    return source.lstrip("."), target.lstrip(".")


def _tfds_name(data: Data, features: str | None, **columns_given: bool) -> str | None:
    """Returns the name of a data set of TFDS, None if the data is in files.

    TFDS has features and splits, files have columns: an error says so.
    """
    where = _where(data)
    name = where.data if (where.data or "").startswith(tfds.SCHEME) else None
    if features is not None and name is None:
        raise ValueError("features: is for tfds: data only")
    if name is not None:
        for split in where.given:
            raise ValueError(f"{split}: is for files only; {name} has its own splits")
        for option, is_given in columns_given.items():
            if is_given:
                raise ValueError(
                    f"{option}: is for files only; give features for {name}"
                )
    return name
