"""Published results: how runs are combined, and README's table."""

import json

import pytest

from recipes import publish

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
    result = publish.combine("name", [RUN, {**RUN, **SEED_1}])
    assert result["scores"] == [90.0, 92.0] and result["seeds"] == [0, 1]
    assert result["dev_scores"] == [91.0, 90.5]
    assert result["mean"] == 91.0
    assert result["spread"] == pytest.approx(2**0.5)  # with n - 1
    assert result["seconds"] == 90.0 and result["tokens_per_second"] == 1500.0
    assert result["signature"] == "none" and result["name"] == "name"


def test_scores_that_some_runs_have_besides():
    run = {**RUN, "perplexity": 4.0}
    result = publish.combine("name", [run, {**run, **SEED_1, "perplexity": 5.0}])
    assert result["also"] == {"perplexity": 4.5}
    assert "; test. Perplexity 4.5. CPU" in publish.table([result])
    errors = publish.combine("name", [{**RUN, "phoneme_error_rate": 6.25}])
    assert "; test. Phoneme error rate 6.25. CPU" in publish.table([errors])


def test_combine_one_run():
    result = publish.combine("name", [{**RUN, "signature": "tok:13a"}])
    run = {**RUN, "command": "python -m r --seed 1 --a b --run_dir x/y --c=d"}
    assert publish.combine("n", [run])["command"] == "python -m r --a b --c=d"
    assert (result["mean"], result["spread"]) == (90.0, None)
    assert result["signature"] == "tok:13a"


@pytest.mark.parametrize("key", ["recipe", "data", "split", "metric", "parameters"])
def test_runs_that_do_not_belong_together(key):
    other = {**RUN, key: 1 if key == "parameters" else "other"}
    with pytest.raises(ValueError, match=f"name: the runs differ in {key}"):
        publish.combine("name", [RUN, other])


def test_the_best_run_is_that_of_the_development_score():
    runs = [RUN, {**RUN, **SEED_1}]
    assert publish.best("accuracy", runs) == 0
    assert publish.best("cross-entropy", runs) == 1


def test_table():
    results = [
        publish.combine("one", [RUN]),
        publish.combine("two", [RUN, {**RUN, **SEED_1, "signature": "s"}]),
    ]
    header, line, one, two, empty, *notes = publish.table(results).split("\n")
    assert one == (
        "| one | accuracy, % | **90** (1 seed) | 85.5 (most frequent tag) "
        "| 1,234,567 | 1.0 | 1,000 | 12.5% |"
    )
    assert "**91** ± 1.4 (2 seeds)" in two and "| 1.5 |" in two
    assert header.count("|") == line.count("|") == one.count("|") == two.count("|")
    assert empty == "" and notes[0] == (
        "- **one**: `python -m recipes.tag`; test. CPU (x, 2 cores); python 3.11."
    )


def test_readme_with_replaces_what_is_between_the_marks():
    text = f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n"
    once = publish.readme_with(text, [publish.combine("one", [RUN])])
    assert once.startswith("before\n") and once.endswith("\nafter\n")
    assert "old" not in once and "**one**" in once
    assert publish.readme_with(once, [publish.combine("one", [RUN])]) == once


def test_readme_without_the_marks():
    with pytest.raises(ValueError, match="expected the lines"):
        publish.readme_with("no table\n", [])


@pytest.mark.skipif(not publish.README.exists(), reason="not in a checkout")
def test_the_table_of_readme_is_that_of_the_result_files():
    text = publish.README.read_text(encoding="utf-8")
    assert publish.readme_with(text, publish.read_results()) == text


@pytest.mark.parametrize("file", sorted(publish.RESULTS.rglob("*.json")), ids=str)
def test_result_files(file):
    result = json.loads(file.read_text(encoding="utf-8"))
    assert result.keys() == publish.combine("name", [RUN]).keys()
    if file.parent == publish.RESULTS:
        assert result["name"] == file.stem
    assert result["mean"] == pytest.approx(sum(result["scores"]) / len(result["seeds"]))


def test_main_needs_runs_and_a_card(monkeypatch):
    monkeypatch.setattr("sys.argv", ["publish", "name"])
    with pytest.raises(ValueError, match="expected NAME RUN_DIR"):
        publish.main()
