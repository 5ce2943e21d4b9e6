"""Train word vectors on your own text, by gensim's word2vec (Mikolov et al. 2013).

    python -m pretrained.vectors --train corpus.txt --output my_vectors

reads one sentence a line with spaces between its tokens (tokenize the text as the
model's corpus is tokenized), and writes `my_vectors.txt` and `my_vectors.bin`,
word2vec's text and binary formats.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

_LONGEST_SENTENCE = 10_000  # tokens; gensim ignores those beyond


class Sentences:
    """The lines of a text as lists of tokens; the file is read at each iteration.

    Args:
        path: The text, UTF-8, may be gzipped.
        lowercase: Whether to convert the tokens to lower case.

    Raises:
        ValueError: On iteration, if the file is missing, damaged or not UTF-8.
    """

    def __init__(self, path: Path, lowercase: bool = False):
        self.path, self.lowercase = path, lowercase

    def __iter__(self) -> Iterator[list[str]]:
        number = 0
        try:
            with open(self.path, "rb") as file:
                zipped = file.read(2) == b"\x1f\x8b"
            with gzip.open(self.path) if zipped else open(self.path, "rb") as file:
                for line in file:
                    number += 1
                    text = line.decode()
                    tokens = (text.lower() if self.lowercase else text).split()
                    for start in range(0, len(tokens), _LONGEST_SENTENCE):
                        yield tokens[start : start + _LONGEST_SENTENCE]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.path}:{number}: not UTF-8 (column {error.start + 1}); expected "
                "UTF-8 text"
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(
                f"{self.path}:{number + 1}: cannot be read ({error}); expected a text, "
                "one sentence a line"
            ) from error


def train(
    corpus: Path,
    output: Path,
    *,
    dimension: int = 100,
    window: int = 5,
    min_count: int = 5,
    epochs: int = 5,
    skip_gram: bool = False,
    lowercase: bool = False,
    workers: int = 1,
    seed: int = 0,
) -> tuple[Path, Path]:
    """Trains word2vec and writes the vectors in both of its formats.

    Args:
        corpus: The text: one sentence a line, spaces between tokens.
        output: The two files, without their suffixes.
        dimension: Of the vectors.
        window: Tokens of context on either side.
        min_count: Tokens that occur less often get no vector.
        epochs: Passes over the text.
        skip_gram: Whether to train the skip-gram model instead of the bag of words.
        lowercase: Whether to convert the tokens to lower case.
        workers: Threads; with more than one the result is not reproducible.
        seed: Of the initial vectors, the samples and the windows.

    Returns:
        The paths of the text and of the binary file.

    Raises:
        ValueError: If a number is not positive, an output file exists already, the text
            cannot be read, or no token is frequent enough.
    """
    from gensim.models import Word2Vec

    numbers = dict(dimension=dimension, window=window, min_count=min_count)
    numbers |= dict(epochs=epochs, workers=workers)
    files = Path(f"{output}.txt"), Path(f"{output}.bin")
    _check(numbers, files)
    sentences = Sentences(corpus, lowercase)
    model = Word2Vec(
        vector_size=dimension,
        window=window,
        min_count=min_count,
        sg=int(skip_gram),
        workers=workers,
        seed=seed,
    )
    model.build_vocab(sentences)
    if not len(model.wv):
        raise ValueError(
            f"{corpus}: no token occurs {min_count} times; expected more text, or a "
            "smaller --min_count"
        )
    model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    _save(model.wv, files)
    return files


def _check(numbers: dict[str, int], files: tuple[Path, Path]) -> None:
    """Raises ValueError if a number is not positive or a file cannot be written."""
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name}: {number}; expected at least 1")
    for file in files:
        if file.exists():
            raise ValueError(f"output: {file} exists already; expected a new file")
    directory = files[0].absolute().parent
    if not directory.is_dir():
        raise ValueError(
            f"output: no directory {directory}; expected a file in a directory that "
            "exists"
        )


def _save(vectors: Any, files: tuple[Path, Path]) -> None:
    """Writes gensim's vectors in both formats, each file completely or not at all."""
    for file in files:
        partial = Path(f"{file}.partial")
        try:
            vectors.save_word2vec_format(str(partial), binary=file.suffix == ".bin")
            os.replace(partial, file)
        finally:
            partial.unlink(missing_ok=True)


class _Parser(argparse.ArgumentParser):
    """Raises ValueError where argparse prints its usage and exits."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line of `python -m pretrained.vectors`.

    Args:
        arguments: Of the command line; None for those of this process.
    """
    parser = _Parser(
        prog="python -m pretrained.vectors",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--train", type=Path, required=True, metavar="CORPUS")
    parser.add_argument("--output", type=Path, default=Path("vectors"))
    for option, default in [
        ("dimension", 100),
        ("window", 5),
        ("min_count", 5),
        ("epochs", 5),
        ("workers", 1),
        ("seed", 0),
    ]:
        parser.add_argument(f"--{option}", type=int, default=default, metavar="N")
    parser.add_argument("--skip_gram", action="store_true")
    parser.add_argument("--lowercase", action="store_true")
    try:
        options = vars(parser.parse_args(arguments))
        files = train(options.pop("train"), options.pop("output"), **options)
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)
    print(f"wrote {files[0]} and {files[1]}")
