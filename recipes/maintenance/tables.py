"""The tables of results: all of them, and those of the trained models in short."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

RESULT_MARKS = ("<!-- results: begin -->", "<!-- results: end -->")
MODEL_MARKS = ("<!-- models: begin -->", "<!-- models: end -->")


def between(text: str, marks: tuple[str, str], inside: str) -> str:
    """Returns a text with something else between its two marks.

    Args:
        text: Markdown.
        marks: lines that stand once in it.
        inside: what is to stand between them.

    Raises:
        ValueError: if the marks are not there.

    >>> between("a <b> old </b> c", ("<b>", "</b>"), "new")
    'a <b>\\nnew\\n</b> c'
    """
    begin, end = marks
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.S)
    if not pattern.search(text):
        raise ValueError(f"expected the lines {begin} and {end}")
    return pattern.sub(lambda _: f"{begin}\n{inside}\n{end}", text)


def results_table(results: list[dict[str, Any]]) -> str:
    """Returns all results as a Markdown table, and how each came about."""
    rows = [
        {
            "result": r["name"],
            "metric": f"{r['metric']}, {r['unit']}",
            "test score": score_and_spread(r),
            "baseline": f"{r['baseline']['score']:.4g} ({r['baseline']['name']})",
            "parameters": f"{r['parameters']:,}",
            "minutes": f"{r['seconds'] / 60:.1f}",
            "tokens/s": f"{r['tokens_per_second']:,.0f}",
            "padding": f"{r['padding_waste']:.1%}",
        }
        for r in results
    ]
    return "\n".join([markdown(rows), "", *map(_provenance, results)])


def _provenance(result: dict[str, Any]) -> str:
    """Returns the command of a result, its device and its versions."""
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    also = "".join(
        f" {key.capitalize().replace('_', ' ')} {value:.4g}."
        for key, value in result["also"].items()
    )
    signature = result["signature"]
    signed = "" if signature == "none" else f" Signature `{signature}`."
    return (
        f"- **{result['name']}**: `{result['command']}`; {result['split']}.{also}"
        f"{signed} {result['device']}; {versions}."
    )


def models_table(results: list[dict[str, Any]], pretrained: Path) -> str:
    """Returns the results of trained models as a short Markdown table.

    Args:
        results: those without a checkpoint of their name are left out.
        pretrained: the directory of the checkpoints.
    """
    rows = [
        {
            "model": f"`{r['name']}`",
            "task": TITLES.get(r["name"], r["data"]),
            "test score": f"{score_and_spread(r)}, {r['metric']}",
            "parameters": f"{r['parameters'] / 1e6:.1f} M",
            "MB": f"{_megabytes(pretrained / r['name']):.1f}",
            "minutes": f"{r['seconds'] / 60:.0f}",
        }
        for r in results
        if (pretrained / r["name"]).is_dir()
    ]
    return markdown(rows)


# What a model of the zoo does, in a few words.
TITLES = {
    "cmudict": "pronunciation of English words",
    "imdb": "sentiment of film reviews",
    "multi30k-de-en": "German to English, captions of pictures",
    "multi30k-en-de": "English to German, captions of pictures",
    "multi30k-en-fr": "English to French, captions of pictures",
    "sst2": "sentiment of sentences",
    "sst2-glove": "sentiment of sentences, with GloVe",
    "tinyshakespeare": "characters of Shakespeare",
    "ud-ewt-glove": "parts of speech in English, with GloVe",
    "ud-ewt-upos": "parts of speech in English",
    "wikitext2": "words of Wikipedia",
    "wnut17": "names in informal English, with GloVe",
}


def _megabytes(directory: Path) -> float:
    """Returns the size of a checkpoint, in 10^6 bytes."""
    return sum(file.stat().st_size for file in directory.iterdir()) / 1e6


def score_and_spread(result: dict[str, Any]) -> str:
    """Returns the mean score with its standard deviation, in Markdown."""
    seeds = len(result["seeds"])
    spread = "" if result["spread"] is None else f" ± {result['spread']:.2g}"
    return f"**{result['mean']:.4g}**{spread} ({seeds} seed{'s' * (seeds > 1)})"


def markdown(rows: list[dict[str, str]]) -> str:
    """Returns rows of the same keys as a table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(r.values()) + " |" for r in rows)])
