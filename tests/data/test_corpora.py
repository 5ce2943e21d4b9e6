"""Readers: one test per behavior and per message."""

import builtins
import gzip
import os
from functools import partial
from pathlib import Path

import pytest

from zoo.data import corpora
from zoo.data.corpora import CorpusError

DATA = Path(
    os.environ.get("RECURRENT_ZOO_DATA")
    or Path(__file__).parents[2] / ".." / "shared" / "data"
)
CONLLU_ROW = "{}\t{}\t_\t{}\tXX\t_\t0\troot\t_\t_\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def counts(splits):
    return [sum(1 for _ in splits[split]) for split in ("train", "dev", "test")]


def numbered(count, second=None):
    """Returns rows of a label and a text, or of a text and something else."""
    if second is None:
        return "".join(f"{n % 2}\tsentence {n}\n" for n in range(count))
    return "".join(f"text {n}\t{second}\n" for n in range(count))


# --- Labelled text ---------------------------------------------------------------


@pytest.mark.parametrize(
    "content, options, expected",
    [
        pytest.param("label\ttext\n1\ta b\n", {}, ("a b", "1"), id="header"),
        pytest.param("Sentence\tTARGET\na b\t1\n", {}, ("a b", "1"), id="header-case"),
        pytest.param(
            "1\ta long text\n0\tb\n", {}, ("a long text", "1"), id="label-first"
        ),
        pytest.param("a long text\t1\n", {}, ("a long text", "1"), id="text-first"),
        pytest.param(
            "a\tb\tc\n",
            {"text_column": 2, "label_column": "0"},
            ("c", "a"),
            id="numbers",
        ),
        pytest.param("a\tb\n", {"text_column": 0}, ("a", "b"), id="one-of-two"),
        pytest.param(
            "q\tw\tz\na\tb\tc\n",
            {"text_column": "Z", "label_column": "q"},
            ("c", "a"),
            id="names",
        ),
        pytest.param(
            "label\tid\ttext\na\tb\tc\n",
            {"text_column": 1},
            ("b", "a"),
            id="number-and-known-header",
        ),
        pytest.param(
            '1\tan "open quote\n', {}, ('an "open quote', "1"), id="loose-quote"
        ),
        pytest.param(
            "label\ttext\r\n1\ta b", {}, ("a b", "1"), id="crlf-no-last-newline"
        ),
        pytest.param(
            "\ufefflabel\ttext\n\n1\ta b\n", {}, ("a b", "1"), id="bom-blank-line"
        ),
    ],
)
def test_columns_of_tsv(tmp_path, content, options, expected):
    path = write(tmp_path / "a.tsv", content)
    assert next(iter(corpora.read_labeled(path, **options))) == expected


def test_lines_of_csv_that_hold_only_white_space_are_blank(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n\t\na b,1\n  \n\n")
    assert list(corpora.read_labeled(path).located()) == [(f"{path}:3", ("a b", "1"))]


def test_a_link_to_nowhere(tmp_path):
    (tmp_path / "train.tsv").symlink_to("gone.tsv")
    with pytest.raises(CorpusError, match="train.tsv: a link to gone.tsv, which does"):
        corpora.labeled(str(tmp_path / "train.tsv"))
    with pytest.raises(CorpusError, match="train.tsv: a link to gone.tsv, which does"):
        corpora.labeled(str(tmp_path))


def test_csv_quotes_and_places(tmp_path):
    path = write(tmp_path / "a.csv.gz", 'text,label\n"two\nlines, ""q""",x\nlast,y\n')
    assert list(corpora.read_labeled(path).located()) == [
        (f"{path}:2", ('two\nlines, "q"', "x")),
        (f"{path}:4", ("last", "y")),
    ]


@pytest.mark.parametrize(
    "name, content, options, message",
    [
        pytest.param(
            "a.tsv",
            "1\ta\n0\tb\tc\n",
            {},
            ":2: 3 columns where 2 were expected",
            id="ragged",
        ),
        pytest.param(
            "a.tsv",
            "text\tlabel\na\t \n",
            {},
            ":2: the label is empty",
            id="empty-label",
        ),
        pytest.param(
            "a.tsv",
            "a\tb\tc\n",
            {},
            "give text_column and label_column",
            id="three-columns",
        ),
        pytest.param(
            "a.tsv", "only\n", {}, ":1: 1 column ('only'); expected", id="one"
        ),
        pytest.param(
            "a.tsv",
            "q\tw\n",
            {"text_column": "e"},
            ":1: text_column is 'e'; expected one of 'q', 'w'",
            id="no-such-name",
        ),
        pytest.param(
            "a.tsv",
            "q\tw\n",
            {"label_column": "2"},
            ":1: label_column is 2; expected a number from 0 to 1",
            id="range",
        ),
        pytest.param(
            "a.tsv",
            "q\tw\n",
            {"text_column": 1, "label_column": 1},
            "two different ones",
            id="same-column",
        ),
        pytest.param(
            "a.tsv",
            "text\tlabel\n",
            {},
            ": no example found; expected",
            id="header-only",
        ),
        pytest.param("a.tsv", "\n\n", {}, ": no example found; expected", id="blank"),
        pytest.param("a.csv", 'x,y\n"open,1\n', {}, ":2: not CSV (", id="open-quote"),
        pytest.param(
            "a.txt", "1\ta\n", {}, ": expected a .tsv or .csv file", id="suffix"
        ),
    ],
)
def test_errors_of_labeled(tmp_path, name, content, options, message):
    path = write(tmp_path / name, content)
    with pytest.raises(CorpusError) as error:
        list(corpora.read_labeled(path, **options))
    assert str(error.value).startswith(str(path)) and message in str(error.value)
    assert "\n" not in str(error.value)


def test_class_folders(tmp_path):
    write(tmp_path / "pos" / "1.txt", "fine\n")
    write(tmp_path / "neg" / "2.txt", "a\nbad one")
    write(tmp_path / "neg" / "1.txt.gz", "worse")
    write(tmp_path / "neg" / ".hidden", "no")
    write(tmp_path / "unsup" / "1.txt", "aclImdb's unlabeled")
    assert list(corpora.read_class_folders(tmp_path)) == [
        ("worse", "neg"),
        ("a\nbad one", "neg"),
        ("fine", "pos"),
    ]


@pytest.mark.parametrize(
    "empty, message",
    [
        pytest.param(
            "", "no example found; expected one folder per class", id="no-folder"
        ),
        pytest.param(
            "pos", "no example found; expected one folder per class", id="no-file"
        ),
    ],
)
def test_empty_class_folders(tmp_path, empty, message):
    (tmp_path / empty).mkdir(exist_ok=True)
    with pytest.raises(CorpusError, match=message):
        list(corpora.read_class_folders(tmp_path))


def test_directory_of_class_folders(tmp_path):
    for split in ("train", "test"):
        for number in range(10):
            write(tmp_path / split / "a" / f"{number}.txt", f"x {number}")
    assert counts(corpora.labeled(str(tmp_path))) == [9, 1, 10]


def test_columns_guessed_from_train_hold_for_dev(tmp_path):
    write(tmp_path / "train.tsv", "a long text\tx\n")
    write(tmp_path / "dev.tsv", "b\tlonger\n")
    write(tmp_path / "test.tsv", "b\tlonger\n")
    assert list(corpora.labeled(str(tmp_path))["dev"]) == [("b", "longer")]


# --- Tagged words ----------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("#\tA\nb\tB\n\nc\tC\n", id="tabs"),
        pytest.param("# A\nb  B \n\n\nc C", id="spaces-no-last-newline"),
        pytest.param(
            "-DOCSTART- O\n\n#\tA\nb\tB\n\t\nc\tC\n\n", id="docstart-tab-blank"
        ),
        pytest.param("#\tA\r\nb\tB\r\n\r\nc\tC\r\n", id="crlf"),
    ],
)
def test_conll(tmp_path, content):
    path = write(tmp_path / "a.conll", content)
    assert list(corpora.read_conll(path)) == [(["#", "b"], ["A", "B"]), (["c"], ["C"])]


def test_conll_columns_and_places(tmp_path):
    path = write(tmp_path / "a.conll", "\n1 a X O\n2 b Y O\n")
    corpus = corpora.read_conll(path, word_column=1, tag_column=2)
    assert list(corpus.located()) == [(f"{path}:2", (["a", "b"], ["X", "Y"]))]


@pytest.mark.parametrize(
    "content, options, message",
    [
        pytest.param(
            "a X\nb Y Z\n", {}, ":2: 3 columns where 2 were expected", id="ragged"
        ),
        pytest.param("a\nb\n", {}, ":1: 1 column where 2", id="no-tag"),
        pytest.param(
            "a X\n",
            {"tag_column": 2},
            ":1: tag_column is 2, with 2 columns",
            id="range",
        ),
        pytest.param(
            "a X\n",
            {"word_column": 1},
            ":1: word_column and tag_column are both",
            id="same",
        ),
        pytest.param("a\tX\n\tX\n", {}, ":2: an empty cell", id="empty-cell"),
        pytest.param(
            "\n\n", {}, ": no example found; expected a word and its tag", id="blank"
        ),
    ],
)
def test_errors_of_conll(tmp_path, content, options, message):
    path = write(tmp_path / "a.conll", content)
    with pytest.raises(CorpusError) as error:
        list(corpora.read_conll(path, **options))
    assert f"{path}{message}" in str(error.value)


def test_conllu_skips_multiwords_and_empty_nodes(tmp_path):
    rows = [
        CONLLU_ROW.format(*row)
        for row in [
            ("1-2", "don't", "_"),
            (1, "do", "AUX"),
            (2, "n't", "PART"),
            ("2.1", "e", "V"),
        ]
    ]
    path = write(tmp_path / "a.conllu", "# text = don't\n" + "".join(rows) + "\n")
    assert list(corpora.read_conllu(path).located()) == [
        (f"{path}:3", (["do", "n't"], ["AUX", "PART"]))
    ]
    assert list(corpora.read_conllu(path, tag_column="xpos")) == [
        (["do", "n't"], ["XX"] * 2)
    ]


@pytest.mark.parametrize(
    "content, message",
    [
        pytest.param(
            "# c\n1\ta\tb\n", ":2: 3 columns where 10 were expected", id="columns"
        ),
        pytest.param(
            CONLLU_ROW.format("x", "a", "N"), ":1: the id is 'x'; expected 3", id="id"
        ),
    ],
)
def test_errors_of_conllu(tmp_path, content, message):
    path = write(tmp_path / "a.conllu", content)
    with pytest.raises(CorpusError) as error:
        list(corpora.read_conllu(path))
    assert f"{path}{message}" in str(error.value)


@pytest.mark.parametrize("column", ["pos", 3, "-1"])
def test_a_column_that_conllu_does_not_have(tmp_path, column):
    message = f"tag_column is {column!r}; expected a column of CoNLL-U: lemma, upos, xp"
    with pytest.raises(CorpusError, match=message):
        corpora.read_conllu(tmp_path / "a.conllu", tag_column=column)


def test_columns_of_conll_have_no_names(tmp_path):
    path = write(tmp_path / "a.conll", "a\tX\n" * 20)
    message = f"{path}: tag_column is 'upos'; expected the number of a column "
    with pytest.raises(CorpusError, match=message):
        corpora.tagged(str(path), tag_column="upos")


@pytest.mark.parametrize(
    "column, tags",
    [(None, ["Z"]), (1, ["Y"]), ("1", ["Y"]), (-2, ["Y"]), ("-1", ["Z"])],
)
def test_tag_column_of_conll(tmp_path, column, tags):
    write(tmp_path / "train.conll", "".join(f"{n}\tY\tZ\n\n" for n in range(10)))
    splits = corpora.tagged(str(tmp_path), tag_column=column)
    assert next(iter(splits["train"]))[1] == tags


@pytest.mark.parametrize(
    "column, tags", [(None, ["NOUN"]), ("upos", ["NOUN"]), ("deprel", ["root"])]
)
def test_tag_column_of_conllu(tmp_path, column, tags):
    rows = [CONLLU_ROW.format(1, word, "NOUN") for word in range(10)]
    write(tmp_path / "train.conllu", "\n".join(rows))
    splits = corpora.tagged(str(tmp_path), tag_column=column)
    assert next(iter(splits["train"]))[1] == tags


def test_tagged_tells_conllu_from_columns_and_prefers_it(tmp_path):
    write(tmp_path / "en-ud-train.conllu.gz", CONLLU_ROW.format(1, "a", "NOUN") * 2)
    write(tmp_path / "en-ud-train.txt", "raw text that goes with it\n")
    write(tmp_path / "emerging.dev.conll", "b\tX\n")
    write(tmp_path / "emerging.test.annotated", "c\tY\n")
    splits = corpora.tagged(str(tmp_path))
    assert [list(splits[s])[0][1] for s in splits] == [["NOUN"] * 2, ["X"], ["Y"]]


# --- Plain and parallel text -----------------------------------------------------


def test_text_is_the_file_exactly(tmp_path):
    content = "To be\r\n\r\nor not\rto\n\x85be\u2028?"
    path = write(tmp_path / "a.txt.gz", content)
    assert "".join(corpora.read_text(path)) == content
    assert [place for place, _ in corpora.read_text(path).located()][-1] == f"{path}:4"


@pytest.mark.parametrize("size", [20, 99, 100, 1234])
def test_a_single_text_is_cut_by_characters(tmp_path, size):
    content = ("abcdefg\n" * size)[:size]
    splits = corpora.text(str(write(tmp_path / "a.txt", content)))
    cuts = [0, int(0.05 * size), int(0.9 * size), size]
    assert ["".join(splits[s]) for s in ("dev", "train", "test")] == [
        content[a:b] for a, b in zip(cuts, cuts[1:])
    ]


def test_missing_dev_of_a_text_is_the_end_of_train(tmp_path):
    write(tmp_path / "wiki.train.tokens", "0123456789" * 10)
    write(tmp_path / "wiki.test.tokens", "t")
    splits = corpora.text(str(tmp_path))
    assert ["".join(splits[s]) for s in ("dev", "test")] == ["56789", "t"]
    assert len("".join(splits["train"])) == 95


def test_too_short_a_text(tmp_path):
    path = write(tmp_path / "a.txt", "ab")
    with pytest.raises(CorpusError, match="expected at least 20 characters"):
        list(corpora.text(str(path))["dev"])


def test_parallel_strips_ends(tmp_path):
    source = write(tmp_path / "a.de", "ä\r\n\nc")
    target = write(tmp_path / "a.en", "x\n\nz\n")
    assert list(corpora.read_parallel(source, target).located()) == [
        (f"{source}:1", ("ä", "x")),
        (f"{source}:2", ("", "")),
        (f"{source}:3", ("c", "z")),
    ]


@pytest.mark.parametrize("lines", [(5, 3), (3, 5), (2, 1)])
def test_parallel_files_of_different_lengths(tmp_path, lines):
    paths = [write(tmp_path / f"a.{n}", "x\n" * k) for n, k in zip(("de", "en"), lines)]
    with pytest.raises(CorpusError) as error:
        list(corpora.read_parallel(*paths))
    assert str(error.value) == (
        f"{paths[0]} has {lines[0]} lines but {paths[1]} has {lines[1]}"
    )


def test_parallel_directory_by_suffix(tmp_path):
    for split in ("train", "val", "test_2016_flickr"):
        write(tmp_path / f"{split}.lc.tok.de.gz", "d\n")
        write(tmp_path / f"{split}.lc.tok.en", "e\n")
    splits = corpora.parallel(str(tmp_path), source="de", target="en")
    assert [list(splits[s]) for s in splits] == [[("d", "e")]] * 3


def test_pairs(tmp_path):
    path = write(tmp_path / "pairs.tsv.gz", numbered(20, "b"))
    splits = corpora.parallel(str(path))
    assert counts(splits) == [16, 2, 2]
    assert {target for _, target in splits["dev"]} == {"b"}


@pytest.mark.parametrize(
    "options, message",
    [
        pytest.param({"source": "de"}, "source is 'de' and target is None", id="one"),
        pytest.param({"source": "de", "target": "fr"}, "no train split", id="suffix"),
        pytest.param(
            {"source": "de", "target": "en"}, "val.de: no counterpart", id="split"
        ),
        pytest.param(
            {},
            r"a .tsv or .txt file .*\(or give source and target\)",
            id="none",
        ),
    ],
)
def test_errors_of_parallel_directories(tmp_path, options, message):
    for name in ("train.de", "train.en", "val.de"):
        write(tmp_path / name, "x\n")
    with pytest.raises(CorpusError, match=message):
        corpora.parallel(str(tmp_path), **options)


def test_pairs_of_three_columns(tmp_path):
    path = write(tmp_path / "a.tsv", "a\tb\tc\n")
    with pytest.raises(CorpusError, match="a.tsv:1: 3 columns where 2 were expected"):
        list(corpora.read_pairs(path))


@pytest.mark.parametrize("name", ["words.dict", "words.tsv.gz"])
def test_pronunciations_in_a_file(tmp_path, name):
    path = write(tmp_path / name, numbered(20, "HH AH L OW"))
    splits = corpora.pronunciations(str(path))
    assert counts(splits) == [16, 2, 2]
    assert {sounds for _, sounds in splits["dev"]} == {"HH AH L OW"}


def test_pronunciations_in_a_directory(tmp_path):
    for split in ("train", "dev", "test"):
        write(tmp_path / f"eng_{split}.tsv", f"{split}\tAH\n")
    splits = corpora.pronunciations(str(tmp_path))
    assert [list(splits[s]) for s in splits] == [
        [(split, "AH")] for split in ("train", "dev", "test")
    ]


# --- Splits ----------------------------------------------------------------------


def test_a_tenth_is_held_out_and_left_out(tmp_path):
    path = write(tmp_path / "a.tsv", numbered(100))
    splits = corpora.labeled(str(path))
    assert counts(splits) == [80, 10, 10]
    assert sorted(sum(map(list, splits.values()), [])) == sorted(
        corpora.read_labeled(path)
    )
    place, (_, label) = next(splits["dev"].located())
    line = path.read_text().splitlines()[int(place.removeprefix(f"{path}:")) - 1]
    assert line.startswith(f"{label}\t")


def test_only_the_missing_split_is_held_out(tmp_path):
    write(tmp_path / "train.tsv", numbered(100))
    write(tmp_path / "validation.csv", "1,a\n")
    splits = corpora.labeled(str(tmp_path))
    assert counts(splits) == [90, 1, 10]
    assert list(splits) == ["train", "dev", "test"]


def test_too_few_to_hold_out(tmp_path):
    path = write(tmp_path / "a.tsv", numbered(9))
    with pytest.raises(CorpusError, match="expected at least 10 examples"):
        list(corpora.labeled(str(path))["dev"])


@pytest.mark.parametrize(
    "names, message",
    [
        pytest.param(
            ["train.tsv", "my_train.csv"],
            "my_train.csv and train.tsv could all be train",
            id="two-candidates",
        ),
        pytest.param(
            ["test.tsv", "other.tsv"], "no train split; expected", id="no-train"
        ),
        pytest.param(["train_dev.tsv"], "one file for two splits", id="one-for-two"),
    ],
)
def test_errors_of_split_files(tmp_path, names, message):
    for name in names:
        write(tmp_path / name, numbered(10))
    with pytest.raises(CorpusError, match=message) as error:
        corpora.labeled(str(tmp_path))
    assert str(error.value).startswith(f"{tmp_path}: ")


def test_splits_by_the_last_letters_of_a_run(tmp_path):
    write(tmp_path / "wnut17train.conll", "".join(f"{n}\tX\n\n" for n in range(10)))
    assert counts(corpora.tagged(str(tmp_path))) == [8, 1, 1]


# --- Files -----------------------------------------------------------------------

READERS = [
    pytest.param(corpora.read_labeled, id="labeled"),
    pytest.param(corpora.read_conll, id="conll"),
    pytest.param(corpora.read_conllu, id="conllu"),
    pytest.param(corpora.read_text, id="text"),
    pytest.param(corpora.read_pairs, id="pairs"),
    pytest.param(lambda path: corpora.read_parallel(path, path), id="parallel"),
]
GOOD = "".join(CONLLU_ROW.format(n, n, "X") for n in range(1, 2000))
TRUNCATED = gzip.compress(os.urandom(50_000).hex().encode())[:40_000]


@pytest.mark.parametrize("read", READERS)
def test_empty_file(tmp_path, read):
    path = write(tmp_path / "a.tsv", "")
    with pytest.raises(CorpusError, match=r"a.tsv: the file is empty; expected \w+"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_missing_file(tmp_path, read):
    write(tmp_path / "near.tsv", "x")
    with pytest.raises(CorpusError) as error:
        read(tmp_path / "neat.tsv")
    assert str(error.value) == (
        f"{tmp_path}/neat.tsv: no such file or directory; did you mean near.tsv?"
    )


@pytest.mark.parametrize("read", READERS)
def test_directory_for_a_file(tmp_path, read):
    with pytest.raises(CorpusError, match=": a directory; expected a file"):
        read(tmp_path)


def test_unreadable_file(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt", "x")

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", deny)
    with pytest.raises(CorpusError, match=r"a.txt: cannot be opened \(Permission"):
        corpora.read_text(path)


@pytest.mark.parametrize(
    "content, message",
    [
        pytest.param(b"ok\n\nab\0\n", r":3: binary data \(a NUL byte\)", id="nul"),
        pytest.param(
            "ok\nsix...é\n".encode("latin-1"),
            r":2: not UTF-8 \(byte 0xe9 at column 7\)",
            id="latin-1",
        ),
        pytest.param(TRUNCATED, r":1: the gzip stream is cut short", id="cut-gzip"),
        pytest.param(
            gzip.compress(b"a\n")[:-8] + bytes(8),
            r":\d: the gzip stream is corr",
            id="checksum",
        ),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = write(tmp_path / "a.txt", content)
    with pytest.raises(CorpusError, match=f"{path}{message}.*; expected"):
        list(corpora.read_text(path))


def test_cut_gzip_names_the_line_after_the_last_good_one(tmp_path):
    path = write(tmp_path / "a.txt", gzip.compress(GOOD.encode())[:-2000])
    read, lines = corpora.read_text(path), []
    with pytest.raises(CorpusError) as error:
        lines.extend(iter(read))
    place = str(error.value).split(": ")[0]
    assert int(place.rsplit(":", 1)[1]) > 1 and "cut short" in str(error.value)


def test_gzip_is_told_by_its_bytes(tmp_path):
    zipped = write(tmp_path / "a.txt", gzip.compress(b"x\n"))
    plain = tmp_path / "b.txt.gz"
    plain.write_bytes(b"x\n")
    assert list(corpora.read_text(zipped)) == list(corpora.read_text(plain)) == ["x\n"]


def test_high_level_missing_path_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError) as error:
        corpora.text("no/such")
    path = tmp_path / "no" / "such"
    assert str(error.value) == f"{path}: does not exist, nor does {path.parent}"


def test_a_corpus_is_read_line_by_line(tmp_path):
    path = write(tmp_path / "a.txt", b"x\n" * 50_000 + b"\0\n")
    assert next(iter(corpora.read_text(path))) == "x\n"  # the bad end is not reached


# --- Options of the other kind of data -------------------------------------------


@pytest.mark.parametrize("data", [None, "a/path"])
@pytest.mark.parametrize(
    "read",
    [
        corpora.labeled,
        corpora.tagged,
        corpora.text,
        corpora.parallel,
    ],
)
def test_features_are_for_tfds_only(read, data):
    with pytest.raises(ValueError, match="^features: is for tfds: data only$"):
        read(data, features="text,label")


@pytest.mark.parametrize(
    "read, options",
    [
        (corpora.labeled, {"text_column": 0}),
        (corpora.labeled, {"label_column": "label"}),
        (corpora.tagged, {"word_column": 1}),
        (corpora.tagged, {"tag_column": 0}),
    ],
)
def test_columns_are_for_files_only(read, options):
    message = f"^{next(iter(options))}: is for files only; give features for tfds:x$"
    with pytest.raises(ValueError, match=message):
        read("tfds:x", **options)


# --- Real data -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, read, expected",
    [
        pytest.param("ud_ewt/r2.10", corpora.tagged, [12543, 2001, 2077], id="ud"),
        pytest.param("sst2_glue", corpora.labeled, [67349, 872, 1821], id="sst2"),
        pytest.param("wnut17", corpora.tagged, [3394, 1009, 1287], id="wnut17"),
        pytest.param("wikitext2", corpora.text, [36718, 3760, 4358], id="wikitext2"),
        pytest.param(
            "multi30k/raw",
            partial(corpora.parallel, source="de", target="en"),
            [29000, 1014, 1000],
            id="multi30k",
        ),
        pytest.param(
            "multi30k/tok",
            partial(corpora.parallel, source="en", target="fr"),
            [29000, 1014, 1000],
            id="multi30k-tok",
        ),
    ],
)
def test_counts_of_real_data(name, read, expected):
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is absent; set RECURRENT_ZOO_DATA")
    assert counts(read(str(DATA / name))) == expected
