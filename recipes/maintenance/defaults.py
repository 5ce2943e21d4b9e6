"""Do the defaults hold on any corpus? Each against the best of ten random settings.

    python -m recipes.maintenance.defaults sst2-sentences wnut17 --jobs 2
    python -m recipes.maintenance.defaults        # only writes the page

A corpus is cut to its size, with its official development and test splits where it has
them. The recipe is trained on it with nothing but defaults, and with settings drawn at
random, the same ones for all corpora of a recipe. The best of them is the best on the
development split; the test split is only reported. One seed each. A training that is
complete is not run again, so the study may be interrupted and go on where it was;
minutes tell little where it ran beside other work.

The result of each corpus is a file in `recipes/results/defaults`, and the page is
`recipes/results/DEFAULTS.md`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shlex
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.maintenance import results
from recipes.maintenance.comparisons import train
from recipes.maintenance.tables import markdown
from zoo.data import corpora

DEFAULTS, PAGE = "defaults", "DEFAULTS.md"  # in the directory of results
DEFAULT = "default"
NUM_SETTINGS = 10

# What is drawn: of a pair of floats a number between them, evenly in its logarithm; of
# anything else one of the choices.
TRAINING: dict[str, Any] = {
    "learning_rate": (5e-4, 1e-2),
    "epochs": [5, 10, 20, 30],
    "units": [64, 128, 256],
    "num_layers": [1, 2],
    "input_dropout": [0.2, 0.35, 0.5],
    "output_dropout": [0.0, 0.3, 0.5],
}
SPACES: dict[str, dict[str, Any]] = {
    "classify": {
        **TRAINING,
        "batch_size": [16, 32, 64],
        "cell": ["lstm", "gru"],
        "embedding_size": [64, 128, 256],
        "word_dropout": [0.0, 0.1],
        "min_count": [1, 2, 3],
    },
    "tag": {
        **TRAINING,
        "batch_size": [8, 16, 32],
        "embedding_size": [50, 100, 200],
        "character_filters": [30, 100],
        "word_dropout": [0.0, 0.1],
        "crf": [False, True],
    },
    "translate": {
        **TRAINING,
        "batch_size": [16, 32, 64],
        "embedding_size": [128, 256],
        "label_smoothing": [0.0, 0.1],
        "tokens": ["words", "bpe"],
    },
    "generate": {
        **TRAINING,
        "batch_size": [8, 16, 32],
        "units": [128, 256, 512],
        "bptt_steps": [32, 64, 128],
    },
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A corpus of the study.

    Attributes:
        recipe: its name.
        cut: writes the corpus into a new directory, from the directory of all data.
        options: of every training on it.
    """

    recipe: str
    cut: Callable[[Path, Path], None]
    options: str = ""


def _labeled(source: str, size: int | None, held_out: int | None = None) -> Callable:
    """Cuts a corpus of labeled texts; `held_out` limits its dev and test."""

    def cut(data: Path, target: Path) -> None:
        splits = corpora.labeled(str(data / source), text_column=None)
        limits = {"train": size, "dev": held_out, "test": held_out}
        for split, corpus in splits.items():
            rows = _sample(corpus, limits[split])
            lines = (f"{label}\t{text}\n" for text, label in rows)
            _write(target / f"{split}.tsv", itertools.chain(["label\ttext\n"], lines))

    return cut


def _sentences(data: Path, target: Path) -> None:
    """Cuts SST-2 to the phrases that are no part of another one: whole sentences."""
    _labeled("sst2_glue", None)(data, target)
    file = target / "train.tsv"
    header, *rows = file.read_text("utf-8").splitlines(keepends=True)
    words = [tuple(row.split("\t")[1].split()) for row in rows]
    parts = {
        phrase[i:j]
        for phrase in words
        for i in range(len(phrase))
        for j in range(i + 1, len(phrase) + 1)
        if j - i < len(phrase)
    }
    kept = (row for row, phrase in zip(rows, words) if phrase not in parts)
    _write(file, itertools.chain([header], kept))


def _tagged(files: dict[str, str], size: int | None = None) -> Callable:
    """Cuts a corpus of tagged words, which has these files."""

    def cut(data: Path, target: Path) -> None:
        for split, file in files.items():
            sentences = corpora.read_tagged(data / file)
            rows = _sample(sentences, size if split == "train" else None)
            texts = (
                "".join(f"{word}\t{tag}\n" for word, tag in zip(*row)) + "\n"
                for row in rows
            )
            _write(target / f"{split}.tsv", texts)

    return cut


def _pairs(source: str, target_language: str, size: int | None = None) -> Callable:
    """Cuts Multi30k."""

    def cut(data: Path, target: Path) -> None:
        splits = corpora.parallel(
            str(data / "multi30k/raw"), source=source, target=target_language
        )
        for split, corpus in splits.items():
            rows = _sample(corpus, size if split == "train" else None)
            lines = (f"{a}\t{b}\n" for a, b in rows)
            _write(target / f"{split}.tsv", lines)

    return cut


def _text(source: str, characters: int) -> Callable:
    """Cuts the beginning of a text."""

    def cut(data: Path, target: Path) -> None:
        text = (data / source).read_text("utf-8")
        _write(target / "train.txt", [text[:characters]])

    return cut


def _ud(size: int | None) -> Callable:
    name = "ud_ewt/r2.10/en_ewt-ud-{}.conllu.gz"
    return _tagged(
        {split: name.format(split) for split in ("train", "dev", "test")}, size
    )


def _conll2002(language: str) -> Callable:
    names = {"train": "train", "dev": "testa", "test": "testb"}
    return _tagged({s: f"conll2002/{language}.{n}.gz" for s, n in names.items()})


_WNUT = {
    "train": "wnut17/wnut17train.conll",
    "dev": "wnut17/emerging.dev.conll",
    "test": "wnut17/emerging.test.annotated",
}
PARTS = {
    **{
        f"imdb-{size}": Part(recipe="classify", cut=_labeled("imdb", size, 2000))
        for size in (200, 1000, 5000, 25000)
    },
    "sst2-sentences": Part(recipe="classify", cut=_sentences),
    "sst2-phrases": Part(recipe="classify", cut=_labeled("sst2_glue", None)),
    "ud_ewt-200": Part(recipe="tag", cut=_ud(200)),
    "ud_ewt-2000": Part(recipe="tag", cut=_ud(2000)),
    "ud_ewt": Part(recipe="tag", cut=_ud(None)),
    "conll2002-es": Part(recipe="tag", cut=_conll2002("esp")),
    "conll2002-nl": Part(recipe="tag", cut=_conll2002("ned")),
    "wnut17": Part(recipe="tag", cut=_tagged(_WNUT)),
    "multi30k-3000": Part(recipe="translate", cut=_pairs("de", "en", 3000)),
    "multi30k": Part(recipe="translate", cut=_pairs("de", "en")),
    "shakespeare-100kB": Part(
        recipe="generate", cut=_text("tinyshakespeare/input.txt", 100_000)
    ),
}


def _sample(examples: Iterable[Any], size: int | None) -> list[Any]:
    """Returns some of the examples, in an order of their own, or all as they are."""
    every = list(examples)
    if size is None or size >= len(every):
        return every
    return random.Random(0).sample(every, size)


def _write(file: Path, lines: Iterable[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w", encoding="utf-8", newline="") as stream:
        stream.writelines(lines)


def settings(recipe: str) -> dict[str, dict[str, Any]]:
    """Returns the settings of a recipe by name: the default, and random ones."""
    found: dict[str, dict[str, Any]] = {DEFAULT: {}}
    for number in range(1, NUM_SETTINGS + 1):
        draw = random.Random(f"{recipe} {number}")
        found[f"random-{number}"] = {
            name: (
                float(f"{choices[0] * (choices[1] / choices[0]) ** draw.random():.2g}")
                if isinstance(choices, tuple)
                else draw.choice(choices)
            )
            for name, choices in SPACES[recipe].items()
        }
    return found


def commands(name: str, data: Path, runs: Path) -> list[list[str]]:
    """Returns the commands of all trainings on a corpus, after cutting it if needed."""
    part, corpus = PARTS[name], runs / name / "data"
    if not corpus.exists():
        part.cut(data, corpus)
    start = ["python", "-m", f"recipes.{part.recipe}", "--data", str(corpus)]
    return [
        [
            *start,
            *shlex.split(part.options),
            *(w for o, v in options.items() for w in (f"--{o}", str(v).lower())),
            *("--run_dir", str(runs / name / setting)),
        ]
        for setting, options in settings(part.recipe).items()
    ]


def collect(name: str, runs: Path) -> dict[str, Any]:
    """Returns what came of a corpus, by setting."""
    found = {}
    for setting, options in settings(PARTS[name].recipe).items():
        directory = runs / name / setting
        if not (directory / "metrics.json").exists():
            continue
        metrics = results.read_metrics(directory)
        kept = ("dev_score", "score", "metric", "unit", "seconds", "epochs")
        found[setting] = {"options": options, **{k: metrics[k] for k in kept}}
    return found


def best(found: dict[str, Any]) -> str:
    """Returns the random setting with the best development score."""
    tried = {s: row["dev_score"] for s, row in found.items() if s != DEFAULT}
    unit = found[DEFAULT]["unit"]
    sign = 1 if unit == "%" or unit == "sacrebleu" else -1
    return max(tried, key=lambda setting: sign * tried[setting])


def page(found: dict[str, dict[str, Any]]) -> str:
    """Returns the page, in Markdown."""
    rows = []
    for name, settings_of in found.items():
        default = settings_of[DEFAULT]
        row = {
            "corpus": name,
            "metric": default["metric"],
            "default: dev": f"{default['dev_score']:.2f}",
            "test": f"{default['score']:.2f}",
            "epochs": str(default["epochs"]),
            "minutes": f"{default['seconds'] / 60:.1f}",
        }
        tried = [s for s in settings_of if s != DEFAULT]
        if tried:
            winner = settings_of[best(settings_of)]
            scores = [settings_of[s]["dev_score"] for s in tried]
            row |= {
                "best of": str(len(tried)),
                "its dev": f"{winner['dev_score']:.2f}",
                "its test": f"{winner['score']:.2f}",
                "median dev": f"{statistics.median(scores):.2f}",
                "its options": " ".join(
                    f"{o} {v}" for o, v in winner["options"].items()
                ),
            }
        rows.append(row)
    columns = dict.fromkeys(column for row in rows for column in row)
    about = str(__doc__).split("\n\n")[2].replace("\n", " ")
    table = markdown([{c: row.get(c, "") for c in columns} for row in rows])
    return f"# Defaults\n\n{about}\n\n{table}\n"


def main(
    arguments: Sequence[str] | None = None, directory: Path = results.RESULTS
) -> None:
    """Runs the trainings on some corpora, and writes the page.

    Args:
        arguments: of the command line; those of this process if None.
        directory: where the results are written.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="CORPUS", help=", ".join(PARTS))
    parser.add_argument("--only", nargs="*", metavar="SETTING", help="these settings")
    parser.add_argument("--jobs", type=int, default=1, help="at a time")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/defaults"))
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        raise ValueError(f"no corpus {unknown.pop()!r}; expected one of {[*PARTS]}")
    files = {name: directory / DEFAULTS / f"{name}.json" for name in PARTS}
    for name in options.parts:
        every = commands(name, options.data, options.runs)
        chosen = options.only or [Path(words[-1]).name for words in every]
        train((w for w in every if Path(w[-1]).name in chosen), options.jobs)
        files[name].parent.mkdir(exist_ok=True)
        results.write(files[name], collect(name, options.runs))
    found = {
        name: json.loads(file.read_text("utf-8"))
        for name, file in files.items()
        if file.exists()
    }
    (directory / PAGE).write_text(page(found), "utf-8")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
