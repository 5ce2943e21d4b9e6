"""The examples in the docstrings of zoo.data."""

import doctest
import importlib
import pkgutil

import pytest

import zoo.data

MODULES = [module.name for module in pkgutil.iter_modules(zoo.data.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"zoo.data.{name}")
    assert doctest.testmod(module).failed == 0
