"""Long texts: what they are cut into, that answers stay right, and what it costs."""

import itertools
import math

import numpy as np
import pytest
from test_inference import (
    WORDS,
    classifier,
    enlarged,
    language_model,
    translator,
    words,
)

from zoo.decoding import BeamOptions, SamplingOptions
from zoo.inference import (
    Hypothesis,
    Tagger,
    long_texts,
    stream_reading,
    teacher_forcing,
)
from zoo.inference import language_model as lm_module
from zoo.inference import tagger as tagger_module
from zoo.inference import translator as translator_module
from zoo.inference.trained_model import PROGRAMS
from zoo.layers.crf import CRF
from zoo.models.tagger import TaggerConfig
from zoo.text.tokenizers import JOINER, Tokenizer

# --- Cutting ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, most, expected",
    [
        ("", 5, []),
        ("a b c", 5, ["a b c"]),
        ("a . b", 5, ["a .", "b"]),
        ("a . . . b", 5, ["a .", ".", ".", "b"]),
        ("a ... b", 5, ["a ...", "b"]),
        ("a ! ' ) b ?", 5, ["a ! ' )", "b ?"]),
        ("( a ) b", 5, ["( a ) b"]),
        ("犬 。 猫 ？ 」 鳥", 5, ["犬 。", "猫 ？ 」", "鳥"]),
        ("कुत्ता । बिल्ली", 5, ["कुत्ता ।", "बिल्ली"]),
        ("a b c d e f g", 3, ["a b c", "d e f", "g"]),
        ("a b . c d e f", 3, ["a b .", "c d e", "f"]),
        (". a", 5, [".", "a"]),
        (f"a {JOINER}. b {JOINER}.", 5, [f"a {JOINER}.", f"b {JOINER}."]),
        ("▁a . ▁b n.", 5, ["▁a .", "▁b n."]),
    ],
)
def test_sentences(text, most, expected):
    found = [" ".join(part) for part in long_texts.sentences(text.split(), most)]
    assert found == expected


@pytest.mark.parametrize(
    "text, most, expected",
    [
        ("", 4, []),
        ("a . b . c . d .", 4, ["a . b .", "c . d ."]),
        ("a . b . c . d .", 5, ["a . b .", "c . d ."]),
        ("a . b . c . d .", 7, ["a . b . c .", "d ."]),
        ("a b c d e f g", 3, ["a b c", "d e f", "g"]),
    ],
)
def test_pieces(text, most, expected):
    assert [" ".join(x) for x in long_texts.pieces(text.split(), most)] == expected


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_cut_is_whole_and_short(seed):
    random = np.random.default_rng(seed)
    tokens = random.choice(["a", "b", ".", '"', "!", ")"], 200).tolist()
    for function, most in itertools.product(
        (long_texts.sentences, long_texts.pieces), (1, 2, 7, 300)
    ):
        found = list(function(tokens, most))
        assert [*itertools.chain(*found)] == tokens
        assert all(1 <= len(part) <= most for part in found)


def test_best_sums_by_enumeration():
    random = np.random.default_rng(0)
    parts = [
        sorted(((float(s), f"{i}{s}") for s in random.normal(size=4)), reverse=True)
        for i in range(4)
    ]
    ways = [
        (sum(s for s, _ in way), [x for _, x in way])
        for way in itertools.product(*parts)
    ]
    expected = sorted(ways, key=lambda way: -way[0])
    for (score, chosen), (total, wanted) in zip(
        long_texts.best_sums(parts, 20), expected[:20], strict=True
    ):
        assert score == pytest.approx(total) and chosen == wanted


@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize("kind", ["words", "spaces", "characters"])
def test_first_tokens_are_those_of_the_whole_text(kind, count):
    tokenizer = Tokenizer(kind)
    for text in (
        "It isn't don't we're. " * 200,
        "x" * 9000 + " y z " * 100,
        " " * 5000 + "a b c",
        "a " * 30,
        "",
    ):
        expected = tokenizer.tokenize(text)[:count]
        assert long_texts.first_tokens(tokenizer.tokenize, text, count) == expected


# --- Answers ---------------------------------------------------------------------


def tagger(crf=False):
    config = TaggerConfig(
        vocabulary_size=8, num_classes=3, units=4, embedding_size=4, crf=crf,
        character_vocabulary_size=8, character_filters=3, word_length=4,
    )  # fmt: skip
    vocabularies = {"words": WORDS, "characters": WORDS, "labels": ["X", "Y", "Z"]}
    return enlarged(Tagger(config, vocabularies, lowercase=True, tokenizer=words()))


def test_a_long_text_is_tagged_piece_by_piece(monkeypatch):
    monkeypatch.setattr(tagger_module, "MOST_WORDS", 6)
    model = tagger(crf=True)
    assert isinstance(model.crf, CRF)
    text, parts = "a b . c ! d a . b c d", ["a b . c !", "d a . b c d"]
    short = [["d"], [], ["b", "a"]]
    tagged = model.predict(parts)
    assert model.predict([short[0], text, *short[1:]]) == [
        model.predict([short[0]])[0],
        tagged[0] + tagged[1],
        *model.predict(short[1:]),
    ]
    (first, second), (long,) = model.probabilities(parts), model.probabilities([text])
    assert long == first + second
    # All taggings of both pieces, multiplied out.
    first, second = (model.n_best(part, 9) for part in parts)
    ways = [(x.probability * y.probability, x.pairs + y.pairs)
            for x, y in itertools.product(first, second)]  # fmt: skip
    expected = sorted(ways, key=lambda way: -way[0])
    found = model.n_best(text, 4)
    for tagging, (probability, pairs) in zip(found, expected[:4], strict=True):
        assert tagging.probability == pytest.approx(probability, rel=1e-6)
        assert tagging.pairs == pairs


@pytest.fixture(scope="module")
def translates():
    return translator()


def test_a_long_text_is_translated_sentence_by_sentence(translates, monkeypatch):
    monkeypatch.setattr(translator_module, "MOST_TOKENS", 5)
    text, parts = "a b . c d ? b b b b b b c", ["a b .", "c d ?", "b b b b b", "b c"]
    for options in ({}, {"beam_size": 2}):
        translations = translates.translate(parts, **options)
        expected = " ".join(filter(None, translations))
        found = translates.translate(["c", text, "", "a b"], **options)
        assert found[1] == expected and found[2] == ""
        assert [found[0], found[3]] == translates.translate(["c", "a b"], **options)
    ways = [
        (sum(h.score for h in way), sum(h.log_probability for h in way), way)
        for way in itertools.product(*translates.n_best(parts, 2, 3))
    ]
    ways.sort(key=lambda way: -way[0])
    found = translates.n_best(text, 2, 3)
    for hypothesis, (score, total, way) in zip(found, ways[:2], strict=True):
        assert hypothesis.text == " ".join(h.text for h in way if h.text)
        assert hypothesis.score == pytest.approx(score)
        assert hypothesis.log_probability == pytest.approx(total)


def test_a_part_without_a_translation_is_left_out():
    one = [Hypothesis("x", -1.0, -2.0)]
    assert long_texts.join_hypotheses([[], one, []], 2) == one
    assert long_texts.join_hypotheses([[], []], 2) == []
    assert long_texts.join_hypotheses([one, [], one], 2) == [
        Hypothesis("x x", -2.0, -4.0)
    ]


def test_what_cannot_be_cut_is_refused(translates, monkeypatch):
    monkeypatch.setattr(translator_module, "MOST_TOKENS", 3)
    with pytest.raises(ValueError, match="^text: expected at most 3 tokens, got 4$"):
        translates.attention("a b c d")
    monkeypatch.setattr(teacher_forcing, "MOST_TOKENS", 4)
    assert len(translates.log_probabilities(["a b c"], ["w x y"])) == 1
    with pytest.raises(ValueError, match="^targets: expected at most 4 tokens, got 5$"):
        translates.log_probabilities(["a"], ["w x y z"])


def test_a_classifier_tokenizes_little_more_than_it_reads(monkeypatch):
    model = classifier("multiclass", max_length=4)
    read = []
    tokenize = Tokenizer.tokenize

    def counting(self, text):
        read.append(len(text))
        return tokenize(self, text)

    monkeypatch.setattr(Tokenizer, "tokenize", counting)
    found = model.predict("a b c d " * 100_000)
    assert sum(read) < 1000
    assert found == model.predict("a b c d")


def test_a_long_line_is_scored_in_windows(monkeypatch):
    model = language_model()
    texts = ["a b", "abcd dcba " * 6, "", "c" * 40]
    expected = model.line_log_probabilities(texts)
    monkeypatch.setattr(lm_module, "MOST_TOKENS", 20)
    monkeypatch.setattr(stream_reading, "WINDOW", 7)
    found = model.line_log_probabilities(texts)
    assert [count for _, count in found] == [count for _, count in expected]
    for (total, _), (wanted, _) in zip(found, expected):
        assert total == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"repetition_penalty": 1.5}])
def test_text_is_generated_in_pieces_as_in_one(options, monkeypatch):
    prompt, answers = "abcdab", []
    for piece in (64, 5):
        monkeypatch.setattr(lm_module, "PIECE", piece)
        model = language_model()
        answers.append((
            model.generate(prompt, 30, 1.5, seed=3, **options),
            model.generate("", 30, 0.0, **options),
            [h.text for h in model.continuations(prompt, 9)],
        ))  # fmt: skip
    assert answers[0] == answers[1]
    assert len(answers[0][0]) == len(prompt) + 30


def test_every_answer_is_an_object_of_its_own(translates):
    texts = ["a b", "", "a b", "", " "]
    models = tagger(), classifier("multiclass"), language_model("spaces")
    listed = [
        models[0].predict(texts),
        models[0].predict([[], ["a"], ["a"], []]),
        models[0].n_best(texts, 2),
        models[0].probabilities(texts),
        [answer.probabilities for answer in models[1].predict(texts)],
        [answer.tokens for answer in models[2].score(texts)],
        [answer.log_probabilities for answer in models[2].score(texts)],
        translates.n_best(texts, 2, 2),
    ]
    for answers in listed:
        assert len({id(answer) for answer in answers}) == len(answers)
    for tagging in models[0].n_best(["", ""]):
        tagging[0].pairs.append(("x", "X"))
    assert models[0].n_best("")[0].pairs == []


# --- Programs --------------------------------------------------------------------


def test_numbers_are_arguments_of_one_program(translates):
    before = translates._beam_searches.cache_info().misses
    for number in range(1, 12):
        options = {
            "length_penalty": number / 10,
            "coverage_penalty": number / 7,
            "min_length": number,
            "max_length": 15,
            "n_best": 1 + number % 3,
            "replace_unknown": number % 2 == 0,
        }
        translates.n_best("a b", beam_size=3, **options)
    assert translates._beam_searches.cache_info().misses == before + 1
    model = language_model()
    for number in range(1, 12):
        options = {
            "top_k": 1 + number % 4,
            "top_p": number / 12,
            "repetition_penalty": 1 + number,
        }
        model.generate("a", number, number / 5, **options)
        model.continuations("a", number, 1, 2, length_penalty=number / 10)
    assert model._sampling.cache_info().currsize == 1
    assert model._continuation.cache_info().currsize == 1


def test_a_number_counts_although_the_program_is_kept(translates):
    """Each against a model that has compiled nothing else."""
    cases = [
        {"length_penalty": 0.0},
        {"length_penalty": 3.0},
        {"min_length": 7},
        {"max_length": 2},
        {"n_best": 1},
    ]
    for options in cases:
        how = {"n_best": 3, "max_length": 16, **options}
        found, fresh = (m.n_best("a b c d", beam_size=3, **how) for m in (
            translates, translator()
        ))  # fmt: skip
        assert [h.text for h in found] == [h.text for h in fresh]
        assert [h.score for h in found] == pytest.approx([h.score for h in fresh])
    found = [translates.translate("a b", 2, max_length=n) for n in (1, 2)]
    assert [len(text.split()) <= n for n, text in zip((1, 2), found)] == [True, True]


def test_what_is_kept_of_programs_is_bounded(translates):
    for size in range(1, PROGRAMS + 4):
        translates._beam_search(BeamOptions(beam_size=size))
    info = translates._beam_searches.cache_info()
    assert info.currsize == info.maxsize == PROGRAMS
    model = tagger()
    for count in range(1, PROGRAMS + 4):
        model.best_taggings(count)
    assert model.best_taggings.cache_info().currsize == PROGRAMS


@pytest.mark.parametrize("name, most", [("beam_size", 512), ("max_length", 4096)])
def test_a_search_without_bounds_is_refused(name, most):
    BeamOptions(**{name: most})
    with pytest.raises(ValueError, match=f"^{name}: expected at most {most}, got"):
        BeamOptions(**{name: most + 1})


@pytest.mark.parametrize(
    "options, temperature",
    [
        ({}, math.inf),
        ({}, 1e30),
        ({"top_p": 1e-300}, 1.0),
        ({"top_k": 10**15}, 1.0),
        ({"repetition_penalty": 1e-300}, 1.0),
        ({"repetition_penalty": 1e300}, 1.0),
    ],
)
def test_numbers_that_float32_does_not_hold(options, temperature):
    """No padding, unknown or start is written, and the likeliest is within top_p."""
    model = language_model()
    text = model.generate("ab", 40, temperature, **options)
    assert len(text) == 42 and set(text) <= {*WORDS, "\n"}
    if "top_p" in options:
        assert text == model.generate("ab", 40, 0.0)
    assert SamplingOptions(**options).program()
