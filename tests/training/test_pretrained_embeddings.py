"""Pretrained vectors in models: which words have them, and what a checkpoint keeps."""

import json
import re
from dataclasses import dataclass

import keras
import numpy as np
import pytest
from conftest import options, write_corpus
from test_recipes import answers

import zoo
from recipes import classify, publish, tag
from zoo.checkpoints import load
from zoo.training import fit, pretrained_embeddings
from zoo.training.pretrained_embeddings import VectorsConfig, choose_words

SENTENCES = [["a", "b", "a"], ["B", "rare", "odd"], ["c", "odd", "<unk>"]]
ROWS = {
    "first": (9, 9), "a": (1, 0), "<unk>": (7, 7), "b": (0, 2), "rare": (3, 3),
    "last": (5, 5),
}  # fmt: skip
COLUMNS = np.array(list(ROWS.values()), float)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RECURRENT_ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    lines = [f"{word} {x} {y}\n" for word, (x, y) in ROWS.items()]
    (tmp_path / "v.txt").write_text("".join(lines))
    return str(tmp_path / "v.txt")


@dataclass(frozen=True, kw_only=True)
class Options(VectorsConfig):
    seed: int = 0


def choose(min_count=2, **changes):
    return choose_words(Options(**changes), iter(SENTENCES), min_count)


def test_without_vectors():
    words = choose()
    assert words.vocabulary.entries == ["a", "odd"] and words.num_frozen is None
    assert words.sizes(7) == {
        "vocabulary_size": 6, "num_frozen": None, "embedding_size": 7,
    }  # fmt: skip
    assert words.report() == {} and words.settings(VectorsConfig()) == {}


# Seen once: b, B (as b), rare, c. Not in the file: odd (twice), c.
@pytest.mark.parametrize("embedding, first, learnt, frozen", [
    ("tuned", 0, ["a", "odd", "B", "b", "rare"], []),
    ("tuned", 4, ["a", "odd", "B", "b", "rare"], ["first"]),
    ("tuned", 99, ["a", "odd", "B", "b", "rare"], ["first", "last"]),
    ("frozen", 0, ["odd"], ["a", "B", "b", "rare"]),
    ("frozen", 4, ["odd"], ["a", "B", "b", "rare", "first"]),
])  # fmt: skip
def test_words_and_their_rows(file, embedding, first, learnt, frozen):
    words = choose(vectors=file, embedding=embedding, vector_words=first)
    assert words.vocabulary.entries == learnt + frozen
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
    ({"embedding": "frozen"}, "embedding: expected tuned without vectors, got frozen"),
    ({"vectors": "v", "unfreeze": 2}, "unfreeze: expected 0 where embedding is tuned"),
    ({"vectors": "no-such"}, "no-such: neither a file nor the name of vectors"),
])  # fmt: skip
def test_options_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        choose(**changes)


# --- In the recipes ----------------------------------------------------------------


@pytest.fixture
def words_file(tmp_path):
    """Vectors of most words of the tiny corpora, and of two others."""
    words = "the dog man runs film good fine bad poor a zebra yak".split()
    random = np.random.default_rng(0)
    lines = [f"{w} {' '.join(map(str, random.normal(size=3)))}\n" for w in words]
    (tmp_path / "words.txt").write_text("".join(lines))
    return tmp_path / "words.txt"


def rows_of(file):
    lines = map(str.split, file.read_text().splitlines())
    return {word: np.float32(numbers) for word, *numbers in lines}


def trained(recipe, tmp_path, words_file, **changes):
    name = recipe.__name__.split(".")[1]
    data = write_corpus(tmp_path / name / "data", name)
    changes = {"vectors": str(words_file), "run_dir": str(tmp_path / "run"), **changes}
    result = recipe.run(recipe.Config(**options(name, data, **changes)))
    return name, result, data


@pytest.mark.parametrize("recipe", [classify, tag])
@pytest.mark.parametrize("changes", [
    {}, {"embedding": "frozen"}, {"embedding": "frozen", "unfreeze": 1},
], ids=["tuned", "frozen", "unfrozen"])  # fmt: skip
def test_a_run_with_vectors(recipe, changes, tmp_path, words_file, capsys):
    name, result, data = trained(recipe, tmp_path, words_file, **changes)
    assert "vectors of the training data's words: " in capsys.readouterr().out
    model = result.model
    given = rows_of(words_file)
    found = result.metrics["vectors"]
    assert found["types_found"] + len(found["missing"]) == found["types"]
    layer = model.keras_model.get_layer("embedding")
    words = model.vocabulary.tokens[layer.num_learnt :]
    kept = {
        word: np.array_equal(row, given[word])
        for word, row in zip(words, layer.vectors.numpy(), strict=True)
    }
    assert kept["zebra"] and kept["yak"]
    word = "runs" if name == "tag" else "film"
    assert (word in kept) is bool(changes)
    if changes:
        # A later epoch than the first is the best one, if any learnt.
        assert kept[word] or "unfreeze" in changes
    loaded = zoo.load(tmp_path / "run")
    assert answers(name, loaded) == answers(name, model)
    stored = load(tmp_path / "run").weights
    assert (pretrained_embeddings.FROZEN in stored) is (
        changes != {"embedding": "frozen"}
    )
    # A word that only the vectors know is told from an unknown one.
    first, second = (model.encode(x if name == "classify" else [x]) for x in
                     ("zebra", "qqq"))  # fmt: skip
    assert first.flat[0] != second.flat[0] == 1


@pytest.mark.parametrize("recipe", [classify, tag])
def test_a_checkpoint_without_its_vectors(recipe, tmp_path, words_file):
    name, result, _ = trained(recipe, tmp_path, words_file, embedding="frozen")
    run_dir = tmp_path / "run"
    moved = words_file.rename(tmp_path / "moved.txt")
    with pytest.raises(ValueError) as error:
        zoo.load(run_dir)
    message = str(error.value)
    assert message.startswith(f"{run_dir / 'checkpoint' / 'config.json'}: the check")
    assert f"expected those of {words_file} (sha256 " in message
    assert "\n" not in message and "zoo.load(..., vectors=FILE)" in message
    expected = answers(name, result.model)
    assert answers(name, zoo.load(run_dir, vectors=moved)) == expected
    # The same numbers in another format are the same vectors.
    headed = tmp_path / "headed.vec"
    headed.write_text(f"{len(moved.read_text().splitlines())} 3\n" + moved.read_text())
    assert answers(name, zoo.load(run_dir, vectors=headed)) == expected
    moved.write_text(moved.read_text().replace("zebra", "gnu"))
    with pytest.raises(ValueError, match="moved.txt: other word vectors than in train"):
        zoo.load(run_dir, vectors=moved)


def test_vectors_without_lower_casing(tmp_path, words_file):
    result = trained(tag, tmp_path, words_file, lowercase=False)[1]
    encode = result.model.encode
    assert encode(["Zebra"])[0, 0] == encode(["zebra"])[0, 0] > 3
    assert zoo.load(tmp_path / "run").encode(["Zebra"])[0, 0] == encode(["zebra"])[0, 0]


def test_unfrozen_vectors_wait(tmp_path, words_file, monkeypatch):
    seen = []

    def watched(model, *arguments, **options):
        layer = model.get_layer("embedding")
        options["evaluate"] = lambda: seen.append(layer.vectors.numpy()) or {}
        return fit(model, *arguments, **options)

    monkeypatch.setattr(tag, "fit", watched)
    changes = {"embedding": "frozen", "unfreeze": 2, "epochs": 3}
    model = trained(tag, tmp_path, words_file, **changes)[1].model
    given, num_learnt = rows_of(words_file), len(model.vocabulary) - len(seen[0])
    for i, word in enumerate(model.vocabulary.tokens[num_learnt:]):
        moved = [not np.array_equal(vectors[i], given[word]) for vectors in seen]
        is_trained = word in ("dog", "man", "runs")
        assert moved == [False, False, is_trained], word


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="compiles for long")
@pytest.mark.skipif(not publish.README.exists(), reason="not in a checkout")
def test_the_recipe_of_readme(tmp_path, glove_package, monkeypatch, capsys):
    text = publish.README.read_text(encoding="utf-8")
    code = re.search("<!-- names: begin -->\n```python\n(.*?)```", text, re.S)[1]
    assert len(code.splitlines()) <= 21
    sentences = "the O\ndog O\nto O\nNew B-LOC\nYork I-LOC\n\nAnn B-PER\nran O\n\n"
    (tmp_path / "names.conll").write_text(sentences * 10)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    *_, first, second, third = capsys.readouterr().out.splitlines()
    assert all(re.match(r"[01]\.\d{3} \[\('Ann', '", x) for x in (first, second, third))
    assert first[:5] >= second[:5] >= third[:5]
