"""Schemes of spans, by hand and against seqeval."""

import itertools
import os
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
import seqeval.metrics
import seqeval.scheme
from seqeval.metrics.sequence_labeling import get_entities

from zoo.data import corpora
from zoo.evaluation.metrics import entity_f1
from zoo.text import span_schemes
from zoo.text.span_detection import detect
from zoo.text.span_tags import (
    LETTERS,
    NOTATIONS,
    read_tag,
    rules_and_notation,
    write_tag,
)

DATA = Path(
    os.environ.get("RECURRENT_ZOO_DATA")
    or Path(__file__).parent.parent.parent / "shared" / "data"
)
# One sentence: X of one word, X of two, Y of three, X of one, none, X of one.
WRITTEN = {
    "io": "I-X I-X I-X I-Y I-Y I-Y I-X O I-X",
    "iob1": "I-X B-X I-X I-Y I-Y I-Y I-X O I-X",
    "iob2": "B-X B-X I-X B-Y I-Y I-Y B-X O B-X",
    "ioe1": "E-X I-X I-X I-Y I-Y I-Y I-X O I-X",
    "ioe2": "E-X I-X E-X I-Y I-Y E-Y E-X O E-X",
    "bioes": "S-X B-X E-X B-Y I-Y E-Y S-X O S-X",
    "bilou": "U-X B-X L-X B-Y I-Y L-Y U-X O U-X",
    "bmes": "S-X B-X E-X B-Y M-Y E-Y S-X O S-X",
}
SPANS = [("X", 0, 1), ("X", 1, 3), ("Y", 3, 6), ("X", 6, 7), ("X", 8, 9)]
JOINED = [("X", 0, 3), *SPANS[2:]]  # as IO has it
# What seqeval calls them; it has no IO, which is IOB1 without B, and no BMES.
SEQEVAL = {"io": "IOB1", "iob1": "IOB1", "iob2": "IOB2", "ioe1": "IOE1"}
SEQEVAL |= {"ioe2": "IOE2", "bioes": "IOBES", "bilou": "BILOU"}


def tags_of(scheme):
    letters = LETTERS[scheme].values()
    return ["O", *(f"{letter}-{kind}" for letter in letters for kind in "XY")]


def legal(tags, scheme):
    return not any(span_schemes.violations([("", ((), tags))], scheme))


@pytest.mark.parametrize("scheme", WRITTEN)
def test_spans(scheme):
    assert span_schemes.spans(WRITTEN[scheme].split(), scheme) == (
        JOINED if scheme == "io" else SPANS
    )
    assert span_schemes.spans([], scheme) == span_schemes.spans(["O"], scheme) == []


@pytest.mark.parametrize("source, target", list(itertools.product(WRITTEN, repeat=2)))
def test_conversion(source, target):
    found = span_schemes.convert(WRITTEN[source].split(), source, target)
    if source == "io" != target:
        assert span_schemes.spans(found, target) == JOINED
        assert span_schemes.convert(found, target, "io") == WRITTEN["io"].split()
    else:
        assert found == WRITTEN[target].split()


def test_an_illegal_sentence_is_not_converted():
    with pytest.raises(ValueError) as error:
        span_schemes.convert(["O", "I-X"], "iob2", "bioes")
    assert str(error.value) == "tags: 'I-X' after 'O' is not IOB2"


@pytest.mark.parametrize("scheme", WRITTEN)
def test_legal_tags_are_not_repaired(scheme):
    """All sentences of up to four words: repaired if and only if they are illegal."""
    for length in range(5 if len(tags_of(scheme)) < 6 else 4):
        for tags in itertools.product(tags_of(scheme), repeat=length):
            repaired = span_schemes.repair(tags, "B-X", scheme)
            assert (repaired == list(tags)) is legal(tags, scheme), tags
            assert legal(repaired, scheme)


@pytest.mark.parametrize("target", ["iob2", "bioes", "ioe2", "bilou", "bmes"])
def test_a_repair_keeps_the_spans_that_conlleval_reads(target):
    """Of all sentences of up to four words; seqeval reads by its rules by default."""
    tags = ["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "XY")]
    for length in range(1, 5):
        for sentence in itertools.product(tags, repeat=length):
            expected = [
                (kind, start, last + 1)
                for kind, start, last in get_entities(list(sentence))
            ]
            repaired = span_schemes.repair(sentence, "B-X", target)
            assert span_schemes.spans(repaired, target) == expected, sentence


@pytest.mark.parametrize("tags, scheme, expected", [
    ("O B-MISC O", "iob1", "O I-MISC O"),
    ("O I-LOC I-PER", "iob2", "O B-LOC B-PER"),
    ("O S-LOC U-LOC I-LOC", "iob2", "O B-LOC B-LOC B-LOC"),
    ("LOC B-LOC 0 b-LOC i-LOC", "iob2", "O B-LOC O B-LOC I-LOC"),
    ("B-LOC I_LOC LOC-I I-LOC", "iob2", "B-LOC I-LOC O B-LOC"),
    ("B-X I-X O", "bioes", "B-X E-X O"),
    ("B-X L-X I-X", "bilou", "B-X L-X U-X"),
])  # fmt: skip
def test_repairs_by_hand(tags, scheme, expected):
    assert span_schemes.repair(tags.split(), "B-X", scheme) == expected.split()


@pytest.mark.parametrize("notation", NOTATIONS)
def test_notations(notation):
    """What is written can be read, and says the same as with `B-X`."""
    scheme = f"bilou/{notation}"
    written = span_schemes.convert(WRITTEN["iob2"].split(), "iob2", scheme)
    if len(notation) == 1:
        assert written == [
            tag[0].lower() if notation == "b" else tag[0]
            for tag in WRITTEN["bilou"].split()
        ]
        assert [s[1:] for s in span_schemes.spans(written, scheme)] == [
            s[1:] for s in SPANS
        ]
    else:
        assert span_schemes.spans(written, scheme) == SPANS
        assert (
            span_schemes.convert(written, scheme, "bilou") == WRITTEN["bilou"].split()
        )


@pytest.mark.parametrize("name", ["", "iob", "iob2/", "iob2/X", "bilou/B+X", "4"])
def test_names_that_are_no_scheme(name):
    if name == "iob2/":
        assert rules_and_notation(name) == ("iob2", "B-X")
        return
    with pytest.raises(ValueError, match="^scheme: expected one of io, iob1, .* got "):
        rules_and_notation(name)


def test_labels_may_hold_anything():
    assert span_schemes.spans(["B-a-b", "I-a-b"], "iob2") == [("a-b", 0, 2)]
    with pytest.raises(ValueError) as error:
        span_schemes.spans(["S-X"], "iob2")
    expected = "the tag 'S-X' is not IOB2; expected O, B-..., I-..."
    assert str(error.value) == expected


def test_violations_by_line(tmp_path):
    file = tmp_path / "train.conll"
    file.write_text("a O\nb I-X\n\nc B-X\nd I-Y\ne O\n\nf I-X\n")
    located = list(corpora.read_conll(file).located())
    assert list(span_schemes.violations(located, "iob2")) == [
        f"{file}:2: 'I-X' after 'O' is not IOB2",
        f"{file}:5: 'I-Y' after 'B-X' is not IOB2",
        f"{file}:8: 'I-X' at the beginning of a sentence is not IOB2",
    ]
    file.write_text("a S-X\nb B-X\n\nc E-X\n")
    located = list(corpora.read_conll(file).located())
    assert list(span_schemes.violations(located, "bioes")) == [
        f"{file}:2: 'B-X' at the end of a sentence is not BIOES",
        f"{file}:4: 'E-X' at the beginning of a sentence is not BIOES",
    ]


@pytest.mark.parametrize("scheme", WRITTEN)
def test_what_is_allowed_is_what_conversion_writes(scheme):
    """All transitions of all sentences of up to four words, and no others."""
    tags = tags_of(scheme)
    allowed = span_schemes.allowed_transitions(tags, scheme)
    seen = np.zeros_like(allowed)
    for length in range(5):
        for sentence in itertools.product(tags_of("iob2"), repeat=length):
            if not legal(sentence, "iob2"):
                continue
            written = span_schemes.convert(sentence, "iob2", scheme)
            ids = [-1, *map(tags.index, written), -1]
            seen[ids[:-1], ids[1:]] = True
    assert np.array_equal(allowed, seen)


def test_only_tags_of_the_scheme_have_transitions():
    with pytest.raises(ValueError, match="the tag 'NOUN' is not BIOES; expected O, B-"):
        span_schemes.allowed_transitions(["O", "NOUN"], "bioes")


# --- Against seqeval -------------------------------------------------------------


def seqeval_f1(expected, predicted, scheme):
    rules, notation = rules_and_notation(scheme)
    kind = getattr(seqeval.scheme, SEQEVAL[rules])
    # Its f1_score does not pass on the delimiter.
    delimiter = "_" if "_" in notation else "-"
    expected, predicted = (
        [[tag.replace(delimiter, "-") for tag in tags] for tags in side]
        for side in (expected, predicted)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seqeval.metrics.f1_score(
            expected, predicted, mode="strict", scheme=kind, suffix=notation[0] == "X"
        )


@pytest.mark.parametrize("scheme", [s for s in SEQEVAL if s != "ioe1"])
def test_every_short_sentence_has_the_spans_of_seqeval(scheme):
    """Legal or not: all of up to four words."""
    for length in range(1, 5 if len(tags_of(scheme)) < 6 else 4):
        for tags in itertools.product(tags_of(scheme), repeat=length):
            kind = getattr(seqeval.scheme, SEQEVAL[scheme])
            (found,) = seqeval.scheme.Entities([list(tags)], kind).entities
            expected = [(e.tag, e.start, e.end) for e in found]
            assert span_schemes.spans(tags, scheme) == expected, tags


def test_every_short_sentence_of_ioe1():
    """seqeval says of itself that it does not handle all of them; by hand-made IOE2.

    Where no span of one word has to be marked, it does.
    """
    seen = 0
    for length in range(1, 6):
        for tags in itertools.product(["O", "I-X", "E-X", "I-Y"], repeat=length):
            if not legal(tags, "ioe1"):
                continue
            found = span_schemes.spans(tags, "ioe1")
            whole = span_schemes.convert(tags, "ioe1", "ioe2")
            assert found == span_schemes.spans(whole, "ioe2")
            # E begins a span where seqeval has no rule for it.
            if any(b == "E-X" != a and a != "I-X" for a, b in zip(["O", *tags], tags)):
                continue
            (theirs,) = seqeval.scheme.Entities(
                [list(tags)], seqeval.scheme.IOE1
            ).entities
            assert found == [(e.tag, e.start, e.end) for e in theirs], tags
            seen += 1
    assert seen > 100


@pytest.mark.parametrize("notation", ["B-X", "B_X", "X-B", "X_B", "B"])
@pytest.mark.parametrize("scheme", [s for s in SEQEVAL if s != "ioe1"])
def test_the_f1_is_that_of_seqeval(scheme, notation):
    drawn = random.Random(0)
    name = f"{scheme}/{notation}"
    tags = [rewrite(tag, name) for tag in tags_of(scheme)]
    for _ in range(5):
        expected, predicted = [], []
        for _ in range(drawn.randint(1, 4)):
            size = drawn.randint(1, 9)
            expected.append(drawn.choices(tags, k=size))
            predicted.append([t if drawn.random() < 0.7 else "O" for t in expected[-1]])
        found = entity_f1(predicted, expected, name)
        assert found == pytest.approx(seqeval_f1(expected, predicted, name))


def rewrite(tag, scheme):
    """Writes a tag in the notation of a scheme."""
    return write_tag(read_tag(tag), scheme)


def test_without_spans_the_f1_is_0():
    assert entity_f1([["O"]], [["O"]], "iob2") == 0.0
    assert seqeval_f1([["O"]], [["O"]], "iob2") == 0.0


@pytest.mark.data
def test_wnut17():
    if not (DATA / "wnut17").exists():
        pytest.skip(f"{DATA / 'wnut17'} is absent; set RECURRENT_ZOO_DATA")
    splits = corpora.tagged(str(DATA / "wnut17"))
    train = [tags for _, tags in splits["train"]]
    assert detect(train) == "iob2"
    for scheme in ("iob1", "bioes"):
        converted = [span_schemes.convert(tags, "iob2", scheme) for tags in train]
        assert detect(converted) == scheme
        back = [span_schemes.convert(tags, scheme, "iob2") for tags in converted]
        assert back == train
    for split in splits.values():
        assert list(span_schemes.violations(split.located(), "iob2")) == []
    dev = [list(tags) for _, tags in splits["dev"]]
    changed = [["O" if i % 3 == 0 else t for i, t in enumerate(tags)] for tags in dev]
    found = entity_f1(changed, dev, "iob2")
    assert 0.1 < found < 0.9
    assert found == pytest.approx(seqeval_f1(dev, changed, "iob2"))
