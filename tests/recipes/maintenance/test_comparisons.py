"""Comparisons: what is run, what is not run again, and the tables."""

import json

import pytest
from conftest import TINY, write_corpus

from recipes.maintenance import comparisons, results
from recipes.maintenance.groups import GROUPS, Group


@pytest.fixture
def groups(tmp_path):
    """A group of tiny trainings: one row, and another evaluation of it."""
    write_corpus(tmp_path / "data" / "corpus", "translate")
    (tmp_path / "results").mkdir()
    sizes = " ".join(f"--{name} {value}" for name, value in TINY.items())
    group = Group(
        about="## A heading\n\nWords.",
        recipe="translate",
        data="corpus",
        options=f"--source de --target en --min_count 1 {sizes}",
        trained={"no attention": "--attention none", "dear": "--units 100000000"},
        evaluated={
            "no attention, beam": ("no attention", "--beam_size 3"),
            "reranked": ("no attention", "--beam_size 3 --rerank {lm}"),
        },
        helpers={"lm": f"recipes.generate --data {{data}}/corpus/train.en {sizes}"},
    )
    return {"tiny": group}


def run(groups, tmp_path, *arguments):
    places = ("--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs"))
    comparisons.main([*arguments, *places], groups, tmp_path / "results")


def test_a_comparison(groups, tmp_path, capfd):
    rows = ("--only", "no attention", "no attention, beam", "reranked")
    incomplete = tmp_path / "runs" / "tiny" / "no-attention-1"
    incomplete.mkdir(parents=True)
    run(groups, tmp_path, "tiny", *rows, "--seeds", "0", "1", "--jobs", "2")
    assert capfd.readouterr().out.count("start") == 3
    result = json.loads(
        (tmp_path / "results/comparisons/tiny/no-attention.json").read_text()
    )
    assert result["seeds"] == [0, 1] and result["name"] == "no attention"
    assert result["command"].endswith("--attention none")
    beam = json.loads(
        (tmp_path / "results/comparisons/tiny/no-attention-beam.json").read_text()
    )
    assert beam["command"] == f"{result['command']} --beam_size 3"
    assert beam["parameters"] == result["parameters"]
    reranked = json.loads(
        (tmp_path / "results/comparisons/tiny/reranked.json").read_text()
    )
    assert reranked["command"] == f"{beam['command']} --rerank LM"
    page = (tmp_path / "results/COMPARISONS.md").read_text()
    assert "## A heading\n\nWords.\n\nBLEU, sacrebleu; test, " in page
    assert page.index("| no attention |") < page.index("| no attention, beam |")
    assert " ± " in page and "dear" not in page
    run(groups, tmp_path, "tiny", *rows, "--seeds", "0", "1")
    assert "start" not in capfd.readouterr().out


def test_a_training_that_fails_says_what_it_said(tmp_path):
    directory = tmp_path / "run"
    bad = ["python", "-m", "recipes.tag", "--data", "nowhere", "--run_dir"]
    with pytest.raises(ValueError) as error:
        comparisons.train([[*bad, str(directory)]], jobs=1)
    assert "nowhere" in str(error.value) and f"see {directory}.log" in str(error.value)


def test_an_unknown_row_is_named(groups, tmp_path):
    with pytest.raises(ValueError, match="--only: no row 'x'; expected one of"):
        run(groups, tmp_path, "tiny", "--only", "x")


@pytest.mark.parametrize("key", GROUPS)
def test_the_options_of_every_row_are_those_of_its_recipe(key, tmp_path):
    import importlib

    from zoo.command_line import parse

    group = GROUPS[key]
    recipe = importlib.import_module(f"recipes.{group.recipe}")
    for name in group.trained:
        words = comparisons.command(group, name, 3, tmp_path, tmp_path / "run")
        config = parse(recipe.Config, words[3:])
        assert config.seed == 3 and config.run_dir == str(tmp_path / "run")
    for trained, options in group.evaluated.values():
        assert trained in group.trained
        parse(recipe.Config, options.format(**{n: n for n in group.helpers}).split())
    for name in group.helpers:
        words = comparisons.helper_command(group, name, tmp_path, tmp_path / "run")
        helper = importlib.import_module(words[2])
        assert parse(helper.Config, words[3:]).data.startswith(str(tmp_path))


PAGE = results.RESULTS / comparisons.PAGE


@pytest.mark.skipif(not PAGE.exists(), reason="not in a checkout")
def test_the_page_is_that_of_the_result_files():
    expected = comparisons.page(GROUPS, results.RESULTS / comparisons.COMPARISONS)
    assert PAGE.read_text(encoding="utf-8") == expected
