"""The trained models that came along: complete, small, and as good as they say."""

import importlib
import json
import os
import shlex
from pathlib import Path

import pytest
from conftest import tiered

import zoo
from recipes.maintenance.results import RESULTS
from zoo.checkpoints import CONFIG, WEIGHTS
from zoo.command_line import parse
from zoo.inference import catalog
from zoo.tasks import TASKS

DATA = Path(
    os.environ.get("RECURRENT_ZOO_DATA")
    or Path(__file__).parents[2] / ".." / "shared" / "data"
)
MODELS = zoo.list_models()
CARD_KEYS = {
    "task", "data", "licence", "languages", "command", "score", "test_score",
    "not_good_for",
}  # fmt: skip

each_model = pytest.mark.parametrize("name", MODELS)


@pytest.mark.skipif(not MODELS, reason="no trained model has been published")
def test_each_result_has_its_model():
    assert MODELS == sorted(MODELS)
    assert {zoo.load(name).task for name in MODELS} <= TASKS.keys()
    assert {file.stem for file in RESULTS.glob("*.json")} == set(MODELS)


@each_model
def test_card(name):
    card = catalog.card(name)
    assert CARD_KEYS <= card.keys()
    assert all(card[key] for key in CARD_KEYS)
    assert isinstance(card["test_score"], float)


@each_model
def test_a_directory_holds_a_card_and_a_small_checkpoint(name):
    directory = catalog.find(name)
    files = json.loads((directory / CONFIG).read_text(encoding="utf-8"))["files"]
    assert {p.name for p in directory.iterdir()} == {*files, CONFIG, "card.json"}
    assert (directory / WEIGHTS).stat().st_size <= 12 * 2**20


@each_model
def test_it_loads_by_name_and_predicts(name):
    model = zoo.load(name)
    if model.task == "language_model":
        assert len(model.generate("The ", 20)) > 4
        assert model.score("The end.").perplexity > 1
    elif model.task == "translator":
        assert model.translate("Ein Mann sitzt auf einer Bank.")
    else:
        assert model.predict("The dog ran in the park .")


@pytest.mark.data
@pytest.mark.parametrize("name", tiered(MODELS, ["sst2-glove"]))
def test_it_reproduces_its_score(name):
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent; RECURRENT_ZOO_DATA names the data")
    result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    recipe = importlib.import_module(f"recipes.{result['recipe']}")
    command = result["command"].replace("../shared/data", str(DATA))
    config = parse(recipe.Config, shlex.split(command)[3:])
    found = recipe.evaluate(zoo.load(name), config)
    tolerance = 0.001 if result["metric"] == "cross-entropy" else 0.05
    assert found == pytest.approx(catalog.card(name)["test_score"], abs=tolerance)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A catalog of one model that is a card only."""
    (tmp_path / "sst2-lstm").mkdir()
    (tmp_path / "sst2-lstm" / "card.json").write_text('{"task": "classifier"}')
    (tmp_path / "sst2-lstm" / "config.json").write_text("{}")
    (tmp_path / "no-card").mkdir()
    monkeypatch.setattr(catalog, "_home", lambda: tmp_path)
    return tmp_path


def test_list_models_goes_by_cards(home):
    assert catalog.list_models() == ["sst2-lstm"]
    assert catalog.find("sst2-lstm") == home / "sst2-lstm"
    assert catalog.card("sst2-lstm") == {"task": "classifier"}


def test_a_path_is_found(home, tmp_path):
    assert catalog.find(tmp_path / "no-card") == tmp_path / "no-card"


@pytest.mark.parametrize(
    "name, hint",
    [("sst2-lstn", "did you mean 'sst2-lstm'"), ("xyz", "python -m zoo list")],
)
def test_an_unknown_name(home, name, hint):
    with pytest.raises(ValueError, match=f"{name}: neither a model .*{hint}"):
        catalog.find(name)


@pytest.mark.parametrize("content", ["{", "[]", '"a"'])
def test_a_card_that_is_none(home, content):
    (home / "sst2-lstm" / "card.json").write_text(content)
    with pytest.raises(ValueError, match="card.json: (not|expected a) JSON"):
        catalog.card("sst2-lstm")


def test_without_a_card_the_configuration_tells(home):
    file = home / "no-card" / "config.json"
    file.write_text('{"task": "tagger", "files": {}}')
    assert catalog.card(home / "no-card") == {"task": "tagger"}


def test_a_line_of_the_list(home):
    card = {
        "task": "classifier",
        "languages": ["de", "en"],
        "score": "1.25 nats per character (cross-entropy), test, 10 characters",
        "parameters": 1234567,
    }
    (home / "sst2-lstm" / "card.json").write_text(json.dumps(card))
    (home / "sst2-lstm" / "config.json").write_text('{"task": "language_model"}')
    (home / "sst2-lstm" / "weights.safetensors").write_bytes(bytes(2_500_000))
    assert catalog.summary("sst2-lstm") == (
        "sst2-lstm", "language model", "de-en", "1.25 nats per character",
        "1,234,567", "2.5",
    )  # fmt: skip
    card["score"] = "84.2 % (accuracy), test, 9 examples"
    (home / "sst2-lstm" / "card.json").write_text(json.dumps(card))
    assert catalog.summary("sst2-lstm")[3] == "84.2 % (accuracy)"


def test_a_card_that_says_little_gives_a_line_too(home):
    assert catalog.summary("sst2-lstm") == ("sst2-lstm", "", "", "", "", "0.0")


def test_a_checkpoint_that_was_about_to_be_replaced_is_found(home, tmp_path):
    (tmp_path / "no-card").rename(tmp_path / "no-card.previous")
    assert catalog.find(tmp_path / "no-card") == tmp_path / "no-card"


@pytest.mark.parametrize("name", ["sst2", "sst2-glove", "imdb"])
def test_sentiment_is_told_in_words(name):
    model = zoo.load(name)
    answers = model.predict(["a gorgeous, witty, seductive movie", "dull and stupid"])
    assert [answer.label for answer in answers] == ["positive", "negative"]
    assert list(answers[0].probabilities) == ["negative", "positive"]
    assert model.labels.names == ["0", "1"]
