"""Results of runs: how those of several seeds become one, and the files they are in."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results"
ALSO = ("perplexity", "phoneme_error_rate")  # further scores, which some runs have


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
