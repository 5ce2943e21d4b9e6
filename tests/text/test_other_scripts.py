"""Texts in other scripts, in decomposed letters, and with characters one cannot see."""

import contextlib
import doctest
import gzip
import io
import json
import os
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import options

import zoo
from recipes import classify, generate, pronounce, tag, translate
from zoo.__main__ import run as run_command
from zoo.evaluation import metrics
from zoo.evaluation.bleu_tokenization import choose_bleu_tokenization
from zoo.inference.command_options import prepare_prediction
from zoo.models.tagger import TaggerConfig
from zoo.text import choice, normalization, pairs, scripts
from zoo.text.choice import choose_word_tokenizer, describe_tokens
from zoo.text.normalization import normalize
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Vocabulary

needs_data = pytest.mark.skipif(
    "RECURRENT_ZOO_DATA" not in os.environ, reason="needs the shared data sets"
)


def decomposed(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    "module", [normalization, scripts, choice, pairs], ids=lambda m: m.__name__
)
def test_doctests(module):
    results = doctest.testmod(module)
    assert results.attempted and not results.failed


# --- Words ------------------------------------------------------------------------

WORDS = {
    "hindi": ("मेरा नाम हिन्दी है", "मेरा|नाम|हिन्दी|है"),
    "hindi sentence": ("क्या आप ठीक हैं? हाँ।", "क्या|आप|ठीक|हैं|?|हाँ|।"),
    "bengali": ("আমি বাংলায় গান গাই।", "আমি|বাংলায়|গান|গাই|।"),
    "tamil": ("நான் தமிழ் பேசுகிறேன்", "நான்|தமிழ்|பேசுகிறேன்"),
    "sinhala with joiner": ("ශ්‍රී ලංකා", "ශ්‍රී|ලංකා"),
    "chinese": ("我爱你。 OK 3月", "我|爱|你|。|OK|3|月"),
    "japanese": ("私はテレビを見る", "私|は|テ|レ|ビ|を|見|る"),
    "thai": ("ฉันรักภาษาไทย", "ฉั|น|รั|ก|ภ|า|ษ|า|ไ|ท|ย"),
    "khmer": ("ខ្ញុំ", "ខ្ញុំ"),
    "lao": ("ສະບາຍ", "ສ|ະ|ບ|າ|ຍ"),
    "korean": ("나는 학교에 갔다.", "나는|학교에|갔다|."),
    "arabic": ("مَرْحَبًا، كيف حالُك؟", "مَرْحَبًا|،|كيف|حالُك|؟"),
    "persian": ("می‌خواهم بروم", "می‌خواهم|بروم"),
    "hebrew": ("שָׁלוֹם, צה״ל", "שָׁלוֹם|,|צה״ל"),
    "vietnamese": ("Tiếng Việt đẹp lắm", "Tiếng|Việt|đẹp|lắm"),
    "ukrainian": ("п’ять м'ячів", "п’ять|м'ячів"),
    "catalan": ("col·lecció", "col·lecció"),
    "turkish": ("İstanbul'da", "İstanbul|'|da"),
    "yoruba": ("ọ̀rẹ́ mi", "ọ̀rẹ́|mi"),
    "emoji": ("ok 👨‍👩‍👧👍🏽🇩🇪!", "ok|👨‍👩‍👧|👍🏽|🇩🇪|!"),
    "tibetan": ("བོད་སྐད", "བོད|་|སྐད"),
    "english": ("I don't know.", "I|do|n't|know|."),
    "curly clitic": ("it’s", "it|’s"),
    "fullwidth": ("ＡＢＣ！", "ＡＢＣ|！"),
}


@pytest.mark.parametrize("text, words", WORDS.values(), ids=WORDS)
def test_words_by_the_rules_of_unicode(text, words):
    expected = normalize(words).split("|")
    for form in (text, decomposed(text), unicodedata.normalize("NFC", text)):
        assert Tokenizer("words").tokenize(form) == expected
        joined = Tokenizer("words", joiner=True)
        assert joined.detokenize(joined.tokenize(form)) == normalize(text)


def test_lower_case_of_a_dotted_capital_stays_one_word():
    words = Tokenizer("words", lowercase=True).tokenize("İSTANBUL ve STRASSE")
    assert words == ["i̇stanbul", "ve", "strasse"]


def test_the_treebank_tokenizer_in_other_scripts():
    tokenizer = Tokenizer("treebank")
    assert tokenizer.tokenize("मेरा नाम हिन्दी है।") == ["मेरा", "नाम", "हिन्दी", "है", "।"]
    assert tokenizer.tokenize("我爱你") == ["我", "爱", "你"]
    assert tokenizer.tokenize(decomposed("Größe 1.000,5")) == ["Größe", "1.000,5"]


# --- Invisible characters ------------------------------------------------------------

INVISIBLE = {
    "soft hyphen": "Mäd\u00adchen läuft",
    "zero-width space": "Mädchen\u200b läuft",
    "byte order mark": "\ufeffMädchen läuft",
    "word joiner": "Mäd\u2060chen läuft",
    "marks of direction": "\u200eMädchen\u200f \u202aläuft\u202c",
    "isolates": "\u2066Mädchen\u2069 läuft",
    "joiner between letters that do not join": "Mäd\u200dchen l\u200cäuft",
    "variation selector": "Mädchen\ufe0f läuft",
    "grapheme joiner in a letter": "Ma\u034f\u0308dchen läuft",
    "soft hyphen before a mark": "Ma\u00ad\u0308dchen läuft",
    "tag characters": "Mädchen\U000e0041\U000e0042 läuft",
    "Hangul filler": "Mädchen\u3164 läuft",
}


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
@pytest.mark.parametrize("kind", ["words", "treebank", "spaces", "characters"])
def test_what_one_cannot_see_is_in_no_token(text, kind):
    tokenizer = Tokenizer(kind)
    assert tokenizer.tokenize(text) == tokenizer.tokenize("Mädchen läuft")


VISIBLE = [
    "می‌خواهم",  # Persian, with a non-joiner
    "ക്‍ഷ",  # Malayalam, with a joiner
    "ന്‍",  # at the end of a word
    "👩🏽‍🚀",
    "❤‍🔥",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
]


@pytest.mark.parametrize("text", VISIBLE)
def test_what_changes_the_shape_of_a_word_stays(text):
    assert normalize(text) == text
    assert Tokenizer("words").tokenize(text) == [text]


def test_plain_text_is_not_changed():
    for text in (
        "ﬁne ²",
        "ＡＢＣ",
        "a\tb\r\n",
        "½ № …",
        "I\u2011B",
        "a\u00a0b",
        "\ud83d",
    ):
        assert normalize(text) == text


@pytest.mark.parametrize("kind", ["words", "treebank", "spaces", "characters"])
def test_nothing_visible_has_no_tokens(kind):
    assert Tokenizer(kind).tokenize("\u200b\ufeff\u00ad") == []


def test_subwords_of_decomposed_and_invisible_characters():
    texts = ["das Mädchen läuft über die Straße", "die Mädchen laufen"] * 3
    composed = SubwordTokenizer.train(texts, 40)
    assert SubwordTokenizer.train(map(decomposed, texts), 40).model == composed.model
    for text in INVISIBLE.values():
        assert composed.tokenize(text) == composed.tokenize("Mädchen läuft")
    lowered = SubwordTokenizer.train(texts, 40, lowercase=True)
    assert lowered.tokenize("MÄDCHEN") == lowered.tokenize("mädchen")
    again = SubwordTokenizer(lowered.model, lowercase=True)
    assert again.tokenize("MÄDCHEN") == lowered.tokenize("mädchen")


# --- Checkpoints -----------------------------------------------------------------


def test_earlier_checkpoints_keep_their_words():
    settings = {"kind": "words", "lowercase": False, "joiner": False}
    old = Tokenizer.restored(settings)
    assert old.tokenize("我爱你 हिन्दी") == ["我爱你", "ह", "ि", "न", "्", "द", "ी"]
    assert old.tokenize(decomposed("Straße läuft")) == ["Straße", "läuft"]
    assert Tokenizer.restored(old.settings) == old
    new = Tokenizer("words")
    assert Tokenizer.restored(new.settings) == new
    with pytest.raises(ValueError, match="rules: expected 1 or 2, got 3"):
        Tokenizer.restored({**settings, "rules": 3})


def test_an_earlier_vocabulary_knows_its_tokens_by_both_forms():
    vocabulary = Vocabulary(["co\u00adop", decomposed("é"), "\ufeff"])
    ids = vocabulary.encode(["co\u00adop", "coop", decomposed("é"), "é", "\ufeff", ""])
    assert ids.tolist() == [4, 4, 5, 5, 6, 1]


def test_a_shipped_translator_of_decomposed_german():
    model = zoo.load("multi30k-de-en")
    text = "Ein Mädchen läuft über die Straße."
    expected = "A girl is walking across the street."
    hidden = "Ein Mäd\u00adchen läuft\u200b über die \ufeffStraße."
    texts = [text, decomposed(text), hidden, decomposed(hidden)]
    assert model.translate(texts) == [expected] * 4


@pytest.mark.nightly
def test_scores_of_decomposed_german():
    model = zoo.load("multi30k-de-en")
    text, expected = "Die Straße ist grün.", "The street is green."
    texts = [text, decomposed(text), "Die Stra\u00adße\u200b ist grün."]
    assert len({model.n_best(t, 1, 2)[0].text for t in texts}) == 1
    scored = model.log_probabilities(texts, [expected] * 3)
    np.testing.assert_allclose([total for total, _ in scored], scored[0][0], rtol=1e-5)


def test_shipped_models_of_decomposed_text():
    classifier = zoo.load("sst2")
    text = "a naïve, clichéd film"
    assert classifier.predict(decomposed(text)) == classifier.predict(text)
    assert classifier.predict(
        "a na\u00adïve, cliché\u200bd film"
    ) == classifier.predict(text)
    tagger = zoo.load("ud-ewt-upos")
    words = ["Zoë", "visited", "the", "café"]
    tags = [tag for _, tag in tagger.predict([words])[0]]
    given = [decomposed(word) for word in words]
    answer = tagger.predict([given])[0]
    assert answer == list(zip(given, tags))  # the words as they were given
    assert tagger.predict(decomposed(" ".join(words))) == list(zip(words, tags))
    hidden = ["Zo\u00adë", "vis\u200bited", "the\ufeff", "café"]
    assert [tag for _, tag in tagger.predict([hidden])[0]] == tags
    lm = zoo.load("tinyshakespeare")
    assert lm.score("the k\u00ading") == lm.score("the king")


@pytest.mark.parametrize("name", ["ud-ewt-upos", "ud-ewt-glove", "wnut17"])
def test_shipped_taggers_cut_as_their_training_data(name):
    config = Path(zoo.__file__).parents[1] / "pretrained" / name / "config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))["settings"]
    tokenizer = Tokenizer.restored(settings["tokenizer"])
    words = tokenizer.tokenize("He paid $1,000.50 to the U.S. at http://a.b/c")
    assert words == "He paid $ 1,000.50 to the U.S. at http://a.b/c".split()


def test_a_word_without_anything_visible_keeps_its_place():
    model = zoo.load("ud-ewt-upos")
    answer = model.predict([["the", "\u200b", "dog"]])[0]
    assert [word for word, _ in answer] == ["the", "\u200b", "dog"]


# --- Training ------------------------------------------------------------------------

HINDI = {"अच्छी": "pos", "बढ़िया": "pos", "बुरी": "neg", "ख़राब": "neg"}


def write_labeled(directory, form=str):
    directory.mkdir()
    rows = [f"{label}\tयह फ़िल्म {word} है\n" for word, label in HINDI.items()]
    for split in ("train", "dev", "test"):
        text = "label\ttext\n" + "".join(rows)
        (directory / f"{split}.tsv").write_text(form(text), encoding="utf-8")
    return directory


def prepared(recipe, name, data, tmp_path, **changes):
    config = recipe.Config(
        **{**options(name, data), "run_dir": str(tmp_path / "run"), **changes}
    )
    return recipe.prepare(config)


def test_classify_knows_words_in_either_form(tmp_path):
    data = [write_labeled(tmp_path / form.__name__, form) for form in (str, decomposed)]
    models = [prepared(classify, "classify", d, tmp_path) for d in data]
    found = [m.model.vocabularies["tokens"] for m in models]
    assert found[0] == found[1]
    assert set(found[0]) == set(map(normalize, ["यह", "फ़िल्म", "है", *HINDI]))
    assert models[0].decisions["tokenization"] == "words by Unicode's rules"


@pytest.mark.parametrize(
    "tokens, changes, longest",
    [
        ("words", {}, 400),
        ("characters", {}, 2000),
        ("bpe", {"num_subwords": 40}, 800),
        ("unigram", {"num_subwords": 40, "max_length": 3}, 3),
    ],
)
def test_classify_by_any_tokens(tokens, changes, longest, tmp_path):
    data = write_labeled(tmp_path / "data")
    changes = {"tokens": tokens, **changes}
    experiment = prepared(classify, "classify", data, tmp_path, **changes)
    assert experiment.config.max_length == longest
    experiment.model.save(tmp_path / "model")
    model = zoo.load(tmp_path / "model")
    text = "यह फ़िल्म अच्छी है"
    ids = model.encode(text)
    np.testing.assert_array_equal(ids, experiment.model.encode(text))
    np.testing.assert_array_equal(ids, model.encode(decomposed(text)))
    assert 1 not in ids and len(ids) <= longest  # nothing is unknown
    if tokens in ("words", "characters"):
        assert len(ids) == (4 if tokens == "words" else len(normalize(text)))


@pytest.mark.nightly
def test_classify_learns_by_subwords(tmp_path):
    data = write_labeled(tmp_path / "data")
    changes = {"tokens": "bpe", "num_subwords": 40, "epochs": 1}
    experiment = prepared(classify, "classify", data, tmp_path, **changes)
    experiment.fit()
    text = "यह फ़िल्म अच्छी है"
    assert zoo.load(tmp_path / "run").predict(text) == experiment.model.predict(text)


def test_classify_says_that_chinese_has_no_spaces(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = ["pos\t这部电影很好\n", "neg\t这部电影很差\n"] * 2
    for split in ("train", "dev", "test"):
        text = "label\ttext\n" + "".join(rows)
        (data / f"{split}.tsv").write_text(text, encoding="utf-8")
    experiment = prepared(classify, "classify", data, tmp_path, max_length=4)
    assert set(experiment.model.vocabularies["tokens"]) == set("这部电影很好差")
    assert experiment.decisions == {
        "tokenization": "words by Unicode's rules; 100% of the letters are of a script "
        "without spaces (Chinese characters), each of which is a token",
        "max_length": "4 words of a text",
    }


def write_pairs(directory, language, targets, form=str):
    directory.mkdir()
    sources = ["ein Mädchen läuft", "der Hund schläft", "die Straße", "das Haus"]
    for split in ("train", "dev", "test"):
        for suffix, lines in (("de", sources), (language, targets)):
            text = form("".join(f"{line}\n" for line in lines))
            (directory / f"{split}.{suffix}").write_text(text, encoding="utf-8")
    return directory


CHINESE = ["一个女孩在跑步", "狗在睡觉", "街道", "房子 OK"]


def test_translate_into_chinese(tmp_path):
    data = write_pairs(tmp_path / "data", "zh", CHINESE)
    experiment = prepared(translate, "translate", data, tmp_path, target="zh", epochs=1)
    assert experiment.decisions["bleu_tokenization"] == "zh, for the target language zh"
    said = experiment.decisions["tokenization"]
    assert said["source"] == "words by Unicode's rules"
    assert said["target"].startswith("characters; 88% of the letters")
    model = experiment.model
    assert model.target_tokenizer.kind == "characters"
    for text in CHINESE:
        assert model.decode(model.encode_target(text)) == text


@pytest.mark.nightly
def test_the_report_of_a_translation_into_chinese(tmp_path):
    data = write_pairs(tmp_path / "data", "zh", CHINESE)
    changes = {"target": "zh", "epochs": 1}
    experiment = prepared(translate, "translate", data, tmp_path, **changes)
    experiment.fit()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        experiment.report()
    assert "chrF2: " in printed.getvalue()
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert "|tok:zh|" in stored["signature"]
    assert stored["chrf"]["signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6")
    assert stored["decisions"]["bleu_tokenization"] == "zh, for the target language zh"


def test_the_dev_score_is_tokenized_as_the_test_score(tmp_path, monkeypatch):
    data = write_pairs(tmp_path / "data", "zh", CHINESE)
    for given, expected in ((None, 100), ("13a", 0)):
        changes = {"target": "zh", "bleu_tokenize": given}
        experiment = prepared(translate, "translate", data, tmp_path, **changes)
        # All right but the end of each: without words of Chinese nothing matches.
        answers = [text[:-1] + "吗" for text in CHINESE]
        monkeypatch.setattr(translate, "translations", lambda *_: answers)
        score = experiment.evaluate()["val_bleu"]
        assert (score > 40) is (expected == 100)


@pytest.mark.parametrize("tokens", ["words", "bpe", "unigram", "characters"])
def test_pairs_of_decomposed_texts(tokens):
    german = ["ein Mädchen läuft", "der Hund schläft", "die Straße", "das Haus"]
    english = ["a girl runs", "the dog sleeps", "the café", "the house"]
    kinds = dict.fromkeys(("source", "target"), tokens)
    found = []
    for form in (str, decomposed):
        train = list(zip(map(form, german), map(form, english)))
        for joint in (True, False):
            made = pairs.make_pair_tokenizers(kinds, train, 36 if joint else 28, joint)
            sides = zip(made.values(), zip(*train))
            found.append([list(map(t.tokenize, texts)) for t, texts in sides])
    assert found[:2] == found[2:]


def test_translate_of_decomposed_pairs(tmp_path):
    found = []
    for form in (str, decomposed):
        english = ["a girl runs", "the dog sleeps", "the café", "the house"]
        data = write_pairs(tmp_path / form.__name__, "en", english, form)
        experiment = prepared(translate, "translate", data, tmp_path)
        found.append((experiment.model.vocabularies, experiment.train[0][0]))
    assert found[0][0] == found[1][0]
    for name, ids in found[0][1].items():
        np.testing.assert_array_equal(ids, found[1][1][name])


def test_generate_of_decomposed_lines(tmp_path):
    models = []
    for form in (str, decomposed):
        data = tmp_path / form.__name__
        data.mkdir()
        for split in ("train", "dev", "test"):
            text = form("Mädchen läuft über die Straße\n" * 4)
            (data / f"{split}.txt").write_text(text, encoding="utf-8")
        models.append(prepared(generate, "generate", data, tmp_path))
    first, second = models
    assert first.model.vocabularies == second.model.vocabularies
    np.testing.assert_array_equal(first.train[0][0], second.train[0][0])
    expected = first.model.score("Mädchen")
    assert first.model.score(decomposed("Mäd\u00adchen")) == expected
    prompt = decomposed("Mäd")
    text = first.model.generate(prompt, 5)
    assert text == prompt + first.model.generate("Mäd", 5).removeprefix("Mäd")


def test_pronounce_of_decomposed_sounds(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = "".join(f"{word}\tʃ ã {word[0]}\n" for word in ("été", "âne", "œuf"))
    for split in ("train", "dev", "test"):
        (data / f"{split}.tsv").write_text(decomposed(rows), encoding="utf-8")
    experiment = prepared(pronounce, "pronounce", data, tmp_path)
    assert set(experiment.model.vocabularies["source"]) == set("étéâneœuf")
    predicted = [f"ʃ ã {first}" for first in "éâœ"]
    corpus = experiment.splits["test"]
    closest = pronounce.closest_references(experiment.config, corpus, predicted)
    assert pronounce.word_error_rate(predicted, closest) == 0


def write_tagged(directory, form=str):
    directory.mkdir()
    words = [("Mädchen", "N"), ("läuft", "V"), ("über", "P"), ("Straße", "N")]
    text = form("".join(f"{word}\t{tag}\n" for word, tag in words) + "\n") * 2
    for split in ("train", "dev", "test"):
        (directory / f"{split}.tsv").write_text(text, encoding="utf-8")
        (directory / f"{split}.tsv").rename(directory / f"{split}.conll")
    return directory


def test_tag_of_decomposed_words(tmp_path):
    found = []
    for form in (str, decomposed):
        data = write_tagged(tmp_path / form.__name__, form)
        experiment = prepared(tag, "tag", data, tmp_path)
        found.append((experiment.model.vocabularies, experiment.train[0][0]))
    assert found[0][0] == found[1][0]
    assert set(found[0][0]["characters"]) == set("MädchenläuftüberStraße")
    for name, ids in found[0][1].items():
        np.testing.assert_array_equal(ids, found[1][1][name])


# --- What cuts raw text for a tagger ----------------------------------------------


def test_raw_text_is_cut_as_the_training_data():
    sentence = "He paid $ 1,000.50 to the U.S. at http://a.b/c".split()
    assert choose_word_tokenizer([sentence])[0] == "treebank"
    assert choose_word_tokenizer(["a 1 , 000 %".split()])[0] == "words"
    kind, said = choose_word_tokenizer([["我们", "喜欢", "北京"]])
    assert kind == "spaces" and said.endswith("give texts with spaces between words")
    assert choose_word_tokenizer([["我", "们"]])[0] == "words"
    assert choose_word_tokenizer([sentence], "words")[0] == "words"


@pytest.mark.parametrize("given", [None, "spaces"])
def test_the_tokenizer_of_a_new_tagger(given, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "dev", "test"):
        (data / f"{split}.conll").write_text("$\tS\n1,000.5\tN\nU.S.\tN\n\n" * 2)
    experiment = prepared(tag, "tag", data, tmp_path, tokenizer=given)
    kind = given or "treebank"
    assert experiment.model.settings["tokenizer"]["kind"] == kind
    said = experiment.decisions["raw_text"]
    assert said.startswith(kind) and "33.3% by words and 100.0% by treebank" in said


def tiny_tagger():
    config = TaggerConfig(
        vocabulary_size=5,
        num_classes=2,
        character_vocabulary_size=5,
        units=2,
        embedding_size=2,
        character_filters=2,
    )
    vocabularies = {"words": ["a"], "characters": ["a"], "labels": ["X", "Y"]}
    settings = Tokenizer("words").settings
    return zoo.inference.Tagger(
        config, vocabularies, lowercase=True, tokenizer=settings
    )


def test_another_tokenizer_at_prediction():
    model = tiny_tagger()
    text = "$1,000.50 (U.S.)"
    words = {
        None: "$ 1 , 000 . 50 ( U . S . )",
        "words": "$ 1 , 000 . 50 ( U . S . )",
        "treebank": "$ 1,000.50 ( U.S. )",
        "spaces": "$1,000.50 (U.S.)",
    }
    for kind, expected in words.items():
        found = [word for word, _ in model.predict(text, kind)]
        assert found == expected.split()


@pytest.mark.nightly
def test_another_tokenizer_of_n_best_and_probabilities():
    model, text = tiny_tagger(), "$1,000.50 (U.S.)"
    for kind in ("treebank", "spaces"):
        found = [word for word, _ in model.predict(text, kind)]
        (best,) = model.n_best([text], 1, kind)[0]
        assert [word for word, _ in best.pairs] == found
        (tagged,) = model.probabilities([text], kind)
        assert [word for word, _ in tagged] == found


def test_the_option_of_the_command(tmp_path, capsys):
    tiny_tagger().save(tmp_path / "tagger")
    name = str(tmp_path / "tagger")
    run_command(["predict", name, "--tokenizer", "spaces", "U.S. x"])
    printed = capsys.readouterr().out
    assert [pair.rpartition("/")[0] for pair in printed.split()] == ["U.S.", "x"]


def test_the_option_is_of_taggers():
    other = SimpleNamespace(task="classifier", predict=len)
    given = SimpleNamespace(tokenizer="spaces")
    with pytest.raises(ValueError, match="tokenizer: is an option of taggers"):
        prepare_prediction(other, given)
    assert prepare_prediction(other, SimpleNamespace(tokenizer=None)) is len


# --- BLEU --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "language, texts, tokenization",
    [
        ("zh", ["pinyin"], "zh"),
        ("zh-TW", [], "zh"),
        ("th", [], "char"),
        ("my", [], "char"),
        ("de", ["Das Haus"], "13a"),
        (None, ["Das Haus"], "13a"),
        (None, ["我爱你"], "zh"),
        ("target", ["ฉันรักคุณ"], "char"),
        (None, ["나는 학교에 갔다"], "13a"),
    ],
)
def test_the_tokenization_follows_the_language(language, texts, tokenization):
    assert choose_bleu_tokenization(language, texts)[0] == tokenization


@pytest.mark.parametrize("language, texts", [("ja", []), (None, ["これは日本語です"])])
def test_japanese_falls_back_on_characters(language, texts):
    found, why = choose_bleu_tokenization(language, texts)
    try:
        import MeCab  # noqa: F401
    except ImportError:
        assert found == "char" and why.endswith("ja-mecab is not installed")
        with pytest.raises(ValueError, match="^bleu_tokenize: ja-mecab needs pip"):
            choose_bleu_tokenization(language, texts, "ja-mecab")
    else:
        assert found == "ja-mecab"
    assert choose_bleu_tokenization(language, texts, "13a") == ("13a", "13a")


def test_bleu_and_chrf_of_chinese():
    expected = ["我今天去了北京的一家书店"]
    predicted = ["我今天去了上海的一家书店"]
    score, signature = metrics.bleu(predicted, expected, "zh")
    # Of 12 characters 10, of 11 pairs 8, of 10 triples 6, of 9 fours 4 match.
    by_hand = 100 * (10 / 12 * 8 / 11 * 6 / 10 * 4 / 9) ** 0.25
    assert score == pytest.approx(by_hand) and "|tok:zh|" in signature
    assert metrics.bleu(predicted, expected)[0] == 0
    chrf, signature = metrics.chrf(predicted, expected)
    # The same counts; of 8 fives 2 match, and none of 7 sixes.
    shares = [10 / 12, 8 / 11, 6 / 10, 4 / 9, 2 / 8, 0]
    assert chrf == pytest.approx(100 * np.mean(shares)) and "nc:6" in signature


def test_bleu_of_decomposed_references():
    text = "ein Mädchen läuft über die Straße"
    assert metrics.bleu([text], [decomposed(text)])[0] == pytest.approx(100)
    assert metrics.chrf([text], [decomposed(text)])[0] == pytest.approx(100)


def test_what_is_said_of_tokens():
    chinese = ["我爱你"]
    assert describe_tokens("bpe", ["Haus"]) == "subwords by bpe"
    assert describe_tokens("characters", ["Haus"]) == "characters"
    assert describe_tokens("spaces", chinese).startswith("words between spaces; 100%")


# --- The treebank -----------------------------------------------------------------

TREEBANK = {
    "He paid $1,000.50 to the U.S. at http://a.b/c": (
        "He paid $ 1,000.50 to the U.S. at http://a.b/c"
    ),
    "I can't, they've, cannot and gonna.": "I ca n't , they 've , can not and gon na .",
    "Mail me at j.doe@enron.com or see report.doc.": (
        "Mail me at j.doe@enron.com or see report.doc ."
    ),
    "well-known co-founders e-mail the Bush-Cheney team": (
        "well - known co-founders e-mail the Bush - Cheney team"
    ),
    "Wait... what?!! -- no :-)": "Wait ... what ?!! -- no :-)",
    "Mr. Smith's dogs' food, etc.": "Mr. Smith 's dogs ' food , etc .",
    "On 11/28/2000 at 5:30pm, call 713-853-3989 (x5).": (
        "On 11/28/2000 at 5:30 pm , call 713-853-3989 ( x5 ) ."
    ),
    "50% of 3/4, 5-10 and the '90s": "50 % of 3/4 , 5 - 10 and the '90s",
    "dont do it, its a trap": "do nt do it , it s a trap",
    "its tail": "its tail",
    "Dr. No works for Enron Corp. in St. Louis, No. 5.": (
        "Dr. No works for Enron Corp. in St. Louis , No. 5 ."
    ),
    "AT&T and A&E; O'Neill's": "AT&T and A&E ; O'Neill 's",
    '"Quoted," (see 8) #1': '" Quoted , " ( see 8 ) # 1',
    "******* =====": "******* =====",
}


@pytest.mark.parametrize("text, words", TREEBANK.items(), ids=range(len(TREEBANK)))
def test_words_of_the_treebank(text, words):
    assert Tokenizer("treebank").tokenize(text) == words.split()
    joined = Tokenizer("treebank", joiner=True)
    assert joined.detokenize(joined.tokenize(text)) == text


def test_lower_case_comes_after_the_cut():
    found = Tokenizer("treebank", lowercase=True).tokenize("Mr. A. Smith, U.S.")
    assert found == ["mr.", "a.", "smith", ",", "u.s."]


@pytest.mark.parametrize("unit", ["a-", "-=", "a.", "a@", "(-", "1,", "'", "a'", ":-"])
def test_work_per_character_is_bounded(unit):
    text = unit * 20_000
    tokens = Tokenizer("treebank").tokenize(text)  # a quadratic search takes minutes
    assert "".join(tokens) == text


def sentences_of_ewt(split):
    """Yields the raw text of each sentence, and its words."""
    folder = Path(os.environ["RECURRENT_ZOO_DATA"], "ud_ewt", "r2.10")
    text, words = "", []
    file = folder / f"en_ewt-ud-{split}.conllu.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            number, _, rest = line.rstrip("\n").partition("\t")
            if line.startswith("# text = "):
                text = line.removeprefix("# text = ").strip()
            elif number.isdigit():
                words.append(rest.split("\t")[0])
            elif not number and words:
                yield text, words
                words = []


def spans(words):
    """Returns the place of each word among the visible characters of a sentence."""
    ends = np.cumsum([len("".join(word.split())) for word in words])
    return set(zip([0, *ends[:-1].tolist()], ends.tolist()))


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("split, least", [("dev", 99.4), ("test", 99.2)])
def test_the_words_of_ewt_are_recovered(split, least):
    tokenizer = Tokenizer("treebank")
    pairs = [
        (spans(tokenizer.tokenize(text)), spans(words))
        for text, words in sentences_of_ewt(split)
    ]
    assert 100 * metrics.micro_f1(*zip(*pairs)) >= least
