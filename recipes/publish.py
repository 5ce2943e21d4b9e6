"""Publishes runs: result file, checkpoint with its card, README's table.

    python -m recipes.publish NAME RUN_DIR [RUN_DIR ...] --card CARD.json
    python -m recipes.publish --table          # writes README's results table anew

Several run directories are seeds of one configuration: their scores are averaged, and
the checkpoint is that of the best development score. Weights are stored in float16 if
that costs less than 0.1 points, which `publish` measures on the test split. Results
that are only there to be compared are those of `recipes.comparisons`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
ALSO = ("perplexity", "phoneme_error_rate")  # scores that some runs have besides
FEWER_IS_BETTER = ("cross-entropy", "word error rate", "mean absolute error")


def read_results(directory: Path = RESULTS) -> list[dict[str, Any]]:
    """Returns the results in a directory, by name."""
    files = sorted(directory.glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def combine(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Makes one result of the metrics of several runs.

    Args:
        name: of the result.
        runs: contents of the `metrics.json` of runs that differ in their seed.

    Raises:
        ValueError: if the runs are not of one recipe, data set, split and metric.
    """
    first = runs[0]
    for key in ("recipe", "data", "split", "metric", "parameters"):
        values = {run[key] for run in runs}
        if len(values) > 1:
            raise ValueError(f"{name}: the runs differ in {key}: {sorted(values)}")
    scores = [run["score"] for run in runs]
    return {
        "name": name,
        "recipe": first["recipe"],
        "command": re.sub(r" --(run_dir|seed)[ =]\S+", "", first["command"]),
        "data": first["data"],
        "split": first["split"],
        "metric": first["metric"],
        "unit": first["unit"],
        "signature": first.get("signature", "none"),
        "seeds": [run["seed"] for run in runs],
        "scores": scores,
        "dev_scores": [run["dev_score"] for run in runs],
        "mean": statistics.mean(scores),
        "spread": statistics.stdev(scores) if len(scores) > 1 else None,
        "also": {
            key: statistics.mean(run[key] for run in runs)
            for key in ALSO
            if key in first
        },
        "baseline": first["baseline"],
        "parameters": first["parameters"],
        "seconds": statistics.mean(run["seconds"] for run in runs),
        "tokens_per_second": statistics.mean(r["tokens_per_second"] for r in runs),
        "padding_waste": first["padding_waste"],
        "device": first["device"],
        "versions": first["versions"],
    }


def best(metric: str, runs: list[dict[str, Any]]) -> int:
    """Returns the index of the run with the best development score."""
    choose = min if metric in FEWER_IS_BETTER else max
    return choose(range(len(runs)), key=lambda i: runs[i]["dev_score"])


def publish(name: str, directories: list[Path], card: dict[str, Any]) -> None:
    """Writes the result file and the checkpoint of runs.

    Args:
        name: of the result and of the checkpoint.
        directories: the runs.
        card: task, data, licence, languages and limits of the checkpoint.
    """
    import numpy as np

    import pretrained
    import zoo
    from zoo.checkpoints import CARD

    runs = [read_metrics(directory) for directory in directories]
    result = combine(name, runs)
    chosen = best(result["metric"], runs)
    full = zoo.load(directories[chosen])
    target = Path(pretrained.__path__[0]) / name
    shutil.rmtree(target, ignore_errors=True)
    full.save(target, np.float16)
    recipe = __import__(f"recipes.{result['recipe']}", fromlist=["evaluate"])
    config = recipe.Config(**read_config(directories[chosen]))
    stored = recipe.evaluate(zoo.load(target), config, "test")
    score = runs[chosen]["score"]
    if abs(stored - score) >= _tolerance(result["metric"]):
        full.save(target)
        stored = score
    entries = {
        **card,
        "command": result["command"],
        "score": f"{stored:.4g} {result['unit']} ({result['metric']}), "
        f"{result['split']} of {result['data']}",
        "test_score": stored,
        "score_before_float16": score,
        "parameters": result["parameters"],
    }
    write(target / CARD, entries)
    write(RESULTS / f"{name}.json", result)
    print(f"{name}: {entries['score']} (trained: {score:.4f}, stored: {stored:.4f})")


def _tolerance(metric: str) -> float:
    """Returns what float16 may cost: 0.1 points, or 0.001 nats."""
    return 0.001 if metric == "cross-entropy" else 0.1


def read_metrics(directory: Path) -> dict[str, Any]:
    """Returns the metrics of a complete run."""
    return json.loads((directory / "metrics.json").read_text(encoding="utf-8"))


def read_config(directory: Path) -> dict[str, Any]:
    """Returns the configuration of a run."""
    import yaml

    return yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))


def write(file: Path, content: dict[str, Any]) -> None:
    """Writes JSON that a reader can follow."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8")


def table(results: list[dict[str, Any]]) -> str:
    """Returns the results as a Markdown table."""
    lines = [
        "| result | metric | test score | baseline | parameters | minutes | "
        "tokens/s | padding |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    for r in results:
        spread = f" ± {r['spread']:.2g}" if r["spread"] is not None else ""
        seeds = len(r["seeds"])
        lines.append(
            f"| {r['name']} | {r['metric']}, {r['unit']} "
            f"| **{r['mean']:.4g}**{spread} ({seeds} seed{'s' * (seeds > 1)}) "
            f"| {r['baseline']['score']:.4g} ({r['baseline']['name']}) "
            f"| {r['parameters']:,} | {r['seconds'] / 60:.1f} "
            f"| {r['tokens_per_second']:,.0f} | {r['padding_waste']:.1%} |"
        )
        versions = ", ".join(f"{k} {v}" for k, v in r["versions"].items())
        signature = (
            "" if r["signature"] == "none" else f" Signature `{r['signature']}`."
        )
        also = "".join(
            f" {key.capitalize().replace('_', ' ')} {value:.4g}."
            for key, value in r["also"].items()
        )
        notes.append(
            f"- **{r['name']}**: `{r['command']}`; {r['split']}.{also}{signature} "
            f"{r['device']}; {versions}."
        )
    return "\n".join([*lines, "", *notes])


def readme_with(text: str, results: list[dict[str, Any]]) -> str:
    """Returns README's text with the table of `results` between its two marks."""
    inside = f"{BEGIN}\n{table(results)}\n{END}"
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.S)
    if not pattern.search(text):
        raise ValueError(f"{README}: expected the lines {BEGIN} and {END}")
    return pattern.sub(lambda _: inside, text)


def main() -> None:
    """Publishes runs, or writes README's table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?")
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--card", type=Path, help="JSON: task, data, licence, limits")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.name:
        if not options.runs or not options.card:
            raise ValueError("expected NAME RUN_DIR ... --card CARD.json")
        card = json.loads(options.card.read_text(encoding="utf-8"))
        publish(options.name, options.runs, card)
    if options.name or options.table:
        text = readme_with(README.read_text(encoding="utf-8"), read_results())
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
