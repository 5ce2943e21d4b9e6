import doctest
import functools
import gzip
import hashlib
import http.server
import os
import pickle
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROWS
from gensim.models import KeyedVectors, Word2Vec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrained import vectors
from pretrained.vectors import files, names

ROOT = Path(__file__).parents[2]
GLOVE = Path(os.environ.get("RECURRENT_ZOO_DATA", ROOT.parent / "shared/data"), "glove")
WORDS = ["the", "dog", "Dog", "été", "</s>", "10"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 3)).astype(np.float32)
TEXT = b"the 0.5 -1 2e-1\ndog 1.5 0.25 3\nran -2 0 .125\n"
HEADED = b"3 3\n" + TEXT
BINARY = b"3 3\n" + b"".join(
    word + b" " + np.array(row, "<f4").tobytes() + b"\n"
    for word, row in [
        (b"the", (0.5, -1, 0.2)),
        (b"dog", (1.5, 0.25, 3)),
        (b"ran", (-2, 0, 0.125)),
    ]
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RECURRENT_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def keyed():
    keyed = KeyedVectors(3)
    keyed.add_vectors(WORDS, MATRIX)
    return keyed


def write(tmp_path, content, name="v.txt"):
    file = tmp_path / name
    file.write_bytes(content)
    return file


def load(tmp_path, content, tokens=("the", "ran"), name="v.txt", **options):
    return vectors.load(write(tmp_path, content, name), tokens, **options)


def error(*arguments, **options):
    with pytest.raises(ValueError) as raised:
        load(*arguments, **options)
    return str(raised.value)


# What is read, and that it equals what gensim reads.


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "name", ["glove.txt", "w2v.txt", "fast.vec", "crlf.txt", "w.bin"]
)
def test_equals_gensim(tmp_path, keyed, name, zipped):
    file, binary, header = tmp_path / name, name == "w.bin", name != "glove.txt"
    keyed.save_word2vec_format(str(file), binary=binary, write_header=header)
    expected = KeyedVectors.load_word2vec_format(
        str(file), binary=binary, no_header=not header
    )
    end = {"fast.vec": b" \n", "crlf.txt": b"\r\n"}.get(name, b"\n")
    content = file.read_bytes().replace(b"\n", end)
    if name == "fast.vec":
        content = content.replace(b" \n", b"\n", 1)  # none behind the header
    if zipped:
        file = write(tmp_path, gzip.compress(content), f"{name}.gz")
    else:
        file.write_bytes(content)
    found = vectors.load(file, WORDS)
    assert found.found.all() and found.matrix.dtype == np.float32
    np.testing.assert_array_equal(found.matrix, expected[WORDS])
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_binary_file_with_newlines_as_of_the_c_program(tmp_path):
    found = load(tmp_path, BINARY, list(ROWS), "v.bin")
    np.testing.assert_array_equal(found.matrix, np.array(list(ROWS.values()), "f4"))


# Decimals between two neighbors in float32, around which rounding goes either way;
# the third would be rounded otherwise without the double in between.
@pytest.mark.parametrize(
    "number",
    ["1.00000005960464477539", "16777217", "1.000000178813934326171876", "1e-45"]
    + ["3.4028235e38", "-0", "+.5", "7E-3", "0.1", "123456789.123456789"],
)
def test_rounds_as_gensim(tmp_path, number):
    content = f"the {number} 1\n".encode()
    found = load(tmp_path, content, ["the"])
    file = str(tmp_path / "v.txt")
    expected = KeyedVectors.load_word2vec_format(file, no_header=True)
    assert found.matrix.tobytes() == expected["the"].tobytes()


def test_blocks_end_anywhere(tmp_path, monkeypatch, keyed):
    for name in ("v.txt", "v.bin"):
        file = tmp_path / name
        keyed.save_word2vec_format(str(file), binary=name == "v.bin")
        # A block holds the first line and, of the binary file, a token and its space.
        for block in range(40, len(file.read_bytes()) + 1):
            monkeypatch.setattr(files, "_BLOCK", block)
            found = vectors.load(file, WORDS, cache=False)
            np.testing.assert_array_equal(found.matrix, MATRIX)


def test_keyed_vectors(keyed):
    found = vectors.load(keyed, ["DOG", "the", "cat"])
    np.testing.assert_array_equal(found.matrix[:2], MATRIX[[1, 0]])
    assert found.found.tolist() == [True, True, False]
    assert (found.source, found.sha256) == ("KeyedVectors", None)
    with pytest.raises(ValueError, match="Word2Vec; expected .*, its .wv"):
        vectors.load(Word2Vec([["a"]], min_count=1, vector_size=2), ["a"])
    keyed.vectors[1, 2] = np.nan
    with pytest.raises(
        ValueError, match="KeyedVectors:row 1: number 3 of 'DOG' is nan"
    ):
        vectors.load(keyed, ["DOG"])


def test_tokens_with_spaces(tmp_path):
    content = TEXT + b". . . 1 2 3\nat name@domain.com 4 5 6\n\xc2\xa0 7 8 9\n"
    tokens = [". . .", "at name@domain.com", "\xa0", ".", "at"]
    found = load(tmp_path, content, tokens)
    assert found.found.tolist() == [True, True, True, False, False]
    assert found.matrix[:3].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize("content", [TEXT, HEADED])
def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path, content):
    found = load(tmp_path, b"\xef\xbb\xbf" + content, list(ROWS))
    np.testing.assert_array_equal(found.matrix, np.array(list(ROWS.values()), "f4"))


def test_a_first_token_with_spaces(tmp_path):
    assert load(tmp_path, b". . 1 2\n" + b"the 3 4\n").matrix[0].tolist() == [3, 4]


@pytest.mark.parametrize("backwards", [False, True])
def test_exact_form_then_lower_case(tmp_path, backwards):
    lines = [b"the 1 1\n", b"The 2 2\n", b"DOG 3 3\n"]
    content = b"".join(lines[::-1] if backwards else lines)
    found = load(tmp_path, content, ["THE", "The", "the", "dog", "Dog"])
    assert found.matrix[:3, 0].tolist() == [1, 2, 1]
    assert found.found.tolist() == [True, True, True, False, False]
    assert found.coverage.types_lowered == 1


def test_coverage(tmp_path):
    tokens, counts = ["The", "the", "cat", "eel", "ran"], [4, 10, 1, 2, 3]
    coverage = load(tmp_path, TEXT, tokens, counts=counts).coverage
    assert (coverage.types, coverage.types_found, coverage.types_lowered) == (5, 3, 1)
    assert (coverage.tokens, coverage.tokens_found) == (20, 17)
    assert (coverage.missing, coverage.rows) == (("eel", "cat"), 3)
    assert str(coverage) == (
        "3 of 5 types (60.0%; 1 by their lower case), 85.0% of 20 tokens; "
        "missing: 'eel', 'cat'"
    )
    coverage = load(tmp_path, TEXT, ["the", *"abcdefg"]).coverage
    assert coverage.tokens is None
    assert str(coverage).endswith("missing: 'a', 'b', 'c', 'd', 'e' and 2 more")


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "keyed", "glove-6b-50d"])
def test_the_first_rows_besides(tmp_path, keyed, glove_package, name):
    keyed.add_vectors(["<s>", "last"], np.ones((2, 3), np.float32))
    if name.startswith("v"):
        keyed.save_word2vec_format(str(tmp_path / name), binary=name == "v.bin")
    source, every = {
        "keyed": (keyed, keyed), "glove-6b-50d": (name, dict(zip(ROWS, range(3)))),
    }.get(name, (tmp_path / name, keyed))  # fmt: skip
    asked = ["The", "cat", "ran" if name == "glove-6b-50d" else "last"]
    for _ in range(2):  # the second time from the cache
        found = vectors.load(source, asked, counts=[5, 1, 1], first=2)
        assert found.tokens == [*asked, "the", "dog"]
        assert found.found.tolist() == [True, False, True, True, True]
        assert found.coverage.types == 3 and found.coverage.types_found == 2
        assert found.coverage.tokens_found == 6 and found.coverage.missing == ("cat",)
    if every is keyed:
        expected = keyed[["the", "last", "the", "dog"]]
    else:
        expected = np.arange(150).reshape(3, 50)[[0, 2, 0, 1]]
    np.testing.assert_array_equal(found.matrix[found.found], expected)
    with pytest.raises(ValueError, match="has none of the 1 tokens"):
        vectors.load(source, ["cat"], first=2)
    assert vectors.load(source, asked, first=99).tokens[3:] == [
        t for t in (keyed.index_to_key if every is keyed else every) if t not in asked
    ]


def test_a_first_row_that_is_no_number_or_no_text(tmp_path):
    content = b"caf\xc3 1 2\nodd nan 1\nthe 1 2\n"
    assert load(tmp_path, content, ["the"]).tokens == ["the"]
    assert load(tmp_path, content, ["the"], first=1).tokens == ["the"]
    assert "v.txt:2: number 1 is 'nan'" in error(tmp_path, content, ["the"], first=2)


def test_missing_rows_have_the_mean_and_variance_of_the_found(tmp_path):
    absent = [f"absent{i}" for i in range(20_000)]
    found = load(tmp_path, TEXT, ["the", "dog", "ran", *absent], seed=3)
    present, drawn = found.matrix[:3], found.matrix[3:]
    np.testing.assert_allclose(drawn.mean(axis=0), present.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), present.std(axis=0), rtol=0.05)
    again = load(tmp_path, TEXT, ["the", "dog", "ran", *absent], seed=3)
    other = load(tmp_path, TEXT, ["the", "dog", "ran", *absent], seed=4)
    np.testing.assert_array_equal(found.matrix, again.matrix)
    assert (found.matrix != other.matrix).any(axis=1).tolist() == [False] * 3 + [
        True
    ] * len(absent)


# Odd rows, about which a decision is reported.


@pytest.mark.parametrize("name", ["v.txt", "v.bin"])
def test_repeated_rows_and_tokens_that_are_not_utf8(tmp_path, name):
    keyed = KeyedVectors(3)
    keyed.add_vectors(["the", "thf", "th€"], MATRIX[:3])
    file = tmp_path / name
    keyed.save_word2vec_format(str(file), binary=name == "v.bin")
    content = file.read_bytes().replace(b"thf ", b"the ")
    content = content.replace("th€ ".encode(), b"th\xe2\x82 ")  # cut within the letter
    found = load(tmp_path, content, ["the"], name)
    np.testing.assert_array_equal(found.matrix, MATRIX[:1])
    assert (found.coverage.repeated, found.coverage.not_utf8) == (1, 1)
    assert "ignored 1 repeated rows; ignored 1 rows whose" in str(found.coverage)


# Damage, each kind with the place it is reported at.


@pytest.mark.parametrize(
    "content, message",
    {
        "empty": (b"", "v.txt: the file is empty; expected GloVe"),
        "no token": (TEXT.replace(b"the ", b""), "v.txt:2: 3 numbers .* expected 2"),
        "too short": (TEXT.replace(b" 0.25", b""), ":2: 2 numbers .*; expected 3"),
        "too long": (TEXT.replace(b"1.5", b"1 5"), ":2: 4 numbers .*; expected 3"),
        "blank line": (TEXT.replace(b"\n", b"\n\n", 1), ":2: an empty line; expected"),
        "merged": (TEXT.replace(b"3\n", b"3 "), ":2: 7 numbers"),
        "merged in a word": (TEXT.replace(b"3\n", b"3x"), ":2: 6 numbers"),
        "cut": (TEXT[:-1], ":3: no newline at the end"),
        "cut after the header": (HEADED[:4], ":1: the file ends after 0 rows"),
        "cut in the header": (HEADED[:3], ":1: no newline at the end"),
        "not a number": (TEXT.replace(b".125", b"x.125"), ":3: number 3 is 'x.125'"),
        "underscore": (TEXT.replace(b".125", b"1_2"), ":3: number 3 is '1_2'"),
        "two points": (TEXT.replace(b".125", b"1.2.5"), ":3: number 3 is '1.2.5'"),
        "no number": (TEXT.replace(b".125", b" 1"), ":3: 4 numbers"),
        "nan": (TEXT.replace(b".125", b"nan"), ":3: number 3 is 'nan'"),
        "infinite": (TEXT.replace(b".125", b"-inf"), ":3: number 3 is '-inf'"),
        "too large": (TEXT.replace(b".125", b"1e39"), ":3: number 3 of 'ran' is inf"),
        "nul": (TEXT.replace(b"1.5", b"1\x005"), r":2: binary data \(a NUL"),
        "tabs": (TEXT.replace(b" ", b"\t"), ":1: no numbers; expected a token"),
        "one row too many": (HEADED.replace(b"3 3", b"2 3"), ":4: a row too many"),
        "one row too few": (
            HEADED.replace(b"3 3", b"4 3"),
            ":4: the file ends after 3",
        ),
        "10^12 rows": (
            HEADED.replace(b"3 3", b"1000000000000 3"),
            ":4: the file ends after 3 rows; expected 1,000,000,000,000 as the header",
        ),
        "10^99 rows": (HEADED.replace(b"3 3", b"1" + b"0" * 99 + b" 3"), ":1: the hea"),
        "wrong dimension": (HEADED.replace(b"3 3", b"3 4"), ":2: 3 numbers .* 4"),
        "smaller dimension": (HEADED.replace(b"3 3", b"3 2"), ":2: 3 numbers .* 2"),
        "10^12 dimensions": (
            HEADED.replace(b" 3\n", b" 1000000000000\n", 1),
            ":1: the",
        ),
        "no dimension": (HEADED.replace(b"3 3", b"3 0"), ":1: the header says '3 0'"),
        "no token found": (TEXT.replace(b"the", b"x").replace(b"ran", b"y"), "none of"),
        "pickle": (pickle.dumps({"the": [1.0]}), "a pickle, which is never opened"),
        "fastText model": (b"\xba\x16\x4f\x2f" + bytes(60), "use the .vec file"),
        "binary not named so": (BINARY, "binary data"),
        "an archive": (b"PK\x03\x04" + bytes(60), "not a readable .zip"),
    }.values(),
)
def test_damaged_text(tmp_path, content, message):
    found = error(tmp_path, content)
    assert found.startswith(str(tmp_path / "v.txt")) and "; expected " in found
    assert re.search(message, found) and "\n" not in found


@pytest.mark.parametrize(
    "content, message",
    [
        (BINARY.replace(b"3 3", b"2 3"), ":row 3: bytes after the last row"),
        (BINARY.replace(b"3 3", b"4 3"), ":row 4: the file ends within this row"),
        (BINARY.replace(b"3 3", b"1000000000000 3"), ":row 4: the file ends within"),
        (BINARY.replace(b"3 3", b"3 60000"), ":row 1: the file ends within this row"),
        (BINARY.replace(b"3 3", b"3 70000"), ":1: the header says '3 70000'"),
        (BINARY.replace(b"3 3", b"3 4"), ":row 2: begins with"),
        (BINARY.replace(b"3 3", b"3 2"), ":row 2: begins with"),
        (BINARY.replace(b"ran", b"r\tn"), ":row 3: begins with 'r\\\\tn'"),
        (BINARY[4:], "no header"),
        (BINARY.replace(b"3 3\n", b"3 3\n" + b"x" * 3_000_000), ":row 1: "),
        (
            BINARY.replace(np.float32(0.125).tobytes(), np.float32("nan").tobytes()),
            ":row 3: number 3 of 'ran' is nan",
        ),
    ],
)
def test_damaged_binary(tmp_path, content, message):
    found = error(tmp_path, content, name="v.bin")
    assert found.startswith(str(tmp_path / "v.bin")) and re.search(message, found)


def test_text_that_is_named_binary_is_read_as_text(tmp_path):
    content = b"2 3\nthe 0.1 0.2 0.3\nran 0.4 0.5 0.6\n"
    assert load(tmp_path, content, name="v.bin").matrix[1, 0] == np.float32(0.4)


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.txt.gz", "v.bin.gz"])
def test_cut_anywhere(tmp_path, name):
    content = {"v.txt": HEADED, "v.bin": BINARY}[name.removesuffix(".gz")]
    if name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    whole = len(content) - (name == "v.bin")  # its last newline means nothing
    for length in range(whole):
        message = error(tmp_path, content[:length], name=name, cache=False)
        assert message.startswith(str(tmp_path / name)), (length, message)


def test_a_file_without_header_can_only_be_cut_between_lines(tmp_path):
    ends = [i + 1 for i, byte in enumerate(TEXT) if byte == ord("\n")]
    for length in range(len(TEXT)):
        if length in ends:
            found = load(tmp_path, TEXT[:length], cache=False)
            assert found.matrix[0].tolist() == pytest.approx(ROWS["the"])
        else:
            assert str(tmp_path) in error(tmp_path, TEXT[:length], cache=False)


ZIPPED = {
    "v.txt": TEXT,
    "w.txt": HEADED,
    "v.bin": BINARY,
    "w.txt.gz": gzip.compress(HEADED, mtime=0),
    "v.bin.gz": gzip.compress(BINARY, mtime=0),
}


@pytest.mark.parametrize("name", [*ZIPPED, "v.zip"])
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_fuzz(tmp_path, name, data):
    """Damage is an error, or the rows that it did not touch are still right."""
    if name == "v.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo("v.txt"), TEXT)
        content = bytearray((tmp_path / name).read_bytes())
    else:
        content = bytearray(ZIPPED[name])
    places, intact = st.integers(0, len(content) - 1), bytes(content)
    for place in data.draw(st.lists(places, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.one_of(st.just(len(content)), places)) :]
    try:
        found = load(tmp_path, bytes(content), list(ROWS), name, cache=False)
    except ValueError as error:
        assert str(error).startswith(str(tmp_path / name)), str(error)
        assert "; expected " in str(error) and "\n" not in str(error)
    else:
        assert len(found.matrix) == 3 and np.isfinite(found.matrix).all()
        for row, (token, values) in enumerate(ROWS.items()):
            start = intact.find(token.encode())
            whole = intact[start : intact.find(b"\n", start)]
            if start >= 0 and whole in content and found.found[row]:
                expected = np.array(values, np.float32)
                np.testing.assert_array_equal(found.matrix[row], expected)


# Arguments, names, archives, downloads.


@pytest.mark.parametrize(
    "tokens, counts, message",
    [
        ([], None, "tokens: none given"),
        (["a", "b", "a"], None, "tokens: 'a' is listed twice"),
        (["a", "b"], [1], "counts: 1 numbers; expected one for each of the 2 tokens"),
    ],
)
def test_arguments(tmp_path, tokens, counts, message):
    assert message in error(tmp_path, TEXT, tokens, counts=counts)


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match="did you mean glove-6b-50d"):
        vectors.load("glove-6b-50", ["a"])
    write(tmp_path, TEXT)
    with pytest.raises(ValueError, match="did you mean v.txt"):
        vectors.load(tmp_path / "v.tx", ["a"])
    with pytest.raises(ValueError, match="a directory; expected a file"):
        vectors.load(tmp_path, ["a"])
    with pytest.raises(ValueError, match="no checksum; expected the URL with #sha256="):
        vectors.load("https://example.org/v.txt", ["a"])
    with pytest.raises(ValueError, match="source: int; expected a file"):
        vectors.load(3, ["a"])


def test_archives(tmp_path):
    file = tmp_path / "v.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("v.txt", TEXT)
    np.testing.assert_array_equal(vectors.load(file, ["dog"]).matrix, [ROWS["dog"]])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("w.bin", BINARY)
    with pytest.raises(
        ValueError,
        match="v.zip: an archive of 2 files; expected one of .*: 'v.txt', 'w.bin'",
    ):
        vectors.load(file, ["dog"])
    for name in ("v.txt", "w.bin"):
        found = vectors.load(file / name, ["dog"])
        np.testing.assert_array_equal(found.matrix, [ROWS["dog"]])
        assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("w.bin", BINARY)
    assert vectors.load(tmp_path / "w.zip", ["dog"]).found.all()
    damaged = write(tmp_path, file.read_bytes().replace(b"0.25", b"0.75"), "d.zip")
    with pytest.raises(ValueError, match=r"d.zip/v.txt:1: cannot be read \(Bad CRC"):
        vectors.load(damaged / "v.txt", ["dog"])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path; returns the URL."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_downloads(tmp_path, monkeypatch, server):
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.writestr("g.50d.txt", TEXT)
        archive.writestr("g.100d.txt", HEADED)
    sha256 = hashlib.sha256((tmp_path / "g.zip").read_bytes()).hexdigest()
    monkeypatch.setitem(names._NAMES, "g-50d", ("g.zip", "g.50d.txt"))
    monkeypatch.setitem(names._FILES, "g.zip", (f"{server}/", sha256, 1))
    found = vectors.load("g-50d", ["dog"])
    np.testing.assert_array_equal(found.matrix, [ROWS["dog"]])
    assert (found.source, found.sha256) == ("g-50d", sha256)

    file = write(tmp_path, gzip.compress(BINARY), "v.bin.gz")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    url = f"{server}/v.bin.gz?download=true#sha256={sha256.upper()}"
    np.testing.assert_array_equal(vectors.load(url, ["dog"]).matrix, [ROWS["dog"]])
    file.unlink()
    assert vectors.load(url, ["dog"]).found.all()  # downloaded before

    write(tmp_path, b"other", "other.txt")
    for url in (f"{server}/other.txt", f"{server}/none.txt"):
        with pytest.raises(ValueError, match="cannot be downloaded .*; expected a net"):
            vectors.load(f"{url}#sha256={sha256}", ["dog"])
    assert not list((tmp_path / "cache").glob("*other*"))


def test_package(glove_package):
    found = vectors.load("glove-6b-50d", ["Ran", "the", "cat"])
    np.testing.assert_array_equal(found.matrix[0], np.arange(100, 150))
    assert found.found.tolist() == [True, True, False] and found.coverage.rows == 3
    files = ("glove_6B_50d_emb.npy", "glove_6B_index.parquet")
    content = b"".join((glove_package / file).read_bytes() for file in files)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("file", ["glove_6B_50d_emb.npy", "glove_6B_index.parquet"])
def test_a_damaged_package(glove_package, file):
    content = (glove_package / file).read_bytes()
    for length in range(0, len(content), 7):
        (glove_package / file).write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"{file}: .*; expected"):
            vectors.load("glove-6b-50d", ["the"])
    (glove_package / file).unlink()
    with pytest.raises(ValueError, match=f"{file}: cannot be read"):
        vectors.load("glove-6b-50d", ["the"])


def test_no_package(monkeypatch):
    monkeypatch.setattr(names, "_PACKAGE", "no_such_package")
    with pytest.raises(ValueError, match=r"pip install 'recurrent-zoo\[glove\]'"):
        vectors.load("glove-6b-50d", ["the"])


# The cache.


def test_cache(tmp_path, cache, monkeypatch):
    tokens = ["The", "the", "cat"]
    first = load(tmp_path, TEXT + TEXT, tokens, counts=[1, 2, 3])
    (kept,) = cache.iterdir()
    read = files.read
    monkeypatch.setattr(files, "read", None)
    again = vectors.load(tmp_path / "v.txt", tokens, counts=[1, 2, 3])
    np.testing.assert_array_equal(first.matrix, again.matrix)
    np.testing.assert_array_equal(first.found, again.found)
    assert (first.sha256, first.coverage) == (again.sha256, again.coverage)

    monkeypatch.setattr(files, "read", read)
    changed = load(tmp_path, b"the 7 8 9\n", tokens)
    assert changed.matrix[1].tolist() == [7, 8, 9] and list(cache.iterdir()) == [kept]
    assert load(tmp_path, b"the 7 8 9\n", tokens[:2]).found.all()  # other tokens
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_as_good_as_none(tmp_path, cache):
    expected = load(tmp_path, TEXT)
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    for place in range(0, len(content), 11):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :],
        ):
            kept.write_bytes(damaged)
            found = vectors.load(tmp_path / "v.txt", ["the", "ran"])
            np.testing.assert_array_equal(found.matrix, expected.matrix)
            assert found.sha256 == expected.sha256


def test_no_cache(tmp_path, cache):
    load(tmp_path, TEXT, cache=False)
    assert not cache.exists()
    cache.write_bytes(b"a file, where nothing can be kept")
    assert load(tmp_path, TEXT).found.all()


# The house.


def test_imports_neither_zoo_nor_what_is_heavy():
    code = (
        "import sys, pretrained.vectors\n"
        "print(*sys.modules.keys() & {'zoo', 'recipes', 'gensim', 'keras', 'pooch'})"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, env=environment, text=True) == "\n"


def test_examples():
    assert doctest.testmod(vectors).failed == 0


# Real vectors.


@pytest.mark.skipif(not GLOVE.is_dir(), reason="needs the shared data sets: GloVe")
def test_real_vectors_equal_gensim(tmp_path):
    file = GLOVE / "glove.6B.50d.top5k.txt"
    keyed = KeyedVectors.load_word2vec_format(str(file), no_header=True)
    tokens = [*keyed.index_to_key, "Xyzzyq"]
    found = vectors.load(file, tokens)
    assert found.matrix[:-1].tobytes() == keyed.vectors.tobytes()
    assert found.coverage.types_found == len(keyed) == found.coverage.rows
    file = tmp_path / "w.bin"
    keyed.save_word2vec_format(str(file), binary=True)
    assert vectors.load(file, tokens).matrix[:-1].tobytes() == keyed.vectors.tobytes()
