"""README's code and commands run, and what the other pages show is understood."""

from __future__ import annotations

import argparse
import ast
import doctest
import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from zoo.command_line import parse

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(
            page
            for folder in ("zoo", "recipes", "pretrained", "tests")
            for page in (ROOT / folder).rglob("*.md")
        ),
    ]
)
REVIEWS = "text\tlabel\n" + "".join(
    f"a {word} film\t{label}\n"
    for label, words in {"pos": "good fine great", "neg": "bad poor awful"}.items()
    for word in words.split() * 5
)
FILES = {  # that the README's examples read
    "reviews.tsv": REVIEWS,
    "english.txt": "A dog runs through the snow.\nTwo men are talking.\n",
    "lines.txt": "To be, or not to be\nO Romeo, Romeo!\n",
}

pytestmark = [
    pytest.mark.skipif(not README.exists(), reason="not in a checkout"),
    pytest.mark.skipif(keras.backend.backend() == "jax", reason="once is enough"),
]


def text_of(page: Path) -> str:
    """Returns the text of a page; none outside a checkout."""
    return page.read_text(encoding="utf-8") if page.exists() else ""


def blocks(text: str, language: str) -> list[str]:
    """Returns the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(text: str) -> list[str]:
    """Returns the commands of a page: fenced, indented or between backticks."""
    text = text.replace("\\\n", " ")
    fenced = "\n".join(blocks(text, "sh")).splitlines()
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    indented = re.findall(r"^    (\S.*)$", rest, re.M)
    inline = [" ".join(code.split()) for code in re.findall("`([^`]+)`", rest)]
    found = []
    for line in [*fenced, *indented, *inline]:
        for command in line.split(" && "):
            if re.match(r"(KERAS_BACKEND=\w+ )?python -m [a-z_.]+( |$)", command):
                found.append(" ".join(command.split()))
    return found


def printed(code: str) -> str:
    """Returns what a block says that it prints: its comment lines."""
    lines = [line[2:] for line in code.splitlines() if line.startswith("# ")]
    return "".join(f"{line}\n" for line in lines)


def is_like(expected: str, actual: str) -> bool:
    """Tells whether texts are equal; `...` stands for anything."""
    parts = map(re.escape, expected.split("..."))
    return re.fullmatch(".*".join(parts), actual, re.S) is not None


@pytest.fixture
def directory(tmp_path):
    """A directory with the files that the README's examples read, and no others."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(arguments: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program as a user would, and requires that it succeeds."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        arguments, cwd=directory, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


PYTHON = blocks(text_of(README), "python")
SHELL = blocks(text_of(README), "sh")


def is_training(code: str) -> bool:
    """Tells whether an example trains a model."""
    return "recipes" in code


SHELL_NUMBERS = [
    pytest.param(i, marks=[pytest.mark.nightly] if is_training(code) else [])
    for i, code in enumerate(SHELL)
]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_code_prints_what_it_says(number, directory):
    code = PYTHON[number]
    done = run([sys.executable, "-c", code], directory)
    if not is_training(code):
        assert is_like(printed(code), done.stdout)


def test_the_first_block_predicts_in_a_few_lines():
    lines = [line for line in PYTHON[0].splitlines() if line]
    assert len([line for line in lines if not line.startswith("#")]) == 4
    assert "zoo.load" in PYTHON[0] and printed(PYTHON[0])


@pytest.mark.parametrize("number", SHELL_NUMBERS)
def test_shell_commands_run_and_print_their_own_output_only(number, directory):
    for command in SHELL[number].splitlines():
        done = run(["bash", "-ec", command], directory)
        assert done.stderr == "", command


@pytest.mark.nightly
def test_the_first_training(directory):
    (command,) = re.findall(r"^    pip install \. && (.*)$", text_of(README), re.M)
    done = run(["bash", "-ec", command], directory)
    assert "baseline: majority class" in done.stdout


def test_ci_finds_the_test_command():
    found = re.findall(r"^    pip install .*pytest.*$", text_of(README), re.M)
    assert len(found) == 1
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = text_of(page)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for link in links:
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def configurations(code: str) -> Iterator[tuple[str, dict]]:
    """Yields recipe and options of each `recipe.Config(...)` in a block."""
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "Config"
        ):
            options = {k.arg: ast.literal_eval(k.value) for k in node.keywords}
            yield ast.unparse(node.func.value), options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_understood(page):
    text = text_of(page)
    for command in commands(text):
        understand(command)
    for code in blocks(text, "python"):
        if ">>>" in code:
            examples = doctest.DocTestParser().get_examples(code)
            code = "".join(example.source for example in examples)
        for name, options in configurations(code):
            importlib.import_module(f"recipes.{name}").Config(**options)


def understand(command: str) -> None:
    """Raises an error unless a command's module and options exist."""
    words = shlex.split(command.partition(" < ")[0])
    module, arguments = words[words.index("-m") + 1], words[words.index("-m") + 2 :]
    assert importlib.util.find_spec(module), command
    if module == "zoo":
        understand_zoo(arguments)
    elif re.fullmatch(r"recipes\.[a-z]+", module):
        recipe = importlib.import_module(module)
        if hasattr(recipe, "Config") and "--help" not in arguments:
            parse(recipe.Config, arguments)
    elif module.startswith(("recipes.", "pretrained.")):
        source = sources(module)
        for option in re.findall(r"(?<!\S)--\w+", command):
            assert f'"{option}"' in source, command


def sources(module: str) -> str:
    """Returns the source of a module, or of all modules of a package."""
    spec = importlib.util.find_spec(module)
    file = Path(spec.origin)
    files = file.parent.glob("*.py") if spec.submodule_search_locations else [file]
    return "".join(file.read_text(encoding="utf-8") for file in files)


def understand_zoo(arguments: list[str]) -> None:
    """Raises an error unless `python -m zoo` takes these arguments."""
    from zoo.__main__ import parser

    if arguments and not any("{" in a or a.startswith("...") for a in arguments):
        found = parser().parse_args(arguments)
        assert isinstance(found, argparse.Namespace)
