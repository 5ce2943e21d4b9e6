"""The directory format: round trips, and every way in which a directory is bad."""

import errno
import hashlib
import json
import os
import shutil

import keras
import numpy as np
import pytest

from zoo import checkpoints, inference
from zoo.checkpoints import Checkpoint, config_file

ENTRIES = [
    "plain",
    "two\nlines",
    'a "quote"',
    "back\\slash",
    "\\n",
    "😀👩‍👧",
    "half \ud83d",
    "\u2028",
    "\u2029",
    "\u0085",
    "\r",
    "\r\n",
    "\t",
    " ",
    "",
    "ß",
    "\x00",
    "\x1c",
    "</s>",
    "'",
    "\ufeff",
]


def checkpoint(value=1.0, **changes):
    return Checkpoint(
        **{
            "task": "tagger",
            "model": {"units": 4, "cell": "lstm"},
            "settings": {"lowercase": True, "name": "ü", "half": "\ud83d"},
            "vocabularies": {"tokens": ENTRIES, "labels": ["b", "a"]},
            "weights": {
                "layer/kernel": np.full((2, 3), value, np.float32),
                "layer/bias": np.array([1e-3, -2.5], np.float32),
                "scalar": np.array(7.0, np.float32),
            },
            **changes,
        }
    )


def names(directory):
    return sorted(p.name for p in directory.iterdir())


def test_further_files_are_kept_and_verified(tmp_path):
    files = {"source.model": bytes(range(256)), "empty.bin": b""}
    checkpoints.save(tmp_path / "more", checkpoint(files=files))
    loaded = checkpoints.load(tmp_path / "more")
    assert loaded.files == files and loaded.vocabularies == checkpoint().vocabularies
    (tmp_path / "more" / "source.model").write_bytes(b"x")
    assert "source.model: changed since it was saved" in message(tmp_path / "more")


@pytest.fixture
def saved(tmp_path):
    checkpoints.save(tmp_path / "checkpoint", checkpoint())
    return tmp_path / "checkpoint"


def message(path):
    """Returns the one line that refuses a checkpoint."""
    with pytest.raises(ValueError) as error:
        checkpoints.load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def rewrite(directory, **changes):
    """Changes the configuration, leaving out the keys that become None."""
    file = directory / "config.json"
    config = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def reseal(directory, **changes):
    """Changes the configuration as one would who also knows its checksum."""
    file = directory / "config.json"
    config = {**json.loads(file.read_text()), **changes}
    del config["sha256"]
    file.write_bytes(config_file.to_bytes(config))


def test_round_trip(saved):
    loaded, given = checkpoints.load(saved), checkpoint()
    assert loaded.weights.keys() == given.weights.keys()
    for path, array in given.weights.items():
        assert loaded.weights[path].dtype == np.float32
        assert np.array_equal(loaded.weights[path], array)
        assert loaded.weights[path].shape == array.shape
    for field in ("task", "model", "settings", "vocabularies"):
        assert getattr(loaded, field) == getattr(given, field)
    assert names(saved) == [
        "config.json",
        "labels.txt",
        "tokens.txt",
        "weights.safetensors",
    ]
    assert names(saved.parent) == ["checkpoint"]


def test_a_vocabulary_is_a_line_for_each_entry(saved):
    lines = (saved / "tokens.txt").read_bytes().decode().split("\n")
    assert len(lines) == len(ENTRIES) + 1 and lines[0] == "plain" and not lines[-1]
    assert (saved / "labels.txt").read_text() == "b\na\n"


def test_the_same_checkpoint_is_the_same_bytes(saved, tmp_path):
    checkpoints.save(tmp_path / "again", checkpoint())
    for file in saved.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_weights_may_be_views(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    views = {"transposed": array.T, "strided": array[:, ::2]}
    checkpoints.save(tmp_path / "c", checkpoint(weights=views))
    loaded = checkpoints.load(tmp_path / "c").weights
    assert all(np.array_equal(loaded[k], v) for k, v in views.items())


def test_float16(tmp_path):
    given = checkpoint(1 / 3)
    checkpoints.save(tmp_path / "c", given, np.float16)
    for path, array in checkpoints.load(tmp_path / "c").weights.items():
        assert array.dtype == np.float16
        assert np.array_equal(array, given.weights[path].astype(np.float16))


def test_save_takes_the_place_of_an_older_one(saved):
    (saved / "card.json").write_text("{}")
    checkpoints.save(saved, checkpoint(2.0))
    assert checkpoints.load(saved).weights["layer/kernel"][0, 0] == 2.0
    assert names(saved.parent) == ["checkpoint"]


def test_load_finds_the_checkpoint_of_a_run(saved):
    (saved.parent / "metrics.json").write_text("{}")
    assert checkpoints.find(saved.parent) == checkpoints.find(str(saved)) == saved
    assert checkpoints.load(saved.parent).task == "tagger"


def test_a_card_may_stand_beside(saved):
    (saved / "card.json").write_text("{}")
    assert checkpoints.load(saved).task == "tagger"


def test_no_checkpoint(tmp_path):
    assert message(tmp_path) == (
        f"{tmp_path}: holds no checkpoint; expected a run directory or a checkpoint"
    )
    assert message(tmp_path / "x") == (
        f"{tmp_path}/x: is not a directory; expected a run directory or a checkpoint"
    )


@pytest.mark.parametrize("name", ["weights.safetensors", "tokens.txt", "labels.txt"])
def test_a_changed_file(saved, name):
    content = bytearray((saved / name).read_bytes())
    content[-1] ^= 1
    (saved / name).write_bytes(content)
    assert message(saved) == (
        f"{saved / name}: changed since it was saved (its sha256 is not that of "
        "config.json)"
    )


@pytest.mark.parametrize("name", ["weights.safetensors", "tokens.txt"])
def test_a_missing_file(saved, name):
    (saved / name).unlink()
    assert message(saved) == f"{saved / name}: missing from the checkpoint"


@pytest.mark.parametrize("name", ["weights.pkl", ".hidden", "tokens.txt~", "code.py"])
def test_a_foreign_file(saved, name):
    (saved / name).write_text("")
    assert message(saved) == (
        f"{saved / name}: a foreign file; expected nothing but card.json, config.json, "
        "labels.txt, tokens.txt, weights.safetensors"
    )


def test_a_foreign_directory(saved):
    (saved / "assets").mkdir()
    assert message(saved).startswith(f"{saved / 'assets'}: a foreign file")


@pytest.mark.parametrize("value", [0, 3, "1", 1.0, True, [1]])
def test_another_format(saved, value):
    rewrite(saved, format=value)
    assert message(saved) == (
        f"{saved / 'config.json'}: format {value}; expected format 2, or 1"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"format": 1, "task": "tag',
        b"[]",
        b"1",
        b'"text"',
        b"null",
        b"{}",
        b"\xff\xfe",
        b"not json",
    ],
)
def test_a_configuration_that_is_none(saved, content):
    (saved / "config.json").write_bytes(content)
    assert message(saved).startswith(
        f"{saved / 'config.json'}: not a checkpoint's configuration ("
    )


def test_a_truncated_configuration(saved):
    whole = (saved / "config.json").read_bytes()
    for size in range(0, len(whole) - 2, 7):
        (saved / "config.json").write_bytes(whole[:size])
        assert "not a checkpoint's configuration" in message(saved)


KEYS = ["format", "task", "model", "settings", "files", "sha256"]


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key(saved, key):
    rewrite(saved, **{key: None})
    assert message(saved) == (
        f"{saved / 'config.json'}: not a checkpoint's configuration ('{key}')"
    )


@pytest.mark.parametrize(
    "key, value",
    [
        ("task", 1),
        ("model", []),
        ("settings", "x"),
        ("files", ["weights.safetensors"]),
        ("files", {}),
        ("files", {"tokens.txt": ""}),
    ],
)
def test_a_wrong_value(saved, key, value):
    rewrite(saved, **{key: value})
    assert message(saved) == f"{saved / 'config.json'}: {key} has a wrong value"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "/etc/passwd",
        "a/b.txt",
        "./tokens.txt",
        "..",
        ".",
        "",
    ],
)
def test_file_names_stay_inside(saved, name):
    (saved.parent / "secret.txt").write_text("secret\n")
    digest = hashlib.sha256(b"secret\n").hexdigest()
    files = json.loads((saved / "config.json").read_text())["files"]
    rewrite(saved, files={**files, name: digest})
    assert message(saved) == f"{saved / 'config.json'}: files has a wrong value"


def replace(directory, name, content):
    """Puts other content into a checkpoint, with a digest that fits."""
    files = json.loads((directory / "config.json").read_text())["files"]
    (directory / name).write_bytes(content)
    reseal(directory, files={**files, name: hashlib.sha256(content).hexdigest()})


@pytest.mark.parametrize("content", [b'a\n"\n', b"\\x\n", b"\xff\n"])
def test_a_vocabulary_that_cannot_be_read(saved, content):
    replace(saved, "tokens.txt", content)
    assert message(saved).startswith(f"{saved / 'tokens.txt'}:")


@pytest.mark.parametrize("content", [b"", b"12345678", b"\x80" + bytes(7) + b"{"])
def test_weights_that_cannot_be_read(saved, content):
    replace(saved, "weights.safetensors", content)
    assert message(saved).startswith(f"{saved / 'weights.safetensors'}:")


def test_a_crash_between_the_renames(saved):
    saved.rename(checkpoints.previous(saved))
    assert checkpoints.load(saved.parent).task == "tagger"
    assert checkpoints.load(saved).task == "tagger"
    checkpoints.save(saved, checkpoint(2.0))
    assert checkpoints.load(saved.parent).weights["layer/kernel"][0, 0] == 2.0
    assert names(saved.parent) == ["checkpoint"]


def test_a_crash_after_the_renames(saved):
    shutil.copytree(saved, checkpoints.previous(saved))
    checkpoints.save(saved, checkpoint(2.0))
    assert checkpoints.load(saved.parent).weights["layer/kernel"][0, 0] == 2.0
    assert names(saved.parent) == ["checkpoint"]


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_no_space_left(saved, monkeypatch, calls):
    left = iter(range(calls - 1))

    def full(descriptor):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as error:
        checkpoints.save(saved, checkpoint(2.0))
    assert error.value.errno == errno.ENOSPC
    assert checkpoints.load(saved).weights["layer/kernel"][0, 0] == 1.0
    assert names(saved.parent) == ["checkpoint"]
    with pytest.raises(OSError):
        checkpoints.save(saved.with_name("new"), checkpoint())
    assert names(saved.parent) == ["checkpoint"]


def test_an_interrupt_leaves_nothing_behind(saved, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(saved, checkpoint(2.0))
    assert checkpoints.load(saved).weights["layer/kernel"][0, 0] == 1.0
    assert names(saved.parent) == ["checkpoint"]


def test_save_needs_the_parent(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoints.save(tmp_path / "missing" / "checkpoint", checkpoint())


@pytest.fixture
def model():
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.Dense(3, name="head")(x))


def test_weights_fill_a_model(model):
    weights = checkpoints.weights_of(model)
    assert {path: w.shape for path, w in weights.items()} == {
        "head/kernel": (2, 3),
        "head/bias": (3,),
    }
    other = {path: np.full(w.shape, 0.5, np.float16) for path, w in weights.items()}
    checkpoints.fill(model, other)
    for array in checkpoints.weights_of(model).values():
        assert array.dtype == np.float32 and (array == 0.5).all()


def test_a_model_without_values_begins_with_the_weights():
    def build():
        x = keras.Input((2,))
        y = keras.layers.Dropout(0.5)(keras.layers.Dense(3, name="head")(x))
        return keras.Model(x, y)

    with keras.StatelessScope(initialize_variables=False):
        model = build()
    weights = {
        "head/kernel": np.arange(6, dtype=np.float16).reshape(2, 3),
        "head/bias": np.array([1.0, 2.0, 3.0]),
    }
    checkpoints.fill(model, weights)
    outputs = model.predict_on_batch(np.array([[1.0, 10.0]]))
    assert np.array_equal(outputs, [[31, 43, 55]])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 3)))
    checkpoints.fill(model, weights)
    for path, array in checkpoints.weights_of(model).items():
        assert array.dtype == np.float32 and np.array_equal(array, weights[path])
    assert build().weights[0].numpy().any()


def test_weights_of_another_shape(model):
    weights = checkpoints.weights_of(model)
    weights["head/kernel"] = weights["head/kernel"].T
    with pytest.raises(ValueError) as error:
        checkpoints.fill(model, weights)
    assert str(error.value) == (
        "weights.safetensors: head/kernel has the shape (3, 2); expected (2, 3)"
    )


@pytest.mark.parametrize(
    "change, text",
    [
        ("drop", "head/bias is only in the model"),
        ("add", "head/other is only in the checkpoint"),
    ],
)
def test_weights_of_another_model(model, change, text):
    weights = checkpoints.weights_of(model)
    if change == "drop":
        del weights["head/bias"]
    else:
        weights["head/other"] = np.zeros(1)
    with pytest.raises(ValueError) as error:
        checkpoints.fill(model, weights)
    assert str(error.value) == f"weights.safetensors: {text}"


class TwoWeightsOfOneName(keras.layers.Layer):
    def build(self, shape):
        self.first, self.second = (self.add_weight((1,), name="w") for _ in range(2))


def test_two_variables_of_one_path():
    layer = TwoWeightsOfOneName(name="layer")
    layer.build((None, 2))
    with pytest.raises(ValueError, match="^model: two variables share a path"):
        checkpoints.weights_of(layer)


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"task": "parser"}, "unknown task 'parser'"),
        (
            {"model": {"cell": "rnn"}},
            "cell: expected 'simple' or 'lstm' or 'gru', got 'r",
        ),
        ({"model": {"depth": 2}}, "depth"),
        ({"vocabularies": {}}, "tokens"),
        ({"settings": {}}, "settings: tokenizer: expected dict, got None"),
        ({"settings": {"tokenizer": {"kind": "word"}}}, "kind: expected 'words' or"),
        ({"settings": {"tokenizer": {"kind": "words", "color": 1}}}, "color"),
        ({"model": {"vocabulary_size": 7}}, "vocabulary_size"),
        ({"vocabularies": {"tokens": ["a", "a"]}}, "the token 'a' is listed twice"),
    ],
)
def test_a_trained_model_that_cannot_be_made(tmp_path, changes, text):
    parts = {
        "task": "language_model",
        "model": {"units": 2, "vocabulary_size": 6, "embedding_size": 2},
        "settings": {"tokenizer": {"kind": "words"}},
        "vocabularies": {"tokens": ["a", "b"]},
    }
    for key, value in changes.items():
        merge = key == "model"
        parts[key] = {**parts[key], **value} if merge else value
    checkpoints.save(tmp_path / "c", checkpoint(**parts))
    with pytest.raises(ValueError) as error:
        inference.load(tmp_path / "c")
    assert str(error.value).startswith(f"{tmp_path / 'c' / 'config.json'}: ")
    assert text in str(error.value) and "\n" not in str(error.value)
