"""One contestant of `recipes.benchmarks.recipes`: a recipe trained by Keras.

`zoo` trains what the recipe trains, as it does. `keras` trains the same model as the
examples of keras.io are written: stock layers, every sequence padded to the longest,
arrays in memory, the defaults of `compile` and `fit`. Its language model starts every
window of the text from an empty state.

The process follows `timing.serve`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from recipes.benchmarks import timing
from zoo.data.batches import Batches
from zoo.data.prefetching import prefetch
from zoo.data.ragged import Ragged
from zoo.data.streams import Streams
from zoo.evaluation.token_metrics import TokenMetric
from zoo.layers.paths import to_keras
from zoo.models.language_model import CarriedState
from zoo.runs import Experiment
from zoo.training.optimizers import make_optimizer


def prepare(recipe: str, options: dict[str, Any]) -> Experiment:
    """Returns the experiment of a recipe, before its training.

    Args:
        recipe: its name.
        options: of its `Config`.
    """
    module = importlib.import_module(f"recipes.{recipe}")
    return module.prepare(module.Config(**options))


def part(data: Batches | Streams, share: float) -> Batches | Streams:
    """Returns a random share of the examples, or the beginning of a text."""
    if isinstance(data, Streams):
        ids = data.token_ids[: int(share * len(data.token_ids))]
        return Streams(ids, data.batch_size, data.steps)
    count = len(next(iter(data.columns.values())))
    rows = np.random.default_rng(0).permutation(count)[: int(share * count)]
    columns = {
        name: Ragged.pack(column[row] for row in rows)
        for name, column in data.columns.items()
    }
    return Batches(
        columns,
        data.assemble,
        data.batch_size,
        data.shuffle,
        data.seed,
        data.batch_tokens,
    )


def export(file: Path, experiment: Experiment) -> None:
    """Writes the encoded examples and the sizes for a contestant without Keras."""
    model, arrays = experiment.model, {}
    for split, data in (("train", experiment.train), ("dev", experiment.dev)):
        if isinstance(data, Streams):
            arrays[f"{split} token_ids values"] = data.token_ids
            continue
        for name, column in data.columns.items():
            arrays[f"{split} {name} values"] = column.values
            arrays[f"{split} {name} offsets"] = column.offsets
    spec = {**asdict(experiment.config), **asdict(model.config), "task": model.task}
    arrays["spec"] = np.array(json.dumps(spec))
    np.savez(file, allow_pickle=False, **arrays)


def scores(
    model: keras.Model, batches: Iterable[tuple], experiment: Experiment
) -> dict[str, float]:
    """Returns the loss and the metric, in which every token weighs the same.

    Keras's `evaluate` averages over batches and over the steps of each sequence,
    padding included, so what it says depends on how long the batches are.
    """
    objective, total, count = experiment.objective, 0.0, 0.0
    if objective.metric is None:
        raise ValueError(f"{experiment.directory.recipe}: expected a metric")
    metric = TokenMetric(objective.metric)
    metric.reset_state()
    for x, y, weights in batches:
        predicted = model.predict_on_batch(x)
        values = np.asarray(objective.loss.call(y, predicted))
        total += float((values * weights).sum())
        count += float(weights.sum())
        metric.update_state(*map(ops.convert_to_tensor, (y, predicted, weights)))
    return {"loss": total / count, objective.metric.name: float(metric.result())}


class Zoo:
    """The recipe as it is."""

    def __init__(self, experiment: Experiment):
        self.model, objective = experiment.trained, experiment.objective
        self.experiment = experiment
        self.model.compile(
            make_optimizer(experiment.config, len(experiment.train)),
            objective.loss,
            weighted_metrics=(
                [TokenMetric(objective.metric)] if objective.metric else None
            ),
            jit_compile=keras.backend.backend() == "jax",
        )
        self.batches, self.callbacks = prefetch(experiment.train)

    def _reset(self) -> None:
        for layer in self.model.layers:
            if isinstance(layer, CarriedState):
                layer.reset()

    def train(self) -> None:
        """Trains an epoch."""
        self._reset()
        self.model.fit(self.batches, shuffle=False, verbose=0, callbacks=self.callbacks)

    def evaluate(self) -> dict[str, float]:
        """Returns the loss and any metric of the development split."""
        self._reset()
        dev = self.experiment.dev
        if isinstance(dev, Streams):  # windows of one length, in order
            return self.model.evaluate(prefetch(dev)[0], verbose=0, return_dict=True)
        return scores(self.model, (dev[i] for i in range(len(dev))), self.experiment)


class StockKeras:
    """The same model as keras.io writes it."""

    def __init__(self, experiment: Experiment):
        self.experiment, objective = experiment, experiment.objective
        self.streams = isinstance(experiment.train, Streams)
        arrays = _windows if self.streams else _padded
        self.arrays, self.dev = arrays(experiment.train), arrays(experiment.dev)
        if self.streams:
            model = _language_model(asdict(experiment.model.config))
        else:
            model = to_keras(experiment.trained)
        self.model, self.batch_size = model, experiment.config.batch_size
        steps = -(-len(self.arrays[1]) // self.batch_size)
        model.compile(
            make_optimizer(experiment.config, steps),
            objective.loss,
            weighted_metrics=[objective.metric] if objective.metric else None,
        )

    def train(self) -> None:
        """Trains an epoch."""
        x, y, weights = self.arrays
        self.model.fit(
            x, y, sample_weight=weights, batch_size=self.batch_size, verbose=0
        )

    def evaluate(self) -> dict[str, float]:
        """Returns the loss and any metric of the development split."""
        x, y, weights = self.dev
        if self.streams:
            return self.model.evaluate(
                x, y, sample_weight=weights, verbose=0, return_dict=True
            )
        parts = (slice(i, i + 32) for i in range(0, len(y), 32))
        batches = (
            tree.map_structure(lambda array: array[part], (x, y, weights))
            for part in parts
        )
        return scores(self.model, batches, self.experiment)


def _padded(data: Batches) -> tuple:
    """Returns all examples, padded to the longest."""
    padded = {
        name: column.padded(range(len(column)), int(column.lengths.max()))
        for name, column in data.columns.items()
    }
    rows = len(next(iter(padded.values())))
    if "tags" in padded:  # as long as the words
        length = padded["token_ids"].shape[1]
        padded["tags"] = data.columns["tags"].padded(range(rows), length)
    return data.assemble(padded, np.ones(rows, np.float32))


def _windows(data: Streams) -> tuple:
    """Returns a text as windows, each by itself."""
    count = (len(data.token_ids) - 1) // data.steps
    x, y = (
        data.token_ids[i : i + count * data.steps].reshape(count, data.steps)
        for i in (0, 1)
    )
    return x, y, np.ones(x.shape, np.float32)


def _language_model(sizes: dict[str, Any]) -> keras.Model:
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[sizes["cell"]]
    layers = [
        keras.Input((None,)),
        keras.layers.Embedding(sizes["vocabulary_size"], sizes["embedding_size"]),
    ]
    for _ in range(sizes["num_layers"]):
        layers += [
            layer(
                sizes["units"],
                return_sequences=True,
                recurrent_dropout=sizes["recurrent_dropout"],
            ),
            keras.layers.Dropout(sizes["output_dropout"]),
        ]
    if sizes["units"] != sizes["embedding_size"]:
        layers.append(keras.layers.Dense(sizes["embedding_size"]))
    layers.append(keras.layers.Dense(sizes["vocabulary_size"], use_bias=False))
    return keras.Sequential(layers)


def main() -> None:
    """Trains an epoch for each line of standard input."""
    contestant, recipe, options, share, exported = map(json.loads, sys.argv[1:])
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        keras.utils.set_random_seed(0)
        experiment = prepare(recipe, options)
        experiment = replace(experiment, train=part(experiment.train, share))
        if exported:
            export(Path(exported), experiment)
        runner = {"zoo": Zoo, "keras": StockKeras}[contestant](experiment)
        timing.serve(runner, answers, tokens=experiment.train.num_tokens())


if __name__ == "__main__":
    main()
