"""Pronunciation: several right ones of a word, and what a dictionary file says."""

import pytest
from conftest import tiny

from recipes import pronounce


def test_any_pronunciation_of_the_dictionary_is_right():
    corpus = [("tomato", "T AH M EY T OW")] * 2
    predicted = ["T AH M AA T OW", "T AH M T OW"]
    closest = pronounce.closest_references(pronounce.Config(), corpus, predicted)
    assert closest[0] == predicted[0]
    assert pronounce.word_error_rate(predicted, closest) == 50


def test_any_pronunciation_of_a_file_is_right(tmp_path):
    config = tiny("pronounce", tmp_path)
    corpus = [("read", "R IY D"), ("read", "R EH D"), ("red", "R EH D")]
    closest = pronounce.closest_references(config, corpus, ["R EH D", "R EH D", "R"])
    assert closest == ["R EH D"] * 3


def test_a_dictionary_is_learned_by_heart(tmp_path):
    changes = {"input_dropout": 0.0, "output_dropout": 0.0, "warmup_steps": 0}
    sizes = {"units": 32, "embedding_size": 16, "epochs": 20}
    config = tiny("pronounce", tmp_path, learning_rate=0.02, **changes, **sizes)
    result = pronounce.run(config)
    assert result.metrics["score"] == 0 and result.metrics["phoneme_error_rate"] == 0
    assert result.model.translate("dog") == "D AO G"
    assert result.history[-1]["val_word_error_rate"] == 0


def test_words_are_told_from_sounds_by_a_tab(tmp_path):
    config = tiny("pronounce", tmp_path)
    (tmp_path / "data" / "dev.tsv").write_text("dog D AO G\n")
    with pytest.raises(ValueError, match="dev.tsv:1: "):
        pronounce.run(config)
    assert not (tmp_path / "run").exists()
