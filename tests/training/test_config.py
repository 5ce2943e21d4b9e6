"""The options of training: their ranges, and those of pretrained vectors."""

import math
from typing import ClassVar

import pytest

from zoo.configuration import configuration
from zoo.runs import RunConfig
from zoo.training.config import SizeRule, TrainingConfig, VectorsConfig


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


# --- By the size of the corpus -----------------------------------------------------

RULE = SizeRule(batch_size=64, learning_rate=1e-3, steps=3400, epochs=8)


@configuration
class Sized(RunConfig):
    """A training whose options follow the data."""

    sized: ClassVar = RULE.in_words()


def chosen(examples, **given):
    config = RULE.resolve(Sized(**given).resolved(), examples)
    return (config.batch_size, config.epochs, config.learning_rate, config.patience)


@pytest.mark.parametrize(
    "examples, expected",
    [
        (1, (8, 40, 3e-3, 15)),
        (200, (8, 40, 3e-3, 15)),
        (1000, (8, 27, 3e-3, 10)),
        (1700, (16, 32, 3e-3, 12)),
        (5452, (32, 20, 2e-3, 8)),
        (6400, (64, 34, 1e-3, 13)),
        (67_349, (64, 8, 1e-3, 3)),
        (10_000_000, (64, 8, 1e-3, 3)),
    ],
)
def test_training_follows_the_size_of_the_corpus(examples, expected):
    assert chosen(examples) == pytest.approx(expected)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"batch_size": 16}, (16, 10, 3e-3, 4)),
        ({"epochs": 3}, (32, 3, 2e-3, 3)),
        ({"epochs": 80}, (32, 80, 2e-3, 30)),
        ({"learning_rate": 0.5, "patience": 0}, (32, 20, 0.5, 0)),
        ({"batch_size": 128}, (128, 40, 1e-3, 15)),
        ({"batch_tokens": 2000}, (None, 40, 1e-3, 15)),
    ],
)
def test_what_is_given_is_kept_and_the_rest_follows(given, expected):
    assert chosen(5452, **given) == expected


def test_more_examples_never_train_in_fewer_or_in_smaller_batches():
    sizes = [int(10 ** (k / 8)) for k in range(60)]
    found = [chosen(size) for size in sizes]
    assert [b for b, *_ in found] == sorted(b for b, *_ in found)
    steps = [-(-size // b) * epochs for size, (b, epochs, *_) in zip(sizes, found)]
    assert all(more >= 0.5 * less for less, more in zip(steps, steps[1:]))
