"""Pretrained vectors in models: which words have them, and what a checkpoint keeps."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import answers, tiny

import zoo
from recipes import classify, generate, tag, translate
from zoo.checkpoints import load
from zoo.training.config import VectorsConfig
from zoo.training.pretrained_embeddings import initial_embeddings

PAGE = Path(__file__).parents[2] / "pretrained" / "README.md"
SENTENCES = [["a", "b", "a"], ["B", "rare", "odd"], ["c", "odd", "<unk>"]]
ROWS = {
    "first": (9, 9), "a": (1, 0), "<unk>": (7, 7), "b": (0, 2), "rare": (3, 3),
    "last": (5, 5),
}  # fmt: skip
COLUMNS = np.array(list(ROWS.values()), float)


@pytest.fixture
def file(tmp_path):
    lines = [f"{word} {x} {y}\n" for word, (x, y) in ROWS.items()]
    (tmp_path / "v.txt").write_text("".join(lines))
    return str(tmp_path / "v.txt")


def choose(min_count=2, **changes):
    return initial_embeddings(VectorsConfig(**changes), iter(SENTENCES), min_count, 0)


def test_without_vectors():
    words = choose()
    assert words.vocabulary.entries == ["a", "odd"] and words.num_frozen is None
    assert words.sizes(7) == {"num_frozen": None, "embedding_size": 7}
    assert words.report() == {} and words.settings(VectorsConfig()) == {}


# Seen once: b, B (as b), rare, c. Not in the file: odd (twice), c.
@pytest.mark.parametrize("finetuned, first, learned, frozen", [
    (True, 0, ["a", "odd", "B", "b", "rare"], []),
    (True, 4, ["a", "odd", "B", "b", "rare"], ["first"]),
    (True, 99, ["a", "odd", "B", "b", "rare"], ["first", "last"]),
    (False, 0, ["odd"], ["a", "B", "b", "rare"]),
    (False, 4, ["odd"], ["a", "B", "b", "rare", "first"]),
])  # fmt: skip
def test_words_and_their_rows(file, finetuned, first, learned, frozen):
    words = choose(vectors=file, finetune_vectors=finetuned, vector_words=first)
    assert words.vocabulary.entries == learned + frozen
    assert words.num_frozen == (len(frozen) or None)
    assert words.sizes(7)["embedding_size"] == 2
    for word, row in zip(words.vocabulary.entries, words.matrix[4:]):
        if word == "odd":
            assert (np.abs(row - COLUMNS.mean(0)) < 6 * COLUMNS.std(0)).all()
        else:
            np.testing.assert_array_equal(row, ROWS[word.lower()])
    special = words.matrix[:4]
    assert (special == special[0]).all() and (special[0] > 0).all()
    assert words.found.coverage.types == 6 and words.found.coverage.types_found == 4
    report = words.report()["vectors"]
    assert report["kept"] == len(frozen) and report["tokens_found"] == 5
    assert json.loads(json.dumps(report)) == report


def test_words_that_are_rare_and_have_no_vector_are_unknown(file):
    words = choose(vectors=file)
    assert words.vocabulary.encode(["c", "odd", "rare"]).tolist()[0] == 1
    assert "c" in choose(1, vectors=file).vocabulary


def test_the_seed_draws_what_is_missing(file):
    first, again = (choose(vectors=file).matrix for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("changes, message", [
    ({"vectors": "no-such"}, "no-such: neither a file nor the name of vectors"),
])  # fmt: skip
def test_options_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        choose(**changes)


# --- In the recipes ----------------------------------------------------------------


# A word of the tiny corpus of each recipe that has vectors.
WORDS = {classify: "film", tag: "runs", generate: "runs", translate: "hund"}
CHANGES = {generate: {"tokens": "words", "vector_words": 99}}
FROZEN = {"finetune_vectors": False}
UNFROZEN = {"finetune_vectors": False, "unfreeze_after": 1}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RECURRENT_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def words_file(tmp_path):
    """Vectors of most words of the tiny corpora, and of two others."""
    words = "the dog man runs film good fine bad poor a der hund zebra yak".split()
    random = np.random.default_rng(0)
    lines = [f"{w} {' '.join(map(str, random.normal(size=3)))}\n" for w in words]
    (tmp_path / "words.txt").write_text("".join(lines))
    return tmp_path / "words.txt"


def rows_of(file):
    lines = map(str.split, file.read_text().splitlines())
    return {word: np.float32(numbers) for word, *numbers in lines}


def name_of(recipe):
    return recipe.__name__.split(".")[1]


def configuration(recipe, tmp_path, words_file, **changes):
    changes = {"vectors": str(words_file), **CHANGES.get(recipe, {}), **changes}
    return tiny(name_of(recipe), tmp_path, **changes)


def frozen_path(recipe):
    return f"{'source_' * (recipe is translate)}embedding/vectors"


def encode(recipe, model, word):
    return model.encode([word] if recipe is tag else word).flat[0]


@pytest.mark.parametrize(
    "recipe, changes",
    [
        *((recipe, changes) for recipe in WORDS for changes in ({}, FROZEN)),
        (tag, UNFROZEN),
        (translate, UNFROZEN),
    ],
)
def test_a_run_with_vectors(recipe, changes, tmp_path, words_file, capsys):
    result = recipe.run(configuration(recipe, tmp_path, words_file, **changes))
    assert "vectors of the training data's words: " in capsys.readouterr().out
    model, given = result.model, rows_of(words_file)
    found = result.metrics["vectors"]
    assert found["types_found"] + len(found["missing"]) == found["types"]
    rows = model.embedding.vectors.numpy()
    words = model.vocabulary.tokens[-len(rows) :]
    kept = {
        word: np.array_equal(row, given[word])
        for word, row in zip(words, rows, strict=True)
    }
    assert kept["zebra"] and kept["yak"]
    word = WORDS[recipe]
    assert (word in kept) is bool(changes)
    if changes:
        # A later epoch than the first is the best one, if any was trained.
        assert kept[word] or changes == UNFROZEN
    loaded = zoo.load(tmp_path / "run")
    name = name_of(recipe)
    assert answers(name, loaded) == answers(name, model)
    stored = load(tmp_path / "run").weights
    assert (frozen_path(recipe) in stored) is (changes != FROZEN)
    # A word that only the vectors know is told from an unknown one.
    assert encode(recipe, model, "qqq") == 1 != encode(recipe, model, "zebra")
    assert encode(recipe, loaded, "Zebra") == encode(recipe, loaded, "zebra")


@pytest.mark.parametrize("recipe", WORDS, ids=name_of)
def test_a_checkpoint_without_its_vectors(recipe, tmp_path, words_file, cache):
    experiment = recipe.prepare(configuration(recipe, tmp_path, words_file, **FROZEN))
    experiment.directory.create(experiment.config)
    experiment.save()
    name, run_dir = name_of(recipe), tmp_path / "run"
    moved = words_file.rename(tmp_path / "moved.txt")
    expected = answers(name, experiment.model)
    assert answers(name, zoo.load(run_dir)) == expected  # from the cache
    shutil.rmtree(cache)
    with pytest.raises(ValueError) as error:
        zoo.load(run_dir)
    message = str(error.value)
    assert message.startswith(f"{run_dir / 'checkpoint' / 'config.json'}: the check")
    assert f"holds those of {words_file} (sha256 " in message
    assert "\n" not in message and "zoo.load(..., vectors=FILE)" in message
    assert answers(name, zoo.load(run_dir, vectors=moved)) == expected
    # The same numbers in another format are the same vectors.
    headed = tmp_path / "headed.vec"
    headed.write_text(f"{len(moved.read_text().splitlines())} 3\n" + moved.read_text())
    assert answers(name, zoo.load(run_dir, vectors=headed)) == expected
    moved.write_text(moved.read_text().replace("zebra", "gnu"))
    with pytest.raises(ValueError, match="moved.txt: other word vectors than in train"):
        zoo.load(run_dir, vectors=moved)


def test_vectors_without_lower_casing(tmp_path, words_file):
    result = tag.run(configuration(tag, tmp_path, words_file, lowercase=False))
    encode = result.model.encode
    assert encode(["Zebra"])[0, 0] == encode(["zebra"])[0, 0] > 3
    assert zoo.load(tmp_path / "run").encode(["Zebra"])[0, 0] == encode(["zebra"])[0, 0]


@pytest.mark.parametrize("recipe", WORDS, ids=name_of)
def test_unfrozen_vectors_wait(recipe, tmp_path, words_file):
    changes = {"finetune_vectors": False, "unfreeze_after": 2, "epochs": 3}
    experiment = recipe.prepare(
        configuration(recipe, tmp_path, words_file, **changes, patience=0)
    )
    layer, seen = experiment.model.embedding, []

    def evaluate():
        seen.append(layer.vectors.numpy())
        return (experiment.evaluate or dict)()

    dataclasses.replace(experiment, evaluate=evaluate).fit()
    given = rows_of(words_file)
    words = experiment.model.vocabulary.tokens[-len(seen[0]) :]
    train = experiment.splits["train"]
    read = [example[0] if recipe is translate else example for example in train]
    assert WORDS[recipe] in words and "zebra" in words
    for i, word in enumerate(words):
        moved = [not np.array_equal(vectors[i], given[word]) for vectors in seen]
        is_trained = re.search(rf"\b{word}\b", str(read)) is not None
        assert moved == [False, False, is_trained], word


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="compiles for long")
@pytest.mark.skipif(not PAGE.exists(), reason="not in a checkout")
def test_the_example_of_the_page(tmp_path, glove_package, monkeypatch, capsys):
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall("<!-- names: begin -->\n```python\n(.*?)```", page, re.S)
    assert len(code.splitlines()) <= 21
    names = ["Ann", "Bob", "Eve", "Ida", "Joe", "Kim", "Lea", "Max", "Pia", "Tom"]
    sentence = "the O\ndog O\nto O\nNew B-LOC\nYork I-LOC\n\n{} B-PER\nran O\n\n"
    (tmp_path / "names.conll").write_text("".join(map(sentence.format, names)))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    *_, first, second, third = capsys.readouterr().out.splitlines()
    assert all(re.match(r"[01]\.\d{3} \[\('Ann', '", x) for x in (first, second, third))
    assert first[:5] >= second[:5] >= third[:5]
