"""Trained models as users hold them: strings in, plain Python values out.

The models are untrained ones of a few units, large enough to disagree with each other.
"""

import math

import keras
import numpy as np
import pytest

from zoo.inference import Classifier, LanguageModel, Tagger, Translator
from zoo.ladders import ladder_length
from zoo.models.classifier import ClassifierConfig
from zoo.models.language_model import LanguageModelConfig
from zoo.models.tagger import TaggerConfig
from zoo.models.translator import TranslatorConfig
from zoo.tokenizers import Tokenizer
from zoo.vocabulary import END, START

WORDS = ["a", "b", "c", "d"]
TEXTS = ["a", "b c d", "", "d d a b c a", "new", "a b"]
LONG = "a b c d " * 12
OUTPUTS = {"binary": 1, "multiclass": 3, "multilabel": 3, "regression": 1}


def enlarged(trained, seed=1):
    """Draws the weights anew, larger, so that the answers differ."""
    random = np.random.default_rng(seed)
    for weight in trained.model.weights:
        weight.assign(random.normal(0, 1, weight.shape))
    return trained


def words(**options):
    return vars(Tokenizer("words", **options))


def classifier(head, max_length=16):
    config = ClassifierConfig(
        vocabulary_size=8, num_outputs=OUTPUTS[head], head=head, units=4,
        embedding_size=4,
    )  # fmt: skip
    labels = {"binary": ["no", "yes"], "regression": []}.get(head, ["x", "y", "z"])
    settings = {"mean": 10.0, "scale": 2.0} if head == "regression" else {}
    vocabularies = {"tokens": WORDS, "labels": labels}
    return enlarged(
        Classifier(
            config, vocabularies, tokenizer=words(), max_length=max_length, **settings
        )
    )


@pytest.fixture(scope="module")
def tagger():
    config = TaggerConfig(
        vocabulary_size=8, num_classes=3, units=4, embedding_size=4,
        character_vocabulary_size=8, character_filters=3, word_length=4,
    )  # fmt: skip
    vocabularies = {"words": WORDS, "characters": WORDS, "labels": ["X", "Y", "Z"]}
    return enlarged(Tagger(config, vocabularies, lowercase=True, tokenizer=words()))


def language_model(kind="characters", **options):
    tokens = [*WORDS, "\n"] if kind == "characters" else WORDS
    config = LanguageModelConfig(
        vocabulary_size=4 + len(tokens), units=4, embedding_size=4, num_layers=2,
        **options,
    )  # fmt: skip
    return enlarged(
        LanguageModel(config, {"tokens": tokens}, tokenizer=vars(Tokenizer(kind)))
    )


@pytest.fixture(scope="module")
def by_characters():
    return language_model()


@pytest.fixture(scope="module")
def by_words():
    return language_model("spaces")


def translator(seed=1, **options):
    config = TranslatorConfig(
        source_vocabulary_size=8, target_vocabulary_size=8, units=4, embedding_size=4,
        **options,
    )  # fmt: skip
    vocabularies = {"source": WORDS, "target": ["w", "x", "y", "z"]}
    settings = {"source_tokenizer": words(), "target_tokenizer": words()}
    return enlarged(Translator(config, vocabularies, **settings), seed)


@pytest.fixture(scope="module", params=["additive", "none"])
def translators(request):
    return translator(cell="lstm", attention=request.param)


def types(value):
    """Returns all types inside a value of plain containers."""
    inside = value.items() if isinstance(value, dict) else value
    if isinstance(value, (list, tuple, dict)):
        return {type(value)}.union(*map(types, inside))
    return {type(value)}


@pytest.mark.parametrize("initializer", ["orthogonal", "identity"])
@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_dropout_leaves_decoding_alone(cell, initializer):
    options = {"cell": cell, "recurrent_initializer": initializer}
    dropouts = {f"{where}_dropout": 0.2 for where in ("input", "output", "recurrent")}
    plain, dropped = (language_model(**options, **d) for d in ({}, dropouts))
    for _ in range(2):
        assert dropped.generate("a", 9, seed=1) == plain.generate("a", 9, seed=1)
    plain, dropped = (translator(**options, **d) for d in ({}, dropouts))
    for _ in range(2):
        assert dropped.translate(TEXTS) == plain.translate(TEXTS)


# --- Classifier ------------------------------------------------------------------


@pytest.fixture(scope="module", params=OUTPUTS)
def classifiers(request):
    return classifier(request.param)


def test_a_classifier_gives_plain_values(classifiers):
    answers = classifiers.predict(TEXTS)
    for answer in answers:
        plain = {str, float, tuple, dict}
        assert types((answer.label, answer.probabilities)) <= plain
        assert list(answer.probabilities) == classifiers.labels.names
    assert classifiers.predict(TEXTS[1]) == answers[1]
    assert classifiers.predict(iter(TEXTS)) == answers
    assert classifiers.predict([]) == []


def test_probabilities_by_hand():
    predict = {head: classifier(head).decide for head in OUTPUTS}
    answer = predict["binary"](np.array([math.log(3)]))
    assert answer.label == "yes"
    assert answer.probabilities == pytest.approx({"no": 0.25, "yes": 0.75})
    answer = predict["multiclass"](np.log([1.0, 5.0, 2.0]) + 1000)
    assert answer.label == "y"
    assert answer.probabilities == pytest.approx({"x": 1 / 8, "y": 5 / 8, "z": 2 / 8})
    answer = predict["multilabel"](np.array([math.log(3), -1.0, 2.0]))
    assert answer.label == ("x", "z")
    assert answer.probabilities["x"] == pytest.approx(0.75)
    answer = predict["regression"](np.array([1.5]))
    assert (answer.label, answer.probabilities) == (13.0, {})


def test_neither_order_nor_number_of_texts_changes_a_classification(classifiers):
    def values(answers):
        head = classifiers.config.head
        return [
            [a.label] if head == "regression" else [*a.probabilities.values()]
            for a in answers
        ]

    alone = [values([classifiers.predict(text)])[0] for text in TEXTS]
    many = TEXTS * 8 + [LONG]
    together = values(classifiers.predict(many))
    assert len(together) == len(many)
    for i, found in enumerate(together[:-1]):
        assert found == pytest.approx(alone[i % len(TEXTS)], abs=1e-5)
    backwards = values(classifiers.predict(TEXTS[::-1]))[::-1]
    assert np.allclose(backwards, alone, atol=1e-5)


def test_an_empty_text_is_classified_as_an_unknown_token():
    model = classifier("binary")
    assert model.predict("") == model.predict("   ") == model.predict("new")


def test_a_classifier_reads_no_more_than_max_length():
    model = classifier("binary", max_length=3)
    assert model.predict("a b c d d d") == model.predict("a b c")
    assert model.predict("a b c") != model.predict("a b")


@pytest.mark.parametrize("texts", [[1], [None], [["a", "b"]]])
def test_texts_must_be_strings(texts):
    with pytest.raises(ValueError, match="texts: expected strings, got"):
        classifier("binary").predict(texts)


# --- Tagger ----------------------------------------------------------------------


def test_a_tagger_gives_plain_pairs(tagger):
    answers = tagger.predict(TEXTS)
    assert types(answers) == {list, tuple, str}
    for text, pairs in zip(TEXTS, answers):
        assert [word for word, _ in pairs] == text.split()
        assert {tag for _, tag in pairs} <= {"X", "Y", "Z"}
    assert tagger.predict(TEXTS[1]) == answers[1]
    assert tagger.predict([text.split() for text in TEXTS]) == answers
    assert tagger.predict("") == [] and tagger.predict([]) == []


def test_neither_order_nor_number_of_sentences_changes_a_tag(tagger):
    alone = [tagger.predict(text) for text in TEXTS]
    together = tagger.predict(TEXTS * 8 + [LONG])
    assert together[:-1] == alone * 8
    assert tagger.predict(TEXTS[::-1])[::-1] == alone


def test_of_a_long_word_the_first_and_last_letters_are_read(tagger):
    encoded = tagger.encode(["abccccda", "ab", "abda"])
    assert encoded[:, 1:].tolist() == [[4, 5, 7, 4], [4, 5, 0, 0], [4, 5, 7, 4]]
    (word, tag), *others = tagger.predict([["x" * 10_000]])[0]
    assert word == "x" * 10_000 and not others


def test_letters_keep_the_case_that_words_lose(tagger):
    lower, upper = tagger.encode(["a"]), tagger.encode(["A"])
    assert lower[0, 0] == upper[0, 0] and lower[0, 1] != upper[0, 1]


# --- Language model --------------------------------------------------------------


def log_probabilities(lm, ids):
    """Returns the log-probability of each id, one step after another."""
    states = [np.zeros((1, s.shape[-1]), np.float32) for s in lm.model.inputs[1:]]
    before, out = lm.boundary, []
    for i in ids:
        outputs = lm.model([np.array([[before]], np.int32), *states])
        logits, *states = (keras.ops.convert_to_numpy(x) for x in outputs)
        z = logits[0, 0].astype(np.float64)
        out.append(z[i] - np.log(np.exp(z).sum()))
        before = int(i)
    return out


@pytest.mark.parametrize("text", ["abcd", "a\nb\n", "dd?ab", "a"])
def test_score_is_the_sum_step_by_step(by_characters, text):
    score = by_characters.score(text)
    expected = log_probabilities(by_characters, by_characters.encode(text))
    assert score.log_probabilities == pytest.approx(expected, abs=1e-4)
    assert score.perplexity == pytest.approx(math.exp(-np.mean(expected)), rel=1e-3)
    assert len(score.tokens) == len(text)
    assert types([score.tokens, score.log_probabilities]) == {list, str, float}
    assert type(score.perplexity) is float


def test_score_by_words_counts_the_end(by_words):
    score = by_words.score("a b")
    assert score.tokens == ["a", "b", "</s>"]
    assert score == by_words.score("a b\n")
    expected = log_probabilities(by_words, [4, 5, END])
    assert score.log_probabilities == pytest.approx(expected, abs=1e-4)


def test_score_does_not_depend_on_the_window(by_characters, monkeypatch):
    whole = by_characters.score("abcdabdcca")
    for window in (1, 3, 10):
        monkeypatch.setattr(by_characters, "window", window)
        found = by_characters.score("abcdabdcca").log_probabilities
        assert found == pytest.approx(whole.log_probabilities, abs=1e-5)


def test_the_probabilities_of_all_texts_of_two_tokens_sum_to_one(by_characters):
    ids = [(i, j) for i in range(9) for j in range(9)]
    logs = [by_characters.log_probabilities(np.array(pair)).sum() for pair in ids]
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-5)


def test_score_takes_one_text_or_several(by_characters):
    texts = ["ab", "", "dcba"]
    scores = by_characters.score(texts)
    assert scores[::2] == [by_characters.score(text) for text in texts[::2]]
    assert by_characters.score(texts[::-1])[::2] == scores[::-1][::2]
    assert scores[1].tokens == scores[1].log_probabilities == []
    assert math.isnan(scores[1].perplexity)


def test_generate_is_a_function_of_the_seed(by_characters):
    texts = [by_characters.generate("ab", 30, seed=seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("ab") and len(text) == 32 for text in texts)
    assert set(texts[0]) <= {*WORDS, "\n"}


def test_temperature_0_takes_the_likeliest_at_each_step(by_characters):
    ids = by_characters.encode("ab").tolist()
    for _ in range(6):
        likeliest = [
            log_probabilities(by_characters, [*ids, i])[-1] for i in range(END, 9)
        ]
        ids.append(END + int(np.argmax(likeliest)))
    expected = by_characters.text(ids)
    for seed in (0, 1):
        assert by_characters.generate("ab", 6, 0.0, seed) == expected


def test_generate_without_a_prompt(by_characters):
    assert len(by_characters.generate(max_tokens=5)) == 5


def test_generate_reads_a_prompt_of_unknown_tokens(by_characters):
    assert by_characters.generate("ü?", 3).startswith("ü?")


def test_generate_by_words_puts_a_space_behind_the_prompt(by_words):
    for prompt in ("a b", "a b ", "a\n", ""):
        text = by_words.generate(prompt, 8, 0.0)
        assert text.startswith(prompt)
        assert set(text.split()) <= set(WORDS)
    assert by_words.generate("a b", 8, 0.0) == by_words.generate("a b ", 8, 0.0)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"max_tokens": 0}, "max_tokens: expected at least 1, got 0"),
        ({"temperature": -0.1}, "temperature: expected at least 0, got -0.1"),
        ({"temperature": math.nan}, "temperature: expected at least 0, got nan"),
        ({"seed": -1}, "seed: expected at least 0, got -1"),
    ],
)
def test_generate_refuses(by_characters, options, expected):
    with pytest.raises(ValueError, match=expected):
        by_characters.generate("a", **options)


# --- Translator ------------------------------------------------------------------


def greedy(model, text):
    """Translates in a plain loop over the encoder and the decoder."""
    source = model.encode(text)
    padded = np.zeros((1, ladder_length(len(source))), np.int32)
    padded[0, : len(source)] = source
    encoder, decoder = map(model.model.get_layer, ("encoder", "decoder"))
    count = model.config.num_layers * model.config.num_states
    encoded = [keras.ops.convert_to_numpy(x) for x in encoder(padded)]
    states, context = encoded[:count], encoded[count:]
    ids, last = [], START
    for _ in range(2 * len(source) + 10):
        outputs = decoder([np.array([[last]], np.int32), *states, *context])
        logits, *states = (keras.ops.convert_to_numpy(x) for x in outputs)
        states = states[:count]
        last = END + int(logits[0, 0, END:].argmax())
        if last == END:
            break
        ids.append(last)
    return model.decode(ids)


@pytest.mark.parametrize("seed", range(3))
def test_translate_is_the_plain_loop(seed):
    model = translator(seed, cell="gru", num_layers=2)
    texts = [text for text in TEXTS if text]
    assert model.translate(texts) == [greedy(model, text) for text in texts]


def test_a_translator_gives_strings(translators):
    answers = translators.translate(TEXTS)
    assert types(answers) == {list, str}
    assert answers[TEXTS.index("")] == ""
    assert set(" ".join(answers).split()) <= {"w", "x", "y", "z"}
    assert translators.translate(TEXTS[1]) == answers[1]
    assert translators.translate("") == "" and translators.translate([]) == []


def test_neither_order_nor_number_of_texts_changes_a_translation(translators):
    alone = [translators.translate(text) for text in TEXTS]
    assert translators.translate(TEXTS * 6 + [LONG])[:-1] == alone * 6
    assert translators.translate(TEXTS[::-1])[::-1] == alone


def test_attention_is_a_distribution_over_the_source():
    model = translator()
    weights, source, target = model.attention("a b c")
    assert source == ["a", "b", "c", "</s>"] and target[-1] == "</s>"
    assert " ".join(target[:-1]) == model.translate("a b c")
    assert weights.shape == (len(target), 4)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)


def test_without_attention_there_is_none_to_see():
    with pytest.raises(ValueError, match="attention: this model was built without"):
        translator(attention="none").attention("a")
