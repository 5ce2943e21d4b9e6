"""What people's own files and habits of naming them become: inputs and right values."""

import gzip
import hashlib
import json
import os
import unicodedata
from collections import Counter

import numpy as np
import pytest
from conftest import tiered, tiny

from zoo.data import corpora
from zoo.data.assembly import classification_batch, tagging_batch
from zoo.data.corpora import CorpusError, SplitFiles
from zoo.data.corpus_files import Corpus, Splits
from zoo.data.delimited import table
from zoo.data.holding_out import hold_out
from zoo.data.split_names import split_kinds, suspected_splits
from zoo.text.vocabulary import UNSEEN
from zoo.training.translation import left_out_decision

WORDS = "".join(f"w{n} O\nx X\n\n" for n in range(30))
ROWS = "".join(f"this is text number {n},{n % 2}\n" for n in range(40))
NAMED = "".join(f"this is text number {n},{('pos', 'neg')[n % 2]}\n" for n in range(40))


def write(directory, files):
    """Writes files, by name; a name that ends with a slash is a directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
    return str(directory)


def files_of(splits):
    """Returns the names of the files of the splits."""
    found = splits.decisions["files"]
    return {split: os.path.basename(path) for split, path in found.items()}


def fails(read):
    """Returns the message with which reading fails, which is one line."""
    with pytest.raises(CorpusError) as error:
        splits = read()
        for corpus in splits.values():
            list(corpus)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- Which file is which split -----------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"},
        {"train": "train.txt", "test": "eval.txt"},
        {"train": "train.txt", "dev": "dev.txt", "test": "eval.txt"},
        {"train": "train.txt", "dev": "eval.txt", "test": "test.txt"},
        {"train": "training.tsv", "test": "testing.tsv"},
        {"train": "train.tsv", "dev": "dev2010.tsv", "test": "tst2012.tsv"},
        {"train": "train.tags.de", "dev": "IWSLT.TED.dev2010", "test": "TED.tst2012"},
        {"train": "trn.txt", "dev": "devel.txt", "test": "TEST.TXT"},
        {"train": "train.conll", "dev": "held-out.conll"},
        {"train": "trainset.txt", "dev": "validation_set.txt", "test": "testData.txt"},
        {
            "train": "newstrain.txt",
            "dev": "newsdev2016.txt",
            "test": "newstest2016.txt",
        },
        {"train": "en-ud-train.conllu", "dev": "en-ud-dev.conllu"},
        {"train": "datatraining.txt", "test": "datatest.txt"},
        {"train": "my_train.txt", "dev": "development.txt", "test": "devtest.txt"},
    ],
    ids=lambda names: "+".join(names.values()),
)
def test_habits_of_naming_splits(tmp_path, names):
    row = "{}\tw{}\t_\tX\t_\t_\t_\t_\t_\t_\n\n"
    conllu = "".join(row.format(1, n) for n in range(30))
    contents = {n: conllu if "conllu" in n else WORDS for n in names.values()}
    data = write(tmp_path, contents)
    splits = corpora.tagged(data)
    assert files_of(splits) == names
    assert [len(list(splits[split])) for split in names][1:] == [30] * (len(names) - 1)
    held = {"train", "dev", "test"} - names.keys()
    assert ("held_out" in splits.decisions) == bool(held)
    assert len(list(splits["train"])) == 30 - 3 * len(held)


def test_what_was_found_is_said_with_checksums(tmp_path):
    data = write(
        tmp_path,
        {
            "train.conll": WORDS,
            "dev.conll": WORDS,
            "test.conll": WORDS + "y O\n",
            "train.txt": "raw text\n",
            "latest.conll": WORDS,
            "README.txt": "about",
            "train.log": "",
            "test.conll~": "",
            ".DS_Store": "\0",
        },
    )
    said = corpora.tagged(data).decisions
    assert said["files"]["test"] == f"{data}/test.conll"
    assert said["sha256"] == {
        split: hashlib.sha256((tmp_path / f"{split}.conll").read_bytes()).hexdigest()
        for split in ("train", "dev", "test")
    }
    assert said["files_not_used"] == ["latest.conll", "train.txt"]
    assert json.loads(json.dumps(said)) == said


@pytest.mark.parametrize(
    "names, message",
    [
        (["train.txt", "tst2012.txt", "tst2013.txt"], "by --test FILE"),
        (["eng.train", "esp.train", "eng.testa"], "by --train FILE"),
        (
            ["train.txt", "valid.txt", "dev.txt"],
            "dev.txt and valid.txt could all be dev",
        ),
        (
            ["train.txt", "dev.txt", "test.txt", "eval.txt"],
            "dev.txt and eval.txt could",
        ),
        (["train+eval.txt"], "one file for two splits"),
        (["train.txt", "latest.txt"], "latest.txt: looks like the test split"),
        (["train.txt", "device.txt"], "device.txt: looks like the dev split"),
        (["train.txt", "dev/x.txt"], "dev: looks like the dev split"),
        (["train.txt", "test.zip", "test.txt", "testa.txt", "dev.txt"], "could all be"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
def test_a_file_that_looks_like_a_split_and_is_not_used(tmp_path, names, message):
    data = write(tmp_path, dict.fromkeys(names, WORDS))
    assert message in fails(lambda: corpora.tagged(data))


def test_a_split_in_a_format_that_is_not_read(tmp_path):
    data = write(tmp_path, {"train.csv": ROWS, "test.jsonl": "{}"})
    message = fails(lambda: corpora.labeled(data))
    assert message.startswith(f"{data}/test.jsonl: looks like the test split")
    assert "--test FILE" in message and ".csv or .tsv" in message


def test_files_that_are_given(tmp_path, monkeypatch):
    names = ("train", "test2016", "test2017")
    data = write(tmp_path, {f"{name}.csv": ROWS for name in names})
    assert "--test FILE" in fails(lambda: corpora.labeled(data))
    splits = corpora.labeled(SplitFiles(data=data, test="test2017.csv"))
    assert files_of(splits) == {"train": "train.csv", "test": "test2017.csv"}
    assert splits.decisions["files_not_used"] == ["test2016.csv"]
    monkeypatch.chdir(tmp_path)
    splits = corpora.labeled(SplitFiles(train="test2016.csv", dev="train.csv"))
    assert files_of(splits) == {"train": "test2016.csv", "dev": "train.csv"}
    assert len(list(splits["test"])) == 4


@pytest.mark.parametrize(
    "given, message",
    [
        ({"test": "nope.csv"}, "--test: {}/nope.csv: no such file"),
        ({"test": "train.csv", "train": "train.csv"}, "given as train and as test"),
    ],
)
def test_files_that_cannot_be_given(tmp_path, given, message):
    data = write(tmp_path, {"train.csv": ROWS})
    found = fails(lambda: corpora.labeled(SplitFiles(data=data, **given)))
    assert message.format(data) in found


def test_given_files_need_a_train_split_and_no_other_file(tmp_path):
    data = write(tmp_path, {"a.csv": ROWS, "b.csv": ROWS})
    only = SplitFiles(dev=f"{data}/a.csv")
    assert "--train FILE" in fails(lambda: corpora.labeled(only))
    both = SplitFiles(data=f"{data}/a.csv", train=f"{data}/b.csv")
    assert "expected one of them" in fails(lambda: corpora.labeled(both))
    with pytest.raises(
        ValueError, match="^test: is for files only; tfds:x has its own"
    ):
        corpora.labeled(SplitFiles(data="tfds:x", test="b.csv"))


@pytest.mark.parametrize("given", ["test2017", "test2017.de", "test2017.en.gz"])
def test_given_parallel_files_by_stem(tmp_path, given):
    for name in ("train", "test2016", "test2017"):
        write(tmp_path, {f"{name}.de": f"{name}\n", f"{name}.en": f"{name}\n"})
    (tmp_path / "test2017.en").unlink()
    (tmp_path / "test2017.en.gz").write_bytes(gzip.compress(b"test2017\n"))
    (tmp_path / "dev.de").write_text("d\n")
    (tmp_path / "dev.en").write_text("d\n")
    where = SplitFiles(data=str(tmp_path), test=given)
    splits = corpora.parallel(where, source="de", target="en")
    assert list(splits["test"]) == [("test2017", "test2017")]
    assert len(splits.decisions["sha256"]["test"]) == 2


def test_given_parallel_files_by_both_names(tmp_path):
    lines = "".join(f"{n}\n" for n in range(20))
    data = write(tmp_path, {"a": lines, "b": lines})
    where = SplitFiles(train=f"{data}/a,{data}/b")
    splits = corpora.parallel(where)
    assert [len(list(corpus)) for corpus in splits.values()] == [16, 2, 2]


def test_words_that_say_a_split():
    assert split_kinds("contest.txt") == set() != suspected_splits("contest.txt")
    assert suspected_splits("train.txt") == suspected_splits("value.csv") == set()


# --- What is held out --------------------------------------------------------------


def test_labels_in_turns(tmp_path):
    rows = "".join(f"text {n},{('pos', 'neg')[n % 2]}\n" for n in range(200))
    splits = corpora.labeled(write(tmp_path, {"train.csv": rows}))
    assert [Counter(y for _, y in splits[s]) for s in ("dev", "test")] == [
        {"pos": 10, "neg": 10}
    ] * 2
    assert splits.decisions["held_out"] == (
        "dev 20 and test 20 of the 200 examples of train, shuffled with seed 0, "
        "stratified by label, equal texts on one side"
    )


def test_equal_texts_are_on_one_side(tmp_path):
    rows = "".join(f"text {n // 3} {' ' * (n % 3)},{n % 2}\n" for n in range(300))
    splits = corpora.labeled(write(tmp_path, {"train.csv": rows}))
    texts = [{text.strip() for text, _ in corpus} for corpus in splits.values()]
    assert sum(map(len, texts)) == len(set().union(*texts)) == 100


def test_equal_sentences_and_sources_are_on_one_side(tmp_path):
    words = "".join(f"w{n // 2} O\nx {'AB'[n % 2]}\n\n" for n in range(60))
    splits = corpora.tagged(write(tmp_path / "words", {"train.conll": words}))
    found = [{tuple(words) for words, _ in corpus} for corpus in splits.values()]
    assert sum(map(len, found)) == len(set().union(*found)) == 30
    pairs = "".join(f"go {n // 2}\tgeh {n}\n" for n in range(60))
    splits = corpora.parallel(write(tmp_path / "pairs", {"train.tsv": pairs}))
    found = [{source for source, _ in corpus} for corpus in splits.values()]
    assert sum(map(len, found)) == len(set().union(*found)) == 30


def test_the_seed_of_the_split(tmp_path):
    data = write(tmp_path, {"train.csv": ROWS})
    found = [list(corpora.labeled(data, split_seed=n)["test"]) for n in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_a_label_too_rare_to_hold_out_is_said(tmp_path):
    rows = ROWS.replace("number 5,1", "number 5,meh")
    splits = corpora.labeled(write(tmp_path, {"train.csv": rows}))
    assert "meh" in {label for _, label in splits["train"]}
    assert splits.decisions["labels_too_rare_for"] == {
        "dev": {"meh": 1},
        "test": {"meh": 1},
    }


def test_every_label_is_rare():
    def source():
        return ((str(n), (f"text {n}", str(n % 7))) for n in range(21))

    one = Splits({"train": Corpus(source, "a")})
    splits = hold_out(one, lambda pair: pair[0], lambda pair: pair[1])
    assert {label for _, label in splits["train"]} == {str(n) for n in range(7)}
    assert sum(len(list(corpus)) for corpus in splits.values()) == 21


def test_numbers_are_not_strata(tmp_path):
    rows = "".join(f"text number {n},{n / 7}\n" for n in range(40))
    data = write(tmp_path, {"train.csv": rows})
    splits = corpora.labeled(data, head="regression")
    assert [len(list(corpus)) for corpus in splits.values()] == [32, 4, 4]
    assert "stratified" not in splits.decisions["held_out"]


def test_too_few_texts_to_hold_out(tmp_path):
    data = write(tmp_path, {"train.csv": "a b c,1\n" * 10 + "d e f,0\n" * 10})
    message = fails(lambda: corpora.labeled(data))
    assert "2 different examples; expected at least 10" in message
    assert "--dev FILE and --test FILE" in message
    few = "".join(f"text {n % 6},{n % 2}\n" for n in range(30))
    splits = corpora.labeled(write(tmp_path / "few", {"train.csv": few}))
    assert [len(list(corpus)) for corpus in splits.values()] == [20, 5, 5]
    rows = "".join(f"text {n},label {n}\n" for n in range(12))
    data = write(tmp_path / "all", {"train.csv": rows})
    assert "train needs them" in fails(lambda: corpora.labeled(data))


# --- Labels that only evaluation has -----------------------------------------------


def test_a_class_that_is_not_in_train_has_no_loss():
    columns = {
        "token_ids": np.ones((3, 2), np.int32),
        "targets": np.array([1, UNSEEN, 0], np.int32)[:, None, None],
    }
    _, y, weights = classification_batch(columns, np.array([1, 1, 0], np.float32))
    assert y.tolist() == [[1], [0], [0]] and weights.tolist() == [1, 0, 0]
    columns = {"token_ids": columns["token_ids"][:1], "tags": np.array([[UNSEEN, 2]])}
    _, y, weights = tagging_batch(columns, np.ones(1, np.float32))
    assert y.tolist() == [[0, 2]] and weights.tolist() == [[0, 1]]
    values = {"token_ids": np.ones((1, 2), np.int32), "targets": -np.ones((1, 1, 1))}
    _, y, weights = classification_batch(values, np.ones(1, np.float32))
    assert y.tolist() == [[-1]] and weights.tolist() == [1]  # a value, not a class


def test_a_label_seen_only_in_evaluation_counts_as_wrong(tmp_path):
    from recipes import classify

    config = tiny("classify", tmp_path, epochs=1)
    for split in ("dev", "test"):
        with open(f"{config.data}/{split}.tsv", "a") as file:
            file.write("meh\ta good film\n")
    result = classify.run(config)
    said = result.metrics["decisions"]["counted_as_wrong_since_not_in_train"]
    assert said == {"dev": {"meh": 1}, "test": {"meh": 1}}
    size = sum(1 for _ in classify.read(config)["test"])
    assert result.metrics["score"] <= 100 * (size - 1) / size
    meh = result.metrics["classes"]["meh"]
    assert meh["support"] == 1 and meh["f1"] == meh["predicted"] == 0
    row = result.history[-1]
    assert 100 * row["val_accuracy"] == pytest.approx(result.metrics["dev_score"])
    assert np.isfinite(row["val_loss"])


@pytest.mark.parametrize("crf", tiered([False, True], daily=[True]))
def test_a_tag_seen_only_in_evaluation_counts_as_wrong(tmp_path, crf):
    from recipes import tag

    config = tiny("tag", tmp_path, epochs=1, crf=crf)
    for split in ("dev", "test"):
        with open(f"{config.data}/{split}.conllu", "a") as file:
            file.write("\n1\tdog\t_\tODD\t_\t_\t_\t_\t_\t_\n")
    experiment = tag.prepare(config)
    (row,) = experiment.fit()
    metrics = experiment.report().metrics
    said = metrics["decisions"]["counted_as_wrong_since_not_in_train"]
    assert said == {"dev": {"ODD": 1}, "test": {"ODD": 1}}
    words = sum(len(words) for words, _ in experiment.splits["test"])
    assert metrics["score"] <= 100 * (words - 1) / words
    assert 100 * row["val_accuracy"] == pytest.approx(metrics["dev_score"])
    assert np.isfinite(row["val_loss"])


LIST = '"a,b"'


def test_a_text_without_a_label(tmp_path):
    rows = "text,label\n" + "".join(
        f"text {n},{('', 'a', LIST)[n % 3]}\n" for n in range(30)
    )
    data = write(tmp_path, {"train.csv": rows})
    splits = corpora.labeled(data, head="multilabel")
    labels = Counter(label for corpus in splits.values() for _, label in corpus)
    assert labels == {"": 10, "a": 10, "a,b": 10}
    message = fails(lambda: corpora.labeled(data))
    assert "train.csv:2: the label is empty" in message and "multilabel" in message


# --- Headers and columns -----------------------------------------------------------


@pytest.mark.parametrize(
    "content, columns",
    [
        ("comment,toxic\n" + ROWS, ("comment", "toxic")),
        ("remark,stance\n" + NAMED, ("remark", "stance")),
        ("0,1\n" + ROWS, ("0", "1")),
        (",0,1\n" + "".join(f"{n},text {n},{n % 2}\n" for n in range(30)), ("0", "1")),
        (
            "id,comment,toxic\n" + "".join(f"{n},a {n},{n % 2}\n" for n in range(30)),
            ("comment", "toxic"),
        ),
        (
            "Unnamed: 0,remark,stance\n"
            + "".join(f"{n},a text {n},{'ab'[n % 2]}\n" for n in range(30)),
            ("remark", "stance"),
        ),
        ("remark,worth\n" + "".join(f"a {n},{n / 7}\n" for n in range(30)), None),
    ],
    ids=lambda value: value.split("\n")[0] if isinstance(value, str) else None,
)
def test_a_header_is_no_example(tmp_path, content, columns):
    data = write(tmp_path, {"train.csv": content})
    splits = corpora.labeled(data, head=None if columns else "regression")
    header = content.split("\n")[0].split(",")
    found = [pair for corpus in splits.values() for pair in corpus]
    assert len(found) == content.count("\n") - 1
    assert (header[-2], header[-1]) not in found
    shown = splits.decisions["columns"]
    assert shown == dict(zip(("text", "label"), columns or header))
    assert splits.decisions["header"].startswith("the first row of each file (")


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        NAMED,
        "I like it a lot,meh\n" + NAMED,
        "0\tno header\n1\there\n",
        "".join(f"name{n},{('German', 'French')[n % 2]}\n" for n in range(30)),
    ],
    ids=["numbers", "names", "rare-first", "two-rows", "short-texts"],
)
def test_an_example_is_no_header(tmp_path, content):
    name = "a.tsv" if "\t" in content else "a.csv"
    write(tmp_path, {name: content})
    found = list(corpora.read_labeled(tmp_path / name))
    assert len(found) == content.count("\n")


@pytest.mark.parametrize(
    "content", ["Review Text,Stance\n" + NAMED, "name,country\n" + "a,b\nc,d\n" * 20]
)
def test_what_may_be_a_header_is_asked(tmp_path, content):
    data = write(tmp_path, {"train.csv": content})
    assert "--header true or --header false" in fails(lambda: corpora.labeled(data))
    for header in (True, False):
        path = tmp_path / "train.csv"
        found = list(corpora.read_labeled(path, header=header))
        assert len(found) == content.count("\n") - header


def test_the_header_is_that_of_all_splits(tmp_path):
    turned = "stance,remark\n" + "".join(
        f"{'ab'[n % 2]},a text {n}\n" for n in range(9)
    )
    data = write(tmp_path, {"train.csv": "remark,stance\n" + NAMED, "test.csv": turned})
    splits = corpora.labeled(data)
    assert next(iter(splits["test"])) == ("a text 0", "a")  # by name, not by number
    assert "first rows of all files are the same" in splits.decisions["header"]


@pytest.mark.parametrize(
    "train, test, message",
    [
        ("text,label\n" + ROWS, ROWS, "test.csv:1: no column 'text', which train.csv"),
        (ROWS, "text,label\n" + ROWS, "test.csv:1: a header, 2 columns"),
        ("comment,toxic\n" + ROWS, ROWS, "test.csv:1: no column 'comment'"),
        ("remark,stance\n" + NAMED, NAMED, "may be a header"),
        (
            ROWS,
            ROWS.replace(",", ",x,"),
            "test.csv:1: 3 columns, where train.csv has 2",
        ),
        ("text,text,label\na,b,c\n", "", "2 columns are called 'text'"),
        ("text,stars,rating\na,b,c\n", "", "give text_column and label_column"),
        ("0,text one,a\n1,text two,b\n", "", "give text_column and label_column"),
    ],
)
def test_columns_that_do_not_go_together(tmp_path, train, test, message):
    files = {"train.csv": train, **({"test.csv": test} if test else {})}
    data = write(tmp_path, files)
    assert message in fails(lambda: corpora.labeled(data))


def test_header_false_and_a_name(tmp_path):
    data = write(tmp_path, {"train.csv": ROWS})
    message = fails(lambda: corpora.labeled(data, text_column="text", header=False))
    assert message == "text_column, label_column: expected numbers with --header false"


# --- Formats of others -------------------------------------------------------------


@pytest.mark.parametrize(
    "content, expected, comments",
    [
        ("# newdoc\n# sent_id = 1\n# text = a b\na O\nb X\n", ["a", "b"], 3),
        ("# newdoc id = x\n#newpar\n# words of a comment\na O\nb X\n", ["a", "b"], 3),
        ("# O\nb X\n", ["#", "b"], 0),
        ("# NN B O\nb NN B O\n", ["#", "b"], 0),
        ("# sent_id = 7\nb NN B O\n", ["b"], 1),
        ("# newdoc\n#\tO\nb\tX\n", ["#", "b"], 1),
        ("#tag O\nb X\n", ["#tag", "b"], 0),
        ("a O\n# newdoc\nb X\n", ["a", "b"], 1),
    ],
)
def test_comments_before_a_sentence(tmp_path, content, expected, comments):
    width = len(content.splitlines()[-1].split())
    more = "".join(f"\nw{n}{' O' * (width - 1)}\n" for n in range(12))
    data = write(tmp_path, {"train.txt": content + more})
    first = next(iter(corpora.read_conll(tmp_path / "train.txt")))
    assert first[0] == expected
    said = corpora.tagged(data).decisions
    assert said.get("comments_skipped", {"train": 0}) == {"train": comments}


@pytest.mark.parametrize("line", ["# foo bar", "#x"])
def test_a_broken_row_is_no_comment(tmp_path, line):
    write(tmp_path, {"a.conll": f"a O\n{line}\nb X\n"})
    with pytest.raises(CorpusError, match=":2: . columns? where 2 were expected"):
        list(corpora.read_conll(tmp_path / "a.conll"))


@pytest.mark.parametrize(
    "content, words, tags",
    [
        ("I|PRP|O like|VBP|O\n\nit|PRP|O |||SYM|B-X\n", ["it", "||"], ["O", "B-X"]),
        ("I|O like|O\nit|O well|B-X\n", ["it", "well"], ["O", "B-X"]),
        ("I/PRP like/VBP\n1/2/CD it/PRP\n", ["1/2", "it"], ["CD", "PRP"]),
        ("I_PRP like_VBP\nit_PRP\n", ["it"], ["PRP"]),
    ],
)
def test_a_sentence_a_line(tmp_path, content, words, tags):
    write(tmp_path, {"a.iob": content})
    assert list(corpora.read_tagged(tmp_path / "a.iob"))[1] == (words, tags)


def test_a_sentence_a_line_is_said_and_checked(tmp_path):
    lines = "".join(f"I|PRP|O like{n}|VBP|O\n" for n in range(20))
    splits = corpora.tagged(write(tmp_path, {"train.iob": lines}), tag_column=1)
    assert next(iter(splits["train"]))[1] == ["PRP", "VBP"]
    assert splits.decisions["format"] == {"train": "a sentence a line, word|tag"}
    write(tmp_path, {"train.iob": lines + "bad|X\n"})
    message = fails(lambda: corpora.tagged(str(tmp_path)))
    assert message.endswith("train.iob:21: 'bad|X' has 2 parts where 3 were expected, "
                            "with '|' between them")  # fmt: skip


def test_pairs_from_anki(tmp_path):
    credit = "CC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #8597805 (R)"
    rows = "".join(f"Go {n}.\tGeh {n}.\t{credit}\n" for n in range(20))
    splits = corpora.parallel(write(tmp_path, {"deu.txt": rows}) + "/deu.txt")
    assert next(iter(splits["train"])) == ("Go 0.", "Geh 0.")
    assert "third_column" in splits.decisions
    write(tmp_path, {"deu.txt": "Go.\tGeh.\tmaybe\n" * 20})
    message = fails(lambda: corpora.parallel(f"{tmp_path}/deu.txt"))
    assert "3 columns where 2 were expected" in message and "cut -f1,2" in message


def test_a_header_of_pairs(tmp_path):
    rows = "".join(f"go {n}\tgeh {n}\n" for n in range(20))
    data = write(tmp_path, {"a.tsv": "source\ttarget\n" + rows, "b.tsv": rows})
    for name, header, count in (("a", None, 20), ("b", None, 20), ("b", True, 19)):
        splits = corpora.parallel(f"{data}/{name}.tsv", header=header)
        assert sum(len(list(corpus)) for corpus in splits.values()) == count
    for split in ("train", "dev", "test"):
        write(tmp_path / "all", {f"{split}.tsv": f"english\tgerman\n{split}\tx\n"})
    splits = corpora.parallel(str(tmp_path / "all"))
    assert list(splits["dev"]) == [("dev", "x")]


# --- Lines -------------------------------------------------------------------------

INSIDE = "a\rb\x0cc\x0b\x1c\x85\u2028\u2029d"


def test_lines_end_at_newlines_only(tmp_path):
    data = write(
        tmp_path,
        {
            "train.de": f"{INSIDE}\n\r\nlast\r\n",
            "train.en": "x\r\n\ny",
            "a.txt": f"{INSIDE}\nb\r\n",
            "a.tsv": f"{INSIDE}\t1\r\nb\t0\r\n",
            "a.csv": f'{INSIDE},1\r\n"b\rc\nd",0\r\n',
            "a.conll": "a\rb O\nc\u2028d X\n",
        },
    )
    pairs = list(corpora.read_parallel(f"{data}/train.de", f"{data}/train.en"))
    assert pairs == [(INSIDE, "x"), ("", ""), ("last", "y")]
    assert list(corpora.read_text(f"{data}/a.txt")) == [f"{INSIDE}\n", "b\r\n"]
    assert list(corpora.read_labeled(f"{data}/a.tsv")) == [(INSIDE, "1"), ("b", "0")]
    assert list(corpora.read_labeled(f"{data}/a.csv")) == [
        (INSIDE, "1"),
        ("b\rc\nd", "0"),
    ]
    sentence = (["a\rb", "c\u2028d"], ["O", "X"])
    assert list(corpora.read_conll(f"{data}/a.conll")) == [sentence]


def test_line_numbers_are_those_of_wc(tmp_path):
    write(tmp_path, {"a.de": "a\rb\n\x85\nc\n", "a.en": "a\nb\nc\n"})
    places = [
        p
        for p, _ in corpora.read_parallel(
            tmp_path / "a.de", tmp_path / "a.en"
        ).located()
    ]
    assert [place.rsplit(":", 1)[1] for place in places] == ["1", "2", "3"]


def test_a_final_blank_line_of_one_side(tmp_path):
    write(tmp_path, {"a.de": "a\nb\n\n \n", "a.en": "x\ny\n", "b.en": "x\ny\n\nz\n"})
    pairs = corpora.read_parallel(tmp_path / "a.de", tmp_path / "a.en")
    assert list(pairs) == [("a", "x"), ("b", "y")]
    write(tmp_path, {"c.de": "a\n"})
    with pytest.raises(CorpusError, match="c.de has 1 line but .*b.en has 4"):
        list(corpora.read_parallel(tmp_path / "c.de", tmp_path / "b.en"))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.conll"])
def test_lines_of_old_macs(tmp_path, name):
    write(tmp_path, {name: "a b,1\rc d,0\r" if "csv" in name else "a\tX\rb\tX\r"})
    read = corpora.read_conll if "conll" in name else corpora.read_labeled
    with pytest.raises(CorpusError, match=":1: lines that end at carriage returns"):
        list(read(tmp_path / name))


def test_pairs_left_out_are_counted(tmp_path):
    from recipes import translate

    config = tiny("translate", tmp_path, max_length=3)
    for side in ("de", "en"):
        with open(f"{config.data}/train.{side}", "a") as file:
            file.write("a b c d\n\n")
    said = translate.prepare(config).decisions["left_out_of_training"]
    assert said == "2 of 6 pairs: 1 longer than 3 tokens, 1 empty"
    assert left_out_decision(Counter(pairs=5), 60) == {
        "left_out_of_training": "0 of 5 pairs: 0 longer than 60 tokens, 0 empty"
    }


# --- What is no file, and odd files ------------------------------------------------


@pytest.mark.parametrize("name", ["pipe.tsv", "63", "train.tsv"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    data = tmp_path if name == "train.tsv" else tmp_path / name
    message = fails(lambda: corpora.labeled(str(data)))
    assert "a pipe, and a corpus is read several times" in message
    message = fails(lambda: corpora.text("/dev/null"))
    assert "/dev/null: neither a file nor a directory" in message


def test_names_that_mean_something_to_others(tmp_path, monkeypatch):
    write(tmp_path, {"#x": WORDS, "home/x.conll": WORDS, "~y": WORDS})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for data in ("#x", "~/x.conll", "~y"):
        assert len(list(corpora.tagged(data)["train"])) == 24
    assert "does not exist" in fails(lambda: corpora.tagged("~nobody-at-all/x"))
    assert "expected a file or directory, got ''" in fails(lambda: corpora.tagged(""))


def test_a_cell_of_any_length(tmp_path):
    long = "x" * 200_000
    write(tmp_path, {"a.csv": f"text,label\n{long},1\nb,0\n"})
    assert [row for _, row in table(tmp_path / "a.csv")][1] == [long, "1"]


def test_what_lies_in_class_folders(tmp_path):
    files = {f"train/{c}/{n}.txt": f"{c} {n}" for c in "ab" for n in range(20)}
    odd = {
        "train/a/Thumbs.db": b"\0",
        "train/.DS_Store": b"\0",
        "train/b/._1.txt": b"\0",
    }
    data = write(
        tmp_path, {**files, **odd, "train/empty/": "", "train/a/blank.txt": ""}
    )
    for where in (data, f"{data}/train"):  # one of splits, or of classes
        splits = corpora.labeled(where)
        found = Counter(label for corpus in splits.values() for _, label in corpus)
        assert found == {"a": 21, "b": 20}
        assert splits.decisions["empty_class_folders"] == {"train": ["empty"]}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_label_is_the_same_in_either_form_of_unicode(tmp_path, form):
    """As where one split was written on another system than the others."""
    label = unicodedata.normalize(form, "Präsident")
    file = tmp_path / "a.tsv"
    file.write_text(f"text\tlabel\nein Text\t{label}\n", encoding="utf-8")
    assert [*corpora.read_labeled(file)] == [("ein Text", "Präsident")]
    (tmp_path / "a.conll").write_text(f"er\tB-{label}\n", encoding="utf-8")
    assert [*corpora.read_conll(tmp_path / "a.conll")] == [(["er"], ["B-Präsident"])]
    folder = tmp_path / "folders" / label
    folder.mkdir(parents=True)
    (folder / "1.txt").write_text("ein Text", encoding="utf-8")
    found = [*corpora.read_class_folders(tmp_path / "folders")]
    assert found == [("ein Text", "Präsident")]
