"""Configurations: frozen dataclasses whose options carry their help and their range.

An option's help, range and default stand once, in the field's metadata. From there come
the docstring of the class, `--help` (see `zoo.command_line`) and the one validator. A
configuration inherits the options of others:

    @configuration
    class RecurrentOptions(Configuration):
        '''A stack of recurrent layers.'''

        units: int = option(128, "size of the state of each direction", at_least=1)
"""

from __future__ import annotations

import dataclasses
import functools
import math
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

C = TypeVar("C", bound="Configuration")
GROUPS = ("data", "model", "training", "output")  # of options, in the order of --help
REQUIRED: Any = dataclasses.MISSING


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """What is known of an option besides its name, type and default.

    Args:
        help: one line: what it is, and its unit.
        group: one of `GROUPS`.
        at_least: smallest value that is allowed.
        above: what every allowed value is above.
        at_most: largest value that is allowed.
        below: what every allowed value is below.
    """

    help: str
    group: str
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Tells whether a number is finite and within the range."""
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def range(self) -> str:
        """Returns the range in words, empty if there is none.

        >>> Option(help="", group="model", at_least=0, below=1).range()
        'at least 0 and below 1'
        """
        bounds = [
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        ]
        return " and ".join(f"{word} {x:g}" for word, x in bounds if x is not None)


def option(
    default: Any,
    help: str,
    *,
    group: str = "model",
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Any:
    """Makes a field of a configuration.

    Args:
        default: its value if it is not given; None for "not given", in which case
            `Configuration.resolved` gives it a value; `REQUIRED` for none.
        help: one line: what it is, and its unit.
        group: one of `GROUPS`.
        at_least: smallest value that is allowed.
        above: what every allowed value is above.
        at_most: largest value that is allowed.
        below: what every allowed value is below.
    """
    about = Option(
        help=help,
        group=group,
        at_least=at_least,
        above=above,
        at_most=at_most,
        below=below,
    )
    return dataclasses.field(default=default, metadata={"option": about})


def share(default: Any, help: str, *, group: str = "model") -> Any:
    """Makes a field for a share, at least 0 and below 1."""
    return option(default, help, group=group, at_least=0, below=1)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def configuration(cls: type[C]) -> type[C]:
    """Makes a class a configuration: a frozen dataclass with keyword options.

    Inherited options that `defaults`, `embedded_defaults` or `sized` name are None
    until they are given or resolved. The docstring gets a line for each option.
    """
    hints = typing.get_type_hints(cls)
    inherited = {
        name: field
        for base in reversed(cls.__mro__)
        for name, field in vars(base).get("__dataclass_fields__", {}).items()
    }
    cls.renamed = {  # of its own and of all its bases
        old: new
        for base in reversed(cls.__mro__)
        for old, new in vars(base).get("renamed", {}).items()
    }
    own = cls.__dict__.get("__annotations__", {})
    for name in {**cls.defaults, **cls.embedded_defaults, **cls.sized}:
        metadata = (vars(cls).get(name) or inherited[name]).metadata
        own[name] = hints[name]
        setattr(cls, name, dataclasses.field(default=None, metadata=metadata))
    cls.__annotations__ = own
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    cls.__init__ = _refusing_old_names(cls)  # type: ignore[method-assign]
    lines = [
        textwrap.fill(
            f"{field.name}: {describe(cls, field)}.",
            width=80,
            initial_indent=" " * 8,
            subsequent_indent=" " * 12,
        )
        for field in dataclasses.fields(cls)
    ]
    about = (cls.__doc__ or cls.__name__).rstrip()
    cls.__doc__ = "\n".join([about, "", "    Args:", *lines, ""])
    return cls


def _refusing_old_names(cls: type[C]) -> Any:
    """Returns the `__init__` of a class, with an error for options that have another
    name today."""
    plain = cls.__init__

    @functools.wraps(plain)
    def __init__(self, **options):
        for old in options.keys() & cls.renamed.keys():
            raise ValueError(f"{old}: is now called {cls.renamed[old]}")
        plain(self, **options)

    return __init__


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration:
    """Base of all configurations.

    Attributes:
        defaults: values that options which were not given take.
        embedded_defaults: what differs where `data` was not given.
        sized: options whose default follows the size of the data, so that `resolved`
            leaves them, and that default in words.
        renamed: options of earlier versions, and what they are called today.

    Raises:
        ValueError: if a value is of another type or out of its range.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}
    embedded_defaults: ClassVar[Mapping[str, Any]] = {}
    sized: ClassVar[Mapping[str, str]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value, hint = getattr(self, field.name), hints[field.name]
            about: Option = field.metadata["option"]
            if value is None and field.default is None:
                continue  # not given
            fits = is_of_type(value, hint)
            if fits and isinstance(value, (int, float)):
                fits = about.holds(value)
            if not fits:
                raise ValueError(
                    f"{field.name}: expected {_expected(hint, about)}, got {value!r}"
                )

    def resolved(self) -> Self:
        """Returns a copy in which no option that has a default is None.

        Options whose default is `sized` keep their None.
        """
        left = {
            name: value
            for name, value in default_values(type(self), self).items()
            if getattr(self, name) is None
        }
        return dataclasses.replace(self, **left)

    @classmethod
    def select(cls, options: Any, **others: Any) -> Self:
        """Makes a configuration of the options that another one shares with it.

        Args:
            options: the other configuration, for example a recipe's.
            others: further options, such as sizes that come from the data.
        """
        names = {f.name for f in dataclasses.fields(cls)} - others.keys()
        shared = {n: getattr(options, n) for n in names if hasattr(options, n)}
        return cls(**shared, **others)


def default_values(cls: type[C], config: C | None = None) -> dict[str, Any]:
    """Returns the values that options which are None take.

    Args:
        cls: the configuration's class.
        config: a configuration, whose data decide; None for data of one's own.
    """
    given = (getattr(config, name, None) for name in ("data", "train", "dev", "test"))
    embedded = hasattr(config, "data") and all(value is None for value in given)
    return {**cls.defaults, **(cls.embedded_defaults if embedded else {})}


def describe(cls: type[Configuration], field: dataclasses.Field) -> str:
    """Returns the help of an option with its choices, range and default."""
    about: Option = field.metadata["option"]
    hint = typing.get_type_hints(cls)[field.name]
    choices = [c for part in _parts(hint) for c in typing.get_args(part)]
    text = about.help + (f": {', '.join(choices)}" if choices else "")
    default = cls.defaults.get(field.name, cls.sized.get(field.name, field.default))
    if default is dataclasses.MISSING:
        return text
    shown = "" if default is None else in_yaml(default)
    if field.name in cls.embedded_defaults:
        embedded = in_yaml(cls.embedded_defaults[field.name])
        shown = f"{shown}; {embedded} without data" if shown else embedded
    return f"{text} [{shown}]" if shown else text


def in_yaml(value: Any) -> str:
    """Returns a value as one writes it on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parts(hint: Any) -> tuple:
    """Returns the members of a union, or the type itself."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return typing.get_args(hint)
    return (hint,)


def is_of_type(value: Any, hint: Any) -> bool:
    """Tells whether a value is of a type; true is no number, and 1 is a float.

    Args:
        value: any.
        hint: a class, a `Literal` or a union of these.
    """
    if len(parts := _parts(hint)) > 1:
        return any(is_of_type(value, part) for part in parts)
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _expected(hint: Any, about: Option) -> str:
    """Returns the type and the range of an option in words, null last."""
    parts = [part for part in _parts(hint) if part is not type(None)]
    words = " or ".join(map(type_in_words, parts))
    if limits := about.range():
        words += f" {limits}" if limits.startswith("above") else f" of {limits}"
    return words if len(parts) == len(_parts(hint)) else f"{words}, or null"


def type_in_words(hint: Any) -> str:
    """Returns what a type takes, in words.

    >>> type_in_words(int | None)
    'a whole number or null'
    """
    if len(parts := _parts(hint)) > 1:
        return " or ".join(map(type_in_words, parts))
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    words = {int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(hint, "null" if hint is type(None) else "text")
