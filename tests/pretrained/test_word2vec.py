import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pretrained import vectors
from pretrained.vectors import word2vec

ROOT = Path(__file__).parents[2]


def test_training(tmp_path, capsys):
    corpus = tmp_path / "c.gz"
    corpus.write_bytes(gzip.compress(b"The dog ran\nthe dog sat\n" * 20, mtime=0))
    files = []
    for name in ("one", "two"):
        options = ["--dimension=4", "--epochs=2", "--lowercase", "--seed=5"]
        output = f"--output={tmp_path / name}"
        word2vec.main([f"--train={corpus}", output, *options])
        files += [tmp_path / f"{name}.txt", tmp_path / f"{name}.bin"]
        assert str(files[-1]) in capsys.readouterr().out
    tokens = ["the", "dog", "ran", "sat"]
    read = [vectors.load(file, tokens, cache=False) for file in files]
    for other in read[1:]:
        np.testing.assert_array_equal(read[0].matrix, other.matrix)
    assert read[0].matrix.shape == (4, 4) and read[0].found.all()
    assert {file.name for file in tmp_path.iterdir()} == {
        "c.gz",
        "one.txt",
        "one.bin",
        "two.txt",
        "two.bin",
    }


@pytest.mark.parametrize(
    "content, message",
    [
        (b"the dog\nth\xe9 dog\n", "c.txt:2: not UTF-8 (column 3)"),
        (gzip.compress(b"the dog\n", mtime=0)[:-4], "c.txt:2: cannot be read"),
        (b"the dog\n", "c.txt: no token occurs 5 times"),
        (b"", "c.txt: no token occurs 5 times"),
        (None, "c.txt:1: cannot be read"),
    ],
)
def test_training_that_fails(tmp_path, capsys, content, message):
    corpus = tmp_path / "c.txt"
    if content is not None:
        corpus.write_bytes(content)
    with pytest.raises(SystemExit) as exit:
        word2vec.main([f"--train={corpus}", f"--output={tmp_path / 'v'}"])
    assert exit.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed
    assert printed.count("\n") == 1 and not list(tmp_path.glob("v*"))


def test_the_command(tmp_path):
    command = [sys.executable, "-m", "pretrained.vectors"]
    command += ["--train", str(tmp_path / "absent")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--train=c.txt", "--dimension=0"], "dimension: 0; expected at least 1"),
        (["--train=c.txt", "--output=c"], "output: c.txt exists already; expected a"),
        (["--train=c.txt", "--output=d/e"], "output: no directory"),
        (["--train=c.txt", "--epochs=x"], "argument --epochs: invalid int value: 'x'"),
        ([], "the following arguments are required: --train"),
    ],
)
def test_options(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.txt").write_text("the dog ran\n" * 5)
    with pytest.raises(SystemExit) as exit:
        word2vec.main(options)
    assert exit.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {message}") and printed.count("\n") == 1
