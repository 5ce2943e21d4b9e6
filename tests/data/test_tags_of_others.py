"""Tags as other people's files have them: their scheme is found, mistakes repaired."""

import pytest

from recipes import tag
from zoo.data import corpora
from zoo.data.span_corpora import count_repairs, in_one_scheme, in_scheme
from zoo.evaluation.metrics import entity_f1
from zoo.text import span_schemes
from zoo.text.span_detection import detect

# Two sentences in IOB2, each word of which is another.
SENTENCES = ["O B-LOC I-LOC B-LOC O B-PER", "B-ORG I-ORG I-ORG O B-PER I-PER"]


def columns(sentences):
    """Returns sentences of tags as a file of two columns."""
    return "".join(
        "".join(f"w{i} {tag}\n" for i, tag in enumerate(tags)) + "\n"
        for tags in sentences
    )


def write(directory, **splits):
    """Writes sentences of tags as splits; those not given are in IOB2."""
    iob2 = [tags.split() for tags in SENTENCES] * 5
    for split in ("train", "dev", "test"):
        text = columns(splits.get(split, iob2))
        (directory / f"{split}.conll").write_text(text)
    return corpora.tagged(str(directory))


def in_iob2(scheme):
    """Returns the sentences in another scheme."""
    return [span_schemes.convert(t.split(), "iob2", scheme) for t in SENTENCES] * 5


@pytest.mark.parametrize("scheme", [
    "iob1", "iob2", "ioe1", "ioe2", "bioes", "bilou", "bmes",
    "iob2/B_X", "bilou/X-B", "bioes/X_B", "iob2/B", "iob1/b-X",
])  # fmt: skip
def test_every_scheme_is_found_and_kept(tmp_path, scheme):
    tags = in_iob2(scheme)
    splits = write(tmp_path, train=tags, dev=tags, test=tags)
    found, repaired, decision = in_one_scheme(splits)
    assert found == scheme
    assert decision["name"] == scheme and "fewest tags of train" in decision["chosen"]
    assert decision["otherwise"][scheme] == 0
    assert decision["repaired"] == "no tag"
    assert [t for _, t in repaired["test"]] == tags


def test_one_stray_tag_is_repaired_and_said(tmp_path):
    """It used to turn the F1 of spans into the accuracy of words."""
    stray = [tags.split() for tags in SENTENCES] * 500
    stray[1] = "O I-LOC O S-PER LOC O".split()
    scheme, splits, decision = in_one_scheme(write(tmp_path, train=stray))
    assert scheme == "iob2"
    assert decision["repaired"] == {
        "train": {
            "tags": 3,
            "of": 6000,
            "first": f"{tmp_path}/train.conll:9: 'I-LOC' after 'O' is read as 'B-LOC'",
        }
    }
    assert [t for _, t in splits["train"]][1] == "O B-LOC O B-PER O O".split()


def test_the_official_conll_2003_in_a_constrained_crf(tmp_path):
    """IOB1 with one `B-MISC` after `O`, which a constrained CRF refused."""
    train = in_iob2("iob1") + [["O", "B-MISC", "I-MISC"]]
    write(tmp_path, train=train, dev=in_iob2("iob1"), test=in_iob2("iob1"))
    options = {"data": str(tmp_path), "crf": True, "constrained": True, "units": 4}
    experiment = tag.prepare(tag.Config(**options, embedding_size=4))
    scheme = experiment.decisions["scheme"]
    assert scheme["name"] == "iob1"
    assert scheme["repaired"]["train"] == {
        "tags": 1,
        "of": 63,
        "first": f"{tmp_path}/train.conll:72: 'B-MISC' after 'O' is read as 'I-MISC'",
    }
    assert "B-MISC" not in experiment.model.labels.names
    assert {"B-LOC", "I-MISC"} < set(experiment.model.labels.names)


def test_splits_in_other_schemes_are_converted(tmp_path):
    splits = write(tmp_path, dev=in_iob2("bioes"), test=in_iob2("bilou/X_B"))
    scheme, converted, decision = in_one_scheme(splits)
    assert scheme == "iob2"
    assert [t for _, t in converted["dev"]] == in_iob2("iob2")
    assert [t for _, t in converted["test"]] == in_iob2("iob2")
    assert decision["repaired"]["dev"]["tags"] == 5 * 5
    # A model of one scheme is evaluated on a file in another.
    assert [t for _, t in in_scheme(splits["test"], "iob1")] == in_iob2("iob1")


@pytest.mark.parametrize("given, expected", [
    ("none", None), ("iob1", "iob1"), ("IOBES", "bioes"), ("iob2/B-X", "iob2"),
])  # fmt: skip
def test_an_option_overrides_what_is_found(tmp_path, given, expected):
    scheme, splits, decision = in_one_scheme(write(tmp_path), given)
    assert scheme == expected and decision["chosen"] == "by --scheme"
    written = [t for _, t in splits["train"]]
    assert detect(written) == (expected or "iob2")


def test_a_scheme_of_which_no_tag_is(tmp_path):
    splits = write(tmp_path, train=[["NOUN", "VERB"]])
    with pytest.raises(ValueError) as error:
        in_one_scheme(splits, "bilou")
    assert str(error.value) == (
        f"{tmp_path}/train.conll:1: the tag 'NOUN' is not of spans, nor is any other "
        f"of {tmp_path}/train.conll; expected tags of BILOU, as --scheme says"
    )
    with pytest.raises(ValueError, match="^scheme: expected one of io, .* got 'iob9'"):
        tag.Config(scheme="iob9")


def test_tags_that_only_look_like_spans_are_said(tmp_path):
    train = [["B-LOC", "LOC", "O"], ["PER", "LOC", "O"]]
    scheme, _, decision = in_one_scheme(write(tmp_path, train=train))
    assert scheme is None and decision == {
        "name": "none",
        "chosen": "1 tags look like those of spans, but 3 others do not (first 'LOC' "
        f"at {tmp_path}/train.conll:2); --scheme iob2 would read the former as spans",
    }
    plain = in_one_scheme(write(tmp_path, train=[["NOUN", "VERB"]])).decision
    assert plain == {"name": "none", "chosen": "the tags are not of spans"}


def test_gold_tags_of_an_evaluation_are_repaired_but_not_predictions(tmp_path):
    gold = [["O", "I-LOC", "I-LOC"]]
    splits = write(tmp_path, test=gold)
    repaired = in_scheme(splits["test"], "iob2")
    assert [t for _, t in repaired] == [["O", "B-LOC", "I-LOC"]]
    assert count_repairs(splits["test"], repaired)["tags"] == 1
    expected = [tags for _, tags in repaired]
    assert entity_f1([["O", "B-LOC", "I-LOC"]], expected, "iob2") == 1.0
    assert entity_f1(gold, expected, "iob2") == 0.0  # seqeval's strict mode
