"""python -m recipes: lists the recipes."""

from __future__ import annotations

import ast
from pathlib import Path


def list_recipes() -> dict[str, str]:
    """Returns the first line of each recipe's docstring, by the recipe's name.

    A recipe is a module of this folder that defines a `Config`. None is imported, so
    that the list is there at once.
    """
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
        if "Config" in classes:
            found[file.stem] = (ast.get_docstring(module) or "").split("\n")[0]
    return found


def main() -> None:
    """Prints a line for each recipe."""
    recipes = list_recipes()
    width = max(map(len, recipes))
    for name, summary in recipes.items():
        print(f"python -m recipes.{name:<{width}}  {summary}")
    print("\nEach trains a model on its embedded data, or on yours: see its --help.")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
