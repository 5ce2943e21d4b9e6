"""Examples in the docstrings and pages of the layers and searches; their public names."""

import doctest
import importlib
import pydoc
from pathlib import Path

import pytest

import zoo.decoding
import zoo.layers

PACKAGES = {"zoo.layers": zoo.layers, "zoo.decoding": zoo.decoding}
MODULES = [
    f"{package}.{file.stem}"
    for package in PACKAGES
    for file in sorted(Path(PACKAGES[package].__file__).parent.glob("*.py"))
    if file.stem != "__init__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", PACKAGES)
def test_examples_of_pages(name):
    page = Path(PACKAGES[name].__file__).parent / "README.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted and found.failed == 0


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names(name):
    """Each is what its module defines, also where a module is named like it."""
    package = PACKAGES[name]
    assert len(package.__all__) == len(set(package.__all__)) > 10
    for public in package.__all__:
        value = getattr(package, public)
        assert not isinstance(value, type(doctest)), public
        if hasattr(value, "__module__") and value.__module__.startswith("zoo"):
            assert value.__module__.startswith(name), public


@pytest.mark.parametrize("name, word", [("zoo.layers", "LSTM"), ("zoo.decoding", "lp")])
def test_help_shows_what_is_public(name, word):
    text = pydoc.render_doc(PACKAGES[name], renderer=pydoc.plaintext)
    assert word in text and "__getattr__" not in text
