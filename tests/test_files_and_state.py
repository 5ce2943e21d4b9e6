"""What happens to people's files, to other runs, and to the state of their process."""

import hashlib
import http.server
import json
import os
import random
import shutil
import threading
import time

import keras
import numpy as np
import pytest
from conftest import tiny, write_corpus

import zoo
from pretrained import vectors
from recipes import classify, tag
from zoo import __main__ as shell
from zoo import checkpoints
from zoo.checkpoints import config_file
from zoo.inference import catalog
from zoo.inference.classifier import Classifier
from zoo.models.classifier import ClassifierConfig
from zoo.training.run_directory import RunDirectory


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Points to an empty cache of vectors."""
    monkeypatch.setenv("RECURRENT_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def model():
    config = ClassifierConfig(
        vocabulary_size=6, num_outputs=1, units=2, embedding_size=2
    )
    return Classifier(
        config,
        {"tokens": ["good", "bad"], "labels": ["neg", "pos"]},
        tokenizer={"kind": "words"},
        max_length=5,
        temperature=1.25,
    )


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "models")
    return tmp_path / "models"


def contents(directory):
    """Returns all files below a directory, by path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def refusal(action, kind=ValueError):
    """Returns the one line with which something is refused."""
    with pytest.raises(kind) as error:
        action()
    assert "\n" not in str(error.value)
    return str(error.value)


def reseal(directory, **changes):
    """Changes the configuration as one would who also knows its checksum."""
    file = directory / "config.json"
    config = json.loads(file.read_text())
    for part, entries in changes.items():
        config[part] = entries if part == "task" else {**config[part], **entries}
    del config["sha256"]
    file.write_bytes(config_file.to_bytes(config))


# --- Saving ----------------------------------------------------------------------


@pytest.mark.parametrize("files", [
    {"thesis.txt": "three years"},
    {"config.json": '{"hidden_size": 768}', "model.bin": "x"},  # of other software
    {"config.json": "{", "weights.safetensors": "x"},
    {"a/b/notes.txt": "x"},
])  # fmt: skip
def test_a_directory_of_other_files_is_not_replaced(model, tmp_path, files):
    for name, text in files.items():
        (tmp_path / "models" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "models" / name).write_text(text)
    before = contents(tmp_path)
    place = tmp_path / "models"
    assert refusal(lambda: model.save(place)) == (
        f"{place}: neither empty nor a checkpoint, so it is not replaced; "
        "expected a new directory, or a checkpoint to replace"
    )
    assert contents(tmp_path) == before and os.listdir(tmp_path) == ["models"]


def test_a_file_is_not_replaced(model, tmp_path):
    (tmp_path / "models").write_text("three years")
    assert "models: is a file" in refusal(lambda: model.save(tmp_path / "models"))
    assert (tmp_path / "models").read_text() == "three years"


def test_a_file_beside_the_checkpoint_is_not_lost(model, saved):
    (saved / "notes.txt").write_text("best so far")
    before = contents(saved)
    message = refusal(lambda: model.save(saved))
    assert message.startswith(f"{saved / 'notes.txt'}: no file of the checkpoint")
    assert contents(saved) == before


@pytest.mark.parametrize("name", ["models.previous", ".models.previous"])
def test_what_is_called_previous_is_not_lost(model, saved, name):
    other = saved.with_name(name)
    other.mkdir()
    (other / "thesis.txt").write_text("three years")
    if name.startswith("."):  # where the older checkpoint would be kept
        assert "not replaced" in refusal(lambda: model.save(saved))
    else:
        model.save(saved)
    assert (other / "thesis.txt").read_text() == "three years"
    assert sorted(os.listdir(saved.parent)) == sorted(["models", name])
    assert zoo.load(saved).task == "classifier"


def test_a_checkpoint_of_ones_own_called_previous_is_not_lost(model, saved):
    model.save(saved.with_name("models.previous"))
    model.save(saved)
    assert sorted(os.listdir(saved.parent)) == ["models", "models.previous"]


def test_an_empty_directory_and_a_checkpoint_are_replaced(model, tmp_path):
    (tmp_path / "models").mkdir()
    for _ in range(2):
        model.save(tmp_path / "models")
        (tmp_path / "models" / "card.json").write_text("{}")
        (tmp_path / "models" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    model.save(tmp_path / "models")
    assert os.listdir(tmp_path) == ["models"]
    assert not {"card.json", ".DS_Store"} & {*os.listdir(tmp_path / "models")}


def test_a_link_leads_to_what_is_replaced(model, saved, tmp_path):
    (tmp_path / "best").symlink_to(saved)
    model.save(tmp_path / "best")
    assert (tmp_path / "best").is_symlink() and not saved.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["best", "models"]
    assert zoo.load(tmp_path / "best").predict("good").label in ("neg", "pos")


class Died(BaseException):
    pass


OPERATIONS = "mkdir", "rename", "replace", "unlink", "rmdir", "fsync"


def test_whenever_the_process_dies_a_checkpoint_is_whole(model, tmp_path, monkeypatch):
    """At each call that changes the disk, all later ones being lost as well."""
    found, at = set(), 0
    while True:
        place = tmp_path / str(at) / "models"
        place.parent.mkdir()
        model.save(place)
        (place.parent / "models.previous").mkdir()  # somebody's
        (place.parent / "models.previous" / "thesis.txt").write_text("three years")
        model.settings["temperature"] = 2.5
        with monkeypatch.context() as patch:
            count = dying(patch, at)
            try:
                model.save(place)
            except Died:
                pass
        model.settings["temperature"] = 1.25
        loaded = checkpoints.load(place)
        found.add(loaded.settings["temperature"])
        assert (place.parent / "models.previous" / "thesis.txt").exists()
        model.save(place)  # the next one succeeds, and clears up
        assert checkpoints.load(place).settings["temperature"] == 1.25
        left = {n for n in os.listdir(place.parent) if ".checkpoint-" not in n}
        assert left == {"models", "models.previous"}
        if count[0] <= at:
            break
        at += 1
    assert found == {1.25, 2.5} and at > 10


def dying(patch, at):
    """Lets the process die at the call of this number, and counts the calls."""
    count = [0]
    for name in OPERATIONS:
        real = getattr(os, name)

        def call(*arguments, real=real, **options):
            count[0] += 1
            if count[0] > at:
                raise Died
            return real(*arguments, **options)

        patch.setattr(os, name, call)
    return count


# --- Runs beside each other ------------------------------------------------------


def in_threads(actions):
    """Runs actions at the same moment; returns what each returns or raises."""
    start, found = threading.Barrier(len(actions)), [None] * len(actions)

    def run(i):
        start.wait()
        try:
            found[i] = actions[i]()
        except Exception as error:
            found[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def taking(directory):
    def take():
        directory.create(classify.Config())
        return directory.path

    return take


def test_runs_started_together_take_a_directory_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directories = [RunDirectory("classify") for _ in range(8)]
    assert {str(d.path) for d in directories} == {"runs/classify"}  # all think so
    found = in_threads([taking(directory) for directory in directories])
    assert sorted(map(str, found)) == sorted(
        ["runs/classify", *(f"runs/classify-{i}" for i in range(2, 9))]
    )
    assert all((path / "config.yaml").is_file() for path in found)
    assert str(RunDirectory("classify").path) == "runs/classify-9"


@pytest.mark.parametrize("exists", [False, True])
def test_one_run_directory_is_taken_once(tmp_path, exists):
    path = tmp_path / "mine"
    directories = [RunDirectory("tag", str(path)) for _ in range(8)]
    if exists:
        path.mkdir()
    found = in_threads([taking(directory) for directory in directories])
    assert found.count(path) == 1
    lost = [str(error) for error in found if error != path]
    line = f"run_dir: {path} exists already; expected a new directory"
    assert lost == [line] * 7


def test_a_directory_with_files_of_the_system_is_new(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    RunDirectory("tag", str(tmp_path)).create(tag.Config())
    assert sorted(os.listdir(tmp_path)) == [".DS_Store", "config.yaml"]


def test_a_run_directory_in_the_home_directory(tmp_path, monkeypatch, model):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    RunDirectory("tag", "~/mine").create(tag.Config())
    model.save("~/mine/checkpoint")
    assert os.listdir(tmp_path) == ["mine"]  # and no directory called ~
    assert catalog.find("~/mine") == tmp_path / "mine"
    assert zoo.load("~/mine").predict("good").label in ("neg", "pos")
    assert "no such home" in refusal(lambda: zoo.load("~nobody-of-this-name/x"))
    assert "no such home" in refusal(lambda: RunDirectory("tag", "~no-such-user/x"))


# --- The caller's random numbers -------------------------------------------------


def drawn():
    """Draws from all generators that are the caller's."""
    numbers = [random.random(), np.random.rand(), keras.random.uniform(())]
    return [float(number) for number in numbers]


def test_a_run_leaves_the_callers_random_numbers_alone(tmp_path):
    def search(run):
        random.seed(5)
        np.random.seed(6)
        keras.utils.set_random_seed(7)
        found = []
        for i in range(2):
            found.append(drawn())
            run(i)
        return [*found, drawn()]

    def train(i):
        config = tiny("classify", tmp_path / str(i), epochs=1)
        trained.append(classify.run(config).model)
        zoo.load(tmp_path / str(i) / "run").predict("a good film")

    trained = []
    assert search(train) == search(lambda i: None)
    # Whatever the caller's state, one seed gives one model.
    first, second = (model.keras_model.get_weights() for model in trained)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_that_fails_leaves_them_alone_too(tmp_path, monkeypatch):
    config = tiny("classify", tmp_path)
    random.seed(5)
    expected = random.random()

    def fails(*arguments):
        raise ValueError("no")

    for name in ("known_tokens", "delayed_vectors"):  # before and after the seed
        random.seed(5)
        with monkeypatch.context() as patch:
            patch.setattr(classify, name, fails)
            refusal(lambda: classify.prepare(config))
        assert random.random() == expected
    experiment = classify.prepare(config)
    random.seed(5)
    refusal(lambda: experiment.fit([Failing()]))
    assert random.random() == expected


class Failing(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        random.seed(epoch)
        raise ValueError("no")


# --- One bad checkpoint, and those after it --------------------------------------


@pytest.mark.parametrize("changes, what", [
    ({"units": 1_000_000}, "units: expected at most 4096"),
    ({"units": 10**12}, "units: expected at most 4096"),
    ({"units": 4000}, "has the shape"),
    ({"embedding_size": 3000}, "has the shape"),
    ({"num_layers": 1000}, "num_layers: expected at most"),
    ({"num_layers": 2}, "is only in the model"),
    ({"vocabulary_size": 7}, "vocabulary_size: expected 6"),
    ({"cell": "gru"}, "weights.safetensors: "),
    ({"pooling": "none"}, "pooling: expected 'last' or"),
    ({"input_dropout": 2}, "input_dropout: expected"),
])  # fmt: skip
def test_a_good_checkpoint_loads_after_a_bad_one(saved, model, changes, what):
    bad = saved.with_name("bad")
    shutil.copytree(saved, bad)
    reseal(bad, model=changes)
    started = time.perf_counter()
    for _ in range(2):
        message = refusal(lambda: zoo.load(bad))
        assert message.startswith(f"{bad}/") and what in message
        assert zoo.load(saved).predict("good") == model.predict("good")
    x = keras.Input((2,))  # and other models can be made
    assert keras.Model(x, keras.layers.Dense(3)(x)).count_params() == 9
    assert time.perf_counter() - started < 20


def test_a_bad_checkpoint_takes_no_memory(saved):
    import resource

    reseal(saved, model={"units": 4096})  # 67 million weights would be 268 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        refusal(lambda: zoo.load(saved))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


# --- A checkpoint that was changed -----------------------------------------------


def test_one_digit_of_the_temperature(saved):
    file = saved / "config.json"
    file.write_text(file.read_text().replace("1.25", "1.35"))
    assert refusal(lambda: zoo.load(saved)) == (
        f"{file}: changed since it was saved (its sha256 is another)"
    )


def test_a_configuration_of_other_spaces_and_order_is_the_same(saved, model):
    file = saved / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(dict(reversed(config.items()))))
    assert zoo.load(saved).predict("good") == model.predict("good")


def test_a_checkpoint_of_the_first_format_is_read(saved, model):
    file = saved / "config.json"
    config = {**json.loads(file.read_text()), "format": 1}
    file.write_text(json.dumps(config))
    assert "unknown entry 'sha256'" in refusal(lambda: zoo.load(saved))
    del config["sha256"]
    file.write_text(json.dumps(config))
    assert zoo.load(saved).predict("bad") == model.predict("bad")
    model.save(saved)  # it may be replaced too
    assert json.loads(file.read_text())["format"] == 2


@pytest.mark.parametrize("content, what", [
    ("[" * 100_000, "nested too deep"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
    ("[" * 50 + "]" * 50, "nested too deep"),
    ('{"format": 2, "model": {"units": 1e400}}', "the number 1e400 is out of range"),
    ('{"format": 2, "model": {"units": NaN}}', "the number NaN is out of range"),
    ('{"format": -Infinity}', "the number -Infinity is out of range"),
    ('{"format": 1' + "0" * 5000 + "}", "the number 1000000"),
    ('{"format": 9223372036854775808}', "is out of range"),
    ('{"format": 2, "format": 1}', "'format' is listed twice"),
    ("\ufeff{}", "BOM"),
    ('{"format": 2}\0', "Extra data"),
])  # fmt: skip
def test_json_that_is_none_of_ours(saved, content, what):
    (saved / "config.json").write_text(content)
    message = refusal(lambda: zoo.load(saved))
    assert message.startswith(f"{saved / 'config.json'}: not a checkpoint's conf")
    assert what in message and len(message) < 400
    (saved / "card.json").write_text(content)
    message = refusal(lambda: catalog.card(saved))
    assert message.startswith(f"{saved / 'card.json'}: not JSON") and what in message


@pytest.mark.parametrize("parts, what", [
    ({"settings": {"temperature": 0.0}}, "temperature: expected a number above 0"),
    ({"settings": {"temperature": -1.0}}, "temperature: expected a number above 0"),
    ({"settings": {"temperature": "1"}}, "temperature: expected a number above 0"),
    ({"settings": {"max_length": 0}}, "max_length: expected at least 1, got 0"),
    ({"settings": {"max_length": 5.0}}, "max_length: expected int, got 5.0"),
    ({"settings": {"lower_unknown": "no"}}, "lower_unknown: expected bool, got 'no'"),
    ({"settings": {"vectors": "v.txt"}}, "vectors: expected dict, got 'v.txt'"),
    ({"settings": {"vectors": {}}}, "vectors: expected none with num_frozen=None"),
    ({"settings": {"config": 1}}, "config"),
    ({"model": {"head": "multiclass"}}, "labels: expected 1, for head='multiclass'"),
    ({"model": {"head": "multilabel"}}, "labels: expected 1, for head='multilabel'"),
    ({"model": {"head": "multiclass", "num_outputs": 3}}, "labels: expected 3"),
    ({"task": "tagger"}, "TaggerConfig"),
    ({"task": "language_model"}, ""),
    ({"task": "translator"}, ""),
])  # fmt: skip
def test_settings_that_do_not_fit(saved, parts, what):
    reseal(saved, **parts)
    message = refusal(lambda: zoo.load(saved))
    assert message.startswith(f"{saved / 'config.json'}: ") and what in message


def test_weights_that_are_no_numbers(model, tmp_path):
    weights = checkpoints.weights_of(model.keras_model)
    weights["head/bias"] = np.array([np.nan], np.float32)
    model.save(tmp_path / "c")
    good = checkpoints.load(tmp_path / "c")
    bad = checkpoints.Checkpoint(
        good.task, good.model, good.settings, good.vocabularies, weights
    )
    checkpoints.save(tmp_path / "c", bad)
    assert refusal(lambda: zoo.load(tmp_path / "c")) == (
        f"{tmp_path / 'c'}/weights.safetensors: head/bias has a number that is not "
        "finite"
    )


# --- Links, pipes, and what the system leaves ------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokens.txt", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["link", "loop", "pipe", "directory", "device"])
def test_something_else_than_a_file(saved, name, kind):
    (saved / name).rename(saved.parent / name)
    if kind == "pipe":
        os.mkfifo(saved / name)
    elif kind == "directory":
        (saved / name).mkdir()
    else:
        to = {"link": saved.parent / name, "loop": name, "device": "/dev/zero"}[kind]
        (saved / name).symlink_to(to)
    message = refusal(lambda: zoo.load(saved), (ValueError, OSError))
    assert str(saved) in message
    # A card likewise.
    (saved / name).rmdir() if kind == "directory" else (saved / name).unlink()
    (saved.parent / name).rename(saved / name)
    if kind == "pipe":
        os.mkfifo(saved / "card.json")
        assert "card.json: not a regular file" in refusal(lambda: catalog.card(saved))


def test_links_inside_and_a_link_to_the_whole(saved, tmp_path):
    (saved / "labels.txt").write_text("neg\npos\n")
    content = (saved / "labels.txt").read_bytes()
    reseal(saved, files={"extra.bin": hashlib.sha256(content).hexdigest()})
    (saved / "extra.bin").symlink_to("labels.txt")
    (tmp_path / "best").symlink_to(saved)
    assert zoo.load(tmp_path / "best").files == {"extra.bin": content}


@pytest.mark.parametrize("name", [
    ".DS_Store", "._config.json", "._.DS_Store", "Thumbs.db", "desktop.ini",
    "Desktop.ini", "ehthumbs.db", ".localized", ".directory",
])  # fmt: skip
def test_files_of_the_system_do_not_matter(saved, model, name):
    (saved / name).write_bytes(b"\0\1")
    assert zoo.load(saved).predict("good") == model.predict("good")
    assert catalog.summary(saved)[1] == "classifier"


@pytest.mark.parametrize("card, what", [
    ('{"parameters": "many"}', "card.json: expected a list of languages and a whole"),
    ('{"languages": 3}', "card.json: expected a list of languages and a whole"),
    ('{"parameters": 1.5}', "card.json: expected a list of languages and a whole"),
    ("", "card.json: not JSON"),
])  # fmt: skip
def test_a_damaged_card(saved, card, what):
    (saved / "card.json").write_text(card)
    assert what in refusal(lambda: catalog.summary(saved))


# --- Word vectors of a checkpoint ------------------------------------------------


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """A run with frozen vectors of a file that was named by a relative path."""
    home = tmp_path_factory.mktemp("frozen")
    words = "a good fine bad poor film".split()
    rows = np.random.default_rng(0).normal(size=(len(words), 3))
    lines = [f"{w} {' '.join(map(str, row))}\n" for w, row in zip(words, rows)]
    (home / "words.txt").write_text("".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("RECURRENT_ZOO_CACHE", str(home / "cache"))
        changes = {"vectors": "words.txt", "finetune_vectors": False, "epochs": 1}
        result = classify.run(tiny("classify", home / "tiny", **changes))
    shutil.move(result.directory, home / "run")
    return home, result.model.predict("a good film")


def test_vectors_are_found_again_from_another_directory(frozen, monkeypatch, tmp_path):
    home, expected = frozen
    monkeypatch.setenv("RECURRENT_ZOO_CACHE", str(home / "cache"))
    monkeypatch.chdir(tmp_path)
    assert zoo.load(home / "run").predict("a good film") == expected


def test_vectors_from_the_shell(frozen, monkeypatch, tmp_path, capsys):
    home, expected = frozen
    run = str(home / "run")
    monkeypatch.chdir(home)  # where the name in the checkpoint would lead to the file
    message = refusal(lambda: shell.run(["predict", run, "a good film"]))
    assert message.startswith(f"{run}/checkpoint/config.json: the checkpoint holds no")
    assert "--vectors FILE, where FILE holds those of words.txt (sha256 " in message
    shell.run(["predict", run, "--vectors", "words.txt", "--json", "a good film"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["probabilities"] == pytest.approx(expected.probabilities)
    message = refusal(lambda: shell.run(["predict", "sst2", "--vectors", "words.txt"]))
    assert "vectors: expected none, since the checkpoint holds all" in message


class Server(http.server.BaseHTTPRequestHandler):
    asked: list = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


def test_an_address_in_a_checkpoint_is_not_opened(frozen, tmp_path, monkeypatch):
    shutil.copytree(frozen[0] / "run", tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoint"
    opened, Server.asked = [], []
    monkeypatch.setattr(vectors.files, "read", lambda *given: opened.append(given))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v.txt#sha256={'0' * 64}"
        for source in [
            address, str(frozen[0] / "words.txt"), "words.txt", "/dev/zero", 5,
            "glove-6b-100d", "googlenews-300d", "../../etc/passwd",
        ]:  # fmt: skip
            named = {"source": source, "sha256": "0" * 64, "rows_sha256": "../x"}
            reseal(checkpoint, settings={"vectors": named})
            monkeypatch.chdir(frozen[0])
            assert "holds no word vectors" in refusal(lambda: zoo.load(checkpoint))
        server.shutdown()
    assert not opened and not Server.asked


def test_vectors_of_a_known_name_need_no_file(tmp_path, glove_package, monkeypatch):
    """They are installed or were downloaded before, so that nothing is fetched."""
    from pretrained.vectors import names

    tokens = ["the", "dog"]
    rows = vectors.load("glove-6b-50d", tokens).matrix
    digest = hashlib.sha256(rows.tobytes()).hexdigest()
    found = vectors.kept(digest, "glove-6b-50d", tokens)
    np.testing.assert_array_equal(found, rows)
    assert vectors.kept("0" * 64, "glove-6b-50d", tokens) is None  # other rows
    monkeypatch.setattr(names, "_PACKAGE", "no_such_package")
    assert vectors.kept(digest, "glove-6b-50d", tokens) is None


# --- The cache of vectors --------------------------------------------------------

TEXT = b"the 0.5 -1 2e-1\ndog 1.5 0.25 3\nran -2 0 .125\n"


def rows_of(file, tokens=("the", "dog", "zebra")):
    return vectors.load(file, list(tokens)).matrix


def test_flipped_bits_of_a_cached_file(tmp_path, cache, monkeypatch):
    file = tmp_path / "v.txt"
    numbers = " ".join(map(str, range(999)))  # more than zipfile reads at once
    file.write_text("".join(f"{word} {numbers}\n" for word in ("the", "dog")))
    expected = rows_of(file)
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    for place in (68, *range(0, 200), *range(200, len(content), 211)):
        damaged = bytearray(content)
        damaged[place] ^= 2 if place == 68 else 1 << place % 8
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(rows_of(file), expected)
    monkeypatch.setattr(vectors.files, "read", None)
    np.testing.assert_array_equal(rows_of(file), expected)  # it is right again


@pytest.mark.parametrize("damage", ["directory", "pipe", "loop", "empty", "text"])
def test_something_else_in_the_place_of_a_cached_file(tmp_path, cache, damage):
    file = tmp_path / "v.txt"
    file.write_bytes(TEXT)
    expected = rows_of(file)
    (kept,) = cache.iterdir()
    kept.unlink()
    if damage == "directory":
        kept.mkdir()
    elif damage == "pipe":
        os.mkfifo(kept)
    elif damage == "loop":
        kept.symlink_to(kept.name)
    else:
        kept.write_text({"empty": "", "text": "{}" * 99}[damage])
    for _ in range(2):
        np.testing.assert_array_equal(rows_of(file), expected)


def rewrite(file, number):
    """Puts another number into a file, which keeps its size, its number and time."""
    status = os.stat(file)
    with open(file, "r+b") as stream:
        stream.write(TEXT.replace(b"0.5", number))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_that_keeps_its_size_and_its_time(tmp_path, monkeypatch):
    """As after an edit and `touch -r`."""
    from pretrained.vectors import cache as caches

    monkeypatch.setattr(caches, "_SETTLED", -1.0)  # of a file that is old enough
    file = tmp_path / "v.txt"
    file.write_bytes(TEXT)
    assert rows_of(file)[0, 0] == np.float32(0.5)
    time.sleep(0.02)  # the clock of the disk ticks
    rewrite(file, b"0.7")
    assert rows_of(file)[0, 0] == np.float32(0.7)


def test_a_file_that_is_written_twice_within_a_tick_of_the_clock(tmp_path, monkeypatch):
    from pretrained.vectors import cache as caches

    now = time.time_ns()
    state = [caches._VERSION, len(TEXT), 1, 1, now, now]  # whatever is written
    monkeypatch.setattr(caches.Entry, "_present_state", lambda self: state)
    file = tmp_path / "v.txt"
    for number in (0.5, 0.7, 0.9):
        file.write_bytes(TEXT.replace(b"0.5", str(number).encode()))
        for _ in range(2):
            assert rows_of(file)[0, 0] == np.float32(number)
    # Once its time has passed, the checksum is compared for the last time.
    monkeypatch.setattr(caches, "_SETTLED", -1.0)
    rows_of(file)
    monkeypatch.setattr(caches.Entry, "_checksum_of_source", None)
    assert rows_of(file)[0, 0] == np.float32(0.9)


@pytest.mark.parametrize("value", ["", None])
def test_no_cache_is_made_where_nobody_asked(tmp_path, monkeypatch, value):
    """`RECURRENT_ZOO_CACHE=''` is as if it were not set; without a home, no cache."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if value is None:
        monkeypatch.delenv("RECURRENT_ZOO_CACHE")
    else:
        monkeypatch.setenv("RECURRENT_ZOO_CACHE", value)
    (tmp_path / "v.txt").write_bytes(TEXT)
    expected = rows_of(tmp_path / "v.txt")
    assert os.listdir() == []
    assert len(os.listdir(tmp_path / "home" / ".cache" / "recurrent-zoo")) == 1

    def no_home(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(vectors.names.Path, "expanduser", no_home)
    assert vectors.names.cache_directory() is None
    with pytest.raises(ValueError, match="no such home directory"):
        rows_of("~/v.txt")
    monkeypatch.undo()
    np.testing.assert_array_equal(rows_of(tmp_path / "v.txt"), expected)


@pytest.mark.parametrize("end", [b"\n", b"\n\n\n", b"\r\n", b"   ", b" \n\t\n"])
@pytest.mark.parametrize("header", [b"", b"3 3\n"])
def test_blank_lines_at_the_end_of_a_file(tmp_path, end, header):
    file = tmp_path / "v.txt"
    file.write_bytes(header + TEXT)
    expected = vectors.load(file, ["the", "ran"])
    file.write_bytes(header + TEXT + end)
    found = vectors.load(file, ["the", "ran"])
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    assert found.coverage == expected.coverage and found.coverage.rows == 3
    file.write_bytes(header + TEXT + b"\n" + TEXT[:16])
    line = 4 + len(header) // 4
    with pytest.raises(ValueError, match=f"v.txt:{line}: an empty line; expected one"):
        vectors.load(file, ["the"])


def test_a_corpus_beside_the_checkpoint(tmp_path, model):
    """A directory of data is not a checkpoint either."""
    data = write_corpus(tmp_path / "data", "classify")
    before = contents(data)
    assert "neither empty nor a checkpoint" in refusal(lambda: model.save(data))
    assert contents(data) == before
