"""TFDS read for real, offline, from files placed where its downloads would be."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.data import corpora
from zoo.data.corpora import CorpusError
from zoo.data.ragged import Ragged
from zoo.text.vocabulary import Vocabulary

DATA = Path(
    os.environ.get("RECURRENT_ZOO_DATA")
    or Path(__file__).parents[2] / ".." / "shared" / "data"
)
UD = DATA / "ud_ewt" / "r2.10"
SHAKESPEARE = DATA / "tinyshakespeare" / "input.txt"


def encoded(sequences):
    """Packs sequences of tokens as the ids of a vocabulary of their own."""
    sequences = list(sequences)
    vocabulary = Vocabulary.build(sequences)
    return Ragged.pack(map(vocabulary.encode, sequences))


@pytest.fixture(scope="module")
def prepared_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    (root / "downloads" / "manual").mkdir(parents=True)
    return root


@pytest.fixture
def manual(prepared_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared_dir))
    return prepared_dir / "downloads" / "manual"


def test_import_brings_neither_tensorflow_nor_keras():
    code = (
        "import sys; from zoo.data import corpora, tfds; names = {'tensorflow', "
        "'keras', 'tensorflow_datasets'}; print(sorted(names & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.skipif(not SHAKESPEARE.is_file(), reason=f"{SHAKESPEARE} is absent")
def test_tiny_shakespeare_equals_its_file(manual, capsys):
    shutil.copy(SHAKESPEARE, manual / "input.txt")
    splits = corpora.text("tfds:tiny_shakespeare")
    whole = "".join(corpora.read_text(SHAKESPEARE))
    read = {split: "".join(splits[split]) for split in splits}
    assert "".join(read.values()) == whole
    theirs, ours = encoded(read.values()), encoded([whole])
    assert np.array_equal(theirs.values, ours.values) and len(ours.values) == len(whole)
    assert len(read["train"]) == int(0.9 * len(whole))
    assert next(splits["dev"].located())[0] == "tfds:tiny_shakespeare/validation:0"
    assert capsys.readouterr().out == ""


@pytest.mark.nightly
@pytest.mark.skipif(not UD.is_dir(), reason=f"{UD} is absent")
def test_universal_dependencies_equal_their_files(manual):
    for zipped in UD.glob("*.gz"):
        with gzip.open(zipped) as source, open(manual / zipped.stem, "wb") as target:
            shutil.copyfileobj(source, target)
    for tag in (None, "xpos"):
        theirs = corpora.tagged("tfds:universal_dependencies/en_ewt", tag_column=tag)
        ours = corpora.tagged(str(UD), tag_column=tag)
        for split in ("dev", "test") if tag == "xpos" else ours:
            found, expected = sorted(theirs[split]), sorted(ours[split])
            assert found == expected  # TFDS shuffles
            for column in zip(zip(*found), zip(*expected)):
                found_ids, expected_ids = map(encoded, column)
                assert np.array_equal(found_ids.values, expected_ids.values)
                assert np.array_equal(found_ids.offsets, expected_ids.offsets)


def test_no_network_and_no_file_says_what_to_place(tmp_path, monkeypatch):
    downloader = pytest.importorskip("tensorflow_datasets.core.download.downloader")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def fail(*_, **__):
        raise ConnectionError("no route to host\nand more")

    monkeypatch.setattr(downloader._Downloader, "download", fail)
    with pytest.raises(CorpusError) as error:
        corpora.text("tfds:tiny_shakespeare")
    assert str(error.value) == (
        "tfds:tiny_shakespeare: ConnectionError: no route to host; "
        f"place {tmp_path}/downloads/manual/input.txt, or run once with a network, or "
        f"copy the prepared data set to {tmp_path}/tiny_shakespeare"
    )
    with pytest.raises(CorpusError) as error:
        corpora.tagged("tfds:universal_dependencies/en_ewt")
    for split in ("train", "dev", "test"):
        path = tmp_path / "downloads" / "manual" / f"en_ewt-ud-{split}.conllu"
        assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "data, message",
    [
        ("tfds:tiny_shakespear", "no such builder; did you mean tiny_shakespeare"),
        ("tfds:glue/sst3", "glue has no configuration 'sst3'; did you mean sst2"),
    ],
)
def test_misspelt_names(data, message):
    pytest.importorskip("tensorflow_datasets")
    with pytest.raises(CorpusError, match=message):
        corpora.labeled(data)


# --- Other builders, their downloads replaced by a few examples ------------------


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Gives a builder the splits it would make of what it downloads."""
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def replace(name, **splits):
        def split_generators(self, dl_manager, *_):
            return {split: enumerate(examples) for split, examples in splits.items()}

        monkeypatch.setattr(
            tfds.builder_cls(name), "_split_generators", split_generators
        )

    return replace


def test_labels_are_named_and_missing_dev_is_held_out(prepare):
    reviews = [{"text": f"né {n}", "label": n % 2} for n in range(20)]
    prepare("imdb_reviews", train=[*reviews, {"text": " ", "label": 0}], test=reviews)
    splits = corpora.labeled("tfds:imdb_reviews")
    assert set(splits["test"]) == {
        (f"né {n}", ["neg", "pos"][n % 2]) for n in range(20)
    }
    assert [len(list(splits[split])) for split in splits] == [18, 2, 20]


def test_hidden_labels_are_held_out(prepare):
    rows = [{"sentence": str(n), "label": n % 2, "idx": n} for n in range(20)]
    hidden = [{"sentence": "?", "label": -1, "idx": 0}]
    prepare("glue", train=rows, validation=rows, test=hidden)
    splits = corpora.labeled("tfds:glue/sst2")
    assert [len(list(splits[split])) for split in splits] == [18, 20, 2]
    assert {label for _, label in splits["test"]} <= {"negative", "positive"}


def test_translation_languages_and_empty_sides(prepare):
    rows = [{"pt": "olá", "en": "hello"}, {"pt": "", "en": "x"}]
    prepare("ted_hrlr_translate", train=rows, validation=rows, test=rows)
    data = "tfds:ted_hrlr_translate/pt_to_en"
    assert list(corpora.parallel(data)["dev"]) == [("olá", "hello")]
    turned = corpora.parallel(data, source="en", target="pt")
    assert list(turned["test"]) == [("hello", "olá")]


def test_texts_are_set_apart_by_new_lines(prepare):
    prepare(
        "tiny_shakespeare",
        train=[{"text": "a\nb"}, {"text": "a\nb"}],
        validation=[{"text": "c\n"}],
        test=[{"text": "d"}],
    )
    splits = corpora.text("tfds:tiny_shakespeare", features="text")
    assert list(splits["train"]) == ["a\n", "b", "\n", "a\n", "b"]


def test_features_can_be_named(prepare):
    rows = [{"sentence1": "a", "sentence2": "b", "label": 1, "idx": 0}]
    prepare("glue", train=rows, validation=rows, test=rows)
    splits = corpora.labeled("tfds:glue/mrpc", features="sentence2,label")
    assert list(splits["dev"]) == [("b", "equivalent")]


@pytest.mark.parametrize(
    "read, data, features, message",
    [
        (
            corpora.labeled,
            "tfds:glue/mrpc",
            None,
            "expected features='text_feature,label",
        ),
        (corpora.labeled, "tfds:glue/mrpc", "a,b", "features is 'a,b'; expected 2 of"),
        (corpora.tagged, "tfds:imdb_reviews", None, "expected features='words_feature"),
        (corpora.parallel, "tfds:tiny_shakespeare", None, "expected features='source,"),
    ],
)
def test_features_are_settled_before_a_download(read, data, features, message):
    pytest.importorskip("tensorflow_datasets")
    with pytest.raises(CorpusError, match=message):
        read(data, features=features)


def test_the_tag_feature_must_exist():
    pytest.importorskip("tensorflow_datasets")
    message = "tag_column is 'pos'; expected a sequence of the builder: .*upos"
    with pytest.raises(CorpusError, match=message):
        corpora.tagged("tfds:universal_dependencies/en_ewt", tag_column="pos")


def test_features_name_the_tags_themselves():
    message = "^tag_column: expected none with features, which name the tags"
    with pytest.raises(ValueError, match=message):
        corpora.tagged("tfds:x", tag_column="xpos", features="tokens,upos")
