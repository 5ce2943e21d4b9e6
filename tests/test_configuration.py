"""Configurations: what is not given, ranges, old names, docstrings."""

import dataclasses
import doctest
from typing import ClassVar, Literal

import pytest

from zoo import configuration as module
from zoo.configuration import (
    REQUIRED,
    Configuration,
    configuration,
    describe,
    option,
    share,
)


@configuration
class Model(Configuration):
    """A model."""

    renamed: ClassVar = {"width": "units"}

    cell: Literal["lstm", "gru"] = option("lstm", "recurrent cell")
    units: int = option(8, "size of the state", at_least=1)
    dropout: float = share(0.0, "share dropped")
    frozen: int | None = option(None, "rows that stay", at_least=1)


@configuration
class Training(Configuration):
    """A training."""

    renamed: ClassVar = {"rate": "learning_rate"}

    learning_rate: float = option(1e-3, "highest rate", group="training", above=0)


@configuration
class Recipe(Model, Training):
    """A recipe."""

    defaults: ClassVar = {"units": 16, "steps": 3}
    embedded_defaults: ClassVar = {"units": 4}

    data: str | None = option(None, "a file", group="data")
    steps: int = option(1, "steps", at_least=1)
    size: int = option(REQUIRED, "classes", at_least=1)


def test_doctests():
    results = doctest.testmod(module)
    assert results.attempted and not results.failed


def test_what_is_not_given_is_none_until_it_is_resolved():
    config = Recipe(size=2)
    assert config.units is config.steps is None
    assert config.learning_rate == 1e-3
    resolved = config.resolved()
    assert (resolved.units, resolved.steps) == (4, 3)
    assert resolved.resolved() == resolved
    own = Recipe(size=2, data="x").resolved()
    assert (own.units, own.steps) == (16, 3)


def test_what_is_given_stays_even_if_it_is_a_default():
    for units in (16, 4, 8):
        assert Recipe(size=2, units=units).resolved().units == units


def test_equal_configurations_resolve_the_same():
    one = Recipe(size=2)
    other = dataclasses.replace(Recipe(size=2, units=5), units=None)
    assert one == other and one.resolved() == other.resolved()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"units": 0}, "units: expected a whole number of at least 1, got 0"),
        ({"units": 2.0}, "units: expected a whole number of at least 1, got 2.0"),
        ({"units": True}, "units: expected a whole number of at least 1, got True"),
        ({"dropout": 1}, "dropout: expected a number of at least 0 and below 1, got 1"),
        (
            {"dropout": float("nan")},
            "dropout: expected a number of at least 0 and below 1, got nan",
        ),
        ({"learning_rate": 0}, "learning_rate: expected a number above 0, got 0"),
        (
            {"frozen": 0},
            "frozen: expected a whole number of at least 1, or null, got 0",
        ),
        ({"cell": "rnn"}, "cell: expected 'lstm' or 'gru', got 'rnn'"),
        ({"cell": None}, "cell: expected 'lstm' or 'gru', got None"),
        ({"data": 3}, "data: expected text, or null, got 3"),
        ({"width": 3}, "width: is now called units"),
        ({"rate": 3}, "rate: is now called learning_rate"),
    ],
)
def test_a_wrong_value_says_what_was_expected(options, message):
    with pytest.raises(ValueError) as error:
        Recipe(size=2, **options)
    assert str(error.value) == message


def test_a_required_option_is_missed():
    with pytest.raises(TypeError, match="size"):
        Recipe()


def test_select_takes_what_both_have():
    model = Model.select(Recipe(size=2, cell="gru").resolved(), frozen=3)
    assert model == Model(cell="gru", units=4, frozen=3)


def test_the_docstring_lists_every_option_with_its_default():
    lines = Recipe.__doc__.splitlines()
    assert lines[0] == "A recipe." and "    Args:" in lines
    assert "        units: size of the state [16; 4 without data]." in lines
    assert "        cell: recurrent cell: lstm, gru [lstm]." in lines
    assert "        size: classes." in lines
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    assert describe(Recipe, fields["dropout"]) == "share dropped [0.0]"
