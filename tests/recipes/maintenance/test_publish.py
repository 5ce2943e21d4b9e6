"""Published results: how runs are combined, the tables, the stored commands."""

import importlib
import json
import re
import shlex

import pytest

import zoo
from recipes.maintenance import publish, tables
from recipes.maintenance.defaults import DEFAULTS
from recipes.maintenance.results import RESULTS, combine, read_results
from zoo.command_line import parse
from zoo.inference.catalog import card

RUN = {
    "recipe": "tag", "command": "python -m recipes.tag", "data": "d", "split": "test",
    "metric": "accuracy", "unit": "%", "score": 90.0, "dev_score": 91.0, "seed": 0,
    "baseline": {"name": "most frequent tag", "score": 85.5}, "parameters": 1234567,
    "seconds": 60.0, "tokens_per_second": 1000.0, "padding_waste": 0.125,
    "device": "CPU (x, 2 cores)", "versions": {"python": "3.11"}, "epochs": 3,
}  # fmt: skip
SEED_1 = {
    "score": 92.0, "dev_score": 90.5, "seed": 1, "seconds": 120.0,
    "tokens_per_second": 2000.0,
}  # fmt: skip


def test_combine_averages_seeds():
    result = combine("name", [RUN, {**RUN, **SEED_1}])
    assert result["scores"] == [90.0, 92.0] and result["seeds"] == [0, 1]
    assert result["dev_scores"] == [91.0, 90.5]
    assert result["mean"] == 91.0
    assert result["spread"] == pytest.approx(2**0.5)  # with n - 1
    assert result["seconds"] == 90.0 and result["tokens_per_second"] == 1500.0
    assert result["signature"] == "none" and result["name"] == "name"


def test_scores_that_some_runs_have_besides():
    run = {**RUN, "perplexity": 4.0}
    result = combine("name", [run, {**run, **SEED_1, "perplexity": 5.0}])
    assert result["also"] == {"perplexity": 4.5}
    assert "; test. Perplexity 4.5. CPU" in tables.results_table([result])
    errors = combine("name", [{**RUN, "phoneme_error_rate": 6.25}])
    assert "; test. Phoneme error rate 6.25. CPU" in tables.results_table([errors])


def test_combine_one_run():
    result = combine("name", [{**RUN, "signature": "tok:13a"}])
    run = {**RUN, "command": "python -m r --seed 1 --a b --run_dir x/y --c=d"}
    assert combine("n", [run])["command"] == "python -m r --a b --c=d"
    assert (result["mean"], result["spread"]) == (90.0, None)
    assert result["signature"] == "tok:13a"


@pytest.mark.parametrize("key", ["recipe", "data", "split", "metric", "parameters"])
def test_runs_that_do_not_belong_together(key):
    other = {**RUN, key: 1 if key == "parameters" else "other"}
    with pytest.raises(ValueError, match=f"name: the runs differ in {key}"):
        combine("name", [RUN, other])


def test_the_best_run_is_that_of_the_development_score():
    runs = [RUN, {**RUN, **SEED_1}]
    assert publish.best("accuracy", runs) == 0
    assert publish.best("cross-entropy", runs) == 1


def test_table():
    results = [
        combine("one", [RUN]),
        combine("two", [RUN, {**RUN, **SEED_1, "signature": "s"}]),
    ]
    header, line, one, two, empty, *notes = tables.results_table(results).split("\n")
    assert one == (
        "| one | accuracy, % | **90** (1 seed) | 85.5 (most frequent tag) "
        "| 1,234,567 | 1.0 | 1,000 | 12.5% |"
    )
    assert "**91** ± 1.4 (2 seeds)" in two and "| 1.5 |" in two
    assert header.count("|") == line.count("|") == one.count("|") == two.count("|")
    assert empty == "" and notes[0] == (
        "- **one**: `python -m recipes.tag`; test. CPU (x, 2 cores); python 3.11."
    )


def test_the_table_of_models(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "weights").write_bytes(b"0" * 1_234_567)
    found = [combine("one", [RUN, {**RUN, **SEED_1}]), combine("no checkpoint", [RUN])]
    header, line, one = tables.models_table(found, tmp_path).split("\n")
    assert one == ("| `one` | d | **91** ± 1.4 (2 seeds), accuracy | 1.2 M | 1.2 | 2 |")
    assert header.count("|") == line.count("|") == one.count("|")


def test_what_is_between_the_marks_is_replaced():
    begin, end = tables.RESULT_MARKS
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    once = tables.between(text, tables.RESULT_MARKS, r"new \1")
    assert once == f"before\n{begin}\nnew \\1\n{end}\nafter\n"
    assert tables.between(once, tables.RESULT_MARKS, r"new \1") == once
    with pytest.raises(ValueError, match="expected the lines <!-- results: begin -->"):
        tables.between("no table\n", tables.RESULT_MARKS, "")


@pytest.mark.skipif(not publish.README.exists(), reason="not in a checkout")
def test_the_tables_are_those_of_the_result_files():
    results = read_results()
    place = publish.pretrained_directory()
    for file, marks, table in (
        (publish.PAGE, tables.RESULT_MARKS, tables.results_table(results)),
        (publish.README, tables.MODEL_MARKS, tables.models_table(results, place)),
    ):
        text = file.read_text(encoding="utf-8")
        assert tables.between(text, marks, table) == text


def test_every_trained_model_has_a_result_and_a_title():
    names = {result["name"] for result in read_results()}
    assert names == set(zoo.list_models()) == set(tables.TITLES)


# The study of defaults has a form of its own; see test_defaults.py.
FILES = [f for f in sorted(RESULTS.rglob("*.json")) if f.parent.name != DEFAULTS]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_result_files(file):
    result = json.loads(file.read_text(encoding="utf-8"))
    assert result.keys() == combine("name", [RUN]).keys()
    if file.parent == RESULTS:
        assert result["name"] == file.stem
    assert result["mean"] == pytest.approx(sum(result["scores"]) / len(result["seeds"]))


def stored_commands():
    """Yields the place and the text of every command that is stored."""
    for file in FILES:
        yield str(file.relative_to(RESULTS)), json.loads(file.read_text())["command"]
    for name in zoo.list_models():
        yield f"card of {name}", card(name)["command"]
    root = RESULTS.parent.parent
    ours = [root / name for name in ("zoo", "recipes", "pretrained", "tests")]
    for page in [*root.glob("*.md"), *(p for d in ours for p in d.rglob("*.md"))]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        found = re.findall(r"python -m recipes\.[a-z]+ --[^`\n]*", text)
        for command in found:
            yield str(page.relative_to(root)), command


@pytest.mark.parametrize("place, command", [*stored_commands()])
def test_every_stored_command_is_one_of_today(place, command):
    """The recipe's own parser takes it, and its options resolve."""
    words = shlex.split(re.sub(r" *#.*", "", command))
    recipe = importlib.import_module(words[2])
    config = parse(recipe.Config, words[3:])
    resolved = config.resolved()
    left = [name for name in recipe.Config.defaults if getattr(resolved, name) is None]
    assert not left
    given = [word[2:] for word in words if word.startswith("--")]
    assert all(getattr(config, name) == getattr(resolved, name) for name in given)


def test_main_needs_runs_and_a_card():
    with pytest.raises(ValueError, match="expected NAME RUN_DIR"):
        publish.main(["name"])
