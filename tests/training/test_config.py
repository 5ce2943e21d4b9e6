"""The options of training: their ranges, and those of pretrained vectors."""

import math

import pytest

from zoo.training.config import TrainingConfig, VectorsConfig


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("learning_rate", -1e-3, "a number of at least 0, got -0.001"),
        ("learning_rate", math.nan, "a number of at least 0, got nan"),
        ("learning_rate", math.inf, "a number of at least 0, got inf"),
        ("warmup_steps", -1, "a whole number of at least 0, got -1"),
        ("clip_norm", -1.0, "a number of at least 0, got -1.0"),
        ("patience", -1, "a whole number of at least 0, got -1"),
        ("averaging_window", -1, "a whole number of at least 0, got -1"),
        ("epochs", 0, "a whole number of at least 1, got 0"),
        ("epochs", 2.0, "a whole number of at least 1, got 2.0"),
        ("batch_size", 0, "a whole number of at least 1, got 0"),
        ("batch_tokens", -1, "a whole number of at least 0, got -1"),
        ("seed", -1, "a whole number of at least 0 and below 4.29497e+09, got -1"),
        ("seed", 2**32, "a whole number of at least 0 and below 4.29497e+09, got 42"),
        ("weight_averaging", 1, "true or false, got 1"),
        ("decay", "cubic", "'constant' or 'linear' or 'cosine', got 'cubic'"),
        ("optimizer", None, "'adam' or 'adagrad' or 'sgd', got None"),
    ],
)
def test_values_out_of_range(name, value, expected):
    with pytest.raises(ValueError) as error:
        TrainingConfig(**{name: value})
    assert str(error.value).startswith(f"{name}: expected {expected}")


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"finetune_vectors": False},
            "finetune_vectors: expected true without vectors",
        ),
        (
            {"vectors": "v", "unfreeze_after": 2},
            "unfreeze_after: expected 0 unless fin",
        ),
        ({"vector_words": -1}, "vector_words: expected a whole number of at least 0"),
        ({"unfreeze_learning_rate": -1.0}, "unfreeze_learning_rate: expected a number"),
    ],
)
def test_options_of_vectors_that_do_not_fit(changes, message):
    with pytest.raises(ValueError) as error:
        VectorsConfig(**changes)
    assert str(error.value).startswith(message)


def test_which_vectors_stay_frozen():
    assert not VectorsConfig(vectors="v").stays_frozen
    assert VectorsConfig(vectors="v", finetune_vectors=False).stays_frozen
    assert not VectorsConfig(
        vectors="v", finetune_vectors=False, unfreeze_after=1
    ).stays_frozen
