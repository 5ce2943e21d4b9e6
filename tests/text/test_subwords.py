"""Subwords: round trips, and models that do not fit."""

import hashlib
import json
import shutil

import pytest
from conftest import STRANGE, options, write_corpus

import zoo
from recipes import translate
from zoo.checkpoints import config_file
from zoo.text.subwords import SubwordTokenizer
from zoo.text.vocabulary import SPECIAL_TOKENS

TEXTS = [
    "the dog runs in the park", "the dogs ran, didn't they?", "a dog is running",
    "runners run; parks are parked", "they park the dogs", "naïve ñandú straße",
] * 3  # fmt: skip
SIDES = "source", "target"


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizer(request):
    return SubwordTokenizer.train(TEXTS, 60, request.param)


def test_tokens_make_the_text_again(tokenizer):
    for text in [*TEXTS, "the unseen walks", "x", "parkdog", ""]:
        tokens = tokenizer.tokenize(text)
        assert tokenizer.detokenize(tokens) == text
        assert set("".join(tokens)) <= {*text, "▁"}
    assert len(tokenizer) <= 60


def test_frequent_words_are_one_piece(tokenizer):
    assert tokenizer.tokenize("the dog") == ["▁the", "▁dog"]
    assert len(tokenizer.tokenize("dogparkstraße")) > 2


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_visible_has_no_tokens(tokenizer, text):
    assert tokenizer.tokenize(text) == [] and tokenizer.detokenize([]) == ""


def test_what_was_not_in_the_text_is_no_piece(tokenizer):
    assert "▁the" in tokenizer and "😀" not in tokenizer and "<s>" in tokenizer
    text = "the 😀犬 dog"
    tokens = tokenizer.tokenize(text)
    assert tokenizer.detokenize(tokens) == text
    assert [token for token in tokens if token not in tokenizer] == ["😀犬"]


def test_the_same_text_gives_the_same_pieces(tokenizer):
    for algorithm in ("bpe", "unigram"):
        models = {SubwordTokenizer.train(TEXTS, 60, algorithm).model for _ in range(2)}
        assert len(models) == 1


def test_the_model_is_all_it_needs(tokenizer):
    again = SubwordTokenizer(tokenizer.model)
    assert again.tokenize(TEXTS[1]) == tokenizer.tokenize(TEXTS[1])


@pytest.mark.parametrize("size", [3, 100_000])
def test_a_size_that_does_not_fit(size):
    with pytest.raises(
        ValueError, match=f"^num_subwords: {size} do not fit the text: ."
    ):
        SubwordTokenizer.train(TEXTS, size, "bpe")


@pytest.mark.parametrize("model", [b"", b"x", b"\x80\x04pickle"])
def test_what_is_no_model(model):
    with pytest.raises(ValueError, match="not a sentencepiece model"):
        SubwordTokenizer(model)


# --- In a checkpoint -------------------------------------------------------------


def trained(directory, **changes):
    """Returns the run directory of a tiny translator by subwords."""
    data = directory / "data"
    if not data.exists():
        write_corpus(data, "translate")
    run_dir = directory / f"run-{len(list(directory.iterdir()))}"
    changes = {"num_subwords": 40, "tokens": "bpe", "run_dir": str(run_dir), **changes}
    translate.run(translate.Config(**options("translate", data, epochs=1, **changes)))
    return run_dir


@pytest.fixture(scope="module")
def runs_by_subwords(tmp_path_factory):
    directory = tmp_path_factory.mktemp("subwords")
    joint = trained(directory)
    apart = trained(directory, joint_subwords=False, tokens="unigram", num_subwords=26)
    return joint, apart


def test_a_translator_by_subwords(runs_by_subwords):
    joint, apart = runs_by_subwords
    files = [
        [(run / "checkpoint" / f"{side}.model").read_bytes() for side in SIDES]
        for run in (joint, apart)
    ]
    assert files[0][0] == files[0][1] and files[1][0] != files[1][1]
    for run in (joint, apart):
        model = zoo.load(run)
        ids = model.encode_target("the dog runs")
        assert model.decode(ids) == "the dog runs" and len(ids) > 2
        assert model.translate(["der hund", "", "犬 😀"])[1] == ""
        assert "▁" not in "".join(model.translate(["der hund", "der mann"], 2))
        assert not {*SPECIAL_TOKENS} & {*model.vocabularies["target"]}


@pytest.mark.parametrize("beam_size", [1, 2])
def test_strange_input_of_a_translator_by_subwords(runs_by_subwords, beam_size):
    strange = [text for text in STRANGE.values() if len(text) < 100]
    texts = ["der hund", "der mann sitzt"]
    for run in runs_by_subwords:
        model = zoo.load(run)
        expected = model.translate(texts, beam_size)
        found = model.translate([*strange, *texts], beam_size)
        assert found[len(strange) :] == expected
        assert found[: len(strange)] == [
            model.translate(text, beam_size) for text in strange
        ]
        assert found[0] == found[1] == ""


def test_a_subword_model_of_another_checkpoint(runs_by_subwords, tmp_path):
    joint, apart = runs_by_subwords
    copy = tmp_path / "copy"
    shutil.copytree(joint / "checkpoint", copy)
    other = (apart / "checkpoint" / "target.model").read_bytes()
    (copy / "target.model").write_bytes(other)
    with pytest.raises(ValueError, match="target.model: changed since it was saved"):
        zoo.load(copy)
    # Even with its checksum it does not have the vocabulary's pieces.
    config = json.loads((copy / "config.json").read_text())
    del config["sha256"]
    config["files"]["target.model"] = hashlib.sha256(other).hexdigest()
    (copy / "config.json").write_bytes(config_file.to_bytes(config))
    with pytest.raises(ValueError, match="target.model: has no piece .* expected the"):
        zoo.load(copy)
    (copy / "target.model").write_bytes(b"x")
    config["files"]["target.model"] = hashlib.sha256(b"x").hexdigest()
    (copy / "config.json").write_bytes(config_file.to_bytes(config))
    with pytest.raises(ValueError, match="not a sentencepiece model"):
        zoo.load(copy)
