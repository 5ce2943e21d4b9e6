"""Compares options of the recipes, one change at a time, over several seeds.

    python -m recipes.maintenance.comparisons ud_ewt --jobs 2   # what is not there yet
    python -m recipes.maintenance.comparisons sst2 --only frozen tuned --seeds 0 1 2
    python -m recipes.maintenance.comparisons                   # only writes the page

Every training is a process of its own, with its output in a file next to its run
directory. One that is complete is not run again, so a comparison may be interrupted and
go on where it was. With `--jobs` several run at a time, each on a core of its own.

The result of each row is a file in `recipes/results/comparisons`, like those of
`recipes.maintenance.publish`, and the page is `recipes/results/COMPARISONS.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import os
import queue
import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from recipes.maintenance import results
from recipes.maintenance.groups import GROUPS, Group
from recipes.maintenance.tables import markdown

COMPARISONS, PAGE = "comparisons", "COMPARISONS.md"  # in the directory of results


def run_directory(runs: Path, name: str, seed: int) -> Path:
    """Returns where a training of a row is, in the directory of its group's runs."""
    return runs / f"{_file_name(name)}-{seed}"


def _file_name(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name).split())


def command(
    group: Group, name: str, seed: int, data: Path, directory: Path
) -> list[str]:
    """Returns the command of a training."""
    return [
        *("python", "-m", f"recipes.{group.recipe}"),
        *("--data", str(data / group.data)),
        *shlex.split(group.options),
        *shlex.split(group.trained[name]),
        *("--seed", str(seed), "--run_dir", str(directory)),
    ]


def helper_command(group: Group, name: str, data: Path, directory: Path) -> list[str]:
    """Returns the command of a further training that evaluations need."""
    words = shlex.split(group.helpers[name].format(data=shlex.quote(str(data))))
    return ["python", "-m", *words, "--run_dir", str(directory)]


def train(commands: Iterable[list[str]], jobs: int) -> None:
    """Runs commands of trainings, `jobs` at a time, each then on a core of its own.

    Args:
        commands: each ends with its run directory. It is passed over if that has the
            metrics of a complete run; what an incomplete one left is deleted.
        jobs: how many at a time.

    Raises:
        ValueError: if one of them fails; says what it said last.
    """
    affine = hasattr(os, "sched_getaffinity")
    every = sorted(os.sched_getaffinity(0)) if affine and jobs > 1 else []
    cores: queue.Queue[int | None] = queue.Queue()
    for core in itertools.islice(itertools.cycle(every or [None]), jobs):
        cores.put(core)
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(lambda words: _run(words, cores), commands):
            pass


def _run(arguments: list[str], cores: queue.Queue[int | None]) -> None:
    """Runs a training on the next free core, unless it is complete."""
    directory = Path(arguments[-1])
    if (directory / "metrics.json").exists():
        return
    shutil.rmtree(directory, ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    log = directory.with_name(directory.name + ".log")
    with _core(cores), open(log, "w", encoding="utf-8") as file:
        print("start", shlex.join(arguments), flush=True)
        done = subprocess.run(
            [sys.executable, *arguments[1:]], stdout=file, stderr=subprocess.STDOUT
        )
    if done.returncode:
        said = log.read_text("utf-8").strip().splitlines() or ["nothing"]
        raise ValueError(f"{shlex.join(arguments)}: {said[-1]}; see {log}")
    print("end  ", directory, flush=True)


@contextlib.contextmanager
def _core(cores: queue.Queue[int | None]) -> Iterator[None]:
    """Keeps a thread, and so the process that it starts, to one of the cores."""
    core = cores.get()
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        cores.put(core)


def evaluate(group: Group, directory: Path, options: str) -> dict[str, Any]:
    """Evaluates a complete run in another way.

    Args:
        group: what is compared.
        directory: of the run.
        options: of the evaluation.

    Returns:
        The metrics of the run, with other scores and another command.
    """
    import zoo
    from zoo.command_line import parse

    metrics = results.read_metrics(directory)
    metrics = {k: v for k, v in metrics.items() if k not in results.ALSO}
    shown = options.format(**{name: name.upper() for name in group.helpers})
    places = {n: shlex.quote(str(directory.parent / n)) for n in group.helpers}
    words = shlex.split(options.format(**places))
    recipe = importlib.import_module(f"recipes.{group.recipe}")
    config = parse(recipe.Config, ["--config", f"{directory / 'config.yaml'}", *words])
    model = zoo.load(directory)
    return {
        **metrics,
        "score": recipe.evaluate(model, config, "test"),
        "dev_score": recipe.evaluate(model, config, "dev"),
        "command": f"{metrics['command']} {shown}",
    }


def collect(
    group: Group, runs: Path, names: Sequence[str], seeds: Sequence[int], target: Path
) -> None:
    """Writes the result file of each row.

    Args:
        group: what is compared.
        runs: where its runs are, all of them complete.
        names: of the rows.
        seeds: of each.
        target: the directory of the files.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        trained, options = group.evaluated.get(name, (name, None))
        directories = [run_directory(runs, trained, seed) for seed in seeds]
        found = [
            results.read_metrics(directory)
            if options is None
            else evaluate(group, directory, options)
            for directory in directories
        ]
        file = target / f"{_file_name(name)}.json"
        results.write(file, results.combine(name, found))


def compare(
    group: Group,
    runs: Path,
    data: Path,
    names: Sequence[str],
    seeds: Sequence[int],
    jobs: int,
) -> None:
    """Runs the trainings of some rows of a group, and those that they need.

    Args:
        group: what is compared.
        runs: where its runs are to be.
        data: the directory of all data.
        names: of the rows.
        seeds: of each.
        jobs: how many trainings at a time.

    Raises:
        ValueError: if a training fails.
    """
    needed = dict.fromkeys(group.evaluated.get(name, (name,))[0] for name in names)
    evaluations = " ".join(group.evaluated[n][1] for n in names if n in group.evaluated)
    commands = [
        command(group, name, seed, data, run_directory(runs, name, seed))
        for seed in seeds
        for name in needed
    ]
    commands += [
        helper_command(group, name, data, runs / name)
        for name in group.helpers
        if f"{{{name}}}" in evaluations
    ]
    train(commands, jobs)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Returns results that differ in one thing as a Markdown table."""
    first = rows[0]
    about = (
        f"{first['metric']}, {first['unit']}; {first['split']} of `{first['data']}`."
    )
    cells = [
        {
            "": row["name"],
            "dev": _mean(row["dev_scores"]),
            "test": _mean(row["scores"]),
            "seeds": str(len(row["seeds"])),
            "parameters": f"{row['parameters']:,}",
            "minutes": f"{row['seconds'] / 60:.1f}",
            "command": f"`{row['command']}`",
        }
        for row in rows
    ]
    devices = "; ".join(sorted({row["device"] for row in rows}))
    return f"{about}\n\n{markdown(cells)}\n\n{devices}."


def _mean(scores: Sequence[float]) -> str:
    text = f"{statistics.mean(scores):.2f}"
    return f"{text} ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else text


def page(groups: Mapping[str, Group], directory: Path) -> str:
    """Returns the page of what has been compared.

    Args:
        groups: what is compared, by key.
        directory: of the result files, a directory for each key.
    """
    parts = [
        "# Comparisons",
        "One thing is changed at a time. Mean and standard deviation over seeds; "
        "choices are made by dev. Written by "
        "`python -m recipes.maintenance.comparisons`.",
    ]
    for key, group in groups.items():
        found = {r["name"]: r for r in results.read_results(directory / key)}
        names = [n for n in (*group.trained, *group.evaluated) if n in found]
        if names:
            parts += [group.about, table([found[name] for name in names])]
    return "\n\n".join(parts) + "\n"


def main(
    arguments: Sequence[str] | None = None,
    groups: Mapping[str, Group] = GROUPS,
    directory: Path = results.RESULTS,
) -> None:
    """Runs a group, and writes the page.

    Args:
        arguments: of the command line; those of this process if None.
        groups: what may be compared, by key.
        directory: where the results are written.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("group", nargs="?", choices=[*groups])
    parser.add_argument("--only", nargs="*", metavar="ROW", help="these rows")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="at a time")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/comparisons"))
    options = parser.parse_args(arguments)
    if options.jobs < 1 or not options.seeds:
        raise ValueError("expected --jobs of 1 or more, and a seed")
    if options.group:
        group, runs = groups[options.group], options.runs / options.group
        rows = [*group.trained, *group.evaluated]
        names = options.only or rows
        if unknown := set(names) - set(rows):
            raise ValueError(
                f"--only: no row {unknown.pop()!r}; expected one of {rows}"
            )
        compare(group, runs, options.data, names, options.seeds, options.jobs)
        target = directory / COMPARISONS / options.group
        collect(group, runs, names, options.seeds, target)
    (directory / PAGE).write_text(page(groups, directory / COMPARISONS), "utf-8")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
