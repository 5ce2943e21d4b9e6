"""Answers as the shell prints them."""

import pytest

from zoo import tasks
from zoo.inference import Hypothesis, Prediction, Score

SCORE = Score(["a", "b"], [-1.0, -0.5], 2.117, 1.082)
FORMATS = [
    (
        "classifier", Prediction("good", {"bad": 0.1, "good": 0.9}),
        ["good\t0.900"],
        {"label": "good", "probabilities": {"bad": 0.1, "good": 0.9}},
    ),
    (
        "classifier", Prediction(("x", "z"), {"x": 0.75, "y": 0.25, "z": 0.5}),
        ["x (0.750),z (0.500)"],
        {"label": ("x", "z"), "probabilities": {"x": 0.75, "y": 0.25, "z": 0.5}},
    ),
    (
        "classifier", Prediction(2.5, {}),
        ["2.5"],
        {"label": 2.5, "probabilities": {}},
    ),
    (
        "tagger", [("the", "DET"), ("dog", "NOUN")],
        ["the/DET dog/NOUN"],
        {"tags": [("the", "DET"), ("dog", "NOUN")]},
    ),
    ("tagger", [], [""], {"tags": []}),
    (
        "language_model", SCORE,
        ["-1.5000\t2.1170\t1.0820\tab"],
        {"tokens": ["a", "b"], "log_probabilities": [-1.0, -0.5],
         "perplexity": 2.117, "bits_per_character": 1.082},
    ),
    (
        "language_model", Score([], [], float("nan"), float("nan")),
        ["0.0000\tnan\tnan\tab"],
        {"tokens": [], "log_probabilities": [],
         "perplexity": None, "bits_per_character": None},
    ),
    ("translator", "x y", ["x y"], {"translation": "x y"}),
    (
        "translator", [Hypothesis("x", -0.25, -0.5), Hypothesis("y", -1.0, -2.0)],
        ["-0.2500\tx", "-1.0000\ty"],
        {"translations": [
            {"text": "x", "score": -0.25, "log_probability": -0.5},
            {"text": "y", "score": -1.0, "log_probability": -2.0},
        ]},
    ),
    ("translator", [], [], {"translations": []}),
]  # fmt: skip


@pytest.mark.parametrize("name, answer, lines, entries", FORMATS)
def test_lines_and_objects(name, answer, lines, entries):
    task = tasks.find(name)
    assert list(task.plain("ab", answer)) == lines
    assert task.json(answer) == entries


def test_every_task_is_here():
    assert {name for name, *_ in FORMATS} == tasks.TASKS.keys()
