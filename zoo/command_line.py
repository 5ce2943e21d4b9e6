"""Command lines that end in one clear line when something is wrong."""

from __future__ import annotations

import os
import re
import sys
import typing
from collections.abc import Callable
from typing import Any, Literal

from zoo.data.corpus_files import did_you_mean


def parse(config_type: type, arguments: list[str] | None = None):
    """Makes a configuration from the command line, or from a YAML file by `--config`.

    Args:
        config_type: a dataclass; each field is an option.
        arguments: of the command line; those of this process if None.

    Raises:
        ValueError: if an option is unknown or a value does not fit.
    """
    import jsonargparse

    parser = jsonargparse.ArgumentParser(
        description=(config_type.__doc__ or "").split("\n")[0], exit_on_error=False
    )
    parser.add_argument("--config", action=jsonargparse.ActionConfigFile)
    parser.add_class_arguments(config_type)
    try:
        # Without defaults, so that the configuration knows what was given.
        options = parser.parse_args(arguments, defaults=False).as_dict()
    except jsonargparse.ArgumentError as error:
        raise ValueError(_clear(str(error), config_type)) from None
    options.pop("config", None)
    return config_type(**options)


def check_types(config: Any) -> None:
    """Raises ValueError unless the fields of a configuration are of their types.

    Args:
        config: a dataclass; one from the command line has been checked already.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if not _fits(value, hint):
            raise ValueError(f"{name}: expected {_words(hint)}, got {value!r}")


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if parts := typing.get_args(hint):
        return any(_fits(value, part) for part in parts)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _clear(message: str, config_type: type) -> str:
    """Says in one line which option it is, what was expected and what came."""
    message = re.sub('^Parser key "(.+?)"', r"--\1", " ".join(message.split()))
    hints = typing.get_type_hints(config_type)
    option = re.match(r"--(\w+): ", message)
    value = re.search("(?:Got|Given) value: (.*)", message)
    if option and value and option[1] in hints:
        return f"--{option[1]}: expected {_words(hints[option[1]])}, got {value[1]!r}"
    unknown = re.search("(?:unrecognized arguments: |Option ')([^ =']+)", message)
    if unknown:
        near = did_you_mean(unknown[1].lstrip("-"), hints)
        return f"unknown option {unknown[1]}{near or '; see --help'}"
    return message


def _words(hint: Any) -> str:
    """Returns what a type takes, in words."""
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    if parts := typing.get_args(hint):
        return " or ".join(map(_words, parts))
    words = {int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(hint, "null" if hint is type(None) else "text")


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
