"""Published checkpoints in use: latency, throughput, and memory over many lines.

    python -m recipes.benchmarks.inference --json inference.json

Latency is of one sentence at a time, sentences of several lengths in turns, after the
first call for each, in which programs are compiled and which is shown apart. Throughput
is of many sentences in one call. Each model has a process of its own. Then lines are
fed to `python -m zoo predict sst2` by its standard input, as many as `--lines`, and the
process's anonymous memory is read as the answers come back; exponent 0 is flat.

The lines are the sentences below, over and over. Words are what stands between white
space. Memory is read from /proc, so that part runs on Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from recipes.benchmarks import timing

ENGLISH = (
    "Not bad at all .",
    "The dog ran in the park .",
    "a gorgeous , witty , seductive movie",
    "I have rarely been so bored by so many explosions .",
    "She said that the letter had arrived on Monday , but nobody believed her .",
    "An old man and a young woman walk along the beach while their children play .",
    "It is the kind of film that makes you want to call your friends in the middle of "
    "the night and tell them what you have seen .",
    "Although the first half takes its time , and although nobody seems to know what "
    "the second one is about , the music alone is worth the price of the ticket , and "
    "so are the last ten minutes .",
)
GERMAN = (
    "Ein Hund rennt .",
    "Ein Hund rennt durch den Schnee .",
    "Zwei Frauen sitzen auf einer Bank im Park .",
    "Ein kleines Mädchen in einem roten Kleid spielt mit einem Ball .",
    "Ein Mann mit einem blauen Helm fährt auf seinem Fahrrad einen Berg hinunter .",
    "Eine Gruppe von Menschen steht vor einem großen Gebäude , während ein Junge mit "
    "einer gelben Jacke ein Foto von ihnen macht .",
)
# Sentences, and how many of them make a large file.
MODELS = {
    "sst2": (ENGLISH, 20_000),
    "ud-ewt-upos": (ENGLISH, 20_000),
    "multi30k-de-en": (GERMAN, 2_000),
}
POINTS = 10  # at which memory is read


def measure(name: str, rounds: int, share: float) -> dict[str, Any]:
    """Measures one model in this process.

    Args:
        name: of a published checkpoint.
        rounds: how often each sentence is timed by itself.
        share: of the large file's sentences to take.

    Returns:
        Seconds: `load`, `first` of the first sentence, and `latency` with its `median`
        and `high`, the 95th percentile; and `sentences` and `words`, each a second.
    """
    import zoo
    from zoo import tasks

    sentences, number = MODELS[name]
    start = time.perf_counter()
    model = zoo.load(name)
    load = time.perf_counter() - start
    answer = tasks.find(model.task).method(model)
    first = [_seconds(answer, sentence) for sentence in sentences][0]
    seconds = [
        _seconds(answer, sentence) for _ in range(rounds) for sentence in sentences
    ]
    number = max(len(sentences), int(number * share))
    many = list(itertools.islice(itertools.cycle(sentences), number))
    answer(many)
    whole = _seconds(answer, many)
    return {
        "load": load,
        "first": first,
        "latency": {
            "median": statistics.median(seconds),
            "high": statistics.quantiles(seconds, n=20, method="inclusive")[-1],
        },
        "sentences": number / whole,
        "words": sum(len(sentence.split()) for sentence in many) / whole,
    }


def _seconds(answer, texts) -> float:
    start = time.perf_counter()
    answer(texts)
    return time.perf_counter() - start


def stream(name: str, lines: int, points: int = POINTS) -> list[dict[str, float]]:
    """Feeds lines to `python -m zoo predict` and watches its memory.

    Args:
        name: of a published checkpoint.
        lines: how many; at least as many as points.
        points: how often to look.

    Returns:
        At each point the `lines` that have come back, the `seconds` since the start,
        and `memory_mb`, anonymous memory of the process.

    Raises:
        ValueError: if the command does not answer every line.
    """
    command = [sys.executable, "-m", "zoo", "predict", name]
    start, number = time.perf_counter(), 0
    found: list[dict[str, float]] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        text = itertools.islice(itertools.cycle(MODELS[name][0]), lines)
        threading.Thread(target=_feed, args=(process.stdin, text), daemon=True).start()
        for number, _ in enumerate(process.stdout or [], 1):
            if number * points > lines * (len(found) + 0.5):  # while it still runs
                memory = timing.memory("RssAnon", process.pid)
                seconds = time.perf_counter() - start
                found.append({"lines": number, "seconds": seconds, "memory_mb": memory})
    if process.returncode or number != lines:
        raise ValueError(f"{name}: {number} answers to {lines} lines")
    return found


def _feed(pipe: IO[bytes], lines: Iterator[str]) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:  # the reader says what is wrong
        for line in lines:
            pipe.write(line.encode() + b"\n")


def rows(models: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Returns the table of latency and throughput."""
    return [
        {
            "model": name,
            "load s": f"{found['load']:.2f}",
            "first sentence s": f"{found['first']:.2f}",
            "latency ms: median": f"{found['latency']['median'] * 1e3:.1f}",
            "95th percentile": f"{found['latency']['high'] * 1e3:.1f}",
            "sentences/s": f"{found['sentences']:,.0f}",
            "words/s": f"{found['words']:,.0f}",
        }
        for name, found in models.items()
    ]


def stream_rows(points: list[dict[str, float]]) -> list[dict[str, str]]:
    """Returns the table of memory over the lines."""
    return [
        {
            "lines": f"{point['lines']:,}",
            "seconds": f"{point['seconds']:.0f}",
            "memory MB": f"{point['memory_mb']:.1f}",
        }
        for point in points
    ]


def main() -> None:
    """Measures all, or (`--measure`) one model, and prints that as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="*", default=[*MODELS], choices=MODELS)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--share", type=float, default=1.0, help="of the large files")
    parser.add_argument("--lines", type=int, default=1_000_000, help="0 for none")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--measure", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.rounds, options.share)))
        return
    result: dict[str, Any] = {"models": {}}
    sizes = [f"--rounds={options.rounds}", f"--share={options.share}"]
    for name in options.models:
        result["models"][name] = timing.apart(
            "recipes.benchmarks.inference", "--measure", name, *sizes
        )
    print(timing.markdown(rows(result["models"])), "\n", flush=True)
    if options.lines:
        points = stream("sst2", options.lines)
        result["stream"] = points
        result["exponent"] = timing.exponent(
            [point["lines"] for point in points],
            [point["memory_mb"] for point in points],
        )
        print(timing.markdown(stream_rows(points)))
        print(f"memory ~ lines^{result['exponent']:.3f}\n")
    from zoo import hardware

    facts = {"device": hardware.device(), "versions": hardware.versions()}
    print(facts)
    timing.write(options.json, {**facts, **result})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
