"""Pictures are drawn whatever the labels are, and whole or not at all."""

import errno
import os

import numpy as np
import pytest
from matplotlib.image import imread

from zoo.evaluation import plots


@pytest.mark.parametrize(
    "labels",
    [
        ["$", "US$", "a $^$ b"],
        ["", "名詞", "l" * 300],
        [f"label-{i}" for i in range(150)],
        pytest.param([str(i) for i in range(400)], marks=pytest.mark.nightly),
    ],
    ids=["dollars", "odd", "many", "too-many"],
)
def test_any_labels_can_be_drawn(labels, tmp_path):
    counts = np.eye(len(labels), dtype=int)
    plots.confusion_matrix(counts, labels, tmp_path / "a.png")
    height, width, _ = imread(tmp_path / "a.png").shape
    assert max(height, width) <= 120 * (plots.LARGEST + 1)


@pytest.mark.parametrize("length", [1, 2000])
def test_an_attention_map_of_any_length(length, tmp_path):
    weights = np.full((2, length), 1 / length)
    plots.attention_map(weights, ["$^$"] * length, ["$^$", "</s>"], tmp_path / "a.png")
    assert imread(tmp_path / "a.png").shape[1] <= 120 * plots.LARGEST


def test_no_space_left_for_a_picture(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    rows = [{"epoch": 1, "loss": 2.0, "val_loss": 3.0, "val_accuracy": 0.5}]
    with pytest.raises(OSError, match="No space left"):
        plots.learning_curves(rows, "val_accuracy", tmp_path / "curves.png")
    assert os.listdir(tmp_path) == []
