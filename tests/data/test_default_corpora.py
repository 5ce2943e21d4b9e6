"""The embedded corpora: deterministic, disjoint, and about as large as documented."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from zoo.data import corpora, default_corpora, news

CORPORA = [
    "docstrings",
    "restored_text",
    "documentation",
    "restored_vowels",
    "pronunciations",
]


def read(name):
    return {
        split: list(corpus)
        for split, corpus in getattr(default_corpora, name)().items()
    }


@pytest.mark.parametrize("name", CORPORA)
def test_splits_can_be_read_again_and_carry_places(name):
    splits = getattr(default_corpora, name)()
    assert list(splits) == ["train", "dev", "test"]
    for split, corpus in splits.items():
        located = list(corpus.located())
        assert [example for _, example in located] == list(corpus) != []
        assert located[16][0] == f"{name}/{split}:17"


@pytest.mark.parametrize("name", ["docstrings", "pronunciations"])
def test_no_input_occurs_twice(name):
    inputs = [source for split in read(name).values() for source, _ in split]
    assert len(set(inputs)) == len(inputs)


def test_docstrings():
    splits = read("docstrings")
    examples = sum(splits.values(), [])
    labels = Counter(label for _, label in examples)
    assert len(labels) == 12
    assert 1_500 < len(examples) < 6_000
    assert labels.most_common(1)[0][1] / len(examples) < 0.3
    assert abs(len(splits["train"]) - 0.8 * len(examples)) < 1
    assert all(len(text.split()) >= 4 for text, _ in examples)
    assert all(text == " ".join(text.split()) for text, _ in examples)


def test_restored_text():
    splits = read("restored_text")
    tags = {s: {tag for _, t in splits[s] for tag in t} for s in splits}
    cases, marks = ("lower", "Title", "UPPER"), ("", ",", ".")
    assert tags["train"] == {case + mark for case in cases for mark in marks}
    assert tags["dev"] | tags["test"] <= tags["train"]
    for words, marks in sum(splits.values(), []):
        assert 0 < len(words) == len(marks) <= 40
        assert all(word == word.lower() and word[-1].isalnum() for word in words)
    assert any(marks[-1] == "lower" for _, marks in splits["test"])


@pytest.mark.parametrize(
    "document, words, tags",
    [
        (
            'He said: "No." I left',
            "he said no i left",
            "Title lower, Title. Title lower",
        ),
        (
            "The ABC's (new) plan, Mr O'Neill? 4:00pm - go!",
            "the abc's new plan mr o'neill 4:00pm go",
            "Title Title lower lower, Title Title. lower lower.",
        ),
        ("NATO, 2001; end", "nato 2001 end", "UPPER, lower, lower"),
    ],
)
def test_marks(document, words, tags):
    assert news.mark(document) == (words.split(), tags.split())


def test_documentation():
    texts = {split: "".join(lines) for split, lines in read("documentation").items()}
    whole = "".join(texts.values())
    assert 550_000 < len(whole) < 700_000
    assert len(texts["train"]) / len(whole) == pytest.approx(0.9, abs=0.02)
    assert len(texts["dev"]) / len(whole) == pytest.approx(0.05, abs=0.01)
    assert all(c == "\n" or " " <= c <= "~" for c in set(whole))
    seen = {" ".join(p.split()) for p in texts["train"].split("\n\n")}
    for split in ("dev", "test"):
        paragraphs = {" ".join(p.split()) for p in texts[split].split("\n\n")}
        assert all(len(paragraph) < 60 for paragraph in paragraphs & seen)


def test_documentation_lines_end():
    assert all(line.endswith("\n") for line in default_corpora.documentation()["dev"])


def test_restored_vowels():
    splits = read("restored_vowels")
    pairs = sum(splits.values(), [])
    targets = [target for _, target in pairs]
    assert len(set(targets)) == len(targets)  # none is in two splits
    assert 8_000 < len(splits["train"]) < 16_000
    for split in ("dev", "test"):
        assert len(splits[split]) / len(pairs) == pytest.approx(0.1, abs=0.02)
    lengths = Counter(len(target.split()) for target in targets)
    assert set(lengths) == set(range(4, 11))
    for source, target in pairs:
        assert re.fullmatch(r"[a-z]+('[a-z]+)?( [a-z]+('[a-z]+)?)*", target)
        assert source and source == " ".join(re.sub("[aeiou]", "", target).split())
    shorter = sum(len(s.split()) < len(t.split()) for s, t in pairs)
    assert shorter > len(pairs) / 10


def test_vowels_are_the_default_of_translation():
    splits = corpora.parallel()
    assert list(splits["dev"]) == list(default_corpora.restored_vowels()["dev"])


def test_restored_vowels_are_held_out_by_whole_text():
    texts = default_corpora._documentation_splits(
        default_corpora.SENTENCES_CHARACTERS, 10
    )
    assert not set(texts["train"]) & {*texts["dev"], *texts["test"]}
    for split, pairs in read("restored_vowels").items():
        whole = " ".join(" ".join(texts[split]).split()).lower()
        found = sum(target in whole for _, target in pairs)
        assert found / len(pairs) > 0.5  # others have a comma or quotes within


def test_pronunciations():
    splits = read("pronunciations")
    assert [len(splits[s]) for s in splits] == [30_000, 1_000, 1_000]
    lexicon = dict(sum(read("pronunciations").values(), []))
    assert all(2 <= len(word) <= 16 for word in lexicon)
    assert not any(c.isdigit() for phonemes in lexicon.values() for c in phonemes)


def test_pronunciations_of_the_whole_dictionary():
    splits = default_corpora.pronunciations(size=None)
    lexicon = dict(example for corpus in splits.values() for example in corpus)
    assert len(lexicon) > 120_000
    assert lexicon["tomato"] == "T AH M EY T OW"  # the first of two
    assert list(splits["test"]) == list(default_corpora.pronunciations(size=5)["test"])
    assert len(list(default_corpora.pronunciations(size=5)["train"])) == 5
    assert default_corpora.all_pronunciations("tomato") == (
        "T AH M EY T OW",
        "T AH M AA T OW",
    )
    by_name = corpora.pronunciations("cmudict")
    assert list(by_name["train"]) == list(splits["train"])


def test_nothing_is_imported_to_be_read():
    code = (
        "import sys; from zoo.data import default_corpora as corpora; "
        "corpora.restored_text(); corpora.docstrings(); corpora.documentation(); "
        "corpora.restored_vowels(); corpora.pronunciations(); "
        "found = {'gensim', 'tkinter', 'pydoc_data.topics', 'tensorflow', 'keras'}; "
        "print(sorted(found & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
