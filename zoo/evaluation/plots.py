"""Pictures of a run."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.atomic_files import write_bytes

LARGEST = 40  # inches of a side; a larger picture cannot be drawn
LONGEST = 40  # characters of a name


def learning_curves(
    history: Sequence[dict[str, float]], score: str, file: str | os.PathLike
) -> None:
    """Draws the losses and the development score over the epochs.

    Args:
        history: rows with `epoch`, `loss`, `val_loss` and `score`.
        score: name of the development score.
        file: PNG to write.
    """
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [r["loss"] for r in history], "o-", ms=3, label="training")
    left.plot(epochs, [r["val_loss"] for r in history], "o-", ms=3, label="development")
    left.set(title="loss (training with dropout)", xlabel="epoch")
    left.legend()
    right.plot(epochs, [r[score] for r in history], "o-", ms=3, color="C2")
    name = score.removeprefix("val_").replace("_", " ")
    right.set(title=f"development {name}", xlabel="epoch")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    _save(figure, file)


def confusion_matrix(
    counts: np.ndarray, labels: Sequence[str], file: str | os.PathLike
) -> None:
    """Draws a confusion matrix, each row in shares of the expected label.

    Args:
        counts: int `[expected, predicted]`.
        labels: names of both axes.
        file: PNG to write.
    """
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    size = min(LARGEST, max(3.6, 1.6 + 0.42 * len(labels)))
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _name(axes, columns=labels, rows=labels, rotation=90)
    axes.set(xlabel="predicted", ylabel="expected")
    if len(labels) <= 20:
        for i, j in zip(*np.nonzero(counts)):
            text = axes.text(j, i, str(counts[i, j]), ha="center", va="center")
            text.set(fontsize=6, color="white" if shares[i, j] > 0.5 else "black")
    figure.colorbar(image, label="share of the expected label")
    _save(figure, file)


def attention_map(
    weights: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    file: str | os.PathLike,
) -> None:
    """Draws which source token each target token attended to.

    Args:
        weights: float `[target, source]`.
        source: tokens of the columns.
        target: tokens of the rows.
        file: PNG to write.
    """
    width, height = 2 + 0.4 * len(source), 1.6 + 0.32 * len(target)
    figure = Figure(
        figsize=(min(LARGEST, width), min(LARGEST, height)), layout="constrained"
    )
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="magma", vmin=0, vmax=1, aspect="auto")
    _name(axes, columns=source, rows=target, rotation=60, ha="right")
    axes.set(xlabel="source", ylabel="translation")
    figure.colorbar(image, label="attention")
    _save(figure, file)


def _name(
    axes: Axes, columns: Sequence[str], rows: Sequence[str], **options: Any
) -> None:
    """Labels columns and rows; a dollar sign in a name does not begin a formula."""
    columns, rows = (
        [n if len(n) <= LONGEST else n[: LONGEST - 1] + "…" for n in names]
        for names in (columns, rows)
    )
    axes.set_xticks(range(len(columns)), columns, parse_math=False, **options)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)


def _save(figure: Figure, file: str | os.PathLike) -> None:
    content = io.BytesIO()
    with warnings.catch_warnings():  # characters that the font lacks become boxes
        warnings.filterwarnings("ignore", r"Glyph .* missing", UserWarning)
        figure.savefig(content, dpi=120, format="png")
    write_bytes(Path(file), content.getvalue())
