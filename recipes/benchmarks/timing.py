"""What the benchmarks share: alternate, take medians, write the figures down."""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO


def alternate(
    contestants: dict[str, Callable[[], Any]],
    rounds: int,
    warm_ups: int = 2,
) -> dict[str, list[float]]:
    """Times functions in turns, so that what disturbs one disturbs all.

    Args:
        contestants: by name, functions that return when their work is done.
        rounds: how often each is timed.
        warm_ups: how often each runs before, untimed.

    Returns:
        The seconds of every run, by name.
    """
    for run in contestants.values():
        for _ in range(warm_ups):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for i in range(rounds):
        names = list(contestants)
        for name in names if i % 2 else reversed(names):
            start = time.perf_counter()
            contestants[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def serve(runner: Any, answers: TextIO, **first: Any) -> None:
    """Trains an epoch for each line of standard input, and answers with a line of JSON.

    Args:
        runner: with `train()`, which is timed, and `evaluate()`.
        answers: where to write to.
        first: the first answer, which says that all is ready.
    """
    answer = first
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        if sys.stdin.readline() == "":
            return
        start = time.perf_counter()
        runner.train()
        seconds = time.perf_counter() - start
        dev = runner.evaluate()
        answer = {"seconds": seconds, "dev": dev, "peak_mb": memory("VmHWM")}


def serve_actions(
    actions: dict[str, Callable[[], Any]], answers: TextIO, **first: Any
) -> None:
    """Does what each line of standard input names, and answers with a line of JSON.

    Args:
        actions: by name, functions, which are timed; what they return is answered.
        answers: where to write to.
        first: the first answer, which says that all is ready.
    """
    print(json.dumps(first), file=answers, flush=True)
    for line in iter(sys.stdin.readline, ""):
        start = time.perf_counter()
        found = actions[line.strip()]()
        seconds = time.perf_counter() - start
        print(
            json.dumps({"seconds": seconds, "found": found}), file=answers, flush=True
        )


class Contestant:
    """A process that does what it is asked to, and says how long it took.

    Args:
        module: of `recipes.benchmarks`, which follows `serve` or `serve_actions`.
        arguments: for it, as JSON.
        python: the interpreter to run it with.

    Attributes:
        ready: its first answer.

    Raises:
        ValueError: if it ends before it has answered; says what it said last.
    """

    def __init__(self, module: str, *arguments: Any, python: str = sys.executable):
        command = [python, "-m", f"recipes.benchmarks.{module}"]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command + [json.dumps(argument) for argument in arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError(f"{module}: has no pipes")
        self.asked, self.answers = self.process.stdin, self.process.stdout
        self.ready = self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.answers.readline()
        if not line:
            self.log.seek(0)
            lines = self.log.read().strip().splitlines() or ["no word"]
            raise ValueError(f"a contestant ended early: {lines[-1]}")
        return json.loads(line)

    def ask(self, what: str) -> dict[str, Any]:
        """Returns the answer, with `seconds` in it."""
        with contextlib.suppress(BrokenPipeError):  # it has said why
            self.asked.write(f"{what}\n")
            self.asked.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):
            self.asked.close()
        self.process.wait()
        self.answers.close()
        self.log.close()


def spread(values: list[float]) -> dict[str, float]:
    """Returns the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "low": low, "high": high}


def times_as_fast(
    seconds: dict[str, list[float]], ours: str, theirs: str
) -> dict[str, float]:
    """Returns how many times as fast one contestant is as another, round by round."""
    return spread([t / o for o, t in zip(seconds[ours], seconds[theirs])])


def geometric_mean(values: list[float]) -> float:
    """Returns the geometric mean of positive numbers."""
    return math.exp(statistics.fmean(map(math.log, values)))


def markdown(rows: list[dict[str, Any]]) -> str:
    """Returns rows of the same keys as a table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    return "\n".join(lines)


def write(file: Path | None, result: dict[str, Any]) -> None:
    """Writes the figures as JSON, if there is a file to write them to."""
    if file:
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def memory(name: str, process: int | str = "self") -> float:
    """Returns a figure of a process's memory in MB (10^6 bytes), from /proc.

    Args:
        name: `"VmRSS"`, what it holds now; `"VmHWM"`, the most it has held; or
            `"RssAnon"`, what it holds now without the pages of mapped files.
        process: its number; by default this one's.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith(name)) * 1024 / 1e6


def reset_peak() -> None:
    """Lets `VmHWM`, the most that this process has held, start again."""
    Path("/proc/self/clear_refs").write_text("5")


def apart(module: str, *arguments: str, **environment: str) -> Any:
    """Runs `python -m module` in a process of its own.

    Args:
        module: to run.
        arguments: of its command line.
        environment: variables to add to those of this process.

    Returns:
        The JSON value of the last line that it printed.

    Raises:
        ValueError: if it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ValueError(f"{' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Returns the p of the power law `value = c size^p` that fits best.

    By least squares of the logarithms.

    >>> round(exponent([1, 2, 10], [3, 12, 300]), 6)
    2.0
    """
    return statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(value) for value in values]
    ).slope
