"""Runs: their directories, and what an experiment does besides training."""

import csv
import dataclasses
from pathlib import Path

import keras
import pytest
from conftest import tiny

import zoo
from recipes import classify
from zoo.runs import RunDirectory


def test_default_run_directories_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for _ in range(3):
        directory = RunDirectory("classify")
        assert not directory.path.exists()  # before anything is known of the data
        directory.create(classify.Config())
        found.append(str(directory.path))
    assert found == ["runs/classify", "runs/classify-2", "runs/classify-3"]
    assert Path("runs/classify-3/config.yaml").exists()


def test_a_file_is_no_run_directory(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(ValueError, match="run_dir: .*run exists already"):
        RunDirectory("classify", str(tmp_path / "run"))
    RunDirectory("classify", str(tmp_path / "other")).create(classify.Config())


def test_history_file(tmp_path):
    directory = RunDirectory("classify", str(tmp_path / "run"))
    directory.create(classify.Config())
    rows = [{"epoch": 1.0, "loss": 0.1 + 0.2}, {"epoch": 2.0, "loss": 1e-17}]
    for count in (1, 2):
        directory.write_history(rows[:count])
        with open(directory.path / "history.csv", newline="") as file:
            found = list(csv.DictReader(file))
        assert [{k: float(v) for k, v in row.items()} for row in found] == rows[:count]
    files = {path.name for path in directory.path.iterdir()}
    assert files == {"config.yaml", "history.csv"}


class Interrupt(keras.callbacks.Callback):
    """Does what Ctrl-C does in the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupt_says_what_is_kept(tmp_path):
    experiment = classify.prepare(tiny("classify", tmp_path))
    assert not (tmp_path / "run").exists()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        experiment.fit([Interrupt()])
    said = str(interrupt.value)
    assert said.startswith("interrupted in epoch 2; ")
    assert said.endswith(f"{tmp_path / 'run'} holds the best checkpoint so far")
    assert zoo.load(tmp_path / "run").predict("a good film").label in ("neg", "pos")
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 2


def test_the_steps_of_a_run_one_by_one(runs, tmp_path):
    """What `run` does, and half of it again with other development scores."""
    config = tiny("classify", tmp_path)
    experiment = classify.prepare(config)
    rows = experiment.fit()
    assert rows is experiment.history and len(rows) == config.epochs
    result = experiment.report()
    expected = runs["classify"].result.metrics
    assert result.metrics["score"] == expected["score"]
    assert result.metrics["calibration"] == expected["calibration"]
    other = tiny("classify", tmp_path / "other", epochs=1)
    experiment = dataclasses.replace(
        classify.prepare(other), evaluate=lambda: {"val_other": 3.0}
    )
    assert experiment.fit()[0]["val_other"] == 3.0
