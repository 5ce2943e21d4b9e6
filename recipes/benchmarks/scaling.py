"""How seconds and memory grow with length, batch, units and corpus.

    python -m recipes.benchmarks.scaling --json scaling.json
    python -m recipes.benchmarks.scaling --quick

The first three series time a training step of a classifier (one bidirectional LSTM,
maximum over time), on random ids, while one size grows tenfold. The corpus series feeds
a smaller one from a memory-mapped corpus of random ids that grows tenfold: seconds are
those of building all batches of an epoch, and tokens per second those of training on
its first batches, which come from everywhere in the file and are built in a thread, one
ahead, as in training. The speed is taken twice, in
turns: with the file's pages cached, and with all of them given back to the system every
few batches, as if memory held next to nothing of the file. So it shows what a corpus
larger than memory would run at on this disk, without having one.

Every point is a process of its own, so that peaks do not mix. `peak MB` is how much
memory a process came to hold over what it held after a step of the smallest model (10^6
bytes). In the corpus series it is all anonymous memory of the process, which leaves out
pages of the mapped file that the system takes back when it wants to; `index MB` is what
the lengths and the order of the examples took of it, at most. Exponents are fitted by
least squares to the logarithms: 1 is linear, 0 is flat. Memory is read from /proc, so
this runs on Linux; a temporary directory in memory (tmpfs) has no pages to give back:
see `--directory`.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.benchmarks import timing

if TYPE_CHECKING:
    from zoo.data.batches import Batches

BASE = {"length": 50, "batch": 32, "units": 64}
SERIES = {
    "length": (20, 40, 100, 200),
    "batch": (8, 16, 40, 80),
    "units": (32, 64, 160, 320),
}
FULL = {"series": SERIES, "millions": (10, 20, 50, 100)}
CORPUS = {"length": 200, "batch": 32, "units": 32}
QUICK = {"series": {"length": (4, 40)}, "millions": (0.02, 0.2), "steps": 3}
VOCABULARY, CLASSES, EMBEDDING = 10_000, 10, 64
WARM_UPS = 3  # steps, while the model is compiled
EVICT_EVERY = 20  # batches


def compiled_model(units: int):
    """Makes the classifier, ready to train."""
    import keras

    from zoo.models.classifier import ClassifierConfig, build_classifier
    from zoo.training.config import TrainingConfig
    from zoo.training.optimizers import make_optimizer

    config = ClassifierConfig(
        vocabulary_size=VOCABULARY,
        num_outputs=CLASSES,
        head="multiclass",
        embedding_size=EMBEDDING,
        units=units,
    )
    keras.utils.set_random_seed(0)
    model = build_classifier(config)
    model.compile(
        make_optimizer(TrainingConfig(), epoch_steps=100),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def measure_step(length: int, batch: int, units: int, steps: int) -> dict[str, Any]:
    """Measures training steps of one size in this process.

    Args:
        length: tokens of an example.
        batch: examples of a step.
        units: of each direction.
        steps: how many to time.

    Returns:
        `seconds` of a step with their spread, and `peak_mb`.
    """
    random = np.random.default_rng(0)
    one = np.ones((1, 1), np.int32)
    compiled_model(1).train_on_batch(one, one[0])  # what every process holds
    timing.reset_peak()
    before, seconds = timing.memory("VmRSS"), []
    model = compiled_model(units)
    x = random.integers(4, VOCABULARY, (batch, length), np.int32)
    y = random.integers(0, CLASSES, batch, np.int32)
    for _ in range(WARM_UPS + steps):
        start = time.perf_counter()
        float(model.train_on_batch(x, y))
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": timing.spread(seconds[WARM_UPS:]),
        "peak_mb": timing.memory("VmHWM") - before,
    }


def write_corpus(file: Path, tokens: int, longest: int) -> None:
    """Writes random ids, and next to them where examples end, a piece at a time.

    Args:
        file: for the ids, int32; the ends, int64, go to the same name with `.ends`.
        tokens: about how many.
        longest: lengths lie between a tenth of it and it.
    """
    random, written = np.random.default_rng(0), 0
    with open(file, "wb") as ids, open(f"{file}.ends", "wb") as ends:
        while written < tokens:
            count = min(10_000, max(1, (tokens - written) // (longest // 2)))
            lengths = random.integers(max(1, longest // 10), longest + 1, count)
            (written + np.cumsum(lengths)).tofile(ends)
            written += int(lengths.sum())
            random.integers(4, VOCABULARY, lengths.sum(), np.int32).tofile(ids)
        for stream in (ids, ends):
            stream.flush()
            os.fsync(stream.fileno())  # pages that are not yet written cannot be taken


class MappedFile:
    """A file mapped into memory, whose pages can be given back.

    Attributes:
        values: its content, int32 `[tokens]`.
        file: open for reading.
    """

    def __init__(self, file: Path):
        self.file = open(file, "rb")
        self._map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        self.values = np.frombuffer(self._map, np.int32)

    def evict(self) -> None:
        """Gives all pages back, so that each must be read from the disk again."""
        self._map.madvise(mmap.MADV_DONTNEED)  # mapped ones are not dropped
        os.posix_fadvise(self.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_corpus(file: Path, steps: int) -> dict[str, Any]:
    """Feeds a model from a mapped corpus in this process.

    Args:
        file: written by `write_corpus`.
        steps: a tenth of those to time, with the pages cached and without.

    Returns:
        `seconds` of building an epoch's batches, `tokens` and `examples` of the corpus,
        `file_mb`, `index_mb`, `peak_mb`, and `tokens_per_second`, `cached` and
        `evicted`.
    """
    model, mapped = compiled_model(CORPUS["units"]), MappedFile(file)
    timing.reset_peak()
    before = timing.memory("VmRSS")
    anonymous = timing.memory("RssAnon")
    batches = _batches(file, mapped)
    index_mb = timing.memory("VmHWM") - before  # no page of the file is read yet
    peak = anonymous + index_mb

    # All batches of an epoch, and the first one of each shape.
    shapes: dict[tuple[int, ...], int] = {}
    start = time.perf_counter()
    for index in range(len(batches)):
        shapes.setdefault(batches[index][0].shape, index)
        if index % 100 == 0:
            peak = max(peak, timing.memory("RssAnon"))
    seconds = time.perf_counter() - start

    # Training on some of them.
    for index in shapes.values():
        _tokens_per_second(model, batches, range(index, index + 1))  # compiles
    speeds: dict[str, list[float]] = {"cached": [], "evicted": []}
    last = min(len(batches), 10 * steps * len(speeds))
    for first in range(0, last, EVICT_EVERY * len(speeds)):
        indices = range(first, min(first + EVICT_EVERY, last))
        mapped.evict()
        speeds["evicted"].append(_tokens_per_second(model, batches, indices))
        speeds["cached"].append(_tokens_per_second(model, batches, indices))
        peak = max(peak, timing.memory("RssAnon"))
    return {
        "seconds": seconds,
        "tokens": batches.num_tokens(),
        "examples": len(batches.columns["targets"]),
        "file_mb": mapped.values.nbytes / 1e6,
        "index_mb": index_mb,
        "peak_mb": peak,
        "tokens_per_second": {k: statistics.median(s) for k, s in speeds.items()},
    }


def _batches(file: Path, mapped: MappedFile) -> Batches:
    """Cuts a mapped corpus into batches; every example has the same target."""
    from zoo.data.assembly import classification_batch
    from zoo.data.batches import Batches
    from zoo.data.ragged import Ragged

    offsets = np.concatenate([[0], np.fromfile(f"{file}.ends", np.int64)])
    count = len(offsets) - 1
    targets = Ragged(np.zeros(count, np.int32), np.arange(count + 1))
    token_ids = Ragged(mapped.values, offsets, mapped.file)
    columns = {"token_ids": token_ids, "targets": targets}
    return Batches(columns, classification_batch, CORPUS["batch"], shuffle=True)


def _tokens_per_second(model: Any, batches: Batches, indices: range) -> float:
    """Trains on some batches; returns their real tokens a second."""
    from zoo.data.prefetching import Prefetcher

    tokens, start, ahead = 0, time.perf_counter(), Prefetcher(batches)
    for index in indices:
        x, y, weights = ahead[index]
        float(model.train_on_batch(x, y, weights))
        tokens += int(np.count_nonzero(x))
    return tokens / (time.perf_counter() - start)


def run(
    series: dict[str, tuple[int, ...]],
    millions: tuple[float, ...],
    steps: int,
    directory: str | None = None,
) -> dict[str, Any]:
    """Measures every point, each in its own process, and fits the exponents.

    Args:
        series: by the name of what grows, its sizes.
        millions: tokens of the corpora.
        steps: how many to time at each point.
        directory: for the corpora; None for the system's temporary one.

    Returns:
        `points`, by series, and `exponents`, by series and what grew.

    Raises:
        ValueError: if a measure fails.
    """
    points: dict[str, list[dict[str, Any]]] = {}
    for name, sizes in series.items():
        points[name] = [
            {"size": size, **_apart({**BASE, name: size}, steps)} for size in sizes
        ]
        print(timing.markdown(rows(name, points[name])), "\n", flush=True)
    points["corpus"] = []
    for size in millions:
        with tempfile.TemporaryDirectory(dir=directory) as temporary:
            file = Path(temporary, "ids")
            write_corpus(file, int(size * 1e6), CORPUS["length"])
            point = _apart({"file": str(file)}, steps)
        points["corpus"].append({"size": point["tokens"], **point})
    print(timing.markdown(rows("corpus", points["corpus"])), "\n", flush=True)
    return {"points": points, "exponents": {n: fit(p) for n, p in points.items()}}


def _apart(arguments: dict[str, Any], steps: int) -> dict[str, Any]:
    command = ["--measure", json.dumps({**arguments, "steps": steps})]
    return timing.apart("recipes.benchmarks.scaling", *command)


def _seconds(point: dict[str, Any]) -> float:
    seconds = point["seconds"]
    return seconds["median"] if isinstance(seconds, dict) else seconds


def fit(points: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the exponents of seconds and of peak memory over the points' sizes."""
    sizes = [point["size"] for point in points]
    return {
        "seconds": timing.exponent(sizes, [_seconds(point) for point in points]),
        "memory": timing.exponent(sizes, [point["peak_mb"] for point in points]),
    }


def rows(name: str, points: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Returns the table of a series."""
    table = []
    for point in points:
        row = {name: f"{point['size']:,}"}
        if name == "corpus":
            row = {"tokens": row[name], "file MB": f"{point['file_mb']:.1f}"}
            row["index MB"] = f"{point['index_mb']:.1f}"
            row["seconds of an epoch's batches"] = f"{point['seconds']:.2f}"
            for kind, speed in point["tokens_per_second"].items():
                row[f"tokens/s, pages {kind}"] = f"{speed:,.0f}"
        else:
            seconds = point["seconds"]
            row["ms of a step (quartiles)"] = (
                f"{seconds['median'] * 1e3:.1f} "
                f"({seconds['low'] * 1e3:.1f}-{seconds['high'] * 1e3:.1f})"
            )
        table.append({**row, "peak MB": f"{point['peak_mb']:.1f}"})
    return table


def main() -> None:
    """Measures all, prints the tables and the exponents."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=30, help="timed at each point")
    parser.add_argument("--quick", action="store_true", help="two small points each")
    parser.add_argument("--directory", help="for the corpora, of up to 400 MB")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        given = options.measure
        measure = measure_corpus if "file" in given else measure_step
        print(json.dumps(measure(**given)))
        return
    sizes = QUICK if options.quick else FULL
    result = run(**{"steps": options.steps, **sizes}, directory=options.directory)
    for name, exponents in result["exponents"].items():
        print(f"{name}: seconds ~ n^{exponents['seconds']:.2f}, ", end="")
        print(f"peak memory ~ n^{exponents['memory']:.2f}")
    from zoo import hardware

    facts = {"device": hardware.device(), "versions": hardware.versions(), "base": BASE}
    print(facts)
    timing.write(options.json, {**facts, **result})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
