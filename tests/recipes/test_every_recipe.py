"""What holds for every recipe, on tiny files; on its embedded default nightly."""

import dataclasses
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
from conftest import OPTIONS, answers, options, tiny

from recipes import classify, generate
from zoo.command_line import parse
from zoo.layers.paths import to_keras

RECIPES = list(OPTIONS)
METRICS = {
    "recipe", "command", "data", "split", "metric", "unit", "score", "baseline",
    "strong_baseline", "best_epoch", "training_end", "decisions",
    "seed", "epochs", "parameters", "seconds", "tokens_per_second", "padding_waste",
    "batch_shapes", "device", "versions", "dev_score",
}  # fmt: skip
CLASSES = {"classes", "dev_classes", "micro_average", "dev_micro_average"}
OTHER_METRICS = {
    "classify": {*CLASSES, "calibration"},
    "tag": CLASSES,
    "generate": {"perplexity", "bits_per_token"},
    "translate": {"signature", "chrf"},
    "pronounce": {"phoneme_error_rate"},
}
OTHER_FILES = {
    "classify": {"confusion.png"},
    "tag": {"confusion.png"},
    "generate": {"samples.txt"},
    "translate": {"attention.png", "translations.txt"},
    "pronounce": {"attention.png", "translations.txt"},
}
SUBCOMMANDS = {
    "classify": "predict", "tag": "predict", "generate": "generate",
    "translate": "translate", "pronounce": "translate",
}  # fmt: skip


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
    strong = metrics["strong_baseline"]
    assert (strong is None) is (name in ("translate", "pronounce"))
    assert strong is None or strong["name"] in run.printed
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
    assert run.printed.count("Total params") == 1
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
    """What one new process answers with the saved models."""
    code = (
        "import sys, zoo, conftest\n"
        "for name in conftest.OPTIONS:\n"
        "    print(conftest.answers(name, zoo.load(sys.argv.pop(1))), end='\\0')"
    )
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, *(str(runs[n].directory) for n in RECIPES)],
        env={**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(RECIPES, done.stdout.split("\0")))


@pytest.mark.parametrize("name", RECIPES)
def test_a_fresh_process_answers_the_same_to_the_bit(runs, name, fresh_answers):
    assert fresh_answers[name] == runs[name].answers


@pytest.mark.parametrize("name", RECIPES)
def test_config_yaml_makes_the_same_configuration(runs, name):
    run = runs[name]
    file = run.directory / "config.yaml"
    again = parse(run.recipe.Config, ["--config", str(file), "--run_dir", "another"])
    given = options(name, run.result.metrics["data"], run_dir="another")
    expected = run.recipe.Config(**given).resolved()
    # What follows the data was chosen in the first run, and stays so.
    sized = {option: getattr(again, option) for option in expected.sized}
    assert None not in sized.values()
    assert all(sized[option] == given[option] for option in sized.keys() & given.keys())
    assert again == dataclasses.replace(expected, **sized)
    assert yaml.safe_load(file.read_text())["units"] == 4


def test_the_same_seed_gives_the_same_model(runs, tmp_path):
    config = parse(
        classify.Config,
        [f"--config={runs['classify'].directory}/config.yaml", f"--run_dir={tmp_path}"],
    )
    again = classify.run(config)
    assert answers("classify", again.model) == runs["classify"].answers


def test_a_command_line_option_overrides_the_file(runs):
    file = runs["classify"].directory / "config.yaml"
    assert parse(classify.Config, ["--config", str(file), "--units", "7"]).units == 7


def test_an_existing_run_directory_is_refused(runs):
    directory = runs["generate"].directory
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    data = runs["generate"].result.metrics["data"]
    config = generate.Config(**options("generate", data, run_dir=str(directory)))
    with pytest.raises(ValueError, match="run_dir: .* exists already"):
        generate.run(config)
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*")} == before


# --- Batches of a number of tokens -------------------------------------------------


def trained(name, directory, **changes):
    config = tiny(name, directory, epochs=1, **changes)
    return importlib.import_module(f"recipes.{name}").run(config)


@pytest.mark.parametrize("name", RECIPES)
def test_batches_of_a_number_of_tokens(name, tmp_path):
    # An epoch of the tiny corpus is one batch of these, and several of 4 rows or fewer.
    result = trained(name, tmp_path, batch_size=None, batch_tokens=100)
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert stored["batch_tokens"] == 100 and stored["batch_size"] is None
    assert np.isfinite(result.metrics["score"]) and result.metrics["batch_shapes"] == 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("changes, expected", [
    ({"batch_size": None, "batch_tokens": 1}, "batch_tokens: expected at least"),
    ({"batch_size": None, "batch_tokens": -1}, "batch_tokens: .* at least 0, got -1"),
    ({"batch_size": 4, "batch_tokens": 50}, "expected one of them, got 4 and 50"),
])  # fmt: skip
def test_a_number_of_tokens_that_cannot_be(name, changes, expected, tmp_path):
    with pytest.raises(ValueError, match=expected):
        trained(name, tmp_path, **changes)
    assert not (tmp_path / "run").exists()


# --- Others ------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("name", RECIPES)
def test_the_embedded_default_beats_its_baseline(name, tmp_path):
    recipe = importlib.import_module(f"recipes.{name}")
    start = time.perf_counter()
    metrics = recipe.run(recipe.Config(run_dir=str(tmp_path))).metrics
    seconds = time.perf_counter() - start
    gain = metrics["score"] - metrics["baseline"]["score"]
    assert (-gain if name in ("generate", "pronounce") else gain) > 0
    assert seconds < 180


@pytest.mark.parametrize("name", RECIPES)
def test_a_trained_model_becomes_one_of_keras_layers(name, runs):
    model = runs[name].result.model.keras_model
    copy = to_keras(model)
    assert not any("recurrent" in type(layer).__module__ for layer in copy.layers)
    for ours, theirs in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
