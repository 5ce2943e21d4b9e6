"""The tables that a run prints: scores beside baselines, and of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.evaluation.metrics import LOWER_IS_BETTER, micro_average

MOST_CLASSES = 20  # that are printed; all are in metrics.json

Classes = Mapping[str, Mapping[str, float]]


def score_table(metrics: Mapping[str, Any]) -> str:
    """Returns the scores of a run, test beside dev, with its costs.

    Args:
        metrics: the contents of `metrics.json`.
    """
    score = f"{metrics['metric']} ({metrics['unit']})"
    rows = [
        ("", "test", "dev"),
        (score, _number(metrics["score"]), _number(metrics["dev_score"])),
    ]
    for key, name in (("strong_baseline", "strong baseline"), ("baseline", "baseline")):
        if found := metrics.get(key):
            values = (_number(found["score"]), _number(found.get("dev_score")))
            rows.append((f"{name}: {found['name']}", *values))
    facts = [
        ("scored on", metrics["split"]),
        ("parameters", f"{metrics['parameters']:,}"),
        ("seconds", f"{metrics['seconds']:.0f}"),
        ("training tokens per second", f"{metrics['tokens_per_second']:,.0f}"),
        ("padding waste", f"{metrics['padding_waste']:.1%}"),
        ("batch shapes", f"{metrics['batch_shapes']}"),
    ]
    width = max(len(name) for name, *_ in [*rows, *facts])
    lines = [f"  {name:<{width}}  {test:>8} {dev:>8}" for name, test, dev in rows]
    lines += [f"  {name:<{width}}  {value}" for name, value in facts]
    return "\n".join([*lines, *_losses(metrics)])


def is_better(metric: str, score: float, other: float) -> bool:
    """Tells whether a score is better than another one.

    Args:
        metric: its name; of errors and cross-entropies the lower is the better.
        score: the one.
        other: the other.

    >>> is_better("accuracy", 90.0, 80.0), is_better("cross-entropy", 1.5, 1.4)
    (True, False)
    """
    return score < other if metric in LOWER_IS_BETTER else score > other


def class_table(test: Classes, dev: Classes) -> str:
    """Returns precision, recall and F1 of each class, the commonest first, in percent.

    Args:
        test: from `metrics.class_scores` or `metrics.span_scores`.
        dev: the same of the development split.
    """
    order = sorted(test.keys() | dev.keys(), key=lambda c: (-_support(test, dev, c), c))
    rows = [_row(name, test.get(name), dev.get(name)) for name in order[:MOST_CLASSES]]
    rows.append(_row("micro average", micro_average(test), micro_average(dev)))
    header = ("", "precision", "recall", "F1", "support", "dev F1", "dev support")
    first = max(len(row[0]) for row in rows)
    lines = []
    for row in [header, *rows]:
        cells = [
            f"{cell:>{max(5, len(head))}}" for cell, head in zip(row[1:], header[1:])
        ]
        lines.append("  ".join(["", f"{row[0]:<{first}}", *cells]))
    if (more := len(order) - MOST_CLASSES) > 0:
        lines.append(f"  and {more:,} more in metrics.json")
    return "\n".join(lines)


def class_entries(classes: Sequence[Classes]) -> dict[str, Any]:
    """Returns what `metrics.json` says of each class, and of all of them together.

    Args:
        classes: of test and of dev; may be empty.
    """
    if not classes:
        return {}
    test, dev = classes
    return {
        "classes": test,
        "micro_average": micro_average(test),
        "dev_classes": dev,
        "dev_micro_average": micro_average(dev),
    }


def in_words(decision: Any) -> str:
    """Returns a decision about the data in one line.

    Args:
        decision: plain values.

    >>> in_words({"header": "none", "held": ["dev", "test"]})
    'header none, held dev, test'
    """
    if isinstance(decision, dict):
        return ", ".join(f"{key} {in_words(value)}" for key, value in decision.items())
    if isinstance(decision, (list, tuple)):
        return ", ".join(map(in_words, decision))
    return str(decision)


def _losses(metrics: Mapping[str, Any]) -> list[str]:
    """Returns a line for each baseline that is better than the model."""
    lines = []
    for key, name in (("strong_baseline", "strong"), ("baseline", "simple")):
        found = metrics.get(key)
        if found and is_better(metrics["metric"], found["score"], metrics["score"]):
            lines.append(
                f"  the {name} baseline is better: {found['name']} has "
                f"{found['score']:.4g} {metrics['unit']}, this model "
                f"{metrics['score']:.4g}"
            )
    return lines


def _support(test: Classes, dev: Classes, name: str) -> float:
    return sum(side[name]["support"] for side in (test, dev) if name in side)


def _row(name: str, test: Mapping | None, dev: Mapping | None) -> list[str]:
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    scores = [
        f"{100 * test[k]:.1f}" if test else "-" for k in ("precision", "recall", "f1")
    ]
    return [
        shown,
        *scores,
        f"{test['support'] if test else 0:,}",
        f"{100 * dev['f1']:.1f}" if dev else "-",
        f"{dev['support'] if dev else 0:,}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
