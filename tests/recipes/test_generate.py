"""Language models: tokens, regularization, averaging, the cache, and vectors."""

import dataclasses
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import arguments, tiny, write_corpus

import zoo
from recipes import generate
from zoo.command_line import parse
from zoo.inference.cache import Cache

PAGE = Path(__file__).parents[2] / "recipes" / "README.md"


def test_a_language_model_by_words(tmp_path):
    run_dir = str(tmp_path / "a run")
    changes = {"tokens": "words", "tied": True, "cell": "gru", "run_dir": run_dir}
    result = generate.run(tiny("generate", tmp_path, **changes))
    assert result.metrics["unit"] == "nats per token"
    words = zoo.load(run_dir).generate("the dog", 9).split()
    assert words[:2] == ["the", "dog"]
    assert set(words) <= {"the", "dog", "runs", "man", "sits"}


def test_a_text_of_one_token_is_named(tmp_path):
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text("ab" if split == "train" else "a")
    run_dir = tmp_path / "run"
    with pytest.raises(ValueError) as error:
        generate.run(generate.Config(data=str(tmp_path), run_dir=str(run_dir)))
    assert str(error.value) == (
        f"{tmp_path / 'dev.txt'}: expected at least 2 tokens, got 1"
    )
    assert not run_dir.exists()


def test_a_regularized_language_model_with_a_cache(tmp_path):
    changes = {
        "weight_drop": 0.3, "embedding_dropout": 0.1, "activation_penalty": 2.0,
        "temporal_activation_penalty": 1.0, "variational_dropout": True,
        "random_bptt": True, "epochs": 1,
    }  # fmt: skip
    result = generate.run(tiny("generate", tmp_path, cache=20, **changes))
    ids = result.model.encode("the dog runs\nthe man sits\n" * 4)
    cached, plain = (
        -result.model.log_probabilities(ids, cache=cache).mean()
        for cache in (Cache(size=20), None)
    )
    assert result.metrics["score"] == pytest.approx(cached, abs=1e-4)
    assert abs(cached - plain) > 1e-3


def test_a_language_model_of_averaged_weights(tmp_path):
    """From the third epoch on: by its score the second is worse than the first."""
    config = tiny(
        "generate",
        tmp_path,
        optimizer="sgd",
        decay="constant",
        learning_rate=0.1,
        weight_averaging=True,
        averaging_window=0,
        epochs=4,
    )
    values = iter([3.0, 4.0, 2.0, 1.0])
    experiment = generate.prepare(config)
    experiment = dataclasses.replace(
        experiment,
        objective=dataclasses.replace(experiment.objective, score="given"),
        evaluate=lambda: {"val_given": next(values)},
    )
    rows = experiment.fit()
    steps = [row["averaged"] for row in rows]
    assert steps[:2] == [0, 0] and steps[2] > 2 and steps[3] == 2 * steps[2] - 1
    scores = [row["val_loss"] for row in rows]
    assert scores[3] < scores[2] < scores[1]
    loaded = zoo.load(tmp_path / "run").keras_model
    for found, expected in zip(
        loaded.get_weights(), experiment.model.keras_model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(not PAGE.exists(), reason="not in a checkout")
def test_the_larger_configuration_of_wikitext2(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall("<!-- wikitext2: begin -->(.*?)<!--", page, re.S)
    words = shlex.split(block.replace("\\\n", " "))
    data = write_corpus(tmp_path / "data", "generate")
    small = arguments("generate", data, num_layers=3, batch_size=2, bptt_steps=4)
    small.append(f"--run_dir={tmp_path / 'run'}")
    config = parse(generate.Config, [*words[3:], *small])
    result = generate.run(config)
    assert config.weight_drop and config.weight_averaging and config.units == 4
    assert 0 < result.metrics["score"] < 9
