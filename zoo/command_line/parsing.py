"""Options out of a configuration: from the command line, or from a YAML file."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from typing import Any, TypeVar

from zoo.command_line.config_file import read_options, unknown_option
from zoo.command_line.help import help_text
from zoo.configuration import Configuration, type_in_words

C = TypeVar("C", bound=Configuration)
CONFIG = "--config"
NULL = ("null", "Null", "NULL", "~")


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

    parser = Parser(exit_on_error=False, allow_abbrev=False)
    hints = typing.get_type_hints(config_type)
    for field in dataclasses.fields(config_type):
        hint = hints[field.name]
        kind = hint | None if field.default is None else hint
        kinds = {hint, *typing.get_args(hint)}
        if str in kinds:  # as it is: "#5", "~" and "1e3" would be something in YAML
            kind = _number_or_text if int in kinds else _text
        parser.add_argument(f"--{field.name}", type=kind)
    given = _with_files(sys.argv[1:] if arguments is None else arguments, config_type)
    try:
        # Without defaults, so that what was not given stays so.
        options = parser.parse_args(given, defaults=False).as_dict()
    except jsonargparse.ArgumentError as error:
        raise ValueError(_clear(str(error), config_type)) from None
    for name, value in options.items():
        text = _as_given(name, given)
        if value in (None, "") and text not in NULL:  # a comment of YAML, or nothing
            expected = type_in_words(hints[name])
            raise ValueError(f"--{name}: expected {expected}, got {text!r}")
    return config_type(**options)


def _as_given(name: str, arguments: list[str]) -> str:
    """Returns what was last given as the value of an option."""
    for i in reversed(range(len(arguments))):
        option, equals, value = arguments[i].partition("=")
        if option == f"--{name}":
            return value if equals else arguments[i + 1]
    return ""


def _text(value: str) -> str | None:
    return None if value == "null" else value


def _number_or_text(value: str | int) -> int | str | None:
    # jsonargparse also asks this of what it has returned.
    is_number = isinstance(value, int) or re.fullmatch("0|-?[1-9][0-9]*", value)
    return int(value) if is_number else _text(str(value))


def _with_files(arguments: list[str], config_type: type[Configuration]) -> list[str]:
    """Puts the options of YAML files in the place of `--config FILE`."""
    given: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, file = argument.partition("=")
        if name != CONFIG:
            given.append(argument)
            continue
        file = file if equals else next(rest, "")
        if not file:
            raise ValueError(f"{CONFIG}: expected the name of a file")
        given += read_options(file, config_type)
    return given


def _clear(message: str, config_type: type[Configuration]) -> str:
    """Says in one line which option it is, what was expected and what came."""
    message = re.sub('^Parser key "(.+?)"', r"--\1", " ".join(message.split()))
    hints = typing.get_type_hints(config_type)
    option = re.match(r"--(\w+): ", message)
    value = re.search("(?:Got|Given) value: ?(.*)", message)
    if option and value and option[1] in hints:
        expected = type_in_words(hints[option[1]])
        return f"--{option[1]}: expected {expected}, got {value[1]!r}"
    unknown = re.search("(?:unrecognized arguments: |Option ')([^ =']+)", message)
    if unknown and (complaint := unknown_option(unknown[1], config_type)):
        return complaint
    return message
