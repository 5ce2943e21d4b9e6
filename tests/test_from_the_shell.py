"""What people do at the shell: Ctrl-C at any time, pipes, closed streams, odd texts."""

import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import arguments, contents, tiny

import zoo
from recipes import classify, generate, tag
from zoo import __main__ as shell
from zoo.command_line import end_cleanly, ending_at_once, parse
from zoo.command_line.starting import open_standard_streams
from zoo.evaluation.plain_numbers import json_text, perplexity
from zoo.inference import command_options
from zoo.runs import RunDirectory

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "LC_", "LANG", "TF_CPP"))  # which JAX sets
}
ENVIRONMENT["PYTHONPATH"] = str(ROOT)
LATIN = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}  # ASCII, even
TEXT = "Mädchen 犬"


def run(*command, **options):
    """Runs Python in a process of its own, whose signals are as in a terminal."""
    environment = {**ENVIRONMENT, **options.pop("environment", {})}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **options,
    )  # fmt: skip


# --- Ctrl-C, SIGTERM and a terminal that is closed -------------------------------

STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated"}


@pytest.mark.parametrize("name", STATUS)
@pytest.mark.parametrize("module", ["recipes.classify", "zoo predict sst2 x"])
def test_a_signal_during_the_imports(module, name, tmp_path):
    """A module in the place of Keras, whose import takes long, gets the signal."""
    (tmp_path / "keras.py").write_text(
        f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(9)\n"
    )
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run("-m", *module.split(), environment={"PYTHONPATH": path})
    assert done.returncode == STATUS[name]
    assert done.stderr.decode() == f"error: {WORDS[name]}\n" and done.stdout == b""


@pytest.mark.parametrize("name", STATUS)
def test_a_signal_while_a_command_runs(name, capfd):
    before = [signal.getsignal(number) for number in signal.valid_signals()]
    with pytest.raises(SystemExit) as end:
        end_cleanly(lambda: signal.raise_signal(getattr(signal, name)))
    assert end.value.code == STATUS[name]
    assert capfd.readouterr().err == f"error: {WORDS[name]}\n"
    assert before == [signal.getsignal(number) for number in signal.valid_signals()]


def test_a_signal_that_is_ignored_stays_so():
    """As `nohup` asks for."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        end_cleanly(lambda: signal.raise_signal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_that_a_destructor_loses_comes_again(capfd):
    class Loses:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def action():
        Loses()
        time.sleep(30)

    start = time.monotonic()
    with pytest.raises(SystemExit) as end:
        end_cleanly(action)
    assert end.value.code == 130 and time.monotonic() - start < 20
    assert capfd.readouterr().err == "error: interrupted\n"


def test_in_a_library_a_signal_does_what_it_did():
    """`ending_at_once` is for commands; a notebook that imports must live on."""
    with pytest.raises(KeyboardInterrupt), ending_at_once():
        signal.raise_signal(signal.SIGINT)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_training_that_is_stopped_says_where_its_checkpoint_is(name, tmp_path):
    data = tmp_path / "train.txt"
    data.write_text(contents("generate")[".txt"] * 10)
    options = arguments("generate", data, epochs=100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "recipes.generate", *options],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    place = tmp_path / "runs" / "generate"
    while not (place / "checkpoint").exists() and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(getattr(signal, name))
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == STATUS[name]
    (line,) = stderr.splitlines()
    assert line.startswith(f"error: {WORDS[name]}") and "in epoch" in line
    assert line.endswith("runs/generate holds the best checkpoint so far")
    assert zoo.load(place).generate("the", 5).startswith("the")


# --- Streams ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "command, closing, status, stderr",
    [
        ("-m zoo list", ">&-", 2, "error: standard output is closed; expected where to "
         "print answers\n"),
        ("-m recipes", ">&-", 0, ""),
        ("-m zoo list", "2>&-", 0, ""),
        ("-m zoo lst", "2>&-", 2, ""),
        ("-m zoo lst", ">&- 2>&-", 2, ""),
        ("-m zoo list", "<&-", 0, ""),
        ("-m zoo list", ">/dev/full", 2, "error: No space left on device\n"),
        ("-m zoo lst", "2>/dev/full", 2, ""),
    ],
)  # fmt: skip
def test_a_closed_or_full_stream(command, closing, status, stderr):
    done = subprocess.run(
        f"{sys.executable} {command} {closing}",
        shell=True, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, stderr)


def test_a_closed_stream_does_not_give_its_place_to_a_file(tmp_path):
    """The next file that is opened would get what TensorFlow writes to descriptor 2."""
    code = (
        "from zoo.command_line import start; start(); import os, sys; "
        "f = open(sys.argv[1], 'w'); os.write(2, b'noise'); print(f.fileno())"
    )
    done = subprocess.run(
        f'{sys.executable} -c "{code}" {tmp_path / "file"} 2>&- <&-',
        shell=True, env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) > 2 and (tmp_path / "file").read_text() == ""


PRINT = f"from zoo.command_line import end_cleanly as e; e(lambda: print({TEXT!a}))"


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, TEXT.encode()),
        (LATIN, TEXT.encode()),
        ({**LATIN, "PYTHONIOENCODING": "utf-8"}, TEXT.encode()),
        ({"PYTHONIOENCODING": "ascii"}, rb"M\xe4dchen \u72ac"),
        ({"PYTHONIOENCODING": "latin-1"}, b"M\xe4dchen \\u72ac"),
        ({"PYTHONIOENCODING": "ascii:replace"}, b"M?dchen ?"),
    ],
)
def test_output_is_utf8_unless_the_user_says_otherwise(environment, expected):
    done = run("-c", PRINT, environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected + b"\n", b"")


def test_output_of_half_a_character(monkeypatch):
    """Text that is no Unicode, such as the name of a file, does not end a command."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    open_standard_streams()
    print("a\ud83d b", flush=True)
    assert written.getvalue() == b"a\\ud83d b\n"


def test_arguments_are_utf8_whatever_the_locale_is():
    code = (
        "import sys; from zoo.__main__ import _parse; "
        "print(ascii(_parse(['predict', 'x', *sys.argv[1:]]).text))"
    )
    done = run("-c", code, TEXT, environment=LATIN)
    assert done.stdout.decode() == f"[{TEXT!a}]\n"


# --- Texts and prompts -----------------------------------------------------------


@pytest.mark.parametrize(
    "given, model, texts",
    [
        ("predict M --json -- -5 --json", "M", ["-5", "--json"]),
        ("predict --json M -- -x", "M", ["-x"]),
        ("predict -- M -x -- y", "M", ["-x", "--", "y"]),
        ("predict M a --json b", "M", ["a", "b"]),
        ("generate M --tokens 3 -- --", "M", ["--"]),
    ],
)
def test_a_text_that_begins_with_a_dash(given, model, texts):
    options = shell._parse(given.split())
    assert (options.model, options.text) == (model, texts)


def test_what_looks_like_an_option_is_told_how_to_be_a_text(fails):
    line = fails(lambda: shell.run(["predict", "sst2", "-x"]))
    assert "unrecognized arguments: -x; texts that begin with a dash follow --" in line


def test_a_dash_and_an_empty_text_are_answered(runs, say):
    place = runs["tag"].directory
    lines = say("predict", place, "--json", "--", "-the dog", "", "--")
    assert [json.loads(line)["text"] for line in lines] == ["-the dog", "", "--"]


@pytest.mark.parametrize(
    "given", [b"the \n", b"the ", b"the \r\n", b"\xef\xbb\xbfthe "]
)
def test_a_prompt_from_standard_input(given, runs, say):
    place = runs["generate"].directory
    options = "--tokens=5", "--temperature=0"
    lines = say("generate", place, *options, given=given)
    assert lines == say("generate", place, *options, "the ")
    assert "\n".join(lines).startswith("the ") and len("\n".join(lines)) == 9


def test_no_prompt_at_all(runs, say, monkeypatch, capfd):
    place, options = runs["generate"].directory, ["--tokens=5", "--temperature=0"]
    lines = say("generate", place, *options)
    monkeypatch.setattr("sys.stdin", None)  # closed
    shell.run(["generate", str(place), *options])
    assert capfd.readouterr().out == "\n".join(lines) + "\n"


def test_a_prompt_that_is_no_utf8(runs, say, fails):
    place = runs["generate"].directory
    line = fails(lambda: say("generate", place, given=b"the\nna\xefve"))
    assert line.startswith("standard input:2: not UTF-8 (byte 0xef at column 3)")


def test_lines_before_one_that_cannot_be_read_are_answered(runs, fails, capfd, say):
    given = b"the dog\nruns\nna\xefve\nthe man\n"

    def action():
        with pytest.raises(ValueError) as error:
            say("predict", runs["tag"].directory, given=given)
        assert len(capfd.readouterr().out.splitlines()) == 2
        raise error.value

    assert fails(action).startswith("standard input:3: not UTF-8")


def test_a_line_that_is_too_long_leaves_the_others_unharmed(
    runs, say, monkeypatch, capfd
):
    monkeypatch.setattr(shell, "MOST_BYTES", 20)
    place, other = runs["tag"].directory, b"the dog\n"
    expected = say("predict", place, given=other)
    for long in (b"x" * 21 + b"\n", b"x" * 41 + b"\n", b"x" * 100):
        with pytest.raises(SystemExit) as end:
            say("predict", place, given=other + long)
        assert end.value.code == 2
        out, err = capfd.readouterr()
        assert out.splitlines() == [*expected, ""]
        assert err.startswith("error: standard input:2: more than 20 bytes; ")
    with pytest.raises(SystemExit):
        say("predict", place, given=b"y" * 50 + b"\n" + other)
    assert capfd.readouterr().out.splitlines() == ["", *expected]
    exactly = say("predict", place, given=other + b"x" * 19 + b"\n" + other)
    assert exactly[0] == exactly[2] == expected[0] and exactly[1].startswith("xxx")


def test_long_lines_are_answered_a_few_at_a_time():
    lines = ["x" * (shell.CHUNK_CHARACTERS // 2)] * 5
    assert [len(chunk) for chunk in shell._chunks(lines)] == [2, 2, 1]


# --- Numbers that are too large --------------------------------------------------


def strictly(text):
    """Reads JSON as other programs do, which know no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_perplexity_beyond_the_largest_number():
    assert perplexity(709) == pytest.approx(8.2184e307, rel=1e-4)
    assert perplexity(710) == perplexity(math.inf) == math.inf
    assert perplexity(0) == 1 and math.isnan(perplexity(math.nan))


def test_metrics_are_json_whatever_they_are(tmp_path):
    metrics = {"perplexity": math.inf, "by": [{"x": math.nan}, (1, 0.5)]}
    metrics["command"] = "--data a\udcff"  # the name of a file that is no UTF-8
    RunDirectory("x", str(tmp_path)).write_metrics(metrics)
    text = (tmp_path / "metrics.json").read_text("utf-8")
    expected = {"perplexity": None, "by": [{"x": None}, [1, 0.5]]}
    expected["command"] = metrics["command"]
    assert strictly(text) == expected == strictly(json_text(metrics))


def test_a_training_whose_loss_is_large_ends_with_its_report(tmp_path, say):
    config = tiny("generate", tmp_path, learning_rate=1e5)
    result = generate.run(config)
    metrics = strictly((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["score"] > 710 and metrics["perplexity"] is None
    assert result.metrics["perplexity"] == math.inf
    assert metrics["bits_per_token"] == pytest.approx(metrics["score"] / math.log(2))
    (line,) = say("score", tmp_path / "run", "the dog")
    nats, per_token, _, text = line.split("\t")
    assert float(nats) < -710 and per_token == "inf" and text == "the dog"
    (line,) = say("score", tmp_path / "run", "--json", "the dog")
    assert strictly(line)["perplexity"] is None


# --- Configuration files ---------------------------------------------------------

BOMB = "".join(
    [
        "units: &a [5, 5]\n",
        *(f"seed: &{b} [{f'*{a}, ' * 9}5]\n" for a, b in zip("abcdefgh", "bcdefghi")),
    ]
)


@pytest.mark.parametrize(
    "text, expected",
    [
        (BOMB, ":1: expected a value of units, got an anchor or alias"),
        ("units: *a", ":1: expected a value of units, got an anchor or alias"),
        ("seed: 1\nunits: [5, 6]", ":2: expected a value of units, got a list"),
        ("units: {a: 1}", ":1: expected a value of units, got further names"),
        ("[" * 50_000, ":1: expected name: value, got a list"),
        ("{" * 50_000, ":1: expected name: value, got further names and values"),
        ("- units", ":1: expected name: value, got a list"),
        ("units", ":1: expected name: value, got a single value"),
        ("seed: 1\n---\nseed: 2", ":3: expected name: value, got further names and "),
        ("seed: 1\n\tunits: 2", ":2: no YAML: found character '\\t' that cannot start"),
        ("seed: 1\nunits: 'a", ":2: no YAML: found unexpected end of stream"),
        ("\0", ": no YAML: there are control characters"),
        ("seed: 1\nunitz: 2", ":2: unknown option unitz; did you mean units?"),
        ("# a\n" * 30_000, ": expected at most 100,000 bytes of YAML"),
        ("units: !!python/object/apply:os.system [ls]", ":1: expected a value of u"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_refused_in_a_line(text, expected, tmp_path, fails):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    line = fails(lambda: parse(classify.Config, ["--config", str(file)]))
    assert line.startswith(f"{file}{expected}")


@pytest.mark.parametrize("file", [".", "/dev/zero", "none.yaml"])
def test_what_is_no_configuration_file(file, fails):
    assert file in fails(lambda: parse(classify.Config, [f"--config={file}"]))


def test_a_configuration_file_of_plain_values(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "# of a run\nunits: 5\nlearning_rate: 1e-3\ndata: '#x'\nlowercase: false\n"
        "epochs: null\nrun_dir: ~\n"
    )
    config = parse(classify.Config, ["--units=4", f"--config={file}", "--seed=7"])
    found = (config.units, config.learning_rate, config.data, config.lowercase)
    assert found == (5, 1e-3, "#x", False)
    assert config.epochs is None and config.run_dir is None and config.seed == 7


@pytest.mark.parametrize(
    "value", ["#x", "~", "~/x", "*x", "{x", "a: b", "007", "1e3", "yes", "-", "[", "%"]
)
def test_the_text_of_an_option_is_taken_as_it_is(value):
    assert parse(classify.Config, [f"--data={value}"]).data == value


@pytest.mark.parametrize(
    "value, expected",
    [("0", 0), ("-1", -1), ("12", 12), ("007", "007"), ("#5", "#5"), ("null", None)],
)
def test_a_column_is_a_number_or_a_name(value, expected):
    assert parse(tag.Config, [f"--tag_column={value}"]).tag_column == expected


@pytest.mark.parametrize(
    "option, expected",
    [
        ("--data=", "--data: expected text or null, got ''"),
        ("--units=", "--units: expected a whole number, got ''"),
        ("--epochs=#5", "--epochs: expected a whole number, got '#5'"),
        ("--head=#", "--head: expected 'multilabel' or 'regression' or null, got '#'"),
    ],
)
def test_an_option_that_is_a_comment_is_not_its_default(option, expected, fails):
    assert fails(lambda: parse(classify.Config, [option])) == expected


# --- Long texts ------------------------------------------------------------------


def test_a_long_translation_is_told_once(runs, say, monkeypatch, capfd):
    monkeypatch.setattr("zoo.inference.translator.MOST_TOKENS", 4)
    place = runs["translate"].directory
    lines = say("translate", place, "der hund rennt .", "der mann")
    assert capfd.readouterr().err == ""
    model = zoo.load(place)
    answer = command_options.prepare_translation(
        model, shell._parse(["translate", "x"])
    )
    given = ["der hund", "der hund rennt . der mann sitzt .", "der mann"]
    for _ in range(2):
        found = answer(given)
    notes = capfd.readouterr().err.splitlines()
    assert len(notes) == 1 and notes[0].startswith("note: a text of 8 tokens is trans")
    assert found[1] == " ".join(
        model.translate(["der hund rennt .", "der mann sitzt ."])
    )
    assert found[2] == lines[1]
