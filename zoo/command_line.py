"""Command lines: options out of a configuration, errors of one clear line."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.abc
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
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

    parser = Parser(exit_on_error=False, allow_abbrev=False)
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


LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# What TensorFlow writes while it starts, whatever its log level: information, and that
# there is no driver (303 of CUDA) of a GPU.
START_UP_LINES = "|".join(
    [
        "WARNING: All log messages before absl::InitializeLog",
        r"I\d{4} [\d:.]+ ",
        r"E\d{4} .*cuInit: .*\(303\)",
        "To enable the following instructions: .*, rebuild TensorFlow",
    ]
)
# A program from standard input to standard error, without the lines of a pattern.
FILTER = """
import re, sys
pattern = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not pattern.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def quiet_tensorflow() -> None:
    """Keeps from the terminal what TensorFlow says whenever it starts and retraces.

    Call it before TensorFlow is imported, in a process that is a program of its own;
    whoever has set the environment's `TF_CPP_MIN_LOG_LEVEL` sees what that asks for.
    Warnings and errors are shown as ever, also if the import ends the process.
    """
    if LOG_LEVEL in os.environ or "tensorflow" in sys.modules:
        return
    if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())
        logging.getLogger("tensorflow").addFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in str(record.msg)


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as the other finders do, and quiets its import."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Returns the module's specification; None unless it is TensorFlow's."""
        if name != "tensorflow":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_quietly(module: types.ModuleType) -> None:
                with _without_start_up_lines():
                    execute(module)
                    # Looks for a GPU, of which TensorFlow speaks too.
                    module.config.list_physical_devices()

            # Of this one loader, not of its class.
            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _without_start_up_lines() -> Iterator[None]:
    """Lets standard error through another process, which leaves out `START_UP_LINES`.

    The lines come from C++, so it is the file descriptor that is led elsewhere; and
    they may be the last words of this process, so it is not this process that filters.
    """
    command = [sys.executable, "-I", "-S", "-c", FILTER, START_UP_LINES]
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    end, begin = os.pipe()
    with subprocess.Popen(command, stdin=end, start_new_session=True):
        os.close(end)
        os.environ[LOG_LEVEL] = "1"  # which TensorFlow reads now, once: no information
        os.dup2(begin, 2)
        os.close(begin)
        try:
            yield
        finally:
            os.environ.pop(LOG_LEVEL, None)
            if sys.stderr:
                sys.stderr.flush()
            os.dup2(kept, 2)  # ends the other process, for which `with` waits
            os.close(kept)


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
        print(file=sys.stderr)  # the cursor may stand after a progress bar
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status
