"""The benchmark of the recipes: each contestant trains the same thing."""

import importlib.util
import io
import json
import math

import numpy as np
import pytest
from conftest import OPTIONS, options, write_corpus

from recipes.benchmarks import keras_epochs, recipes, timing


@pytest.fixture(params=list(OPTIONS))
def experiment(request, tmp_path):
    data = write_corpus(tmp_path / "data", request.param)
    run_dir = str(tmp_path / "run")
    return keras_epochs.prepare(
        request.param, options(request.param, data, run_dir=run_dir)
    )


def test_contestants_of_keras_train_the_same_model(experiment):
    zoo, stock = keras_epochs.Zoo(experiment), keras_epochs.StockKeras(experiment)
    ours, theirs = (
        sum(math.prod(weight.shape) for weight in runner.model.trainable_weights)
        for runner in (zoo, stock)
    )
    assert ours == theirs
    before = [w.copy() for w in stock.model.get_weights()]
    if (
        experiment.model.task != "language_model"
    ):  # whose windows start from an empty state
        scores = [r.evaluate() for r in (zoo, stock)]  # of other batches
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)
        inputs = stock.dev[0]
        np.testing.assert_allclose(
            zoo.model.predict(inputs, verbose=0),
            stock.model.predict(inputs, verbose=0),
            atol=1e-5,
        )
    for runner in (zoo, stock):
        runner.train()
        assert all(np.isfinite([*runner.evaluate().values()]))
    after = stock.model.get_weights()
    assert any((a != b).any() for a, b in zip(before, after))


@pytest.mark.nightly
def test_the_contestant_of_torch_trains_the_same_data(experiment, tmp_path):
    if not importlib.util.find_spec("torch"):  # it does not live with TensorFlow
        pytest.skip("the extra `bench` is not installed")
    keras_epochs.export(tmp_path / "data.npz", experiment)
    torch = timing.Contestant("torch_epochs", str(tmp_path / "data.npz"))
    first, second = torch.ask("epoch"), torch.ask("epoch")
    torch.close()
    assert first["dev"]["loss"] > 0 and first["dev"] != second["dev"]
    assert 0 <= first["dev"]["accuracy"] <= 1


def test_part_of_the_data(experiment):
    half = keras_epochs.part(experiment.train, 0.5)
    assert 0 < half.num_tokens() < experiment.train.num_tokens()
    assert type(half) is type(experiment.train)


def test_serve_answers_each_line(monkeypatch):
    class Runner:
        epochs = 0

        def train(self):
            self.epochs += 1

        def evaluate(self):
            return {"epochs": self.epochs}

    monkeypatch.setattr("sys.stdin", io.StringIO("epoch\nepoch\n"))
    answers = io.StringIO()
    timing.serve(Runner(), answers, tokens=7)
    first, *epochs = map(json.loads, answers.getvalue().splitlines())
    assert first == {"tokens": 7}
    assert [e["dev"] for e in epochs] == [{"epochs": 1}, {"epochs": 2}]
    assert all(e["seconds"] >= 0 and e["peak_mb"] > 1 for e in epochs)


def test_a_contestant_that_fails_says_why(tmp_path):
    missing = {"data": str(tmp_path / "none"), "epochs": 3}
    with pytest.raises(ValueError, match="a contestant ended early: .*none"):
        recipes.compete("tag", missing, 1.0, (recipes.ZOO,))


def test_every_recipe_has_data():
    assert recipes.DATA.keys() == set(OPTIONS) == set(recipes.RECIPES)


def test_settings():
    found = recipes.settings(["recurrent_dropout=0", "cell=gru", "tied=true"])
    assert found == {"recurrent_dropout": 0, "cell": "gru", "tied": True}
    with pytest.raises(ValueError, match="--set: expected NAME=VALUE, got 'cell'"):
        recipes.settings(["cell"])
