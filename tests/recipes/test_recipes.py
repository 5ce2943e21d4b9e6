"""The four recipes, end to end on tiny files; on their embedded defaults if slow."""

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml
from conftest import OPTIONS, arguments, options, write_corpus

import zoo
from recipes import classify, generate, publish, tag, translate
from zoo.command_line import parse
from zoo.inference import Cache, Hypothesis
from zoo.layers.recurrent import to_keras
from zoo.runs import Run
from zoo.training import fit

RECIPES = list(OPTIONS)
TEXTS = {
    "classify": ["a good film", "", "a dreadful film"],
    "tag": ["the dog runs", "", "antidisestablishmentarianism"],
    "generate": ["the dog", "", "xyz"],
    "translate": ["der hund sitzt", "", "die katze"],
}
METRICS = {
    "recipe", "command", "data", "split", "metric", "unit", "score", "baseline",
    "seed", "epochs", "parameters", "seconds", "tokens_per_second", "padding_waste",
    "batch_shapes", "device", "versions", "dev_score",
}  # fmt: skip
OTHER_METRICS = {
    "classify": {"classes", "calibration"},
    "tag": set(),
    "generate": {"perplexity", "bits_per_token"},
    "translate": {"signature"},
}
OTHER_FILES = {
    "classify": {"confusion.png"},
    "tag": {"confusion.png"},
    "generate": {"samples.txt"},
    "translate": {"attention.png", "translations.txt"},
}
SUBCOMMANDS = {
    "classify": "predict", "tag": "predict", "generate": "generate",
    "translate": "translate",
}  # fmt: skip


def answers(name, model):
    """Returns what a model says of the texts, as text to compare."""
    if name == "generate":
        return repr((model.score(TEXTS[name]), model.generate("the ", 20)))
    use = model.translate if name == "translate" else model.predict
    return repr(use(TEXTS[name]))


@pytest.mark.parametrize("name", RECIPES)
def test_files_of_a_run(runs, name):
    directory = runs[name].directory
    expected = {"checkpoint", "config.yaml", "curves.png", "history.csv"}
    expected |= {"metrics.json"} | OTHER_FILES[name]
    assert {path.name for path in directory.iterdir()} == expected
    for path in directory.rglob("*.*"):
        assert path.stat().st_size > 0
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    assert len((directory / "history.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", RECIPES)
def test_metrics_of_a_run(runs, name):
    run = runs[name]
    metrics = json.loads((run.directory / "metrics.json").read_text())
    assert metrics == run.result.metrics
    assert metrics.keys() == METRICS | OTHER_METRICS[name]
    assert metrics["recipe"] == name and metrics["epochs"] == 2
    assert metrics["parameters"] == run.result.model.keras_model.count_params() > 0
    assert 0 <= metrics["padding_waste"] < 1 and metrics["tokens_per_second"] > 0
    assert metrics["versions"]["backend"] == keras.backend.backend()
    assert metrics["baseline"]["name"] in run.printed
    numbers = [metrics["score"], metrics["baseline"]["score"], metrics["dev_score"]]
    assert np.isfinite(numbers).all()
    config = run.recipe.Config(**options(name, metrics["data"]))
    assert run.recipe.evaluate(run.result.model, config) == pytest.approx(
        metrics["score"], abs=1e-4
    )


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_run_prints(runs, name):
    run = runs[name]
    assert f"{run.result.metrics['score']:.4g}" in run.printed
    assert re.search(r"padding waste +\d+\.\d%\n  batch shapes +\d+\n", run.printed)
    assert "parameters" in run.printed
    command = re.search("^try it: python -m zoo (.*)$", run.printed, re.M)[1]
    assert command.startswith(f"{SUBCOMMANDS[name]} {run.directory} ")


@pytest.mark.parametrize("name", RECIPES)
def test_the_command_to_try_works(runs, name, capsys):
    from zoo.__main__ import run

    command = re.search("try it: python -m zoo (.*)", runs[name].printed)[1]
    run(shlex.split(command))
    assert capsys.readouterr().out.endswith("\n")


@pytest.fixture(scope="module")
def fresh_answers(runs):
    """What one new process answers with the four saved models."""
    code = (
        "import sys, zoo, test_recipes as t\n"
        "for name in t.RECIPES:\n"
        "    print(t.answers(name, zoo.load(sys.argv.pop(1))), end='\\0')"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code, *(str(runs[n].directory) for n in RECIPES)],
        env={**os.environ, "PYTHONPATH": f"{here.parent}:{here}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(RECIPES, done.stdout.split("\0")))


@pytest.mark.parametrize("name", RECIPES)
def test_a_fresh_process_answers_the_same_to_the_bit(runs, name, fresh_answers):
    assert fresh_answers[name] == answers(name, runs[name].result.model)


@pytest.mark.parametrize("name", RECIPES)
def test_config_yaml_makes_the_same_configuration(runs, name):
    run = runs[name]
    file = run.directory / "config.yaml"
    again = parse(run.recipe.Config, ["--config", str(file), "--run_dir", "another"])
    expected = options(name, run.result.metrics["data"], run_dir="another")
    assert again == run.recipe.Config(**expected)
    assert yaml.safe_load(file.read_text())["units"] == 4


def test_the_same_seed_gives_the_same_model(runs, tmp_path):
    config = parse(
        classify.Config,
        [f"--config={runs['classify'].directory}/config.yaml", f"--run_dir={tmp_path}"],
    )
    again = classify.run(config)
    assert answers("classify", again.model) == answers(
        "classify", runs["classify"].result.model
    )


def test_a_command_line_option_overrides_the_file(runs):
    file = runs["classify"].directory / "config.yaml"
    assert parse(classify.Config, ["--config", str(file), "--units", "7"]).units == 7


# --- Heads of the classifier -----------------------------------------------------


def classified(tmp_path, rows, **changes):
    """Trains a classifier on rows of (label, text), all splits alike."""
    data = tmp_path / "data"
    data.mkdir()
    table = "label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows)
    for split in ("train", "dev", "test"):
        (data / f"{split}.tsv").write_text(table)
    no_dropout = {"input_dropout": 0.0, "output_dropout": 0.0, "learning_rate": 0.05}
    run_dir = str(tmp_path / "run")
    changes = {"batch_size": 8, "run_dir": run_dir, **no_dropout, **changes}
    return classify.run(classify.Config(**options("classify", data, **changes)))


def test_two_classes(runs):
    result = runs["classify"].result
    answer = result.model.predict("a good film")
    assert result.model.config.head == "binary" and result.metrics["unit"] == "%"
    assert answer.label in ("neg", "pos") and list(answer.probabilities) == [
        "neg",
        "pos",
    ]
    assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_many_classes(tmp_path):
    rows = [(label, f"{label} {word}") for label in "abc" for word in ("x", "y")]
    result = classified(tmp_path, rows, epochs=25, units=8)
    assert result.model.config.head == "multiclass"
    assert result.metrics["baseline"]["score"] == pytest.approx(100 / 3)
    assert result.metrics["score"] > 60
    answer = result.model.predict("b")
    assert answer.label == max(answer.probabilities, key=answer.probabilities.get)
    assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_many_labels_at_once(tmp_path):
    rows = [("a, b", "x y"), ("a", "x"), ("b", "y"), ("b,c", "y z"), ("c", "z")]
    result = classified(tmp_path, rows, head="multilabel", epochs=20, units=8)
    assert result.metrics["metric"] == "micro F1"
    assert result.metrics["classes"]["b"]["support"] == 3
    assert result.metrics["score"] > result.metrics["baseline"]["score"]
    answer = result.model.predict("x z")
    assert isinstance(answer.label, tuple) and set(answer.label) <= set("abc")
    assert answer.label == tuple(n for n, p in answer.probabilities.items() if p > 0.5)


def test_scores_of_each_class_and_calibration(tmp_path):
    rows = [("rare", "x")] + [("often", f"y {n}") for n in range(5)]
    result = classified(tmp_path, rows, class_weights="balanced", epochs=20, units=8)
    classes = result.metrics["classes"]
    assert [classes[name]["support"] for name in ("often", "rare")] == [5, 1]
    assert result.metrics["score"] == pytest.approx(100)
    assert all(classes[name]["f1"] == 1 for name in classes)
    found = result.metrics["calibration"]
    assert result.model.settings["temperature"] == found["temperature"] < 1
    assert 0 <= found["error"] < found["error_before"] < 1
    answer = result.model.predict("x")
    assert answer == zoo.load(tmp_path / "run").predict("x")
    sharper = answer.probabilities["rare"]
    result.model.settings["temperature"] = 1.0
    assert result.model.predict("x").probabilities["rare"] < sharper


def test_balanced_classes_weigh_the_same(tmp_path, monkeypatch):
    """The weighted loss of a constant answer is the mean over the classes."""
    seen = {}

    def watched(model, train, dev, config, **others):
        seen["weights"] = {
            int(target): float(weight)
            for batch in (train[i] for i in range(len(train)))
            for target, weight in zip(batch[1][:, 0], batch[2])
            if weight > 0
        }
        seen["dev"] = {float(w) for w in dev[0][2]}
        raise StopIteration

    monkeypatch.setattr(classify, "fit", watched)
    rows = [("a", "x")] + [("b", f"y {n}") for n in range(3)] + [("c", "z"), ("c", "z")]
    with pytest.raises(StopIteration):
        classified(tmp_path, rows, class_weights="balanced")
    assert seen["weights"] == pytest.approx({0: 2.0, 1: 2 / 3, 2: 1.0})
    assert seen["dev"] <= {0.0, 1.0}


def test_class_weights_are_of_classes(tmp_path):
    rows = [("1", "x"), ("2", "y")]
    with pytest.raises(ValueError, match="class_weights: expected null with head='reg"):
        classified(tmp_path, rows, head="regression", class_weights="balanced")


def test_regression(tmp_path):
    rows = [(100 + 10 * n, "up " * n + "down " * (4 - n)) for n in range(5)]
    result = classified(tmp_path, rows, head="regression", epochs=20, units=8)
    assert result.metrics["metric"] == "mean absolute error"
    assert result.metrics["baseline"] == {
        "name": "mean of the training data",
        "score": pytest.approx(12.0),
    }
    assert result.metrics["score"] < 6.0
    answer = result.model.predict("up up up up")
    assert type(answer.label) is float and answer.probabilities == {}
    assert answer.label == pytest.approx(140, abs=15)


# --- Spans and the CRF of the tagger -----------------------------------------------


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
    plain = tagged(tmp_path, text, balance=False)
    assert plain.metrics["score"] == 0 and "shift_of_o" not in plain.metrics
    (tmp_path / "balanced").mkdir()
    result = tagged(tmp_path / "balanced", text)
    assert result.metrics["shift_of_o"] < 0
    assert result.metrics["score"] == pytest.approx(100 * 4 / 7)  # 2 of 5 are right
    loaded = zoo.load(tmp_path / "balanced" / "run")
    assert loaded.predict("see Ann") == [("see", "O"), ("Ann", "B-PER")]


def test_a_crf_of_plain_tags(tmp_path):
    result = tagged(tmp_path, "a X\nb Y\n\n", crf=True, epochs=2)
    assert result.metrics["metric"] == "accuracy" and "shift_of_o" not in result.metrics
    assert "val_accuracy" in result.history[0]


def test_letters_by_an_lstm_casing_and_word_dropout(tmp_path):
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
    for number, (text, expected) in enumerate(
        [
            ("a X\nb Y\n\n", "constrained: the tags of .* are not of spans"),
            ("a O\nb B-X\n\nc B-X\nd I-Y\n\n", "train.conll:5: 'I-Y' after 'B-X' is"),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(ValueError, match=expected):
            tagged(tmp_path / str(number), text, crf=True, constrained=True)
        assert not (tmp_path / str(number) / "run").exists()


# --- Run directories -------------------------------------------------------------


def test_default_run_directories_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for _ in range(3):
        run = Run("classify", classify.Config())
        assert not run.directory.exists()  # before anything is known of the data
        run.create()
        found.append(str(run.directory))
    assert found == ["runs/classify", "runs/classify-2", "runs/classify-3"]
    assert Path("runs/classify-3/config.yaml").exists()


def test_an_existing_run_directory_is_refused(runs):
    directory = runs["generate"].directory
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    data = runs["generate"].result.metrics["data"]
    config = generate.Config(**options("generate", data, run_dir=str(directory)))
    with pytest.raises(ValueError, match="run_dir: .* exists already"):
        generate.run(config)
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*")} == before


# --- Other options ---------------------------------------------------------------


def budgeted(name, directory, **changes):
    data = write_corpus(directory / "data", name)
    changes = {"epochs": 1, "run_dir": str(directory / "run"), **changes}
    recipe = importlib.import_module(f"recipes.{name}")
    return recipe.run(recipe.Config(**options(name, data, **changes)))


@pytest.mark.parametrize("name", ["classify", "tag", "translate"])
def test_batches_of_a_number_of_tokens(name, tmp_path):
    # An epoch of the tiny corpus is one batch of these, and several of 4 rows or fewer.
    result = budgeted(name, tmp_path, batch_size=None, batch_tokens=100)
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert stored["batch_tokens"] == 100 and stored["batch_size"] is None
    assert np.isfinite(result.metrics["score"]) and result.metrics["batch_shapes"] == 1


@pytest.mark.parametrize("name", ["classify", "tag", "translate"])
@pytest.mark.parametrize("changes, expected", [
    ({"batch_size": None, "batch_tokens": 1}, "batch_tokens: expected at least"),
    ({"batch_size": None, "batch_tokens": -1}, "batch_tokens: expected at least 0"),
    ({"batch_size": 4, "batch_tokens": 50}, "expected one of them, got 4 and 50"),
])  # fmt: skip
def test_a_number_of_tokens_that_cannot_be(name, changes, expected, tmp_path):
    with pytest.raises(ValueError, match=expected):
        budgeted(name, tmp_path, **changes)
    assert not (tmp_path / "run").exists()


def test_a_language_model_by_words(tmp_path):
    data = write_corpus(tmp_path / "data", "generate")
    run_dir = str(tmp_path / "a run")
    changes = {"tokens": "words", "tied": True, "cell": "gru", "run_dir": run_dir}
    result = generate.run(generate.Config(**options("generate", data, **changes)))
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


def test_a_regularised_language_model_with_a_cache(tmp_path):
    data = write_corpus(tmp_path / "data", "generate")
    changes = {
        "weight_drop": 0.3, "embedding_dropout": 0.1, "activation_penalty": 2.0,
        "temporal_activation_penalty": 1.0, "variational_dropout": True,
        "random_steps": True, "run_dir": str(tmp_path / "run"), "epochs": 1,
    }  # fmt: skip
    config = generate.Config(**options("generate", data, cache=20, **changes))
    result = generate.run(config)
    ids = result.model.encode("the dog runs\nthe man sits\n" * 4)
    cached, plain = (
        -result.model.log_probabilities(ids, cache=cache).mean()
        for cache in (Cache(size=20), None)
    )
    assert result.metrics["score"] == pytest.approx(cached, abs=1e-4)
    assert abs(cached - plain) > 1e-3


def test_a_language_model_of_averaged_weights(tmp_path, monkeypatch):
    """From the second epoch on, as if the development score had told."""
    monkeypatch.setattr(fit, "is_stuck", lambda scores, mode, after: True)
    changes = {"optimizer": "sgd", "decay": "constant", "average": True, "epochs": 3}
    result = budgeted("generate", tmp_path, learning_rate=0.1, **changes)
    steps = [row["averaged"] for row in result.history]
    assert steps[0] == 0 and steps[1] > 2 and steps[2] == 2 * steps[1] - 1
    scores = [row["val_loss"] for row in result.history]
    assert scores[2] < scores[1] < scores[0]
    loaded = zoo.load(tmp_path / "run").keras_model
    for found, expected in zip(
        loaded.get_weights(), result.model.keras_model.get_weights()
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_translator_of_every_option(tmp_path):
    data = write_corpus(tmp_path / "data", "translate")
    changes = {
        "attention_place": "inside", "input_feeding": True, "coverage": True,
        "label_smoothing": 0.1, "variational_dropout": True,
        "beam_size": 2, "coverage_penalty": 0.1, "weight_drop": 0.1,
        "scheduled_sampling": 0.5, "sampling_schedule": "inverse_sigmoid",
    }  # fmt: skip
    changes.update(run_dir=str(tmp_path / "run"), epochs=1)
    result = translate.run(translate.Config(**options("translate", data, **changes)))
    sources = (data / "test.de").read_text().splitlines()
    lines = (tmp_path / "run" / "translations.txt").read_text().splitlines()
    beam = {"beam_size": 2, "coverage_penalty": 0.1}
    assert lines[1::4] == result.model.translate(sources, **beam)
    assert (tmp_path / "run" / "attention.png").exists()


def test_scheduled_sampling_leaves_a_plain_checkpoint(runs, tmp_path):
    plain = runs["translate"].result
    data, run_dir = plain.metrics["data"], str(tmp_path / "run")
    translate = runs["translate"].recipe
    result = translate.run(translate.Config(**options(
        "translate", data, run_dir=run_dir, scheduled_sampling=0.99, learning_rate=0.1
    )))  # fmt: skip
    loaded = zoo.load(run_dir).keras_model
    assert len(loaded.weights) == len(plain.model.keras_model.weights)
    for found, expected in zip(
        loaded.get_weights(), result.model.keras_model.get_weights()
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_share_of_samples_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match="scheduled_sampling: expected .* got 1.5"):
        budgeted("translate", tmp_path, scheduled_sampling=1.5)
    assert not (tmp_path / "run").exists()


def test_evaluation_with_a_language_model(runs, tmp_path, monkeypatch):
    data = write_corpus(tmp_path / "data", "translate")
    translate, model = runs["translate"].recipe, runs["translate"].result.model
    changes = {"rerank": str(runs["generate"].directory), "rerank_weight": 9.0}
    config = translate.Config(**options("translate", data, beam_size=4, **changes))
    asked, scored = [], []

    def n_best_by_lm(translator, texts, lm, weight, **how):
        asked.append((translator, list(texts), lm.task, weight, how["beam_size"]))
        return [[Hypothesis(text.upper(), 0.0, 0.0)] for text in texts[:-1]] + [[]]

    def bleu(predicted, targets):
        scored.append(predicted)
        return 7.0, ""

    monkeypatch.setattr(translate, "n_best_by_lm", n_best_by_lm)
    monkeypatch.setattr(translate.metrics, "bleu", bleu)
    assert translate.evaluate(model, config) == 7.0
    sources = (data / "test.de").read_text().splitlines()
    assert asked == [(model, sources, "language_model", 9.0, 4)]
    assert scored == [[*(text.upper() for text in sources[:-1]), ""]]


def test_any_pronunciation_is_right():
    predicted = ["T AH M AA T OW", "T AH M T OW"]
    targets = ["T AH M EY T OW"] * 2
    assert translate._score(["tomato"] * 2, predicted, targets, True) == (50, "none")


def test_a_translator_without_attention_draws_no_map(tmp_path):
    data = write_corpus(tmp_path / "data", "translate")
    run_dir = tmp_path / "run"
    changes = {"attention": "none", "cell": "lstm", "run_dir": str(run_dir)}
    translate.run(translate.Config(**options("translate", data, epochs=1, **changes)))
    assert not (run_dir / "attention.png").exists()
    assert isinstance(zoo.load(run_dir).translate("der hund"), str)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_embedded_default_beats_its_baseline(name, tmp_path):
    recipe = importlib.import_module(f"recipes.{name}")
    start = time.perf_counter()
    metrics = recipe.run(recipe.Config(run_dir=str(tmp_path))).metrics
    seconds = time.perf_counter() - start
    gain = metrics["score"] - metrics["baseline"]["score"]
    assert (-gain if name in ("generate", "translate") else gain) > 0
    assert seconds < 180


@pytest.mark.parametrize("name", RECIPES)
def test_a_trained_model_becomes_one_of_keras_layers(name, runs):
    model = runs[name].result.model.keras_model
    copy = to_keras(model)
    assert not any("recurrent" in type(layer).__module__ for layer in copy.layers)
    for ours, theirs in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(not publish.README.exists(), reason="not in a checkout")
def test_the_larger_configuration_of_wikitext2(tmp_path):
    text = publish.README.read_text(encoding="utf-8")
    block = re.search(r"<!-- wikitext2: begin -->(.*?)<!--", text, re.S)[1]
    words = shlex.split(block.replace("\\\n", " "))
    data = write_corpus(tmp_path / "data", "generate")
    tiny = arguments("generate", data, num_layers=3, batch_size=2, steps=4)
    tiny.append(f"--run_dir={tmp_path / 'run'}")
    config = parse(generate.Config, [*words[3:], *tiny])
    result = generate.run(config)
    assert config.weight_drop and config.average and config.units == 4
    assert 0 < result.metrics["score"] < 9
