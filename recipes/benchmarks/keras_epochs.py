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
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras import ops, tree

from recipes.benchmarks import timing
from zoo import checkpoints
from zoo.data.batches import Batches
from zoo.data.prefetching import prefetch
from zoo.data.ragged import Ragged
from zoo.data.streams import Streams
from zoo.evaluation.token_metrics import TokenMetric
from zoo.layers.paths import to_keras
from zoo.models.language_model import CarriedState
from zoo.training.optimizers import make_optimizer


class _Caught(BaseException):
    pass


def caught_fit(recipe: str, options: dict[str, Any]) -> SimpleNamespace:
    """Runs a recipe up to its call of `fit`.

    Args:
        recipe: its name.
        options: of its `Config`, with a `run_dir` that does not exist yet.

    Returns:
        What the recipe would train: `model`, `train`, `dev`, `config`, `loss`, `metric`
        and `sizes`, the configuration of the model.
    """
    caught = SimpleNamespace()

    def stop(model, train, dev, config, *, loss, metric, save, **_):
        save()
        sizes = checkpoints.load(options["run_dir"]).model
        caught.__dict__.update(
            model=model,
            train=train,
            dev=dev,
            config=config,
            loss=loss,
            metric=metric,
            sizes=sizes,
        )
        raise _Caught

    module = importlib.import_module(f"recipes.{recipe}")
    with mock.patch.object(module, "fit", stop), contextlib.suppress(_Caught):
        module.run(module.Config(**options))
    return caught


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


def export(file: Path, caught: SimpleNamespace) -> None:
    """Writes the encoded examples and the sizes for a contestant without Keras."""
    arrays = {}
    for split in ("train", "dev"):
        data = getattr(caught, split)
        if isinstance(data, Streams):
            arrays[f"{split} token_ids values"] = data.token_ids
            continue
        for name, column in data.columns.items():
            arrays[f"{split} {name} values"] = column.values
            arrays[f"{split} {name} offsets"] = column.offsets
    spec = {**caught.sizes, **asdict(caught.config)}
    np.savez(file, spec=json.dumps(spec), **arrays)


def scores(
    model: keras.Model, batches: Iterable[tuple], caught: SimpleNamespace
) -> dict[str, float]:
    """Returns the loss and the metric, in which every token weighs the same.

    Keras's `evaluate` averages over batches and over the steps of each sequence,
    padding included, so what it says depends on how long the batches are.
    """
    metric, total, count = TokenMetric(caught.metric), 0.0, 0.0
    metric.reset_state()
    for x, y, weights in batches:
        predicted = model.predict_on_batch(x)
        values = np.asarray(caught.loss.call(y, predicted))
        total += float((values * weights).sum())
        count += float(weights.sum())
        metric.update_state(*map(ops.convert_to_tensor, (y, predicted, weights)))
    return {"loss": total / count, caught.metric.name: float(metric.result())}


class Zoo:
    """The recipe as it is."""

    def __init__(self, caught: SimpleNamespace):
        self.caught, self.model, train = caught, caught.model, caught.train
        self.model.compile(
            make_optimizer(caught.config, len(train)),
            caught.loss,
            weighted_metrics=[TokenMetric(caught.metric)] if caught.metric else None,
            jit_compile=keras.backend.backend() == "jax",
        )
        self.batches, self.callbacks = prefetch(train)

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
        if isinstance(self.caught.dev, Streams):  # windows of one length, in order
            dev, _ = prefetch(self.caught.dev)
            return self.model.evaluate(dev, verbose=0, return_dict=True)
        dev = self.caught.dev
        return scores(self.model, (dev[i] for i in range(len(dev))), self.caught)


class StockKeras:
    """The same model as keras.io writes it."""

    def __init__(self, caught: SimpleNamespace):
        streams = isinstance(caught.train, Streams)
        arrays = _windows if streams else _padded
        self.caught, self.streams = caught, streams
        self.arrays, self.dev = arrays(caught.train), arrays(caught.dev)
        model = _language_model(caught.sizes) if streams else to_keras(caught.model)
        self.model, self.batch_size = model, caught.config.batch_size
        steps = -(-len(self.arrays[1]) // self.batch_size)
        model.compile(
            make_optimizer(caught.config, steps),
            caught.loss,
            weighted_metrics=[caught.metric] if caught.metric else None,
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
        return scores(self.model, batches, self.caught)


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
        caught = caught_fit(recipe, options)
        caught.train = part(caught.train, share)
        if exported:
            export(Path(exported), caught)
        runner = {"zoo": Zoo, "keras": StockKeras}[contestant](caught)
        timing.serve(runner, answers, tokens=caught.train.num_tokens())


if __name__ == "__main__":
    main()
