"""The benchmark scripts on tiny sizes: what they report is what there is."""

import math
import os
import time

import numpy as np
import pytest
from conftest import arguments, write_corpus

from recipes.benchmarks import inference, scaling, startup, timing

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="reads memory from /proc"
)
BYTES = 100_000_000  # more than malloc ever keeps for the next


# --- What they share -------------------------------------------------------------


def test_an_exponent_is_that_of_the_power_law():
    sizes = [1, 2, 5, 10]
    assert timing.exponent(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    assert timing.exponent(sizes, [7] * 4) == pytest.approx(0)


def test_memory_is_seen_as_long_as_it_is_held():
    before = timing.memory("RssAnon")
    array = np.ones(BYTES, np.int8)
    held = timing.memory("RssAnon", os.getpid()) - before
    del array
    assert held == pytest.approx(BYTES / 1e6, abs=3)
    assert timing.memory("RssAnon") < before + 3


def test_the_peak_starts_again():
    array = np.ones(BYTES, np.int8)
    del array
    timing.reset_peak()
    start = timing.memory("VmHWM")
    assert start < timing.memory("VmRSS") + 3
    array = np.ones(BYTES, np.int8)
    del array
    assert timing.memory("VmHWM") - start > 0.9 * BYTES / 1e6


def test_a_process_apart_that_fails_says_why():
    with pytest.raises(ValueError, match="(?s)no_such_option: .*unrecognized"):
        timing.apart("recipes.benchmarks.vectors", "--no_such_option")


# --- Scaling ---------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path):
    file = tmp_path / "ids"
    scaling.write_corpus(file, tokens=5_000, longest=scaling.CORPUS["length"])
    return file


def test_a_corpus_is_of_the_tokens_and_lengths_asked_for(corpus):
    ids = np.fromfile(corpus, np.int32)
    ends = np.fromfile(f"{corpus}.ends", np.int64)
    lengths = np.diff(ends, prepend=0)
    assert ends[-1] == len(ids) and 5_000 <= len(ids) <= 6_000
    assert 20 <= lengths.min() and lengths.max() <= 200
    assert 4 <= ids.min() and ids.max() < scaling.VOCABULARY


def test_pages_given_back_are_read_again(corpus):
    mapped = scaling.MappedFile(corpus)
    for _ in range(2):
        assert np.array_equal(mapped.values, np.fromfile(corpus, np.int32))
        mapped.evict()


def test_a_step_takes_time_and_memory():
    found = scaling.measure_step(length=3, batch=2, units=2, steps=4)
    assert 0 < found["seconds"]["low"] <= found["seconds"]["median"]
    assert found["peak_mb"] > 0


def test_an_epoch_of_a_mapped_corpus(corpus):
    found = scaling.measure_corpus(corpus, steps=1)
    ids = np.fromfile(corpus, np.int32)
    assert found["tokens"] == len(ids) and found["file_mb"] == len(ids) * 4 / 1e6
    assert min(found["tokens_per_second"].values()) > 0
    assert found["peak_mb"] > found["index_mb"] >= 0
    point = {"size": found["tokens"], **found}
    (row,) = scaling.rows("corpus", [point])
    assert row["tokens"] == f"{len(ids):,}"


def test_the_exponents_of_a_series():
    points = [
        {"size": n, "seconds": {"median": 0.1 * n}, "peak_mb": 5 * n**2}
        for n in (1, 3, 10)
    ]
    found = scaling.fit(points)
    assert found == {"seconds": pytest.approx(1), "memory": pytest.approx(2)}


# --- Start-up --------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["classify", "generate"])
def test_a_recipe_ends_with_its_first_step(recipe, tmp_path):
    data = write_corpus(tmp_path / "data", recipe)
    start = time.time()
    seconds = startup.measure_recipe(recipe, arguments(recipe, data), start)
    assert list(seconds) == list(startup.STAGES)
    assert sum(seconds.values()) <= time.time() - start
    assert min(seconds.values()) > 0


def test_a_prediction_begins_with_loading():
    seconds = startup.measure_prediction("sst2", time.time())
    assert list(seconds) == list(startup.STAGES)
    spreads = {k: timing.spread([v, v]) for k, v in {"total": 9, **seconds}.items()}
    (row,) = startup.rows([{"command": "a", "backend": "b", "seconds": spreads}])
    assert row["shell"] == "" and row["seconds"] == "9.0 (9.0-9.0)"


# --- Inference -------------------------------------------------------------------


def test_latency_and_throughput_of_a_model():
    found = inference.measure("sst2", rounds=1, share=0)
    assert 0 < found["latency"]["median"] <= found["latency"]["high"]
    words = [len(sentence.split()) for sentence in inference.ENGLISH]
    mean = sum(words) / len(words)
    assert found["words"] / found["sentences"] == pytest.approx(mean)
    (row,) = inference.rows({"sst2": found})
    assert row["model"] == "sst2"


def test_memory_over_lines_from_standard_input():
    found = inference.stream("sst2", lines=1_200, points=2)
    assert [point["lines"] for point in found] == [301, 901]
    assert all(math.isfinite(p["seconds"]) and p["memory_mb"] > 10 for p in found)
    assert inference.stream_rows(found)[1]["lines"] == "901"
