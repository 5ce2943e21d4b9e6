"""The options of the recipes: what equal ones mean, old names, and `--help`."""

import contextlib
import dataclasses
import importlib
import io
import math
import tempfile
import types
import typing
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import yaml
from conftest import OPTIONS, tiny
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import zoo
from zoo.command_line import parse
from zoo.configuration import GROUPS, in_yaml
from zoo.layers.embedding import WordDropout

RECIPES = list(OPTIONS)


def recipe(name):
    return importlib.import_module(f"recipes.{name}")


def config_of(name):
    return recipe(name).Config


# --- Two equal configurations ------------------------------------------------------


TEXTS = [
    "somewhere",
    "a/b c",
    "tfds:glue/sst2",
    "null and void",
    "größer",
    "1:2",
    "a #1",
]


def values(hint, about):
    """Returns a strategy for the values of an option."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return st.one_of(*(values(part, about) for part in typing.get_args(hint)))
    if typing.get_origin(hint) is Literal:
        return st.sampled_from(typing.get_args(hint))
    low = about.at_least if about.above is None else about.above
    high = about.at_most if about.below is None else about.below
    if hint is int:
        return st.integers(
            -9 if low is None else math.ceil(low),
            min(10**6, 10**6 if high is None else math.floor(high)),
        )
    if hint is float:
        return st.floats(low, 1e6 if high is None else high, allow_nan=False)
    return {
        bool: st.booleans(),
        str: st.sampled_from(TEXTS),
        type(None): st.none(),
    }[hint]


@st.composite
def configurations(draw, name):
    """Draws a configuration of a recipe that gives some of the options."""
    cls = config_of(name)
    hints = typing.get_type_hints(cls)
    every = st.sampled_from(dataclasses.fields(cls))
    fields = draw(st.lists(every, unique=True, max_size=6))
    options = {
        field.name: draw(values(hints[field.name], field.metadata["option"]))
        for field in fields
    }
    try:
        config = cls(**options)
        config.resolved()
    except ValueError:  # options that do not go together
        reject()
    return config


def from_yaml(config):
    """Returns what `config.yaml` of a run with this configuration says."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "config.yaml")
        file.write_text(yaml.safe_dump(dataclasses.asdict(config), sort_keys=False))
        return parse(type(config), ["--config", str(file)])


def from_command_line(config):
    """Returns the configuration whose given options are typed."""
    options = dataclasses.asdict(config)
    words = [f"--{k}={in_yaml(v)}" for k, v in options.items() if v is not None]
    return parse(type(config), words)


@pytest.mark.parametrize("name", RECIPES)
def test_equal_configurations_resolve_to_the_same(name):
    @settings(max_examples=20, deadline=None)
    @given(configurations(name), st.integers(0, 2**32 - 1))
    def check(config, seed):
        resolved = config.resolved()
        assert resolved.resolved() == resolved
        for other in (
            dataclasses.replace(config, seed=config.seed),
            dataclasses.replace(
                dataclasses.replace(config, seed=seed), seed=config.seed
            ),
            type(config)(**dataclasses.asdict(config)),
            from_yaml(config),
            from_command_line(config),
        ):
            assert other == config and other.resolved() == resolved
        assert from_yaml(resolved) == from_command_line(resolved) == resolved
        # One option more than none, whichever way it is given.
        given_at_once = type(config)(seed=seed)
        later = dataclasses.replace(type(config)(), seed=seed)
        assert given_at_once == later and given_at_once.resolved() == later.resolved()

    check()


@pytest.mark.parametrize("name", RECIPES)
def test_resolving_keeps_what_is_given(name):
    @settings(max_examples=20, deadline=None)
    @given(configurations(name))
    def check(config):
        for option, value in dataclasses.asdict(config).items():
            if value is not None:
                assert getattr(config.resolved(), option) == value

    check()


@pytest.mark.parametrize("name", RECIPES)
def test_the_embedded_default_has_defaults_of_its_own(name):
    cls = config_of(name)
    own, embedded = cls(data="somewhere").resolved(), cls().resolved()
    for option, value in {**cls.defaults, **cls.embedded_defaults}.items():
        assert getattr(embedded, option) == value
        if option in cls.sized:
            assert getattr(own, option) is None  # until the data are known
            continue
        assert getattr(own, option) == cls.defaults.get(option, value)
        # A value that is given counts, though it be the default.
        same = cls(**{option: cls.defaults[option]}).resolved()
        assert getattr(same, option) == cls.defaults[option]


@pytest.mark.parametrize("name", ["classify", "tag", "generate"])
def test_equal_configurations_train_the_same_model(name, tmp_path):
    at_once = tiny(name, tmp_path / "a", epochs=1, seed=1)
    later = dataclasses.replace(tiny(name, tmp_path / "b", epochs=1), seed=1)
    other = tiny(name, tmp_path / "c", epochs=1)
    weights = []
    for config in (at_once, later, other):
        experiment = recipe(name).prepare(config)
        experiment.fit()
        weights.append(experiment.model.keras_model.get_weights())
    for first, second in zip(*weights[:2], strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((a != b).any() for a, b in zip(weights[0], weights[2]))


# --- Old names ---------------------------------------------------------------------


RENAMED = {
    "average": "weight_averaging", "average_after": "averaging_window",
    "embedding": "finetune_vectors", "unfreeze": "unfreeze_after",
    "tag": "tag_column", "balance": "tune_outside_score",
    "steps": "bptt_steps", "random_steps": "random_bptt",
    "subwords": "num_subwords", "joint": "joint_subwords",
}  # fmt: skip
VECTORS = {"average", "average_after", "embedding", "unfreeze"}
OLD = {
    "classify": VECTORS,
    "tag": VECTORS | {"tag", "balance"},
    "generate": VECTORS | {"steps", "random_steps"},
    "translate": VECTORS | {"subwords", "joint"},
    "pronounce": {"average", "average_after"},
}


@pytest.mark.parametrize(
    "name, old", [(name, old) for name in RECIPES for old in sorted(OLD[name])]
)
def test_an_old_name_says_the_new_one(name, old, tmp_path):
    cls, new = config_of(name), RENAMED[old]
    assert new in {field.name for field in dataclasses.fields(cls)}
    file = tmp_path / "config.yaml"
    file.write_text(f"seed: 1\n{old}: 2\n")
    for make in (
        lambda: cls(**{old: 2}),
        lambda: dataclasses.replace(cls(), **{old: 2}),
        lambda: parse(cls, [f"--{old}=2"]),
        lambda: parse(cls, [f"--{old}", "2"]),
        lambda: parse(cls, ["--config", str(file)]),
    ):
        with pytest.raises(ValueError) as error:
            make()
        message = str(error.value)
        assert f"{old}: is now called " in message and "\n" not in message
        assert new in message.split("is now called ")[1]


@pytest.mark.parametrize("name", RECIPES)
def test_every_old_name_is_listed(name):
    assert config_of(name).renamed.keys() == OLD[name]


# --- Help --------------------------------------------------------------------------


@pytest.fixture
def help_lines(monkeypatch):
    """A function that returns the lines of a recipe's `--help`."""
    monkeypatch.setenv("COLUMNS", "100")

    def lines(name):
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            pytest.raises(SystemExit) as end,
        ):
            parse(config_of(name), ["--help"])
        assert end.value.code in (None, 0)
        return printed.getvalue().splitlines()

    return lines


def options_in(lines):
    """Returns the lines of each option in those of `--help`."""
    found = {}
    for line in lines:
        if line.startswith("  --"):
            option = line.split()[0][2:]
            found[option] = [line]
        elif line.startswith("   "):
            found[option].append(line)
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_help_is_short_and_grouped(name, help_lines):
    lines = help_lines(name)
    assert max(map(len, lines)) <= 100 and len(lines) <= 100
    groups = [line[:-1] for line in lines if line.endswith(":") and line[0] != " "]
    assert groups == list(GROUPS) == ["data", "model", "training", "output"]
    shown = options_in(lines)
    assert max(map(len, shown.values())) <= 2
    fields = {field.name for field in dataclasses.fields(config_of(name))}
    assert shown.keys() == fields | {"config"}
    # Most of them in one line.
    assert sum(len(rows) == 1 for rows in shown.values()) >= 0.6 * len(shown)


@pytest.mark.parametrize("name", RECIPES)
def test_help_shows_the_defaults_as_they_will_be(name, help_lines):
    shown, cls = options_in(help_lines(name)), config_of(name)
    for option, value in {**cls.defaults, **cls.sized}.items():
        expected = in_yaml(value)
        if option in cls.embedded_defaults:
            expected += f"; {in_yaml(cls.embedded_defaults[option])} without data"
        assert f"[{expected}]" in " ".join(" ".join(shown[option]).split())


EVERYWHERE = {
    "batch_tokens", "batch_size", "word_dropout", "variational_dropout", "weight_drop",
    "recurrent_dropout", "weight_averaging", "seed", "data", "run_dir",
}  # fmt: skip
WITH_VECTORS = {"vectors", "vector_words", "finetune_vectors", "unfreeze_after"}


@pytest.mark.parametrize("name", RECIPES)
def test_options_that_a_recipe_can_have(name):
    options = {field.name for field in dataclasses.fields(config_of(name))}
    assert options >= EVERYWHERE
    # Phonemes and characters have no word vectors.
    assert (options >= WITH_VECTORS) is (name != "pronounce")


def test_the_same_name_means_the_same_everywhere():
    types_of, groups_of = {}, {}
    for name in RECIPES:
        cls = config_of(name)
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            about = field.metadata["option"]
            types_of.setdefault(field.name, set()).add(hints[field.name])
            groups_of.setdefault(field.name, set()).add(about.group)
    several = {name: found for name, found in types_of.items() if len(found) > 1}
    assert several.keys() <= {"tokens"}  # characters or words, words or subwords
    assert all(len(groups) == 1 for groups in groups_of.values())


# --- A training of each option that has come to a recipe ---------------------------


@pytest.mark.parametrize(
    "name, changes",
    [
        ("generate", {"tokens": "words", "word_dropout": 0.5}),
        ("translate", {"word_dropout": 0.5}),
        ("pronounce", {"word_dropout": 0.5}),
        ("tag", {"weight_drop": 0.5, "variational_dropout": True}),
        ("classify", {"weight_drop": 0.5, "variational_dropout": True}),
    ],
)
def test_training_with_an_option(name, changes, tmp_path):
    experiment = recipe(name).prepare(tiny(name, tmp_path, epochs=1, **changes))
    (row,) = experiment.fit()
    assert np.isfinite([*row.values()]).all()
    model = experiment.model.keras_model
    if "word_dropout" in changes:
        found = [x for x in layers(model) if isinstance(x, WordDropout)]
        assert [layer.rate for layer in found] == [0.5]
    else:
        rates = {getattr(layer, "weight_drop", None) for layer in layers(model)}
        assert 0.5 in rates
    loaded = zoo.load(tmp_path / "run").keras_model
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def layers(model):
    """Yields the layers of a model, and those inside them."""
    for layer in model.layers:
        yield layer
        yield from layers(layer) if hasattr(layer, "layers") else ()
        for part in ("forward_layer", "backward_layer"):
            if hasattr(layer, part):
                yield getattr(layer, part)
