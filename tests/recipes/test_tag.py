"""Tagging: spans and their scheme, the CRF, characters."""

import pytest
from conftest import options

import zoo
from recipes import tag

NAMES = "in O\nNew B-LOC\nYork I-LOC\n\nby O\nAnn B-PER\n\n"


def tagged(tmp_path, text=NAMES, **changes):
    """Trains a tagger of spans, all splits alike."""
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "dev", "test"):
        (data / f"{split}.conll").write_text(text * 4)
    changes = {"run_dir": str(tmp_path / "run"), "epochs": 20, "units": 8, **changes}
    no_dropout = {"input_dropout": 0.0, "output_dropout": 0.0, "learning_rate": 0.05}
    return tag.run(tag.Config(**options("tag", data, **no_dropout, **changes)))


@pytest.mark.parametrize("crf", [False, True])
def test_spans_are_scored_by_f1(tmp_path, crf):
    result = tagged(tmp_path, crf=crf, constrained=crf)
    assert result.metrics["metric"] == "entity F1"
    assert result.metrics["score"] == pytest.approx(100)
    assert result.history[-1]["val_f1"] == pytest.approx(1)
    for side in ("classes", "dev_classes"):
        scores = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 4}
        expected = scores | {"predicted": 4}
        assert result.metrics[side] == {"LOC": expected, "PER": expected}
    assert result.metrics["micro_average"]["support"] == 8
    assert result.metrics["decisions"]["scheme"]["name"] == "iob2"
    assert ("nats" in result.history[0]) is crf is result.model.config.crf
    loaded = zoo.load(tmp_path / "run")
    expected = [("in", "O"), ("New", "B-LOC"), ("York", "I-LOC")]
    assert loaded.predict("in New York") == expected
    assert loaded.n_best("in New York", 2)[0].pairs == expected
    config = tag.Config(data=str(tmp_path / "data"))
    assert tag.evaluate(loaded, config) == pytest.approx(100)


def test_outside_is_as_rare_as_suits_the_f1(tmp_path):
    """Three of five names are not marked: the likeliest answer finds none of them."""
    text = "see O\nAnn O\n\n" * 3 + "see O\nAnn B-PER\n\n" * 2
    plain = tagged(tmp_path, text, tune_outside_score=False)
    assert plain.metrics["score"] == 0 and "shift_of_o" not in plain.metrics
    (tmp_path / "balanced").mkdir()
    result = tagged(tmp_path / "balanced", text)
    assert result.metrics["shift_of_o"] < 0
    assert result.metrics["score"] == pytest.approx(100 * 4 / 7)  # 2 of 5 are right
    loaded = zoo.load(tmp_path / "balanced" / "run")
    assert loaded.predict("see Ann") == [("see", "O"), ("Ann", "B-PER")]


def test_a_crf_of_plain_tags(tmp_path):
    result = tagged(tmp_path, "a X\nb Y\n\n", crf=True, epochs=2, strong_baseline=False)
    assert result.metrics["metric"] == "accuracy" and "shift_of_o" not in result.metrics
    assert result.metrics["classes"].keys() == {"X", "Y"}
    assert result.metrics["strong_baseline"] is None
    assert "val_accuracy" in result.history[0]


def test_characters_by_an_lstm_casing_and_word_dropout(tmp_path):
    changes = {"character_encoder": "lstm", "character_filters": 8, "casing": True}
    result = tagged(tmp_path, word_dropout=0.1, **changes)
    assert result.metrics["score"] == pytest.approx(100)
    loaded = zoo.load(tmp_path / "run")
    sentence = ["in", "New", "Ann", "ANN"]
    assert loaded.predict([sentence]) == result.model.predict([sentence])
    assert loaded.encode(sentence)[:, -1].tolist() == [1, 3, 3, 2]


def test_constraints_that_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match="^constrained: expected false without a CRF"):
        tagged(tmp_path, constrained=True)
    plain = "constrained: the tags of .* are not of spans"
    with pytest.raises(ValueError, match=plain):
        (tmp_path / "plain").mkdir()
        tagged(tmp_path / "plain", "a X\nb Y\n\n", crf=True, constrained=True)
    assert not (tmp_path / "plain" / "run").exists()
