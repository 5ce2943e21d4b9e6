"""Text to tokens and back."""

import doctest
import random

import pytest

from zoo.text import tokenizers
from zoo.text.normalization import normalize
from zoo.text.tokenizers import JOINER, Tokenizer

TRICKY = {
    "quotes": '"Well," she said, \'it is "fine"\'.',
    "curly": "“Don’t,” he said, ‘it’s not’",
    "clitics": "I can't, won't, they'd've, we'll and DON'T",
    "hyphens": "a well-known state-of-the-art x--y—z - w",
    "german": "Über die Straße läuft Ärger, müßig!",
    "french": "l'été, aujourd'hui, qu'il n'a pas d'œufs",
    "emoji": "ok 👍🏽 family 👨‍👩‍👧!👍",
    "marks": "cafe\u0301 n\u0303o हिन्दी",
    "numbers": "1,234.56 €3.50 10% 3/4 1e-5 #1",
    "ellipses": "Wait... what?.. Well… no",
    "underscores": "snake_case __init__ _",
    "url": "see https://example.org/a?b=c&d=e#f (or not).",
    "chinese": "我爱你。 你好",
    "arabic": "مرحبا، كيف حالك؟",
    "clitic first": "'s n't 'tis '90s",
    "single": ".",
    "zero width": "a\u200bb \ufeffc",
}


def test_doctests():
    results = doctest.testmod(tokenizers)
    assert results.attempted and not results.failed


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY)
def test_joined_words_restore_the_text(text):
    tokenizer = Tokenizer("words", joiner=True)
    tokens = tokenizer.tokenize(text)
    assert tokenizer.detokenize(tokens) == normalize(text)
    assert [t.removeprefix(JOINER) for t in tokens] == Tokenizer().tokenize(text)


@pytest.mark.parametrize("seed", range(20))
def test_joined_words_restore_random_texts(seed):
    draw = random.Random(seed)
    tokenizer = Tokenizer("words", joiner=True)
    for _ in range(50):
        text = "".join(draw.choices("ant'’s-._9 ß\u0301👍\"…", k=draw.randint(1, 12)))
        text = " ".join(normalize(text).split())
        assert tokenizer.detokenize(tokenizer.tokenize(text)) == text


def test_white_space_becomes_one_space():
    tokenizer = Tokenizer("words", joiner=True)
    tokens = tokenizer.tokenize(" \t a\u00a0\n b ,\r\nc\u2003d \u3000")
    assert tokens == ["a", "b", ",", "c", "d"]
    assert tokenizer.detokenize(tokens) == "a b , c d"


def test_every_visible_character_is_in_one_token():
    for text in TRICKY.values():
        assert "".join(Tokenizer().tokenize(text)) == "".join(normalize(text).split())


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("I don't know.", "I do n't know ."),
        (
            "It's John's; they've, we'll, I'd, I'm",
            "It 's John 's ; they 've , we 'll , I 'd , I 'm",
        ),
        ("DON'T IT'S", "DO N'T IT 'S"),
        ("it’s don’t", "it ’s do n’t"),
        ("l'ami 'quoted'", "l ' ami ' quoted '"),
        ("well-known 3.5%", "well - known 3 . 5 %"),
        ("snake_case", "snake_case"),
        ("a...", "a . . ."),
    ],
)
def test_words(text, tokens):
    assert Tokenizer("words").tokenize(text) == tokens.split()


def test_joiner_marks_what_follows_without_a_space():
    tokens = Tokenizer("words", joiner=True).tokenize("a-b (c) d")
    assert tokens == ["a", "￭-", "￭b", "(", "￭c", "￭)", "d"]


def test_a_leading_joiner_adds_no_space():
    assert Tokenizer("words", joiner=True).detokenize(["￭n't", "it"]) == "n't it"


def test_spaces():
    assert Tokenizer("spaces").tokenize("it's  a\ttest. ") == ["it's", "a", "test."]
    assert Tokenizer("spaces").detokenize(["it's", "a"]) == "it's a"


def test_characters_keep_white_space():
    text = " a\n\tß👍é"
    assert Tokenizer("characters").tokenize(text) == list(text)
    assert Tokenizer("characters").detokenize(list(text)) == text


@pytest.mark.parametrize(
    "kind, tokens",
    [
        ("words", ["straße", "!"]),
        ("spaces", ["straße!"]),
        ("characters", list("straße!")),
    ],
)
def test_lowercase(kind, tokens):
    assert Tokenizer(kind, lowercase=True).tokenize("STRAßE!") == tokens


@pytest.mark.parametrize("kind", ["words", "spaces"])
@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0"])
def test_nothing_visible_has_no_tokens(kind, text):
    assert Tokenizer(kind).tokenize(text) == []
    assert Tokenizer(kind).detokenize([]) == ""
