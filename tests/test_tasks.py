"""The registry: every task is complete, and everything that it names exists."""

import dataclasses
import importlib.util

import keras
import pytest

from recipes.__main__ import list_recipes
from zoo import tasks
from zoo.inference import TrainedModel

each_task = pytest.mark.parametrize("task", tasks.TASKS.values(), ids=tasks.TASKS)


@each_task
def test_what_a_task_names_exists(task):
    assert tasks.find(task.name) is task
    assert dataclasses.is_dataclass(task.config_type)
    assert issubclass(task.trained_type, TrainedModel)
    assert task.trained_type.task == task.name
    for name in task.recipes:
        assert importlib.util.find_spec(f"recipes.{name}")
    for name in task.commands:
        assert name in tasks.COMMANDS


@each_task
def test_the_builder_builds_the_configuration(task):
    required = {"vocabulary_size": 6, "num_outputs": 1, "num_classes": 2}
    required |= {"source_vocabulary_size": 6, "target_vocabulary_size": 6}
    names = {field.name for field in dataclasses.fields(task.config_type)}
    sizes = {name: size for name, size in required.items() if name in names}
    config = task.config_type(units=2, embedding_size=2, **sizes)
    assert isinstance(task.builder(config), keras.Model)


def test_every_recipe_trains_a_task_and_every_command_has_one():
    trained = {recipe for task in tasks.TASKS.values() for recipe in task.recipes}
    assert trained == list_recipes().keys()
    used = {command for task in tasks.TASKS.values() for command in task.commands}
    assert used == tasks.COMMANDS.keys()


def test_an_unknown_task():
    with pytest.raises(ValueError, match="unknown task 'parser'; expected one of cl"):
        tasks.find("parser")
