"""The benchmark of the search: all contestants find what the zoo finds."""

import importlib.util
import sys

import numpy as np
import pytest

import zoo
from recipes.benchmarks import keras_search, search
from zoo.inference import Translator
from zoo.models.translator import TranslatorConfig
from zoo.text.tokenizers import Tokenizer

WORDS = ["a", "b", "c", "d"]


def save(directory, **options):
    """Saves a translator of a few units whose random weights are large."""
    config = TranslatorConfig(
        source_vocabulary_size=8, target_vocabulary_size=8, units=4, embedding_size=3,
        **{"cell": "gru", **options},
    )  # fmt: skip
    model = Translator(
        config,
        {"source": WORDS, "target": ["w", "x", "y", "z"]},
        source_tokenizer=vars(Tokenizer("words")),
        target_tokenizer=vars(Tokenizer("words")),
    )
    random = np.random.default_rng(3)
    for weight in model.keras_model.weights:
        weight.assign(random.normal(0, 1, weight.shape))
    model.save(directory)
    return str(directory)


@pytest.fixture
def sources():
    random = np.random.default_rng(0)
    return [" ".join(random.choice([*WORDS, "new"], n)) for n in [3, 1, 7, 2] * 10]


def test_the_loop_of_keras_io_translates_as_the_zoo(tmp_path, sources):
    model = zoo.load(save(tmp_path / "model"))
    found = [keras_search.loop(model, text) for text in sources[:6]]
    assert found == model.translate(sources[:6]) and len({*found}) > 1


@pytest.mark.nightly
def test_contestants_find_the_same(tmp_path, sources):
    contestants = dict.fromkeys((search.ZOO, search.KERAS), sys.executable)
    if importlib.util.find_spec("torch"):  # of the extra `bench`
        contestants[search.TORCH] = sys.executable
    pairs = [(source, "w x y z w") for source in sources]
    place = save(tmp_path / "model")
    found = search.compete(place, pairs, contestants, few=3, beam_size=3, rounds=2)
    figures = {(f["contestant"], f["search"]): f for f in found["searches"]}
    assert [*figures] == [(n, s) for n in contestants for s in search.SEARCHES[n]]
    for (name, kind), figure in figures.items():
        assert figure["as_the_zoo"] == 1
        assert figure["sentences"] == (3 if kind == "one by one" else 40)
        assert (figure["bleu"] is None) == (kind == "one by one")
        assert len(figure["seconds"]) == 2 and min(figure["seconds"]) > 0
        each = figure["seconds_a_sentence"]["median"] * figure["sentences"]
        assert each == pytest.approx(np.mean(figure["seconds"]))
        if name == search.ZOO:
            assert figure["zoo_times_as_fast"]["median"] == 1
    # It is a search: what the beam finds is something else than what greed finds.
    model = zoo.load(place)
    assert model.translate(sources, 3) != model.translate(sources)
    assert found["words"]["all"] == pytest.approx(13 / 4)
    table = search.rows(found["searches"])
    assert [row["sentences"] for row in table[:3]] == ["40", "40", "3"]


def test_a_contestant_that_cannot_start_says_why(tmp_path, sources):
    place = save(tmp_path / "model")
    pairs = [(source, "w") for source in sources]
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no module named joeynmt >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(ValueError, match="ended early: no module named joeynmt"):
        search.compete(place, pairs, {search.JOEYNMT: str(python)})


def test_a_model_that_not_all_contestants_can_be(tmp_path):
    place = save(tmp_path / "model", cell="lstm")
    with pytest.raises(ValueError, match="cell: expected 'gru', which all .* 'lstm'"):
        search.load(place)
    with pytest.raises(ValueError, match="expected a translator, got a classifier"):
        search.load("sst2")


def test_the_few_are_spread_over_all():
    assert search.spread_out(9, 3) == [0, 4, 8]
    assert search.spread_out(2, 20) == [0, 1]
