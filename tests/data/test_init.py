"""The public names of the packages without a model: lazily imported, and all there."""

import importlib
import subprocess
import sys

import pytest

PACKAGES = ["zoo.data", "zoo.text", "zoo.evaluation"]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_public_names_can_be_imported(name):
    package = importlib.import_module(name)
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public) is not None


def test_importing_the_packages_imports_nothing_heavy():
    code = (
        f"import sys, {', '.join(PACKAGES)}; "
        "print(sys.modules.keys() & {'keras', 'tensorflow', 'numpy', 'matplotlib'})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr
