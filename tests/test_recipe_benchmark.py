"""The benchmark of the recipes: each contestant trains the same thing."""

import io
import json

import numpy as np
import pytest
from conftest import OPTIONS, options, write_corpus

from recipes.benchmarks import keras_epochs, recipes, timing


@pytest.fixture(params=list(OPTIONS))
def caught(request, tmp_path):
    data = write_corpus(tmp_path / "data", request.param)
    run_dir = str(tmp_path / "run")
    found = keras_epochs.caught_fit(
        request.param, options(request.param, data, run_dir=run_dir)
    )
    found.recipe = request.param
    return found


def test_contestants_of_keras_train_the_same_model(caught):
    zoo, stock = keras_epochs.Zoo(caught), keras_epochs.StockKeras(caught)
    assert zoo.model.count_params() - sum(
        state.size for state in zoo.model.non_trainable_weights
    ) == stock.model.count_params()
    before = [w.copy() for w in stock.model.get_weights()]
    if caught.recipe != "generate":  # whose windows begin anew
        for first, second in zip(zoo.evaluate().values(), stock.evaluate().values()):
            assert first == pytest.approx(second, abs=1e-5)
    for runner in (zoo, stock):
        runner.train()
        assert all(np.isfinite([*runner.evaluate().values()]))
    moved = [(a != b).any() for a, b in zip(before, stock.model.get_weights())]
    assert all(moved)


def test_the_contestant_of_torch_trains_the_same_model(caught, tmp_path):
    pytest.importorskip("torch", reason="the extra `bench` is not installed")
    from recipes.benchmarks import torch_epochs

    keras_epochs.export(tmp_path / "data.npz", caught)
    runner = torch_epochs.Runner(caught.recipe, str(tmp_path / "data.npz"))
    before = runner.evaluate()
    for _ in range(3):
        runner.train()
    assert runner.evaluate()["loss"] != before["loss"] and before["loss"] > 0


def test_part_of_the_data(caught):
    half = keras_epochs.part(caught.train, 0.5)
    assert 0 < half.num_tokens() < caught.train.num_tokens()
    assert type(half) is type(caught.train)


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
    assert all(e["seconds"] >= 0 and e["peak_bytes"] > 1e6 for e in epochs)


def test_a_contestant_that_fails_says_why(tmp_path):
    missing = {"data": str(tmp_path / "none"), "epochs": 3}
    with pytest.raises(ValueError, match="a contestant ended early: .*none"):
        recipes.compete("tag", missing, 1.0, (recipes.ZOO,))
