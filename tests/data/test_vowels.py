"""Phrases of English text, with and without their vowels."""

import pytest

from zoo.data.vowels import phrases, without_vowels


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("One two three four.", ["one two three four"], id="shortest"),
        pytest.param("One two three.", [], id="too-short"),
        pytest.param(
            "Up to here it goes. And then it goes on!",
            ["up to here it goes", "and then it goes on"],
            id="sentences",
        ),
        pytest.param(
            "one two\nthree four\n\nfive six seven eight",
            ["one two three four", "five six seven eight"],
            id="paragraphs",
        ),
        pytest.param(
            'a "quoted word", (in brackets) doesn\'t end it',
            ["a quoted word in brackets doesn't end it"],
            id="punctuation",
        ),
        pytest.param(
            'he said "that is all." and then he left us',
            ["he said that is all", "and then he left us"],
            id="end-in-quotes",
        ),
        pytest.param(
            "this is what some_name does to all of us",
            ["does to all of us"],
            id="code",
        ),
        pytest.param("a fooBar b c d 3 e f g h", ["e f g h"], id="code-and-numbers"),
        pytest.param(
            "one two three four\n>>> five six seven eight\n... nine ten one two",
            ["one two three four"],
            id="session",
        ),
        pytest.param(
            "a b c d e f g h i j k",
            ["a b c d e", "f g h i j k"],
            id="eleven-words",
        ),
        pytest.param("", [], id="empty"),
    ],
)
def test_phrases(text, expected):
    assert list(phrases(text)) == expected


@pytest.mark.parametrize("count", range(4, 60))
def test_long_runs_are_cut_into_phrases_of_4_to_10_words(count):
    words = [f"{chr(97 + n % 26)}x" for n in range(count)]
    found = [phrase.split() for phrase in phrases(" ".join(words))]
    assert sum(found, []) == words
    assert all(4 <= len(phrase) <= 10 for phrase in found)
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_a_word_of_vowels_alone_leaves_nothing():
    assert without_vowels("i saw you eye a queue") == "sw y y q"
