"""Files that were cut, flipped, doubled or overwritten, of every kind that is read.

Each outcome is one of two. An error of one line that names the file: a `ValueError` (a
`CorpusError` is one) or an `OSError`. Or an answer, and then the right one, which each
kind of file decides for itself:

- What has a checksum (checkpoints, caches, gzip, zip) gives what it gave before.
- Plain text has none, and a changed letter is other text; but what stands in lines, or
  sentences, that the damage left alone is read as before, in the same order, and a text
  is read to the letter.
"""

import gzip
import io
import itertools
import json
import random
import re
import signal
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import zoo
from pretrained import vectors
from zoo import checkpoints
from zoo.checkpoints import config_file
from zoo.data import corpora
from zoo.inference import catalog
from zoo.inference.classifier import Classifier
from zoo.models.classifier import ClassifierConfig
from zoo.text.subwords import SubwordTokenizer

DAILY, NIGHTLY = 22, 420  # damaged files of each kind
SECONDS = 10  # that reading one of them may take

# --- Damage ----------------------------------------------------------------------

SPLINTERS = [
    b"\n", b"\n\n", b"\t", b" ", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b'"', b"'",
    b",", b"-", b"#", b"_", b"{", b"}", b"[" * 40, b"null", b"NaN", b"1e400", b"-1",
    b"9" * 400, b"99999999999", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x1f\x8b", b"PK",
    b"\\", b"\\u0000", b"O", b"-DOCSTART-", b"1-2\t", b"</s>", b"..", b"/", b"x" * 300,
]  # fmt: skip


def damage(content, dice):
    """Returns content with one to three damages."""
    content = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 3])):
        dice.choice(DAMAGES)(content, dice)
    return bytes(content)


def _place(content, dice):
    return dice.randrange(len(content) + 1)


def _span(content, dice):
    start = _place(content, dice)
    return slice(start, start + dice.choice([1, 2, 3, 8, 20, 100]))


def _cut(content, dice):
    del content[_place(content, dice) :]


def _flip(content, dice):
    for _ in range(dice.choice([1, 1, 4])):
        if content:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _overwrite(content, dice):
    span = _span(content, dice)
    size = len(content[span])
    content[span] = dice.choice([bytes(size), dice.randbytes(size), b" " * size])


def _lose(content, dice):
    del content[_span(content, dice)]


def _double(content, dice):
    span = _span(content, dice)
    content[span] = content[span] * 2


def _insert(content, dice):
    place = _place(content, dice)
    content[place:place] = dice.choice([*SPLINTERS, dice.randbytes(5)])


def _move(content, dice):
    part = content[span := _span(content, dice)]
    del content[span]
    place = _place(content, dice)
    content[place:place] = part


def _lines(content, dice):
    lines = bytes(content).splitlines(keepends=True)
    if lines:
        i, j = dice.randrange(len(lines)), dice.randrange(len(lines))
        content[:] = b"".join([*lines[:i], lines[j], *lines[i + 1 :]])


DAMAGES = [_cut, _flip, _overwrite, _lose, _double, _insert, _move, _lines]

VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 7, 10**6, 10**9, 2**62, 0.0, 0.5, -0.5, 1e300,
    1e-300, "", "x", "lstm", "words", "../x", "x" * 5000, [], [1], {}, {"kind": "x"},
    {"a": {"b": [None]}}, ["neg"], "\ud800", "\0", "http://localhost:1/v#sha256=0",
]  # fmt: skip


def change_entries(content, dice):
    """Returns JSON with one or two entries changed, lost, added or exchanged."""
    entries = json.loads(content)
    for _ in range(dice.choice([1, 1, 2])):
        part = entries[dice.choice(["model", "settings", "settings", "files"])]
        tokenizer = part.get("tokenizer")
        if tokenizer and isinstance(tokenizer, dict) and dice.random() < 0.3:
            part = tokenizer
        name = dice.choice([*part, *part, "vectors", "lower_unknown", "joiner", "mean"])
        way = dice.randrange(5)
        if way == 0:
            part.pop(name, None)
        elif way == 1:
            part[name] = part[dice.choice([*part])] if part else None
        else:
            part[name] = dice.choice(VALUES)
    return json.dumps(entries).encode()


# --- Kinds of files --------------------------------------------------------------


@dataclass
class Kind:
    """A kind of file.

    Args:
        files: their contents by name; one of them is damaged at a time.
        read: takes the directory; what it returns can be compared.
        right: takes the answer to damaged files, that to intact ones, and the files;
            raises an error if the answer is wrong.
        damage: takes content and a `random.Random`; returns damaged content.
    """

    files: dict[str, bytes]
    read: Callable
    right: Callable
    damage: Callable = damage


def same(found, intact, files):
    """The answer is what it was."""
    assert found == intact


def same_or_plain(found, intact, files):
    """As `same`, unless so little is left that it is no gzip file at all."""
    (content,) = files.values()
    assert found == (intact if content.startswith(b"\x1f\x8b") else content.decode())


def anything(found, intact, files):
    """Nobody can know the right answer."""


def whole_text(found, intact, files):
    assert found == files["t.txt"].decode("utf-8-sig")


def untouched(whole, unit):
    """What intact units give is there, in order.

    Args:
        whole: the intact content of the file.
        unit: takes content apart into what is read on its own, a part for each example.
    """

    def right(found, intact, files):
        (content,) = files.values()
        known = dict(zip(unit(whole), intact))
        rest = iter(found)
        for part in unit(content):
            if part in known:
                assert known[part] in rest, f"{known[part]!r} is missing"

    return right


def rows(content):
    return content.split(b"\n")[1:]


def lines(content):
    return content.split(b"\n")


def sentences(content):
    return content.split(b"\n\n")


def quoted_rows(content):
    """Rows of CSV up to the first with a quote out of place, which may open a cell."""
    header, *lines = content.split(b"\n")
    cell = rb'([^",\r]*|"[^"\r]*")'
    is_plain = re.compile(cell + b"," + cell).fullmatch
    return list(itertools.takewhile(is_plain, lines)) if is_plain(header) else []


WORDS = "the dog ran to a red house while it rained cats on Mars".split()


def text_lines(number):
    dice = random.Random(number)
    return [" ".join(dice.choices(WORDS, k=6)) + f" {i}" for i in range(number)]


TSV = "text\tlabel\n" + "".join(
    f"{t}\t{'pos' if i % 3 else 'neg'}\n" for i, t in enumerate(text_lines(12))
)
CSV = "text,label\n" + "".join(
    f'{t},"{"pos" if i % 3 else "neg"}"\n' for i, t in enumerate(text_lines(12))
)
CONLL = "".join(
    "".join(f"{w} X B-{w[0].upper()}\n" for w in t.split()) + "\n"
    for t in text_lines(5)
)
CONLLU = "".join(
    f"# text = {t}\n"
    + "".join(
        f"{i}\t{w}\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n" for i, w in enumerate(t.split(), 1)
    )
    + "\n"
    for t in text_lines(4)
)
TEXT = "\n".join(["Ein Mädchen läuft über die Straße.", "犬が走る 😀", *text_lines(6)])
PAIRS = "".join(f"{t}\t{t.upper()}\n" for t in text_lines(9))
GLOVE = "".join(
    f"{w} {i}.5 -{i}e-1 .{i}\n" for i, w in enumerate(WORDS) if w not in WORDS[:i]
)
NUMBER = len(GLOVE.splitlines())
HEADED = f"{NUMBER} 3\n{GLOVE}"
BINARY = f"{NUMBER} 3\n".encode() + b"".join(
    word.encode() + b" " + np.array(row, "<f4").tobytes() + b"\n"
    for word, *row in map(str.split, GLOVE.splitlines())
)


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def vector_rows(name, **options):
    def read(directory):
        found = vectors.load(directory / name, WORDS, **options)
        return {
            word: row.tolist()
            for word, row, is_found in zip(found.tokens, found.matrix, found.found)
            if is_found
        }

    return read


def untouched_vectors(found, intact, files):
    """Words whose line is there once, and not after another of the same word."""
    (content,) = files.values()
    for line in GLOVE.encode().splitlines(keepends=True):
        word = line.split(b" ")[0]
        alone = content.count(b"\n" + word + b" ") + content.startswith(word + b" ")
        if b"\n" + line in content and alone == 1 and word.decode() in found:
            assert found[word.decode()] == intact[word.decode()]
    assert np.isfinite([*found.values()]).all()


def untouched_binary(found, intact, files):
    (content,) = files.values()
    for word, row in found.items():
        part = word.encode() + b" " + np.array(intact[word], "<f4").tobytes()
        if part in content and content.count(word.encode() + b" ") == 1:
            assert row == intact[word]
    assert np.isfinite([*found.values()]).all()


def read_folders(directory):
    return list(corpora.read_class_folders(directory))


def right_folders(found, intact, files):
    expected = [
        (content.decode("utf-8-sig").strip(), name.split("/")[0])
        for name, content in sorted(files.items())
    ]
    assert found == expected


def read_parallel(directory):
    return list(corpora.read_parallel(directory / "t.de", directory / "t.en"))


def right_pairs(found, intact, files):
    sides = [files[name].decode("utf-8-sig").split("\n") for name in ("t.de", "t.en")]
    sides = [side[:-1] if side[-1] == "" else side for side in sides]
    expected = [tuple(x.rstrip("\r") for x in pair) for pair in zip(*sides)]
    assert len(sides[0]) == len(sides[1]) and found == expected


def plain(content, read, unit, name):
    content = content.encode()
    return Kind({name: content}, read, untouched(content, unit))


def labeled(name):
    return lambda d: list(corpora.read_labeled(d / name, "text", "label"))


KINDS: dict[str, Kind] = {
    "tsv": plain(TSV, labeled("t.tsv"), rows, "t.tsv"),
    "csv": plain(CSV, labeled("t.csv"), quoted_rows, "t.csv"),
    "tsv.gz": Kind({"t.tsv": gzip.compress(TSV.encode())}, labeled("t.tsv"), same),
    "conll": plain(
        CONLL, lambda d: list(corpora.read_conll(d / "t.conll")), sentences, "t.conll"
    ),
    "conllu": plain(
        CONLLU,
        lambda d: list(corpora.read_conllu(d / "t.conllu")),
        sentences,
        "t.conllu",
    ),
    "text": Kind(
        {"t.txt": TEXT.encode()},
        lambda d: "".join(corpora.read_text(d / "t.txt")),
        whole_text,
    ),
    "text.gz": Kind(
        {"t.txt": gzip.compress(TEXT.encode())},
        lambda d: "".join(corpora.read_text(d / "t.txt")),
        same_or_plain,
    ),
    "parallel": Kind(
        {"t.de": TEXT.encode(), "t.en": TEXT.upper().encode()},
        read_parallel,
        right_pairs,
    ),
    "pairs": plain(
        PAIRS, lambda d: list(corpora.read_pairs(d / "t.tsv")), lines, "t.tsv"
    ),
    "class folders": Kind(
        {f"{c}/{i}.txt": t.encode() for c in "ab" for i, t in enumerate(text_lines(2))},
        read_folders,
        right_folders,
    ),
    "glove": Kind(
        {"v.txt": GLOVE.encode()}, vector_rows("v.txt", cache=False), untouched_vectors
    ),
    "word2vec": Kind(
        {"v.txt": HEADED.encode()}, vector_rows("v.txt", cache=False), untouched_vectors
    ),
    "word2vec.bin": Kind(
        {"v.bin": BINARY}, vector_rows("v.bin", cache=False), untouched_binary
    ),
    "glove.gz": Kind(
        {"v.txt.gz": gzip.compress(GLOVE.encode())},
        vector_rows("v.txt.gz", cache=False),
        same,
    ),
    "word2vec.bin.gz": Kind(
        {"v.bin.gz": gzip.compress(BINARY)},
        vector_rows("v.bin.gz", cache=False),
        same,
    ),
    "glove.zip": Kind(
        {"v.zip": zipped("v.txt", GLOVE)}, vector_rows("v.zip", cache=False), same
    ),
}


# --- Checkpoints and caches, which are made first --------------------------------


def made_model():
    config = ClassifierConfig(
        vocabulary_size=len({*WORDS}) + 4, num_outputs=1, units=2, embedding_size=2
    )
    return Classifier(
        config,
        {"tokens": sorted({*WORDS}), "labels": ["neg", "pos"]},
        tokenizer={"kind": "words"},
        max_length=5,
        temperature=1.25,
        label_names={"neg": "schlecht", "pos": "gut"},
    )


def read_checkpoint(directory):
    found = checkpoints.load(directory)
    weights = {path: array.tolist() for path, array in found.weights.items()}
    return {**vars(found), "weights": weights}


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def read_loaded(directory):
    """What the model of a checkpoint answers, whose checksums are made to fit."""
    file = directory / "config.json"
    entries = checkpoints.read_json(file)
    entries.pop("sha256", None)
    file.write_bytes(config_file.to_bytes(entries))
    return zoo.load(directory).predict(["the dog ran", ""])


def answers(found, intact, files):
    for answer in found:
        assert sum(answer.probabilities.values()) == pytest.approx(1)


def read_summary(directory):
    catalog.card(directory)
    return catalog.summary(directory)


def read_subwords(directory):
    return SubwordTokenizer((directory / "m.model").read_bytes()).tokenize("the dog")


def made_kinds(directory, cache):
    """Returns the kinds of files that this project writes."""
    made_model().save(directory / "checkpoint")
    checkpoint = contents(directory / "checkpoint")
    card = {"task": "classifier", "languages": ["de"], "parameters": 9, "score": "1 %"}
    with_card = {**checkpoint, "card.json": json.dumps(card).encode()}
    source = directory / "v.txt"
    wide = [line + f" {i}" * 500 for i, line in enumerate(GLOVE.splitlines())]
    source.write_text("\n".join(wide) + "\n")  # more than zipfile reads at once

    def through_cache(file):
        """Reads vectors whose cached file is the damaged one."""

        def read(damaged):
            (cache / file.name).write_bytes((damaged / file.name).read_bytes())
            return vector_rows("v.txt")(source.parent)

        return read

    vector_rows("v.txt")(directory)
    (cached,) = cache.iterdir()
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    vectors.keep(matrix)
    (kept,) = cache.glob("rows-*")
    digest = kept.name.removeprefix("rows-").removesuffix(".f32")

    def kept_rows(damaged):
        kept.write_bytes((damaged / kept.name).read_bytes())
        found = vectors.kept(digest, "v.txt", list("abcd"))
        return matrix.tolist() if found is None else found.tolist()

    model = SubwordTokenizer.train([*text_lines(30)], 40).model
    return {
        "checkpoint": Kind(checkpoint, read_checkpoint, same),
        "config": Kind(checkpoint, read_checkpoint, same),
        "resealed config": Kind(checkpoint, read_loaded, answers, change_entries),
        "card": Kind(with_card, read_summary, anything),
        "cached vectors": Kind(
            {cached.name: cached.read_bytes()}, through_cache(cached), same
        ),
        "kept rows": Kind({kept.name: kept.read_bytes()}, kept_rows, same),
        "subwords": Kind({"m.model": model}, read_subwords, anything),
    }


DAMAGED_ONLY = {  # of several files
    "config": "config.json", "resealed config": "config.json", "card": "card.json",
}  # fmt: skip
NAMES = [
    *KINDS, "checkpoint", "config", "resealed config", "card", "cached vectors",
    "kept rows", "subwords",
]  # fmt: skip


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    directory = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECURRENT_ZOO_CACHE", str(directory / "cache"))
        yield {**KINDS, **made_kinds(directory, directory / "cache")}


# --- The tests -------------------------------------------------------------------


class TookTooLong(BaseException):
    pass


def too_long(*_):
    raise TookTooLong


def write(directory, files):
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def outcome(kind, directory, files, intact):
    """Reads files; returns `"error"` or `"answer"`, and fails if it is a wrong one."""
    write(directory, files)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        found = kind.read(directory)
    except (ValueError, OSError) as error:
        message = str(error)
        assert message and "\n" not in message, repr(message)
        assert str(directory) in message or kind.read is read_subwords, repr(message)
        return "error"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    kind.right(found, intact, files)
    return "answer"


def fuzz(name, kind, directory, number):
    """Damages files of a kind, each by a seed of its own; returns the outcomes."""
    write(directory / "intact", kind.files)
    intact = kind.read(directory / "intact")
    kind.right(intact, intact, kind.files)
    found = {"error": 0, "answer": 0}
    signal.signal(signal.SIGALRM, too_long)
    for seed in range(number):
        dice = random.Random(f"{name} {seed}")
        victim = DAMAGED_ONLY.get(name) or dice.choice(sorted(kind.files))
        files = {**kind.files, victim: kind.damage(kind.files[victim], dice)}
        try:
            found[outcome(kind, directory / "damaged", files, intact)] += 1
        except BaseException as error:
            error.add_note(f"{name}, seed {seed}: {victim} is {files[victim]!r:.2000}")
            raise
    return found


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="needs an alarm"
)
@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(name, kinds, tmp_path):
    found = fuzz(name, kinds[name], tmp_path, DAILY)
    assert sum(found.values()) == DAILY


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_damaged_files(name, kinds, tmp_path):
    number = NIGHTLY + (NIGHTLY if name in ("checkpoint", "cached vectors") else 0)
    found = fuzz(name, kinds[name], tmp_path, number)
    print(name, found)
    assert found["error"] or name in ("cached vectors", "kept rows"), found
