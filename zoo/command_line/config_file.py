"""Options out of a YAML file, which is read without building what it describes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import yaml

from zoo.configuration import Configuration
from zoo.data.corpus_files import did_you_mean

MOST_BYTES = 100_000  # of a file; a run's own config.yaml has 2,000


def read_options(file: str, config_type: type[Configuration]) -> list[str]:
    """Reads the options in a YAML file: one level of names and values.

    Only the tokens of YAML are read, none of which is expanded, so that the work is
    bounded by the size of the file.

    Args:
        file: its name.
        config_type: each of its fields is an option.

    Returns:
        Arguments of a command line, `--name=value` each.

    Raises:
        ValueError: if the file cannot be read, or an option is unknown or no plain
            value; with the line.
    """
    try:
        with open(file, "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        text = content[:MOST_BYTES].decode("utf-8-sig")
        if len(content) > MOST_BYTES:
            raise ValueError(f"{file}: expected at most {MOST_BYTES:,} bytes of YAML")
        return list(_options(file, text, config_type))
    except OSError as error:
        raise ValueError(f"--config: {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = 1 + content[: error.start].count(b"\n")
        raise ValueError(f"{file}:{line}: not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else file
        raise ValueError(f"{place}: no YAML: {error.problem}") from None
    except yaml.YAMLError:  # a character that may not be in it
        raise ValueError(f"{file}: no YAML: there are control characters") from None


def _options(file: str, text: str, config_type: type[Configuration]) -> Iterator[str]:
    """Yields the options of a YAML text."""
    name, is_open = None, False
    event: Any
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{file}:{event.start_mark.line + 1}"
        if isinstance(event, yaml.MappingStartEvent) and not is_open:
            is_open = True
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue  # where the file or a document begins or ends
        if not (isinstance(event, yaml.ScalarEvent) and is_open) or event.anchor:
            # An alias has an anchor too.
            what = "an anchor or alias" if event.anchor else _WORDS[type(event)]
            where = f"a value of {name}" if name else "name: value"
            raise ValueError(f"{place}: expected {where}, got {what}")
        if name is None:
            name = event.value
            if complaint := unknown_option(name, config_type):
                raise ValueError(f"{place}: {complaint}")
        else:
            is_null = event.implicit[0] and event.value in ("", "~", "Null", "NULL")
            yield f"--{name}={'null' if is_null else event.value}"
            name = None


_WORDS: dict[type, str] = {
    yaml.SequenceStartEvent: "a list",
    yaml.ScalarEvent: "a single value",
    yaml.MappingStartEvent: "further names and values",
}


def unknown_option(name: str, config_type: type[Configuration]) -> str | None:
    """Says what is wrong with the name of an option; None if nothing is.

    Args:
        name: with or without dashes.
        config_type: each of its fields is an option.
    """
    bare = name.lstrip("-")
    fields = [field.name for field in dataclasses.fields(config_type)]
    if bare in fields:
        return None
    if bare in config_type.renamed:
        return f"{name}: is now called --{config_type.renamed[bare]}"
    return f"unknown option {name}{did_you_mean(bare, fields) or '; see --help'}"
