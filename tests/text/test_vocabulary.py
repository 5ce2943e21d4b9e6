"""Tokens and labels to ids and back."""

import doctest

import numpy as np
import pytest

from zoo.text import vocabulary
from zoo.text.vocabulary import END, PAD, START, UNKNOWN, Labels, Vocabulary


def test_doctests():
    results = doctest.testmod(vocabulary)
    assert results.attempted and not results.failed


def test_special_ids_come_first():
    assert (PAD, UNKNOWN, START, END) == (0, 1, 2, 3)
    assert Vocabulary(["a"]).tokens == ["<pad>", "<unk>", "<s>", "</s>", "a"]
    assert len(Vocabulary(["a"])) == 5


def test_special_tokens_in_a_text():
    tokens = ["<pad>", "<unk>", "<s>", "</s>", "a"]
    assert Vocabulary(["a"]).encode(tokens).tolist() == [1, 1, 1, 3, 4]


def test_no_text_encodes_to_padding():
    words = Vocabulary.build([["<pad>", "<pad>", "a"], ["", "<s>"]])
    ids = words.encode(["<pad>", "<s>", "", "zebra", "a", " "])
    assert ids.tolist() == [1, 1, 4, 1, 5, 1]


def test_encode_gives_int32_also_for_nothing():
    ids = Vocabulary(["a"]).encode(iter([]))
    assert ids.dtype == np.int32 and ids.shape == (0,)
    assert Vocabulary(["a"]).encode(t for t in "ab").dtype == np.int32


def test_decode_restores_known_tokens():
    words = Vocabulary(["b", "a"])
    ids = words.encode(["a", "b", "</s>"])
    assert words.decode(ids) == ["a", "b", "</s>"]
    assert words.decode(range(4)) == ["<pad>", "<unk>", "<s>", "</s>"]


@pytest.mark.parametrize(
    "token, known",
    [
        ("a", True),
        ("b", False),
        ("<unk>", False),
        ("<pad>", False),
        ("<s>", False),
        ("</s>", True),
    ],
)
def test_contains(token, known):
    assert (token in Vocabulary(["a"])) is known


@pytest.mark.parametrize("tokens", [["a", "b", "a"], ["a", "</s>"], ["<pad>"]])
def test_a_token_listed_twice(tokens):
    twice = "a" if tokens.count("a") > 1 else tokens[-1]
    with pytest.raises(ValueError) as error:
        Vocabulary(tokens)
    assert str(error.value) == f"vocabulary: the token {twice!r} is listed twice"


def test_build_ranks_by_count_then_alphabet():
    words = Vocabulary.build(iter([["b", "c", "a"], ["c", "d", "</s>", "</s>"]]))
    assert words.entries == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    "options, tokens",
    [
        ({}, "cabd"),
        ({"min_count": 2}, "cab"),
        ({"min_count": 3}, "c"),
        ({"min_count": 9}, ""),
        ({"max_size": 2}, "ca"),
        ({"max_size": 0}, ""),
        ({"max_size": 9}, "cabd"),
        ({"min_count": 3, "max_size": 2}, "c"),
    ],
)
def test_build_limits(options, tokens):
    words = Vocabulary.build(["cccc", "bb", "daa"], **options)
    assert words.entries == list(tokens)


def test_labels_are_alphabetical():
    labels = Labels.build(iter(["pos", "neg", "pos"]), "train.tsv")
    assert labels.names == ["neg", "pos"] and len(labels) == 2
    assert [labels.encode(name, "here") for name in ("pos", "neg")] == [1, 0]
    assert labels.decode(np.array([1, 0, 1])) == ["pos", "neg", "pos"]


@pytest.mark.parametrize(
    "found, message",
    [
        (["x", "x"], "f.tsv: all labels are 'x'; expected at least two classes"),
        ([], "f.tsv: no labels; expected at least two classes"),
    ],
)
def test_too_few_labels(found, message):
    with pytest.raises(ValueError) as error:
        Labels.build(found, "f.tsv")
    assert str(error.value) == message


@pytest.mark.parametrize(
    "names, known",
    [
        ("ab", "a, b"),
        ("abcdefgh", "a, b, c, d, e, f, g, h"),
        ("abcdefghi", "a, b, c, d, e, f, g, h, ..."),
    ],
)
def test_an_unknown_label(names, known):
    with pytest.raises(ValueError) as error:
        Labels(names).encode("z", "dev.tsv:7")
    assert str(error.value) == (
        "dev.tsv:7: the label 'z' does not occur in the training data; "
        f"expected one of {known}"
    )
