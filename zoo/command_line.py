"""Command lines: options out of a configuration, errors of one clear line."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import sys
import textwrap
import typing
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from zoo.configuration import (
    GROUPS,
    Configuration,
    describe,
    type_in_words,
)
from zoo.data.corpus_files import did_you_mean

C = TypeVar("C", bound=Configuration)
OPTION_WIDTH = 31  # columns of an option in --help


def parse(config_type: type[C], arguments: list[str] | None = None) -> C:
    """Makes a configuration from the command line, or from a YAML file by `--config`.

    Args:
        config_type: each of its fields is an option.
        arguments: of the command line; those of this process if None.

    Raises:
        ValueError: if an option is unknown or a value does not fit.
    """
    import jsonargparse

    class Parser(jsonargparse.ArgumentParser):
        def format_help(self, formatter: Any = None) -> str:
            return help_text(config_type)

    parser = Parser(exit_on_error=False)
    parser.add_argument("--config", action=jsonargparse.ActionConfigFile)
    hints = typing.get_type_hints(config_type)
    for field in dataclasses.fields(config_type):
        hint = hints[field.name]
        kind = hint | None if field.default is None else hint
        parser.add_argument(f"--{field.name}", type=kind)
    try:
        # Without defaults, so that what was not given stays so.
        options = parser.parse_args(arguments, defaults=False).as_dict()
    except jsonargparse.ArgumentError as error:
        raise ValueError(_clear(str(error), config_type)) from None
    options.pop("config", None)
    return config_type(**options)


def help_text(config_type: type[Configuration]) -> str:
    """Returns what `--help` prints: the options by group, a line each."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    hints = typing.get_type_hints(config_type)
    main = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"python -m {main.name}" if main else os.path.basename(sys.argv[0])
    summary = (config_type.__doc__ or "").split("\n")[0]
    lines = [f"usage: {program} [--OPTION VALUE ...]", "", summary]
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


def _clear(message: str, config_type: type[Configuration]) -> str:
    """Says in one line which option it is, what was expected and what came."""
    message = re.sub('^Parser key "(.+?)"', r"--\1", " ".join(message.split()))
    hints = typing.get_type_hints(config_type)
    option = re.match(r"--(\w+): ", message)
    value = re.search("(?:Got|Given) value: (.*)", message)
    if option and value and option[1] in hints:
        expected = type_in_words(hints[option[1]])
        return f"--{option[1]}: expected {expected}, got {value[1]!r}"
    unknown = re.search("(?:unrecognized arguments: |Option ')([^ =']+)", message)
    if unknown:
        name = unknown[1].lstrip("-")
        if name in config_type.renamed:
            return f"{unknown[1]}: is now called --{config_type.renamed[name]}"
        near = did_you_mean(name, hints)
        return f"unknown option {unknown[1]}{near or '; see --help'}"
    return message


def end_cleanly(action: Callable[[], Any]) -> None:
    """Runs the action of a command and ends the process with its exit status.

    A `ValueError` or `OSError` is printed as one line, with exit status 2; after Ctrl-C
    the status is 130; a closed pipe ends the process quietly.
    """
    try:
        action()
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except KeyboardInterrupt as interrupt:
        sys.exit(_say(str(interrupt) or "interrupted", 130))
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        sys.exit(_say(f"{file}{error.strerror or error}", 2))
    except ValueError as error:
        if type(error).__module__.startswith(("keras", "tensorflow", "jax")):
            raise
        sys.exit(_say(str(error), 2))


def _drop_output() -> None:
    """Lets Python empty its buffer of standard output without a further error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str, status: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:  # it may be the output that cannot be written
        _drop_output()
    if sys.stdout.isatty():
        print(file=sys.stderr)  # the cursor may stand behind a progress bar
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status
