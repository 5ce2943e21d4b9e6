"""Translation: attention, search, reranking, scheduled sampling."""

import numpy as np
import pytest
from conftest import tiny

import zoo
from recipes import generate, translate
from zoo.evaluation.metrics import bleu


def test_a_translator_of_every_option(tmp_path):
    changes = {
        "attention_place": "inside", "input_feeding": True, "coverage": True,
        "label_smoothing": 0.1, "variational_dropout": True,
        "beam_size": 2, "coverage_penalty": 0.1, "weight_drop": 0.1,
        "scheduled_sampling": 0.5, "sampling_schedule": "inverse_sigmoid",
    }  # fmt: skip
    result = translate.run(tiny("translate", tmp_path, epochs=1, **changes))
    sources = (tmp_path / "data" / "test.de").read_text().splitlines()
    lines = (tmp_path / "run" / "translations.txt").read_text().splitlines()
    beam = {"beam_size": 2, "coverage_penalty": 0.1}
    assert lines[1::4] == result.model.translate(sources, **beam)
    assert (tmp_path / "run" / "attention.png").exists()


def test_scheduled_sampling_leaves_a_plain_checkpoint(runs, tmp_path):
    plain = runs["translate"].result
    changes = {"scheduled_sampling": 0.99, "learning_rate": 0.1}
    result = translate.run(tiny("translate", tmp_path, **changes))
    loaded = zoo.load(tmp_path / "run").keras_model
    assert len(loaded.weights) == len(plain.model.keras_model.weights)
    for found, expected in zip(
        loaded.get_weights(), result.model.keras_model.get_weights()
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_share_of_samples_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match="scheduled_sampling: expected .* got 1.5"):
        tiny("translate", tmp_path, scheduled_sampling=1.5)


def test_evaluation_with_a_language_model(runs, tmp_path):
    """A weight so large that the language model alone decides."""
    changes = {
        "tokens": "words", "learning_rate": 0.02, "warmup_steps": 0, "units": 16,
        "embedding_size": 16, "epochs": 20, "output_dropout": 0.0,
    }  # fmt: skip
    generate.prepare(tiny("generate", tmp_path / "lm", **changes)).fit()
    model, lm = runs["translate"].result.model, zoo.load(tmp_path / "lm" / "run")
    changes = {"rerank": str(tmp_path / "lm" / "run"), "rerank_weight": 1e6}
    config = tiny("translate", tmp_path, beam_size=4, **changes)
    corpus = translate.read(config)["test"]
    sources = [source for source, _ in corpus]
    expected = []
    for found in model.n_best(sources, 4, 4):
        lines = lm.line_log_probabilities([h.text for h in found])
        means = [total / count for total, count in lines]
        expected.append(found[int(np.argmax(means))].text)
    assert translate.translations(model, config, [*sources, ""]) == [*expected, ""]
    plain = tiny("translate", tmp_path / "plain", beam_size=4)
    assert translate.translations(model, plain, sources) != expected
    score = bleu(expected, [target for _, target in corpus])[0]
    assert translate.evaluate(model, config) == pytest.approx(score)


def test_a_translator_without_attention_draws_no_map(tmp_path):
    changes = {"attention": "none", "cell": "lstm", "epochs": 1}
    translate.run(tiny("translate", tmp_path, **changes))
    assert not (tmp_path / "run" / "attention.png").exists()
    assert isinstance(zoo.load(tmp_path / "run").translate("der hund"), str)


def test_pronunciations_are_of_another_recipe():
    with pytest.raises(ValueError, match="data: cmudict is .* recipes.pronounce"):
        translate.prepare(translate.Config(data="cmudict"))
