"""The study of the defaults: corpora, settings, what is the best, and the page."""

import importlib
import json
from pathlib import Path

import pytest

from recipes.maintenance import defaults
from zoo.command_line import parse
from zoo.data import corpora


def cut(name, tmp_path):
    """A part that is cut from files of this test."""
    target = tmp_path / "cut"
    defaults.PARTS[name].cut(tmp_path / "data", target)
    return str(target)


def test_sentences_are_phrases_that_are_no_part_of_another(tmp_path):
    data = tmp_path / "data" / "sst2_glue"
    data.mkdir(parents=True)
    phrases = ["0\tnot a good film", "1\ta good film", "1\tgood", "0\ta dull one"]
    for split in ("train", "dev", "test"):
        rows = "".join(f"{phrase}\n" for phrase in phrases)
        (data / f"{split}.tsv").write_text("label\tsentence\n" + rows)
    splits = corpora.labeled(cut("sst2-sentences", tmp_path))
    assert sorted(splits["train"]) == [("a dull one", "0"), ("not a good film", "0")]
    assert len([*splits["dev"]]) == 4


def test_a_part_keeps_the_official_splits(tmp_path):
    data = tmp_path / "data" / "ud_ewt" / "r2.10"
    data.mkdir(parents=True)
    row = "1\tw{0}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n"
    sizes = {"train": 300, "dev": 20, "test": 30}
    for split, size in sizes.items():
        text = "".join(row.format(f"{split}{i}") for i in range(size))
        (data / f"en_ewt-ud-{split}.conllu.gz").write_text(text)
    splits = corpora.tagged(cut("ud_ewt-200", tmp_path))
    assert {s: len([*c]) for s, c in splits.items()} == sizes | {"train": 200}
    assert all(words[0].startswith("wdev") for words, _ in splits["dev"])


@pytest.mark.parametrize("recipe", defaults.SPACES)
def test_settings_are_options_of_the_recipe_and_always_the_same(recipe):
    found = defaults.settings(recipe)
    assert found == defaults.settings(recipe)
    assert len(found) == 11 and found[defaults.DEFAULT] == {}
    drawn = [tuple(options.items()) for options in found.values()]
    assert len(set(drawn)) == 11
    config_type = importlib.import_module(f"recipes.{recipe}").Config
    for options in found.values():
        words = [w for o, v in options.items() for w in (f"--{o}", str(v).lower())]
        config = parse(config_type, words)
        assert all(getattr(config, o) == v for o, v in options.items())


def row(dev, test, unit="%"):
    return {
        "dev_score": dev, "score": test, "metric": "accuracy", "unit": unit,
        "seconds": 60, "epochs": 3,
    }  # fmt: skip


def test_the_best_is_the_best_of_dev(tmp_path, monkeypatch):
    """The study goes on where it was, and says what came of each setting."""
    scores = {"default": (80, 70), "random-1": (81, 60), "random-2": (79, 99)}
    part = defaults.Part(
        recipe="tag", cut=lambda data, target: target.mkdir(parents=True)
    )
    monkeypatch.setattr(defaults, "PARTS", {"tiny": part})

    def train(commands, jobs):
        for words in commands:
            directory = Path(words[-1])
            directory.mkdir()
            metrics = row(*scores[directory.name])
            (directory / "metrics.json").write_text(json.dumps(metrics))

    monkeypatch.setattr(defaults, "train", train)
    arguments = ["tiny", "--runs", str(tmp_path / "runs"), "--data", str(tmp_path)]
    defaults.main([*arguments, "--only", *scores], tmp_path)
    found = json.loads((tmp_path / "defaults" / "tiny.json").read_text())
    assert found.keys() == scores.keys()
    assert defaults.best(found) == "random-1"
    lines = (tmp_path / "DEFAULTS.md").read_text().splitlines()
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert " ".join(cells[:9]) == "tiny accuracy 80.00 70.00 3 1.0 2 81.00 60.00"


def test_of_losses_the_best_is_the_smallest():
    found = {
        "default": row(2, 2, "nats"),
        "a": row(1.5, 9, "nats"),
        "b": row(1.8, 1, "nats"),
    }
    assert defaults.best(found) == "a"


def test_a_corpus_that_is_not_there():
    with pytest.raises(ValueError, match="no corpus 'imbd'; expected one of"):
        defaults.main(["imbd"])
