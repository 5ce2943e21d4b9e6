"""Which scheme tags follow: those of seqeval, in every notation, with mistakes."""

import itertools

import pytest

from zoo.text import span_schemes
from zoo.text.span_detection import detect, detect_scheme
from zoo.text.span_tags import LETTERS, NOTATIONS, scheme_name

# X of one word, X of two right after it, Y of three, X of four, none, X of one.
SPANS = "B-X B-X I-X B-Y I-Y I-Y B-X I-X I-X I-X O B-X".split()


@pytest.mark.parametrize("rules, notation", list(itertools.product(LETTERS, NOTATIONS)))
def test_every_scheme_in_every_notation(rules, notation):
    scheme = scheme_name(rules, notation)
    tags = span_schemes.convert(SPANS, "iob2", scheme)
    assert detect([tags, ["O"]]) == scheme
    # One mistake in a thousand words does not change it, whatever it is.
    outside = "o" if "b" in notation else "O"
    for stray in ("LOC", "S-LOC", "B-LOC", "I-LOC", "L_LOC", "0", "?"):
        many = [tags] * 9 + [[outside] * 80 + [stray]] + [[outside] * 800]
        assert detect(many) == scheme, stray


def test_what_train_does_not_tell_the_other_splits_tell():
    train = [["I-X", "O"]]
    assert detect(train) == "io"
    assert detect_scheme(train, [["I-X", "B-X"]]).scheme == "iob1"
    assert detect_scheme(train, [["E-X", "I-X"]]).scheme == "ioe1"


def test_repairs_by_scheme():
    """The official CoNLL-2003: IOB1, where one `B-MISC` follows `O`."""
    found = detect_scheme(
        [["I-PER", "B-PER", "O", "B-MISC"], ["I-LOC", "I-LOC", "I-LOC", "O"]]
    )
    assert found.scheme == "iob1"
    assert found.repairs["iob1"] == 1
    assert found.repairs["io"] == found.repairs["iob2"] == 2
    # Otherwise written: both of PER, the MISC, first and last of LOC.
    assert found.repairs["bioes"] == 5


@pytest.mark.parametrize("tags", [
    "NOUN X VERB", "NN-TL NP-HL BE-TL DO*", "P-D V_pres N-S", "S-CONJ NOUN VERB I-X",
    "N V A D", "S V O", "E O O", "NN_B NN_I VB JJ",
    "-LRB- -RRB- B", "LOC PER O", "O O O", "_ _ _",
])  # fmt: skip
def test_part_of_speech_tags_are_not_of_spans(tags):
    assert detect([tags.split()] * 50) is None


def test_the_notation_of_a_scheme_that_is_known():
    tags = [["LOC_U", "O", "what"], ["PER_B", "PER_L"]]
    assert detect_scheme(tags, rules="bilou").scheme == "bilou/X_B"
    assert detect_scheme([["NOUN"]], rules="bilou").scheme is None
