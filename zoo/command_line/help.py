"""What `--help` prints of a configuration."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import sys
import textwrap
import typing
from typing import Any, Literal

from zoo.configuration import GROUPS, Configuration, describe

OPTION_WIDTH = 31  # columns of an option in --help


def help_text(config_type: type[Configuration]) -> str:
    """Returns what `--help` prints: the options by group, a line each."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    hints = typing.get_type_hints(config_type)
    summary = (config_type.__doc__ or "").split("\n")[0]
    lines = [f"usage: {program()} [--OPTION VALUE ...]", "", summary]
    for group in GROUPS:
        lines += ["", f"{group}:"]
        if group == "data":
            about = "take options from this YAML file; later ones override it"
            lines += _help_lines("--config FILE", about, width)
        for field in dataclasses.fields(config_type):
            if field.metadata["option"].group == group:
                option = f"--{field.name} {_placeholder(hints[field.name])}".rstrip()
                lines += _help_lines(option, describe(config_type, field), width)
    return "\n".join(lines) + "\n"


def program() -> str:
    """Returns how this process was started: `python -m recipes.tag`."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {main.name}" if main else os.path.basename(sys.argv[0])


def command() -> str:
    """Returns the command line of this process, as one would type it."""
    return " ".join([program(), *map(shlex.quote, sys.argv[1:])])


def _help_lines(option: str, about: str, width: int) -> list[str]:
    start = f"  {option}".ljust(OPTION_WIDTH) + " "
    indent = " " * (OPTION_WIDTH + 1)
    return textwrap.wrap(start + about, width, subsequent_indent=indent)


def _placeholder(hint: Any) -> str:
    """Returns what stands for a value in --help; nothing where the help names all."""
    parts = [part for part in typing.get_args(hint) or [hint] if part is not type(None)]
    if typing.get_origin(hint) is Literal or typing.get_args(parts[0]):
        return ""
    names = {int: "N", float: "X", bool: "BOOL"}
    return names.get(parts[0], "TEXT")
