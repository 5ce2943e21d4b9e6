"""Classification: heads, class weights, calibration."""

import numpy as np
import pytest
from conftest import options

import zoo
from recipes import classify


def configuration(tmp_path, rows, **changes):
    """Returns a configuration for rows of (label, text), all splits alike."""
    data = tmp_path / "data"
    data.mkdir()
    table = "label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows)
    for split in ("train", "dev", "test"):
        (data / f"{split}.tsv").write_text(table)
    no_dropout = {"input_dropout": 0.0, "output_dropout": 0.0, "learning_rate": 0.05}
    run_dir = str(tmp_path / "run")
    changes = {"batch_size": 8, "run_dir": run_dir, **no_dropout, **changes}
    return classify.Config(**options("classify", data, **changes))


def classified(tmp_path, rows, **changes):
    """Trains a classifier on rows of (label, text)."""
    return classify.run(configuration(tmp_path, rows, **changes))


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


def test_balanced_classes_weigh_the_same(tmp_path):
    """The weighted loss of a constant answer is the mean over the classes."""
    rows = [("a", "x")] + [("b", f"y {n}") for n in range(3)] + [("c", "z"), ("c", "z")]
    experiment = classify.prepare(
        configuration(tmp_path, rows, class_weights="balanced")
    )
    loss, logits = experiment.objective.loss, np.zeros((1, 3), np.float32)
    weighted = [float(loss(np.array([[c]]), logits)) for c in range(3)]
    assert weighted == pytest.approx(np.multiply([2.0, 2 / 3, 1.0], np.log(3)))
    weights = {
        float(w) for i in range(len(experiment.train)) for w in experiment.train[i][2]
    }
    assert weights <= {0.0, 1.0}


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
