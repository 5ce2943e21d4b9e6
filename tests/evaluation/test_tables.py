"""The tables that a run prints, character by character."""

from zoo.evaluation import tables
from zoo.evaluation.metrics import class_scores

METRICS = {
    "metric": "accuracy", "unit": "%", "score": 80.0, "dev_score": 81.25,
    "baseline": {"name": "majority class", "score": 20.0, "dev_score": 25.0},
    "strong_baseline": {"name": "TF-IDF", "score": 85.5, "dev_score": 84.0},
    "split": "test, 5 examples", "parameters": 1234567, "seconds": 61.4,
    "tokens_per_second": 12345.6, "padding_waste": 0.015, "batch_shapes": 3,
}  # fmt: skip
TABLE = """\
                                  test      dev
  accuracy (%)                      80    81.25
  strong baseline: TF-IDF         85.5       84
  baseline: majority class          20       25
  scored on                   test, 5 examples
  parameters                  1,234,567
  seconds                     61
  training tokens per second  12,346
  padding waste               1.5%
  batch shapes                3"""
BETTER = "  the strong baseline is better: TF-IDF has 85.5 %, this model 80"


def test_scores_of_dev_stand_beside_those_of_test_and_baselines_that_are_better():
    assert tables.score_table(METRICS) == f"{TABLE}\n{BETTER}"


def test_a_baseline_that_is_worse_or_equal_or_absent():
    for strong in (None, METRICS["strong_baseline"] | {"score": 80.0}):
        shown = tables.score_table({**METRICS, "strong_baseline": strong})
        assert "better" not in shown and ("strong" in shown) is bool(strong)


def test_of_errors_the_lower_is_better():
    nats = {**METRICS, "metric": "cross-entropy", "unit": "nats per character"}
    shown = tables.score_table(nats)
    assert "strong baseline is better" not in shown
    assert shown.endswith(
        "the simple baseline is better: majority class has 20 nats per character, this "
        "model 80"
    )


def test_the_table_of_classes():
    test = class_scores([{"a"}, {"a"}, {"b"}], [{"a"}, {"b"}, {"b"}])
    dev = class_scores([{"a"}, set()], [{"a"}, {"c"}])
    assert (
        tables.class_table(test, dev)
        == """\
                 precision  recall     F1  support  dev F1  dev support
  a                   50.0   100.0   66.7        1   100.0            1
  b                  100.0    50.0   66.7        2       -            0
  c                      -       -      -        0     0.0            1
  micro average       66.7    66.7   66.7        3    66.7            2"""
    )


def test_of_many_classes_the_commonest_are_printed():
    labels = [f"{i:02}" for i in range(30)] + ["29", "29", "x" * 50]
    scores = class_scores([{label} for label in labels], [{label} for label in labels])
    lines = tables.class_table(scores, scores).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[1].split()[0] == "29" and lines[2].split()[0] == "00"
    assert lines[-1] == "  and 11 more in metrics.json"
    assert tables.class_entries([scores, {}])["classes"] == scores


def test_a_decision_in_one_line():
    decision = {"first": "a", "counts": {"X_B": 1, "y": [2, 3]}, "why": None}
    assert tables.in_words(decision) == "first a, counts X_B 1, y 2, 3, why None"
