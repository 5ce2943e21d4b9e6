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

from zoo.data import corpora
from zoo.evaluation.metrics import entity_f1
from zoo.text import span_schemes

DATA = Path(
    os.environ.get("RECURRENT_ZOO_DATA")
    or Path(__file__).parent.parent.parent / "shared" / "data"
)
# One sentence: X of one word, X of two, Y of three, X of one, none, X of one.
WRITTEN = {
    "io": "I-X I-X I-X I-Y I-Y I-Y I-X O I-X",
    "iob1": "I-X B-X I-X I-Y I-Y I-Y I-X O I-X",
    "iob2": "B-X B-X I-X B-Y I-Y I-Y B-X O B-X",
    "bioes": "S-X B-X E-X B-Y I-Y E-Y S-X O S-X",
}
SPANS = [("X", 0, 1), ("X", 1, 3), ("Y", 3, 6), ("X", 6, 7), ("X", 8, 9)]
JOINED = [("X", 0, 3), *SPANS[2:]]  # as IO has it
# What seqeval calls them; it has no IO, which is IOB1 without B.
SEQEVAL = {"io": "IOB1", "iob1": "IOB1", "iob2": "IOB2", "bioes": "IOBES"}


def tags_of(scheme):
    prefixes = span_schemes.PREFIXES[scheme]
    return ["O", *(f"{p}-{kind}" for p in prefixes for kind in "XY")]


@pytest.mark.parametrize("scheme", WRITTEN)
def test_spans(scheme):
    assert span_schemes.spans(WRITTEN[scheme].split(), scheme) == (
        JOINED if scheme == "io" else SPANS
    )
    assert span_schemes.spans([], scheme) == span_schemes.spans(["O"], scheme) == []


@pytest.mark.parametrize("source, target", itertools.product(WRITTEN, repeat=2))
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
def test_detection(scheme):
    sentences = [WRITTEN[scheme].split(), ["O", "O"]]
    assert span_schemes.detect(sentences) == scheme
    # A mistake in a few sentences of many does not change it.
    broken = [["B-X", "I-Y"]] if scheme != "io" else []
    assert span_schemes.detect(sentences * 9 + broken) == scheme


@pytest.mark.parametrize(
    "tags", ["O O", "NOUN X", "O B-X LOC", "B- O", "O I-X Q-X", "-LRB- O", "title,"]
)
def test_tags_that_are_not_of_spans(tags):
    assert span_schemes.detect([tags.split()]) is None


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
            if any(span_schemes.violations([("", ((), sentence))], "iob2")):
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
    kind = getattr(seqeval.scheme, SEQEVAL[scheme])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seqeval.metrics.f1_score(expected, predicted, mode="strict", scheme=kind)


@pytest.mark.parametrize("scheme", WRITTEN)
def test_every_short_sentence_has_the_spans_of_seqeval(scheme):
    """Legal or not: all of up to four words."""
    for length in range(1, 4 if scheme == "bioes" else 5):
        for tags in itertools.product(tags_of(scheme), repeat=length):
            kind = getattr(seqeval.scheme, SEQEVAL[scheme])
            (found,) = seqeval.scheme.Entities([list(tags)], kind).entities
            expected = [(e.tag, e.start, e.end) for e in found]
            assert span_schemes.spans(tags, scheme) == expected, tags


@pytest.mark.parametrize("scheme", WRITTEN)
def test_the_f1_is_that_of_seqeval(scheme):
    drawn = random.Random(0)
    for _ in range(20):
        expected, predicted = [], []
        for _ in range(drawn.randint(1, 4)):
            size = drawn.randint(1, 9)
            expected.append(drawn.choices(tags_of(scheme), k=size))
            predicted.append([t if drawn.random() < 0.7 else "O" for t in expected[-1]])
        found = entity_f1(predicted, expected, scheme)
        assert found == pytest.approx(seqeval_f1(expected, predicted, scheme))


def test_without_spans_the_f1_is_0():
    assert entity_f1([["O"]], [["O"]], "iob2") == 0.0
    assert seqeval_f1([["O"]], [["O"]], "iob2") == 0.0


@pytest.mark.data
def test_wnut17():
    if not (DATA / "wnut17").exists():
        pytest.skip(f"{DATA / 'wnut17'} is absent; set RECURRENT_ZOO_DATA")
    splits = corpora.tagged(str(DATA / "wnut17"))
    train = [tags for _, tags in splits["train"]]
    assert span_schemes.detect(train) == "iob2"
    for scheme in ("iob1", "bioes"):
        converted = [span_schemes.convert(tags, "iob2", scheme) for tags in train]
        assert span_schemes.detect(converted) == scheme
        back = [span_schemes.convert(tags, scheme, "iob2") for tags in converted]
        assert back == train
    for split in splits.values():
        assert list(span_schemes.violations(split.located(), "iob2")) == []
    dev = [list(tags) for _, tags in splits["dev"]]
    changed = [["O" if i % 3 == 0 else t for i, t in enumerate(tags)] for tags in dev]
    found = entity_f1(changed, dev, "iob2")
    assert 0.1 < found < 0.9
    assert found == pytest.approx(seqeval_f1(dev, changed, "iob2"))
