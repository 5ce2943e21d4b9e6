"""The shape of the code, read from its syntax trees; nothing is imported."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("zoo", "recipes", "pretrained")
MOST_ENTRIES = 20  # at the top of zoo/
MOST_FUNCTION_LINES = 60
MOST_MODULE_LINES = 350
MOST_README_LINES = 70  # of prose: tables and code aside

# What each package may import of the three, itself included.
BELOW = {
    "pretrained": {"pretrained"},
    "zoo": {"zoo", "pretrained"},
    "recipes": {"recipes", "zoo", "pretrained"},
}
# Layers of zoo/, from the lowest up; a module imports from its own layer or lower ones.
LAYERS = (
    {"configuration", "hardware", "keras_compat", "atomic_files"},
    {"text"},
    {"data"},
    {"layers"},
    {"models"},
    {"decoding"},
    {"evaluation"},
    {"training"},
    {"checkpoints", "tasks"},
    {"inference"},
    {"runs", "command_line"},
    {"__main__"},
)
# Methods that override those of Keras or argparse, which document them.
OVERRIDDEN = set(
    """apply build call compute_mask compute_output_shape compute_output_spec error
    from_config get_config get_initial_state inner_loop metrics on_epoch_begin
    on_epoch_end on_test_batch_end on_test_begin on_train_batch_begin
    on_train_batch_end on_train_begin on_train_end reset_state result update_state
    update_step""".split()
)

pytestmark = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="not in a checkout"
)


def files(*packages: str) -> list[Path]:
    """Returns the Python files of packages."""
    return sorted(file for name in packages for file in (ROOT / name).rglob("*.py"))


def parse(file: Path) -> ast.Module:
    """Returns the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def shown(file: Path) -> str:
    """Returns a path as messages name it."""
    return file.relative_to(ROOT).as_posix()


def module_name(file: Path) -> str:
    """Returns the dotted name of the module in a file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in files(*PACKAGES)}


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yields the nodes of a tree, without the blocks for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from executed(child)


def imports(name: str) -> set[str]:
    """Returns the modules that a module imports, inside its functions as well."""
    found = set()
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in executed(parse(MODULES[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *filter(None, [node.module])])
            for alias in node.names:
                member = f"{base}.{alias.name}"
                found.add(member if member in MODULES else base)
    return found & MODULES.keys()


def layer(name: str) -> int | None:
    """Returns the place of a module of zoo among `LAYERS`; None for zoo itself."""
    parts = name.split(".")
    if len(parts) == 1:
        return None
    return next((i for i, names in enumerate(LAYERS) if parts[1] in names), -1)


def test_zoo_has_few_entries_at_its_top():
    entries = [
        path.name for path in (ROOT / "zoo").iterdir() if path.name != "__pycache__"
    ]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_no_import_circle():
    graph = {name: imports(name) - {name} for name in MODULES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_packages_import_one_way():
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        for other in sorted(imports(name))
        if other.split(".")[0] not in BELOW[name.split(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_zoo_imports_from_lower_layers_only():
    wrong = []
    for name in MODULES:
        if not name.startswith("zoo."):
            continue
        assert layer(name) != -1, f"{name}: give it a place in LAYERS"
        for other in sorted(imports(name)):
            if other.startswith("zoo.") and layer(other) > layer(name):
                wrong.append(f"{name} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_modules_are_short():
    long = []
    for file in files(*PACKAGES):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > MOST_MODULE_LINES:
            long.append(f"{shown(file)}: {lines} lines")
    assert not long, "\n".join(long)


def test_functions_are_short():
    long = []
    for file in files(*PACKAGES):
        for node in ast.walk(parse(file)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    place = f"{shown(file)}:{node.lineno}"
                    long.append(f"{place}: {node.name} has {lines} lines")
    assert not long, "\n".join(long)


def definitions(
    body: list[ast.stmt], outer: tuple[ast.ClassDef, ...] = ()
) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef, tuple[ast.ClassDef, ...]]]:
    """Yields the public classes, functions and methods, each with what it is in."""
    for node in body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            continue
        decorators = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
        if node.name.startswith("_") or decorators & {"overload", "setter"}:
            continue
        yield node, outer
        if isinstance(node, ast.ClassDef):
            yield from definitions(node.body, (*outer, node))


def test_public_names_of_zoo_have_docstrings():
    found = [
        (f"{shown(file)}:{node.lineno}: {node.name}", node, outer)
        for file in files("zoo")
        for node, outer in definitions(parse(file).body)
    ]
    in_another_class = OVERRIDDEN | {
        node.name for _, node, outer in found if outer and ast.get_docstring(node)
    }
    missing = [
        place
        for place, node, outer in found
        if ast.get_docstring(node) is None
        and not (outer and node.name in in_another_class)
    ]
    assert not missing, "\n".join(missing)


def code_folders() -> list[Path]:
    """Returns the folders that hold code; tests/ mirrors the others and counts once."""
    return [*sorted({file.parent for file in files(*PACKAGES)}), ROOT / "tests"]


def prose(page: Path) -> list[str]:
    """Returns the lines of a page that are neither of a table nor of code."""
    text = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    return [line for line in text.splitlines() if not line.startswith(("|", "    "))]


@pytest.mark.parametrize("folder", code_folders(), ids=shown)
def test_every_folder_has_a_page_that_explains_it(folder):
    page = folder / "README.md"
    assert page.exists(), f"{shown(page)} is missing"
    lines = len(prose(page))
    assert lines <= MOST_README_LINES, f"{shown(page)}: {lines} lines"
