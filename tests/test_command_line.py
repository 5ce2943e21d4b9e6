"""Bad input ends in one clear line and exit status 2, and leaves nothing behind."""

import errno
import gzip
import importlib
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import FILES, OPTIONS, arguments, contents, write_corpus

import zoo
from recipes import classify, generate, tag
from zoo import __main__ as shell
from zoo import tasks
from zoo.command_line import end_cleanly, parse
from zoo.inference import catalog, n_best_by_lm

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
HEADER = b"label\ttext\n"
TABLE = HEADER + b"a\tx y\nb\ty z\n"


@pytest.fixture
def fails(capfd):
    """A function that runs an action which must fail, and returns its one line."""

    def message(action) -> str:
        sys.stdout.flush()
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            end_cleanly(action)
        lines = capfd.readouterr().err.splitlines()
        # TensorFlow's C++ logs to the same place; its lines begin with a letter's code.
        lines = [x for x in lines if not re.match(r"[IWE]0000 |WARNING: All log", x)]
        assert end.value.code == 2
        assert len(lines) == 1 and lines[0].startswith("error: "), lines
        return lines[0].removeprefix("error: ")

    return message


def files(directory):
    return sorted(path.relative_to(directory) for path in directory.rglob("*"))


# --- Data ------------------------------------------------------------------------

TAGS = "dog\tN\n\t\nruns\tV\n"
BAD_DATA = {
    "missing": ("classify", {}, r"data: no such file or directory"),
    "missing-near": ("classify", {"dat/train.tsv": TABLE}, "did you mean dat"),
    "empty": ("classify", {"train.tsv": b""}, r"train.tsv: the file is empty"),
    "header-only": ("classify", {"train.tsv": HEADER}, r"train.tsv.*no example"),
    "cut-gzip": (
        "generate",
        {"train.txt.gz": gzip.compress(b"a line\n" * 3)[:-9]},
        r"train.txt.gz:\d+: the gzip stream is cut short",
    ),
    "binary": ("generate", {"train.txt": b"a\nb\0c"}, r"train.txt:2: binary data"),
    "encoding": (
        "classify",
        {"train.tsv": TABLE + b"a\tna\xefve\n"},
        r"train.tsv:4: not UTF-8 \(byte 0xef",
    ),
    "encoding-of-test": (
        "tag",
        {"train.conll": b"a\tX\nb\tY\n", "dev.conll": b"a\tX\n", "test.conll": b"\xff"},
        r"test.conll:1: not UTF-8",
    ),
    "ragged": ("classify", {"train.tsv": TABLE + b"a\tb\tc\n"}, r"train.tsv:4: 3 col"),
    "ragged-dev": (
        "classify",
        {"train.tsv": TABLE, "dev.tsv": TABLE + b"a\n", "test.tsv": TABLE},
        r"dev.tsv:4: 1 column where 2",
    ),
    "ragged-conllu": ("tag", {"train.conllu": b"1\ta\tb\n"}, r"train.conllu:1: 3 col"),
    "one-class": (
        "classify",
        {"train.tsv": HEADER + b"".join(b"a\tx%d\n" % n for n in range(30))},
        "labels are 'a'",
    ),
    "one-tag": (
        "tag",
        {"train.conll": b"".join(b"a%d\tX\n\n" % n for n in range(30))},
        "all labels are 'X'",
    ),
    "no-split-to-hold-out": ("classify", {"train.tsv": TABLE}, "at least 10 examples"),
    "lengths": (
        "translate",
        {"train.de": b"a\nb\n", "train.en": b"a\n"},
        r"train.de has 2 lines but .*train.en has 1",
    ),
    "no-target": ("translate", {"train.de": b"a\n"}, "no train split"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data(name, tmp_path, monkeypatch, fails):
    recipe, given, expected = BAD_DATA[name]
    for file, content in given.items():
        path = tmp_path / ("" if "/" in file else "data") / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    module = importlib.import_module(f"recipes.{recipe}")
    config = parse(module.Config, arguments(recipe, "data"))
    assert re.search(expected, fails(lambda: module.run(config)))
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "labels, expected",
    [
        ("1 2 x", "train.tsv:4: the label 'x' is not a number"),
        ("1 nan 2", "train.tsv:3: the label 'nan' is not a number"),
        ("5 5 5", "train.tsv: all values are 5; expected several"),
    ],
)
def test_bad_targets_of_regression(labels, expected, tmp_path, monkeypatch, fails):
    data = write_corpus(tmp_path / "data", "classify")
    rows = "".join(f"{label}\ta\n" for label in labels.split())
    (data / "train.tsv").write_text("label\ttext\n" + rows)
    monkeypatch.chdir(tmp_path)
    config = parse(classify.Config, arguments("classify", "data", head="regression"))
    assert expected in fails(lambda: classify.run(config))
    assert files(tmp_path) == [Path("data"), *(Path("data", f.name) for f in sorted(
        data.iterdir()
    ))]  # fmt: skip


def test_a_blank_line_that_holds_a_tab_and_no_last_newline(tmp_path):
    (tmp_path / "train.conll").write_text("dog\tN\n\t\nruns\tV")
    for split in ("dev", "test"):
        (tmp_path / f"{split}.conll").write_text("dog\tN")
    found = tag.read(tag.Config(data=str(tmp_path)))["train"]
    assert list(found) == [(["dog"], ["N"]), (["runs"], ["V"])]


def test_multiword_tokens_and_empty_nodes_are_not_words(runs):
    model = runs["tag"].result.model
    assert sorted(model.vocabularies["words"]) == ["cat", "dog", "man", "runs"]
    assert model.vocabularies["labels"] == ["NOUN", "VERB"]


# --- Options ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, expected",
    [
        ("--foo 1", "unknown option --foo; see --help"),
        ("--unitz=1", "unknown option --unitz; did you mean units?"),
        ("--unit=1", "unknown option --unit; did you mean units?"),
        ("zzz", "unknown option zzz; see --help"),
        ("--units x", "--units: expected a whole number, got 'x'"),
        ("--units 1.5", "--units: expected a whole number, got '1.5'"),
        ("--learning_rate x", "--learning_rate: expected a number, got 'x'"),
        ("--lowercase maybe", "--lowercase: expected true or false, got 'maybe'"),
        ("--cell foo", "--cell: expected 'simple' or 'lstm' or 'gru', got 'foo'"),
        ("--head x", "--head: expected 'multilabel' or 'regression' or null, got 'x'"),
        ("--units", "--units: expected one argument"),
        ("--config none.yaml", "--config: File does not exist: .*none.yaml"),
    ],
)
def test_options_that_do_not_parse(options, expected, fails):
    line = fails(lambda: parse(classify.Config, options.split()))
    assert re.search(expected, line) and len(line) < 200


def test_a_config_file_with_an_unknown_option(tmp_path, fails):
    file = tmp_path / "a.yaml"
    file.write_text("units: 5\nunitz: 3\n")
    line = fails(lambda: parse(classify.Config, ["--config", str(file)]))
    assert line == "unknown option unitz; did you mean units?"
    file.write_text("units: [5\n")
    assert fails(lambda: parse(classify.Config, ["--config", str(file)]))


def test_an_option_that_names_its_default_is_given():
    given, not_given = (
        parse(generate.Config, arguments).resolved()
        for arguments in (["--units=512"], [])
    )
    assert given.units == 512 != not_given.units  # the embedded default is smaller


@pytest.mark.parametrize(
    "recipe, option, expected",
    [
        ("classify", "units=0", "units: expected a whole number of at least 1, got 0"),
        (
            "classify",
            "units=-3",
            "units: expected a whole number of at least 1, got -3",
        ),
        ("classify", "input_dropout=1.5", "input_dropout: expected a number of at l"),
        ("classify", "max_length=0", "max_length: expected a whole number of at least"),
        ("classify", "seed=-1", "seed: expected a whole number of at least 0"),
        ("classify", "text_column=no", "text_column is 'no'"),
        ("tag", "word_length=0", "word_length: expected a whole number of at l"),
        ("tag", "num_layers=0", "num_layers: expected a whole number of at lea"),
        ("generate", "bptt_steps=0", "bptt_steps: expected a whole number of at"),
        ("generate", "epochs=0", "epochs: expected a whole number of at least 1"),
        ("translate", "batch_size=0", "batch_size: expected a whole number of at l"),
        ("translate", "max_length=1", "there are no examples to encode"),
        ("translate", "learning_rate=-1", "learning_rate: expected a number of at"),
        ("translate", "beam_size=0", "beam_size: expected a whole number of at le"),
        ("translate", "rerank_weight=-1", "rerank_weight: expected a number of at"),
        ("translate", "rerank=sst2", "rerank: expected a language model, got a class"),
        ("translate", "rerank=tinyshakespeare", "rerank: expected a beam_size of at"),
        ("translate", "label_smoothing=1", "label_smoothing: expected a number of"),
        ("translate", "attention=dot", "bidirectional: expected false with attention"),
        ("translate", "coverage=true", "coverage: expected false unless attention="),
        ("generate", "weight_drop=1", "weight_drop: expected a number of at least"),
        ("generate", "activation_penalty=-1", "activation_penalty: expected a number"),
        ("generate", "cache=-1", "cache: expected a whole number of at least 0"),
    ],
)
def test_options_out_of_range(recipe, option, expected, tmp_path, monkeypatch, fails):
    write_corpus(tmp_path / "data", recipe)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(f"recipes.{recipe}")
    name, value = option.split("=")
    given = arguments(recipe, "data", **{name: value})
    assert expected in fails(lambda: module.run(parse(module.Config, given)))
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "recipe, options, expected",
    [
        (
            "classify",
            {"epochs": "3"},
            "epochs: expected a whole number of at least 1, ",
        ),
        ("classify", {"head": "regresion"}, "head: expected 'multilabel' or 'regres"),
        ("classify", {"data": 5}, "data: expected text, or null, got 5"),
        ("tag", {"crf": 1}, "crf: expected true or false, got 1"),
        ("tag", {"seed": True}, "seed: expected a whole number of at least 0 "),
        ("generate", {"tokens": "chars"}, "tokens: expected 'characters' or 'words'"),
        ("translate", {"optimizer": "x"}, "optimizer: expected 'adam' or 'adagrad'"),
        (
            "translate",
            {"learning_rate": "1"},
            "learning_rate: expected a number of at lea",
        ),
    ],
)
def test_options_of_another_type_from_python(recipe, options, expected, fails):
    module = importlib.import_module(f"recipes.{recipe}")
    assert fails(lambda: module.run(module.Config(**options))).startswith(expected)


# --- Training --------------------------------------------------------------------


def full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_space_left_at_the_start(tmp_path, monkeypatch, fails):
    write_corpus(tmp_path / "data", "classify")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    config = parse(classify.Config, arguments("classify", "data"))
    assert fails(lambda: classify.run(config)) == "No space left on device"
    assert list(Path("runs").iterdir()) == []


def test_no_space_left_for_a_later_checkpoint(tmp_path, monkeypatch, fails):
    from zoo import checkpoints

    write_corpus(tmp_path / "data", "generate")
    monkeypatch.chdir(tmp_path)
    save, calls = checkpoints.save, []

    def full_later(*arguments, **options):
        calls.append(1)
        if len(calls) > 1:
            monkeypatch.setattr(os, "fsync", full)
        save(*arguments, **options)

    monkeypatch.setattr(checkpoints, "save", full_later)
    config = parse(generate.Config, arguments("generate", "data", epochs=9))
    assert fails(lambda: generate.run(config)) == "No space left on device"
    assert sorted(os.listdir("runs/generate")) == [
        "checkpoint", "config.yaml", "history.csv",
    ]  # fmt: skip
    assert zoo.load("runs/generate").generate("the", 3).startswith("the")


@pytest.mark.parametrize(
    "error, line, status",
    [
        (ValueError("two\nlines"), "error: two lines", 2),
        (OSError(errno.EACCES, "Permission denied", "a.txt"),
         "error: a.txt: Permission denied", 2),
        (KeyboardInterrupt(), "error: interrupted", 130),
        (KeyboardInterrupt("in epoch 2"), "error: in epoch 2", 130),
        (BrokenPipeError(), None, 0),
    ],
)  # fmt: skip
def test_exit_status(error, line, status, capfd, monkeypatch):
    monkeypatch.setattr(os, "dup2", lambda *descriptors: None)

    def action():
        raise error

    with pytest.raises(SystemExit) as end:
        end_cleanly(action)
    assert end.value.code == status
    assert capfd.readouterr().err == (f"{line}\n" if line else "")


def test_an_error_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        end_cleanly(lambda: 1 / 0)


# --- Using trained models --------------------------------------------------------

COMMANDS = {
    recipe: task.commands[0]
    for task in tasks.TASKS.values()
    for recipe in task.recipes
    if recipe in OPTIONS
}


@pytest.fixture
def say(monkeypatch, capfd):
    """A function from arguments and standard input to the lines of the answer."""

    def answer(*arguments, given=b""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        capfd.readouterr()
        shell.run([str(argument) for argument in arguments])
        return capfd.readouterr().out.removesuffix("\n").split("\n")

    return answer


@pytest.mark.parametrize("name", COMMANDS)
def test_lines_of_standard_input_give_lines(name, runs, say):
    place, command = runs[name].directory, COMMANDS[name]
    texts = ["the dog", "", "x" * 5000]
    lines = say(command, place, given=b"the dog\n\n" + b"x" * 5000)
    assert len(lines) == 3
    assert lines == say(command, place, *texts)
    objects = [json.loads(line) for line in say(command, place, "--json", *texts)]
    assert [entry["text"] for entry in objects] == texts


def test_translations_by_a_beam(runs, say):
    place, beam = runs["translate"].directory, "--beam_size=3"
    (best,) = say("translate", place, beam, "der hund")
    lines = say("translate", place, beam, "--n_best=2", "der hund")
    scores, texts = zip(*(line.split("\t") for line in lines))
    assert len(lines) == 2 and texts[0] == best
    assert float(scores[0]) >= float(scores[1])
    (line,) = say("translate", place, beam, "--n_best=2", "--json", "der hund")
    found = json.loads(line)["translations"]
    assert [entry["text"] for entry in found] == [*texts]
    assert f"{found[1]['score']:.4f}" == scores[1]
    (short,) = say("translate", place, "--max_length=2", "der hund")
    assert len(short.split()) <= 2


def test_translations_ranked_by_a_language_model(runs, say):
    place, lm = runs["translate"].directory, runs["generate"].directory
    texts = ["der hund", "", "der mann sitzt"]
    by_lm = "--beam_size=4", f"--rerank={lm}", "--rerank_weight=3"
    found = n_best_by_lm(zoo.load(place), texts, zoo.load(lm), 3.0, 2, 4)
    lines = say("translate", place, *by_lm, "--n_best=2", *texts)
    assert lines == [f"{h.score:.4f}\t{h.text}" for one in found for h in one]
    assert len(lines) == 4
    best = [one[0].text if one else "" for one in found]
    assert say("translate", place, *by_lm, *texts) == best
    objects = [json.loads(x) for x in say("translate", place, *by_lm, "--json", *texts)]
    assert [entry["translation"] for entry in objects] == best
    # A weight of 0 leaves the ranks of the search.
    plain = say("translate", place, "--beam_size=4", "--n_best=2", *texts)
    by_none = *by_lm[:2], "--rerank_weight=0", "--n_best=2"
    assert say("translate", place, *by_none, *texts) == plain


def test_scores_of_a_line(runs, say):
    place = runs["generate"].directory
    (line,) = say("score", place, "the dog")
    *numbers, text = line.split("\t")
    nats, perplexity, bits = map(float, numbers)
    assert text == "the dog"
    assert perplexity == pytest.approx(math.exp(-nats / 7), rel=1e-3)
    assert bits == pytest.approx(-nats / 7 / math.log(2), abs=1e-3)


def test_generate_keeps_the_prompt(runs, say):
    place = runs["generate"].directory
    lines = say("generate", place, "the ", "--tokens", 5, "--temperature", 0)
    assert "\n".join(lines).startswith("the ")
    assert lines == say("generate", place, "--tokens=5", "--temperature=0.0", "the ")


def test_info_of_a_run(runs, say):
    text = say("info", runs["tag"].directory)
    assert "task: tagger" in text
    assert any(line.startswith("recurrent_0 backward: scan: no") for line in text)


def test_list_is_a_table_of_what_came_along(say):
    header, *lines = say("list")
    assert header.split() == [*catalog.COLUMNS]
    assert [line.split()[0] for line in lines] == zoo.list_models()
    assert all(len(line) <= 100 for line in lines)
    places = [header.index(name) for name in ("name", "task", "language", "score")]
    for line in lines:
        assert all(line[i - 1 : i].strip() == "" and line[i] != " " for i in places)
        assert len(line) == len(header)  # aligned on the right


def test_without_a_command_there_is_help(say):
    text = "\n".join(say())
    assert text.startswith("usage: python -m zoo")
    assert all(f"\n    {name} " in text for name in ("list", "info", *tasks.COMMANDS))


@pytest.mark.parametrize("name", tasks.COMMANDS)
def test_help_of_a_command_tells_each_default(name, capfd):
    with pytest.raises(SystemExit) as end:
        shell.run([name, "--help"])
    assert end.value.code == 0
    text = " ".join(capfd.readouterr().out.split())
    for flag in re.findall(r"(--\w+) [A-Z]+ [a-z0-9]", text):
        after = text.split(f" {flag} ")[-1].split(" --")[0]
        assert flag in ("--rerank",) or "(default: " in after, flag


@pytest.fixture
def copy(runs, tmp_path):
    """A copy of a run's checkpoint, to be damaged."""
    shutil.copytree(runs["classify"].directory / "checkpoint", tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("name", ["weights.safetensors", "tokens.txt", "config.json"])
def test_a_checkpoint_without_a_file(name, copy, fails):
    (copy / name).unlink()
    expected = "holds no checkpoint" if name == "config.json" else f"{name}: missing"
    assert expected in fails(lambda: shell.run(["predict", str(copy), "a"]))


@pytest.mark.parametrize("name", ["weights.safetensors", "tokens.txt"])
def test_a_checkpoint_with_a_changed_file(name, copy, fails):
    content = bytearray((copy / name).read_bytes())
    content[-2] ^= 1
    (copy / name).write_bytes(content)
    line = fails(lambda: shell.run(["predict", str(copy), "a"]))
    assert f"{name}: changed since it was saved" in line


def test_a_checkpoint_with_a_changed_configuration(copy, fails):
    text = (copy / "config.json").read_text()
    (copy / "config.json").write_text(text.replace('"units": 4', '"units": 5'))
    line = fails(lambda: shell.run(["predict", str(copy), "a"]))
    assert "has the shape" in line and "expected" in line


def test_a_checkpoint_with_a_foreign_file(copy, fails):
    (copy / "model.pkl").write_bytes(b"x")
    line = fails(lambda: shell.run(["predict", str(copy), "a"]))
    assert "model.pkl: a foreign file" in line


@pytest.mark.parametrize("name, command, right", [
    ("classify", "translate", "predict"),
    ("tag", "generate", "predict"),
    ("generate", "predict", "score"),
    ("translate", "score", "translate"),
])  # fmt: skip
def test_a_command_that_a_model_cannot_do(name, command, right, runs, fails):
    line = fails(lambda: shell.run([command, str(runs[name].directory), "a"]))
    assert f"which cannot {command}; use python -m zoo {right}" in line


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ("predict no-such-model a", "no-such-model: neither a model of the zoo nor"),
        ("info no-such-model", "no-such-model: neither"),
        ("predct x", "invalid choice: 'predct'"),
        ("predict", "required: MODEL; see python -m zoo predict --help"),
        ("predict x --foo", "unrecognized arguments: --foo"),
        ("generate x --tokens y", "argument --tokens: invalid int value: 'y'"),
    ],
)
def test_bad_commands(arguments, expected, fails):
    assert expected in fails(lambda: shell.run(arguments.split()))


def test_a_near_match_of_a_name(monkeypatch, fails):
    monkeypatch.setattr(catalog, "list_models", lambda: ["sst2-lstm", "ewt-lstm"])
    line = fails(lambda: shell.run(["predict", "sst2-lstn", "a"]))
    assert line.endswith("did you mean 'sst2-lstm'?")


@pytest.mark.parametrize(
    "option, expected",
    [("--tokens=0", "max_tokens: "), ("--temperature=-1", "temperature: expected"),
     ("--seed=-1", "seed: expected at least 0"), ("--top_p=0", "top_p: expected"),
     ("--top_k=-1", "top_k: "), ("--repetition_penalty=0", "repetition_penalty: ")],
)  # fmt: skip
def test_bad_options_of_generate(option, expected, runs, fails):
    place = str(runs["generate"].directory)
    assert expected in fails(lambda: shell.run(["generate", place, "a", option]))


@pytest.mark.parametrize(
    "option, expected",
    [("--beam_size=0", "beam_size: expected at least 1"),
     ("--n_best=2", "n_best: expected at most beam_size, 1, got 2"),
     ("--max_length=0", "max_length: "), ("--length_penalty=-1", "length_penalty: ")],
)  # fmt: skip
def test_bad_options_of_translate(option, expected, runs, fails):
    place = str(runs["translate"].directory)
    assert expected in fails(lambda: shell.run(["translate", place, "a", option]))


@pytest.mark.parametrize(
    "options, expected",
    [("--rerank=generate", "rerank: expected a beam_size of at least 2, among whose"),
     ("--rerank=classify --beam_size=2",
      "rerank: expected a language model, got a classifier"),
     ("--rerank=none --beam_size=2", "none: neither a model of the zoo nor a run dir"),
     ("--rerank=generate --beam_size=2 --rerank_weight=-1",
      "rerank_weight: expected at least 0, got -1.0"),
     ("--rerank=generate --beam_size=2 --n_best=3",
      "n_best: expected at most beam_size, 2, got 3")],
)  # fmt: skip
def test_bad_options_of_reranking(options, expected, runs, monkeypatch, fails):
    monkeypatch.chdir(runs["translate"].directory.parent)
    command = ["translate", "translate", "der hund", *options.split()]
    assert expected in fails(lambda: shell.run(command))


def test_standard_input_that_is_no_utf8(runs, say, fails):
    place = runs["classify"].directory
    line = fails(lambda: say("predict", place, given=b"good\nna\xefve\n"))
    assert line.startswith("standard input:2: not UTF-8 (byte 0xef at column 3); ")


def test_an_argument_that_is_no_utf8(runs, fails):
    place = str(runs["tag"].directory)
    line = fails(lambda: shell.run(["predict", place, "na\udcefve"]))
    assert line == "text 1: not UTF-8 (byte 0xef at column 3); expected UTF-8 text"


def test_standard_input_of_windows(runs, say):
    place = runs["tag"].directory
    lines = say("predict", place, "--json", given=b"\xef\xbb\xbfthe dog\r\nruns")
    assert [json.loads(line)["text"] for line in lines] == ["the dog", "runs"]


def test_standard_input_that_is_closed(runs, monkeypatch, fails, capfd):
    monkeypatch.setattr("sys.stdin", None)
    place = str(runs["classify"].directory)
    assert "standard input is closed" in fails(lambda: shell.run(["predict", place]))
    shell.run(["predict", place, "good"])
    assert capfd.readouterr().out.count("\n") == 1


# --- Real processes --------------------------------------------------------------


def test_a_mistyped_path_of_a_real_process(tmp_path):
    write_corpus(tmp_path / "data", "classify")
    done = subprocess.run(
        [sys.executable, "-m", "recipes.classify", "--data", "dta"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch("error: .*/dta: no such file or .*; did you mean data.", last)
    assert done.stdout == "" and not (tmp_path / "runs").exists()


def test_interrupting_a_real_training_leaves_a_usable_checkpoint(tmp_path):
    data = tmp_path / FILES["generate"]
    data.write_text(contents("generate")[".txt"] * 10)
    options = arguments("generate", data, epochs=100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "recipes.generate", *options],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    run = tmp_path / "runs" / "generate"
    for _ in range(1200):
        time.sleep(0.1)
        if (run / "checkpoint").exists() or process.poll() is not None:
            break
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 130, stderr
    # TensorFlow may add lines of its own while the process ends.
    said = [line for line in stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert re.fullmatch("error: interrupted in epoch .*runs/generate holds .*", said[0])
    assert zoo.load(run).generate("the", 5).startswith("the")
    expected = {"checkpoint", "config.yaml", "history.csv"}
    assert {path.name for path in run.iterdir()} == expected


def test_a_closed_pipe_ends_a_real_process_quietly(runs):
    place = runs["classify"].directory
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "predict", str(place)],
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    stderr = process.communicate(b"a good film\n\na bad film\n" * 400)[1]
    assert process.returncode == 0, stderr
    assert b"Traceback" not in stderr and b"\nerror:" not in stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_no_space_left_for_what_a_real_process_prints():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "list"],
            env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n"


def test_a_real_process_reads_lines(runs):
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "predict", str(runs["tag"].directory)],
        input="the dog\n\nruns", env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, empty, last = done.stdout.splitlines()
    assert re.fullmatch("the/[A-Z]+ dog/[A-Z]+", first) and empty == ""
    assert re.fullmatch("runs/[A-Z]+", last)


# JAX sets the level in the process of the tests.
QUIET = {k: v for k, v in ENVIRONMENT.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
NOISE = """
import os
os.write(2, b"I0000 00:00:1795832919.349317    6522 cudart_stub.cc:31] Could not\\n")
os.write(2, b"W0000 00:00:1795832919.349317    6522 a.cc:1] a warning\\n")
"""


def import_fake_tensorflow(directory, code, **environment):
    """Imports a module in the place of TensorFlow, quietly, in a process apart."""
    (directory / "tensorflow.py").write_text(NOISE + code)
    action = (
        "from zoo.command_line import quiet_tensorflow as q; q(); import tensorflow"
    )
    path = f"{directory}{os.pathsep}{ROOT}"
    return subprocess.run(
        [sys.executable, "-c", action], capture_output=True, text=True,
        env={**QUIET, "PYTHONPATH": path, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    "code, last",
    [
        ("raise ImportError('no library')", "ImportError: no library"),
        ("os.write(2, b'last words'); os.abort()", "last words"),
        ("os.write(2, b'last words'); os._exit(1)", "last words"),
    ],
)
def test_the_import_of_tensorflow_hides_no_error(code, last, tmp_path):
    done = import_fake_tensorflow(tmp_path, code)
    assert done.returncode != 0
    first, *_, end = done.stderr.splitlines()
    assert first.endswith("a warning") and end == last


def test_whoever_sets_the_log_level_sees_all(tmp_path):
    done = import_fake_tensorflow(tmp_path, "", TF_CPP_MIN_LOG_LEVEL="0")
    assert [line[:5] for line in done.stderr.splitlines()] == ["I0000", "W0000"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("zoo", "predict", "sst2", "a fine film"),
        ("zoo", "list"),
        ("zoo",),
        ("recipes",),
        ("recipes.tag", "--help"),
    ],
    ids=" ".join,
)
def test_a_real_process_says_nothing_of_its_own(arguments, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tmp_path, env=QUIET, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


def test_the_list_of_recipes_has_a_line_for_each():
    done = subprocess.run(
        [sys.executable, "-m", "recipes"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in OPTIONS:
        assert re.search(rf"^python -m recipes.{name} +\w+", done.stdout, re.M)
