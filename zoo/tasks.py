"""The registry of tasks: whoever handles every task takes the list from here.

A task is what goes in and what comes out; it is named in a checkpoint's `config.json`.
Code is referred to by name and imported when it is used, so that this module imports
nothing and every other module may import it. See zoo/README.md for how to add a task.
"""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["COMMANDS", "TASKS", "Command", "Task", "find"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """A subcommand of `python -m zoo` that uses a trained model.

    Args:
        name: as it is typed.
        help: what it does, in a few words.
        takes: what its arguments are called in its usage.
        line_by_line: whether each text is answered by itself, and those that are not
            given are read from standard input; otherwise all arguments are one text.
        options_name: `"module:function"` that adds the command's options to an
            `argparse.ArgumentParser`; None for no options.
        prepare_name: `"module:function"` from the model and the parsed options to a
            function from texts to answers; None for the method `name` of the model.
    """

    name: str
    help: str
    takes: str = "text"
    line_by_line: bool = True
    options_name: str | None = None
    prepare_name: str | None = None

    def add_options(self, parser: Any) -> None:
        """Adds the command's options to an `argparse.ArgumentParser`."""
        if self.options_name:
            pkgutil.resolve_name(self.options_name)(parser)

    def prepare(self, model: Any, options: Any) -> Callable[[list[str]], list[Any]]:
        """Returns the function from texts to the model's answers.

        Args:
            model: a `TrainedModel`.
            options: as parsed.

        Raises:
            ValueError: if an option does not fit.
        """
        if self.prepare_name:
            return pkgutil.resolve_name(self.prepare_name)(model, options)
        return getattr(model, self.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A task, and where everything is that handles it.

    Args:
        name: as in `config.json` of a checkpoint.
        recipes: names of the recipes that train it, the first of them the usual one.
        commands: names of the subcommands of `python -m zoo` that use it; the trained
            model has a method of the first one's name.
        config_name: `"module:class"` of the model's configuration.
        builder_name: `"module:function"` from a configuration to a `keras.Model`.
        trained_name: `"module:class"` of the trained model.
        plain_name: `"module:function"` from a text and its answer to lines.
        json_name: `"module:function"` from an answer to the entries of a JSON object.
    """

    name: str
    recipes: tuple[str, ...]
    commands: tuple[str, ...]
    config_name: str
    builder_name: str
    trained_name: str
    plain_name: str
    json_name: str

    @property
    def noun(self) -> str:
        """What to call a trained model in messages: `"language model"`."""
        return self.name.replace("_", " ")

    @property
    def config_type(self) -> type[Any]:
        """The dataclass of the model's configuration."""
        return pkgutil.resolve_name(self.config_name)

    @property
    def builder(self) -> Callable[..., Any]:
        """The function from a configuration to a `keras.Model`."""
        return pkgutil.resolve_name(self.builder_name)

    @property
    def trained_type(self) -> type[Any]:
        """The class of the trained model."""
        return pkgutil.resolve_name(self.trained_name)

    def method(self, model: Any) -> Callable[..., Any]:
        """Returns the method of a trained model that takes texts: `model.predict`."""
        return getattr(model, self.commands[0])

    def plain(self, text: str, answer: Any) -> Iterator[str]:
        """Yields the lines that the shell prints for an answer."""
        return pkgutil.resolve_name(self.plain_name)(text, answer)

    def json(self, answer: Any) -> dict[str, Any]:
        """Returns the entries of the JSON object that the shell prints."""
        return pkgutil.resolve_name(self.json_name)(answer)


_FORMATS = "zoo.inference.output_formats"
_OPTIONS = "zoo.inference.command_options"

COMMANDS = {
    command.name: command
    for command in (
        Command(
            name="predict",
            help="classify or tag texts",
            options_name=f"{_OPTIONS}:add_prediction_options",
            prepare_name=f"{_OPTIONS}:prepare_prediction",
        ),
        Command(
            name="translate",
            help="translate texts, or transcribe words",
            options_name=f"{_OPTIONS}:add_translation_options",
            prepare_name=f"{_OPTIONS}:prepare_translation",
        ),
        Command(
            name="score",
            help="print the nats, perplexity and bits per character of texts",
        ),
        Command(
            name="generate",
            help="continue a prompt",
            takes="prompt",
            line_by_line=False,
            options_name=f"{_OPTIONS}:add_generation_options",
            prepare_name=f"{_OPTIONS}:prepare_generation",
        ),
    )
}

TASKS = {
    task.name: task
    for task in (
        Task(
            name="classifier",
            recipes=("classify",),
            commands=("predict",),
            config_name="zoo.models.classifier:ClassifierConfig",
            builder_name="zoo.models.classifier:build_classifier",
            trained_name="zoo.inference.classifier:Classifier",
            plain_name=f"{_FORMATS}:plain_prediction",
            json_name=f"{_FORMATS}:json_prediction",
        ),
        Task(
            name="tagger",
            recipes=("tag",),
            commands=("predict",),
            config_name="zoo.models.tagger:TaggerConfig",
            builder_name="zoo.models.tagger:build_tagger",
            trained_name="zoo.inference.tagger:Tagger",
            plain_name=f"{_FORMATS}:plain_tags",
            json_name=f"{_FORMATS}:json_tags",
        ),
        Task(
            name="language_model",
            recipes=("generate",),
            commands=("score", "generate"),
            config_name="zoo.models.language_model:LanguageModelConfig",
            builder_name="zoo.models.language_model:build_language_model",
            trained_name="zoo.inference.language_model:LanguageModel",
            plain_name=f"{_FORMATS}:plain_score",
            json_name=f"{_FORMATS}:json_score",
        ),
        Task(
            name="translator",
            recipes=("translate", "pronounce"),
            commands=("translate",),
            config_name="zoo.models.translator:TranslatorConfig",
            builder_name="zoo.models.translator:build_translator",
            trained_name="zoo.inference.translator:Translator",
            plain_name=f"{_FORMATS}:plain_translations",
            json_name=f"{_FORMATS}:json_translations",
        ),
    )
}


def find(name: str) -> Task:
    """Returns the task of a name.

    Args:
        name: as in `config.json` of a checkpoint.

    Raises:
        ValueError: if there is no such task.

    >>> find("tagger").recipes
    ('tag',)
    """
    if name not in TASKS:
        known = ", ".join(TASKS)
        raise ValueError(f"unknown task {name!r}; expected one of {known}")
    return TASKS[name]
