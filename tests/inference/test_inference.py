"""Trained models as users hold them: strings in, plain Python values out.

The models are untrained ones of a few units, large enough to disagree with each other.
"""

import math

import keras
import numpy as np
import pytest
from conftest import STRANGE, tiered, tiered_values

from zoo.data.bucketing import bucket_length
from zoo.inference import (
    Cache,
    Classifier,
    Hypothesis,
    LanguageModel,
    Tagger,
    Translator,
    n_best_by_lm,
    rerank,
)
from zoo.inference.trained_model import batches_by_length
from zoo.inference.translator import MOST_TOKENS
from zoo.models.classifier import ClassifierConfig
from zoo.models.language_model import LanguageModelConfig
from zoo.models.tagger import TaggerConfig
from zoo.models.translator import TranslatorConfig
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import END, START

WORDS = ["a", "b", "c", "d"]
TEXTS = ["a", "b c d", "", "d d a b c a", "new", "a b"]
LONG = "a b c d " * 12
OUTPUTS = {"binary": 1, "multiclass": 3, "multilabel": 3, "regression": 1}


def enlarged(trained, seed=1):
    """Draws the weights anew, larger, so that the answers differ."""
    random = np.random.default_rng(seed)
    for weight in trained.keras_model.weights:
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


@pytest.fixture(scope="module", params=["additive", "none", "fed"])
def translators(request):
    if request.param == "fed":
        return translator(input_feeding=True, coverage=True)
    return translator(cell="lstm", attention=request.param)


def types(value):
    """Returns all types inside a value of plain containers."""
    inside = value.items() if isinstance(value, dict) else value
    if isinstance(value, (list, tuple, dict)):
        return {type(value)}.union(*map(types, inside))
    return {type(value)}


@pytest.mark.parametrize("initializer", ["orthogonal", "identity"])
@pytest.mark.parametrize("cell", tiered(["simple", "lstm", "gru"], ["lstm"]))
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


NAMED = {"no": "negative", "yes": "positive"}


def named(head, names):
    model = classifier(head)
    settings = {**model.settings, "label_names": names}
    return Classifier(model.config, model.vocabularies, **settings)


def test_label_names_are_what_predict_says_and_decide_does_not():
    model = named("binary", NAMED)
    logits = np.array([math.log(3)])
    assert model.decide(logits).label == "yes"
    answer = model.in_words(model.decide(logits))
    assert answer.label == "positive"
    assert answer.probabilities == pytest.approx({"negative": 0.25, "positive": 0.75})
    assert {a.label for a in model.predict(TEXTS)} <= {*NAMED.values()}


def test_label_names_of_several_labels():
    model = named("multilabel", {"x": "ex", "y": "why", "z": "zed"})
    answer = model.in_words(model.decide(np.array([1.0, -1.0, 2.0])))
    assert answer.label == ("ex", "zed")
    assert list(answer.probabilities) == ["ex", "why", "zed"]


@pytest.mark.parametrize(
    "names",
    [{}, {"no": "n"}, {**NAMED, "maybe": "m"}, {"no": "n", "yes": "n"}, ["n", "y"],
     {"no": 0, "yes": 1}],
)  # fmt: skip
def test_label_names_that_do_not_fit(names):
    with pytest.raises(ValueError, match="label_names: expected another name for each"):
        named("binary", names)


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


def test_the_first_of_the_n_best_taggings_is_the_prediction(tagger):
    best = tagger.predict(TEXTS)
    several = tagger.n_best(TEXTS, 4)
    for text, first, found in zip(TEXTS, best, several):
        assert found[0].pairs == first
        assert len(found) == min(4, 3 ** len(text.split()))
        shares = [tagging.probability for tagging in found]
        assert shares == sorted(shares, reverse=True) and sum(shares) <= 1 + 1e-5
    assert [t.pairs for t in tagger.n_best(TEXTS[1], 4)] == [
        t.pairs for t in several[1]
    ]
    assert tagger.n_best("", 2)[0].pairs == [] and tagger.n_best([], 2) == []
    with pytest.raises(ValueError, match="n_best: expected at least 1, got 0"):
        tagger.n_best("a", 0)


def test_a_shifted_score_is_restored_to_the_last_bit(tagger):
    bias = tagger.keras_model.get_layer("head").bias
    learned = np.array(bias.numpy())
    for shift in (0.1, -0.7, 1e4):
        tagger.shift_score("Y", shift)
        np.testing.assert_array_equal(bias.numpy(), learned + np.float32([0, shift, 0]))
    assert {tag for _, tag in tagger.predict("a b c")} == {"Y"}
    tagger.shift_score("Z", 0.3)
    tagger.shift_score("Y", 0.0)
    np.testing.assert_array_equal(bias.numpy(), learned + np.float32([0, 0, 0.3]))
    tagger.shift_score("Z", 0.0)
    np.testing.assert_array_equal(bias.numpy(), learned)
    with pytest.raises(ValueError):
        tagger.shift_score("W", 1.0)


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
    states = [np.zeros((1, s.shape[-1]), np.float32) for s in lm.keras_model.inputs[1:]]
    before, out = lm.boundary, []
    for i in ids:
        outputs = lm.keras_model([np.array([[before]], np.int32), *states])
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
        monkeypatch.setattr("zoo.inference.stream_reading.WINDOW", window)
        found = by_characters.score("abcdabdcca").log_probabilities
        assert found == pytest.approx(whole.log_probabilities, abs=1e-5)


def test_the_probabilities_of_all_texts_of_two_tokens_sum_to_one(by_characters):
    ids = [(i, j) for i in range(9) for j in range(9)]
    logs = [by_characters.log_probabilities(np.array(pair)).sum() for pair in ids]
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-5)


def test_bits_per_character(by_characters, by_words):
    score = by_characters.score("abca")
    nats = -sum(score.log_probabilities)
    assert score.bits_per_character == pytest.approx(nats / math.log(2) / 4)
    score = by_words.score("a b")  # and a newline
    nats = -sum(score.log_probabilities)
    assert score.bits_per_character == pytest.approx(nats / math.log(2) / 4)


def states_of(lm, ids):
    """Returns the last layer's output before each id, one step after another."""
    states = [np.zeros((1, s.shape[-1]), np.float32) for s in lm.keras_model.inputs[1:]]
    found, before = [], lm.boundary
    for i in ids:
        outputs = lm.keras_model([np.array([[before]], np.int32), *states])
        states = [keras.ops.convert_to_numpy(x) for x in outputs[1:]]
        found.append(states[-2][0])  # of an LSTM, the last layer's h
        before = int(i)
    return np.array(found, np.float64)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("window", [2, 256])
def test_the_cache_is_the_formula(by_characters, monkeypatch, size, window):
    monkeypatch.setattr("zoo.inference.stream_reading.WINDOW", window)
    ids = by_characters.encode("abcabcaabbcabddcab")
    cache = Cache(size=size, weight=0.4, sharpness=2.0)
    found = by_characters.log_probabilities(ids, cache=cache)
    states, plain = states_of(by_characters, ids), log_probabilities(by_characters, ids)
    for t in range(len(ids)):
        past = range(max(0, t - size), t)
        shares = np.exp([2.0 * states[t] @ states[i] for i in past])
        same = [share for share, i in zip(shares, past) if ids[i] == ids[t]]
        p = math.exp(plain[t])
        if t:
            p = 0.6 * p + 0.4 * sum(same) / sum(shares)
        assert found[t] == pytest.approx(math.log(p), abs=1e-4)


def test_a_cache_of_weight_0_changes_nothing(by_characters):
    plain = by_characters.score("abcabc")
    found = by_characters.score("abcabc", Cache(weight=0.0))
    assert found.log_probabilities == pytest.approx(plain.log_probabilities, abs=1e-6)


def test_with_a_cache_the_probabilities_sum_to_one(by_characters):
    ids, cache = by_characters.encode("abcab"), Cache(weight=0.5, sharpness=1.0)
    logs = [
        by_characters.log_probabilities(np.append(ids, np.int32(i)), cache=cache)[-1]
        for i in range(9)
    ]
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"size": 0}, "size: expected at least 1, got 0"),
        ({"weight": 1.0}, "weight: expected a number from 0 up to 1, got 1.0"),
        ({"sharpness": -1.0}, "sharpness: expected at least 0, got -1.0"),
    ],
)
def test_a_cache_refuses(options, expected):
    with pytest.raises(ValueError, match=expected):
        Cache(**options)


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


DRAWS = {
    "top_k": {"top_k": 2},
    "top_p": {"top_p": 0.5},
    "repetition_penalty": {"repetition_penalty": 3.0},
}


@pytest.mark.parametrize("options", DRAWS.values(), ids=DRAWS)
def test_options_of_sampling_change_the_text(by_characters, options):
    plain = by_characters.generate("ab", 40, seed=3)
    text = by_characters.generate("ab", 40, seed=3, **options)
    assert text != plain and text.startswith("ab") and len(text) == 42
    assert text == by_characters.generate("ab", 40, seed=3, **options)


@pytest.mark.parametrize("kind", ["by_characters", "by_words"])
def test_continuations_are_scored_as_texts_are(kind, request):
    lm = request.getfixturevalue(kind)
    prompt = "ab" if kind == "by_characters" else "a b"
    found = lm.continuations(prompt, 5, n_best=4, beam_size=6, length_penalty=0.5)
    assert len({h.text for h in found}) == 4
    for hypothesis in found:
        assert hypothesis.text.startswith(prompt)
        known, ids = len(lm.encode(prompt)), lm.encode(hypothesis.text)
        total = sum(log_probabilities(lm, ids)[known:])
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)
        length = len(ids) - known
        assert length == 5 or ids[-1] == lm.boundary
        score = total / ((5 + length) / 6) ** 0.5
        assert hypothesis.score == pytest.approx(score, abs=1e-4)


def test_a_continuation_of_beam_1_takes_the_likeliest(by_characters):
    (found,) = by_characters.continuations("ab", 6, 1, 1)
    ids = by_characters.encode("ab").tolist()
    while len(ids) < 8 and ids[-1] != by_characters.boundary:
        likeliest = [
            log_probabilities(by_characters, [*ids, i])[-1] for i in range(END + 1, 9)
        ]
        ids.append(END + 1 + int(np.argmax(likeliest)))
    assert found.text == by_characters.text(ids)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"top_k": -1}, "top_k: expected at least 0, got -1"),
        ({"top_p": 0.0}, "top_p: expected a number above 0 up to 1, got 0.0"),
        ({"top_p": 1.1}, "top_p: expected a number above 0 up to 1, got 1.1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty: expected a number above 0"),
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
    padded = np.zeros((1, bucket_length(len(source))), np.int32)
    padded[0, : len(source)] = source
    encoder, decoder = map(model.keras_model.get_layer, ("encoder", "decoder"))
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


SEARCHES = {
    "beam": {"beam_size": 3},
    "lengths": {"beam_size": 2, "min_length": 4, "max_length": 5},
    "penalties": {"beam_size": 4, "length_penalty": 0.6, "coverage_penalty": 0.4},
    "unknown": {"beam_size": 2, "replace_unknown": True},
    "ngrams": {"beam_size": 1, "blocked_ngrams": 2},
}


@pytest.mark.parametrize(
    "options", tiered_values(SEARCHES, ["lengths", "penalties", "ngrams"])
)
def test_neither_order_nor_number_of_texts_changes_a_search(options):
    model = translator(cell="gru")
    alone = [model.translate(text, **options) for text in TEXTS]
    assert model.translate(TEXTS * 6 + [LONG], **options)[:-1] == alone * 6
    assert model.translate(TEXTS[::-1], **options)[::-1] == alone
    best = model.n_best(TEXTS, 1, **options)
    assert [h[0].text if h else "" for h in best] == alone
    assert alone[TEXTS.index("")] == ""


def test_n_best_scores_are_those_of_teacher_forcing():
    model = translator(cell="gru")
    text = "a b c"
    found = model.n_best(text, 4, beam_size=4, length_penalty=0.7, max_length=8)
    assert types([h.text for h in found]) == {list, str}
    assert len({h.text for h in found}) == 4
    scores = [h.score for h in found]
    assert scores == sorted(scores, reverse=True) and type(scores[0]) is float
    for hypothesis in found:
        ids = [*model.target_vocabulary.encode(hypothesis.text.split())]
        ids = np.int32([*ids, END][:8])
        inputs = {
            "source_ids": model.encode(text)[None],
            "target_ids": np.int32([[START, *ids[:-1]]]),
        }
        z = keras.ops.convert_to_numpy(model.keras_model(inputs))[0].astype(np.float64)
        logs = z - np.log(np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True))
        logs -= z.max(-1, keepdims=True)
        total = logs[np.arange(len(ids)), ids].sum()
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)
        score = total / ((5 + len(ids)) / 6) ** 0.7
        assert hypothesis.score == pytest.approx(score, abs=1e-4)


def test_lengths_count_the_end():
    model = translator(cell="gru")
    for text in model.translate(TEXTS[:2], 3, min_length=3, max_length=4):
        assert 2 <= len(text.split()) <= 4


def test_unknown_words_are_replaced_by_what_attention_is_on():
    model = translator(cell="gru")
    embedding = model.keras_model.get_layer("decoder").get_layer("target_embedding")
    texts = ["a NEW c", "b OLD", "d d OLD"]
    plain = model.translate(texts, 2)
    often = max("wxyz", key=" ".join(plain).count)
    matrix = np.array(embedding.weights[0].numpy())
    matrix[1] = 1.5 * matrix[model.target_vocabulary.encode([often])[0]]
    embedding.weights[0].assign(matrix)
    found = model.translate(texts, 2, replace_unknown=True)
    assert set(" ".join(plain).split()) <= {"w", "x", "y", "z"}
    replaced = [set(text.split()) - {"w", "x", "y", "z"} for text in found]
    assert any(replaced)
    for text, words_of in zip(texts, replaced):
        assert words_of <= set(text.split())
    # One word by hand: the place of the largest weight, the end left out.
    source = model.encode(texts[0])[None]
    ids = np.array([[1, 1, 1, END]], np.int32)
    weights = model.teacher_forcing.attention(source, ids)[0]
    assert weights.shape == (4, 4) and np.allclose(weights.sum(-1), 1, atol=1e-5)
    expected = [texts[0].split()[row[:3].argmax()] for row in weights[:3]]
    places = model.teacher_forcing.attended(source, ids)[0]
    assert model.decode(ids[0], [texts[0].split()[i] for i in places]) == " ".join(
        expected
    )


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"replace_unknown": True}, "replace_unknown: requires attention"),
        ({"coverage_penalty": 0.1}, "coverage_penalty: requires attention"),
        ({"beam_size": 0}, "beam_size: expected at least 1, got 0"),
        ({"n_best": 3, "beam_size": 2}, "n_best: expected at most beam_size, 2, got 3"),
    ],
)
def test_searches_refuse(options, expected):
    with pytest.raises(ValueError, match=expected):
        translator(attention="none").n_best("a", **options)


STRANGE_SEARCHES = {
    "greedy": {},
    "beam": {"beam_size": 2},
    "unknown": {"beam_size": 2, "replace_unknown": True},
    "short": {"beam_size": 2, "max_length": 3},
}


@pytest.mark.parametrize("name", tiered(STRANGE_SEARCHES, ["greedy", "unknown"]))
def test_strange_input_leaves_the_rest_of_the_batch_unharmed(name):
    model, how = translator(cell="gru"), STRANGE_SEARCHES[name]
    expected = model.translate(TEXTS, **how)
    found = model.translate([*STRANGE.values(), *TEXTS], **how)
    assert found[len(STRANGE) :] == expected
    for case, text in zip(STRANGE, found):
        allowed = {"w", "x", "y", "z"}
        if "replace_unknown" in how:
            allowed |= {*model.source_tokenizer.tokenize(STRANGE[case])}
        assert set(text.split()) <= allowed
        assert not (text and case in ("empty", "white space"))
        pieces = 1 + len(STRANGE[case].split()) // MOST_TOKENS  # each has a limit
        assert len(text.split()) <= pieces * how.get("max_length", 10_000)


def test_strange_targets_leave_the_rest_of_the_batch_unharmed():
    model = translator(cell="gru")
    sources, targets = ["a b", "c"], ["w x y", "z"]
    expected = model.log_probabilities(sources, targets)
    found = model.log_probabilities(
        [*STRANGE.values(), *sources, "a"], [*STRANGE.values(), *targets, "w x " * 900]
    )
    for one, other in zip(found[len(STRANGE) :], expected):
        assert one == pytest.approx(other, abs=1e-4)
    assert found[-1][1] == 1801
    assert all(math.isfinite(total) and total < 0 for total, _ in found)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_a_translation_without_an_end_is_cut_at_its_own_limit(beam_size):
    model = translator(cell="gru")
    hidden = model.keras_model.get_layer("decoder").get_layer("output_hidden")
    embedding = model.keras_model.get_layer("decoder").get_layer("target_embedding")
    matrix = np.zeros(embedding.weights[0].shape, np.float32)
    matrix[4:] = 8  # so that no hypothesis of the beam ends
    matrix[model.target_vocabulary.encode(["x"])[0]] = 9
    for weight, value in zip((*hidden.weights, embedding.weights[0]), (0, 9, matrix)):
        weight.assign(np.broadcast_to(value, weight.shape))
    texts = ["a", LONG, "a b c"]
    lengths = [2 * (len(text.split()) + 1) + 10 for text in texts]
    found = model.translate(texts, beam_size)
    assert found == [" ".join("x" * length) for length in lengths]
    assert model.translate(texts, beam_size, max_length=5) == ["x x x x x"] * 3


@pytest.mark.parametrize("options", [{}, {"cell": "gru"}, {"attention": "none"}])
def test_long_targets_are_read_in_pieces(options, monkeypatch):
    model = translator(**options)
    sources, targets = ["a b c", "d"], ["w x y z w", "x"]
    whole = model.log_probabilities(sources, targets)
    ids = np.array([model.encode_target(targets[0])])
    source_ids = model.encode(sources[0])[None]
    weights = (
        model.teacher_forcing.attention(source_ids, ids) if model.attends else None
    )
    monkeypatch.setattr("zoo.inference.teacher_forcing.MAX_ATTENTION_WEIGHTS", 9)
    pieces = [piece for piece, *_ in model.teacher_forcing.read(source_ids, ids)]
    assert pieces == [slice(0, 2), slice(2, 4), slice(4, 6)]
    for one, other in zip(model.log_probabilities(sources, targets), whole):
        assert one == pytest.approx(other, abs=1e-4)
    if model.attends:
        assert weights.shape == (1, 6, 4)
        np.testing.assert_allclose(
            model.teacher_forcing.attention(source_ids, ids), weights, atol=1e-5
        )


@pytest.mark.parametrize("kind", ["by_characters", "by_words"])
def test_strange_input_of_a_language_model(kind, request):
    lm = request.getfixturevalue(kind)
    texts = [*STRANGE.values(), "a b"]
    scores = lm.score(texts)
    assert scores[-1] == lm.score("a b")
    totals = lm.line_log_probabilities(texts)
    for text, score, (total, count) in zip(texts, scores, totals):
        assert np.isfinite(score.log_probabilities).all()
        assert math.isnan(score.perplexity) == (not score.tokens)
        assert math.isfinite(total) and count > 0
        written = lm.generate(text, 3)
        assert written.startswith(text) and len(written) > len(text)
        for hypothesis in lm.continuations(text, 3, 2, 2):
            assert hypothesis.text.startswith(text)
            assert math.isfinite(hypothesis.score)


def test_long_examples_make_small_batches():
    examples = [np.ones(n, np.int32) for n in [3] * 40 + [3000, 9000, 2]]
    seen, shapes = [], []
    for rows, batch in batches_by_length(examples):
        seen += rows
        shapes.append(batch.shape)
        for row, i in enumerate(rows):
            assert (batch[row] != 0).sum() == len(examples[i])
    assert sorted(seen) == list(range(43))
    assert all(rows == 1 or rows * length <= 32 * 256 for rows, length in shapes)
    assert shapes[0][0] == 32


def test_translations_are_scored_as_the_search_scores_them():
    model = translator(cell="gru")
    sources = ["a b c", "d", LONG, "b b"]
    # With two tokens at most, what has one word or none has ended.
    found = model.n_best(sources, 21, 21, max_length=2)
    pairs = [(s, h) for s, all_ in zip(sources, found) for h in all_]
    pairs = [(s, h) for s, h in pairs if len(h.text.split()) < 2]
    assert len(pairs) == 4 * 5
    scores = model.log_probabilities(*zip(*((s, h.text) for s, h in pairs)))
    for (_, hypothesis), (total, count) in zip(pairs, scores):
        assert count == len(hypothesis.text.split()) + 1
        assert total == pytest.approx(hypothesis.log_probability, abs=1e-4)


def test_rerank_by_hand():
    there, back = translator(cell="gru"), translator(2, cell="gru")
    back.source_tokenizer, back.target_tokenizer = (
        there.target_tokenizer, there.source_tokenizer,
    )  # fmt: skip
    back.source_vocabulary, back.target_vocabulary = (
        there.target_vocabulary, there.source_vocabulary,
    )  # fmt: skip
    lm = language_model("spaces")
    sources = ["a b", "", "d"]
    found = there.n_best(sources, 3, 3)
    assert rerank(sources, found) == found
    ranked = rerank(sources, found, lm, back, 0.5, 2.0)
    assert ranked[1] == []
    for source, before, after in zip(sources, found, ranked):
        assert {h.text for h in after} == {h.text for h in before}
        expected = {}
        for h in before:
            score = lm.score(h.text)
            ((total, count),) = back.log_probabilities([h.text], [source])
            expected[h.text] = (
                h.score + 0.5 * np.mean(score.log_probabilities) + 2 * total / count
            )
        assert {h.text: h.score for h in after} == pytest.approx(expected, abs=1e-4)
        assert [h.score for h in after] == sorted(h.score for h in after)[::-1]
    with pytest.raises(ValueError, match="expected one list for each of 1 sources"):
        rerank(["a"], found)


@pytest.mark.parametrize("kind", ["by_characters", "by_words"])
def test_lines_are_scored_together_as_they_are_alone(kind, request):
    lm = request.getfixturevalue(kind)
    texts = ["ab", "", "d c ? a" * 9, "a b c d", "new"]
    for text, (total, count) in zip(texts, lm.line_log_probabilities(texts)):
        score = lm.score(text + "\n")
        assert count == len(score.tokens)
        assert total == pytest.approx(sum(score.log_probabilities), abs=1e-4)


def test_by_characters_too_an_empty_translation_has_its_price(by_characters):
    found = [Hypothesis("", -2.0, -2.0), Hypothesis("abc", -2.0, -2.0)]
    (ranked,) = rerank(["x"], [found], by_characters, lm_weight=0.5)
    scores = {h.text: h.score for h in ranked}
    for text, score in scores.items():
        logs = log_probabilities(by_characters, by_characters.encode(text + "\n"))
        assert score == pytest.approx(-2 + 0.5 * np.mean(logs), abs=1e-4)
    assert scores[""] < -2


def test_the_best_by_a_language_model_is_among_all_that_the_beam_found():
    model, lm = translator(cell="gru"), language_model("spaces")
    lm.vocabulary = model.target_vocabulary
    lengths = {"min_length": 3, "max_length": 5}
    found = n_best_by_lm(model, TEXTS, lm, 2.0, n_best=2, beam_size=4, **lengths)
    expected = rerank(TEXTS, model.n_best(TEXTS, 4, 4, **lengths), lm, lm_weight=2.0)
    assert found == [ranked[:2] for ranked in expected]
    assert found[TEXTS.index("")] == []
    best = model.translate(TEXTS, 4, **lengths)
    assert [ranked[0].text if ranked else "" for ranked in found] != best


def test_attention_is_a_distribution_over_the_source():
    model = translator()
    weights, source, target = model.attention("a b c")
    assert source == ["a", "b", "c", "</s>"] and target[-1] == "</s>"
    assert " ".join(target[:-1]) == model.translate("a b c")
    assert weights.shape == (len(target), 4)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    assert model.attention("a new b")[1] == ["a", "new", "b", "</s>"]


def test_without_attention_there_is_none_to_see():
    with pytest.raises(ValueError, match="attention: this model was built without"):
        translator(attention="none").attention("a")


def test_a_beam_takes_texts_of_several_lengths_one_after_another():
    """TensorFlow then makes one program of the search, for any length."""
    model = translator(cell="gru")
    texts = ["a", "a b c d a b", " ".join("abcd" * 6)]
    options = {"beam_size": 3, "coverage_penalty": 0.2, "blocked_ngrams": 2}
    one_by_one = [model.translate(text, **options) for text in texts]
    assert model.translate(texts, **options) == one_by_one
