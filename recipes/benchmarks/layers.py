"""Recurrent layers: this zoo against stock Keras and PyTorch, side by side.

    pip install '.[bench]'
    python -m recipes.benchmarks.layers --json layers.json

Every layer returns its whole sequence. A training step is the forward pass and the
gradients of the input and of all weights; inference is the forward pass alone. The
contestants take turns within one process, each on all cores that the process may use.
Lengths, where there are any, lie between nine tenths of the longest and the longest, as
in batches of like lengths: this zoo and Keras get a mask, PyTorch packed sequences.

With `KERAS_BACKEND=jax` the same runs on JAX; on a GPU, PyTorch takes it as well.
`--variants` adds this zoo without some of what makes it fast.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras import ops

from recipes.benchmarks import timing
from zoo import runs
from zoo.layers import recurrent, scans

OURS, KERAS, TORCH, VARIANTS = "zoo", "keras", "torch", "variants"
# batch, time, features, units: of the recipes, and around them.
SHAPES = (
    (32, 25, 150, 200),
    (64, 20, 50, 128),
    (32, 100, 100, 128),
    (32, 200, 100, 64),
    (64, 60, 100, 256),
    (32, 64, 256, 256),
    (128, 30, 256, 512),
    (1, 50, 100, 128),
    (1, 20, 100, 256),
)


@dataclass(frozen=True)
class Case:
    """One layer on one shape."""

    cell: str
    directions: int
    lengths: bool
    batch: int
    time: int
    features: int
    units: int

    def operations(self) -> int:
        """Floating-point operations of the matrix products of the forward pass."""
        gates = {"lstm": 4, "gru": 3}[self.cell]
        width = self.features + self.units
        steps = self.batch * self.time * self.directions
        return 2 * steps * width * gates * self.units

    def __str__(self) -> str:
        kind = ("", "bi-")[self.directions - 1] + self.cell
        shape = f"{self.batch} x {self.time} x {self.features} x {self.units}"
        return f"{kind}{' lengths' if self.lengths else ''} {shape}"


class Arrays:
    """The random input of a case, the same for all contestants."""

    def __init__(self, case: Case):
        random = np.random.default_rng(0)
        shape = case.batch, case.time
        self.x = random.standard_normal((*shape, case.features), np.float32)
        width = case.units * case.directions
        self.dy = random.standard_normal((*shape, width), np.float32)
        self.lengths = np.full(case.batch, case.time)
        if case.lengths:
            least = max(1, int(0.9 * case.time))
            self.lengths[1:] = random.integers(least, case.time + 1, case.batch - 1)
        self.mask = np.arange(case.time) < self.lengths[:, None]
        self.dy *= self.mask[:, :, None]


def keras_layer(case: Case, library: Any, wrapper: type) -> keras.layers.Layer:
    """Makes the layer of a case from a library of recurrent layers."""
    kind = {"lstm": library.LSTM, "gru": library.GRU}[case.cell]
    layer = kind(case.units, return_sequences=True, zero_output_for_mask=True)
    layer = wrapper(layer) if case.directions == 2 else layer
    layer.build((None, None, case.features))
    return layer


def keras_runs(case: Case, arrays: Arrays, layer: keras.layers.Layer):
    """Returns a training step and an inference, as functions that return outputs."""
    x, dy = ops.convert_to_tensor(arrays.x), ops.convert_to_tensor(arrays.dy)
    mask = ops.convert_to_tensor(arrays.mask) if case.lengths else None
    if keras.backend.backend() == "jax":
        return _jax_runs(x, dy, mask, layer)
    import tensorflow as tf

    # Of any batch and length, as in `fit`.
    @tf.function(input_signature=[tf.TensorSpec((None, None, case.features))])
    def infer(x):
        return layer(x, mask=mask, training=False)

    def train(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, mask=mask, training=True)
        return y, *tape.gradient(y, [x, *layer.trainable_variables], dy)

    free = [tf.TensorSpec((None, None, a.shape[-1])) for a in (x, dy)]
    train = tf.function(train, input_signature=free)
    return lambda: train(x, dy), lambda: infer(x)


def _jax_runs(x, dy, mask, layer):
    import jax

    fixed = [variable.value for variable in layer.non_trainable_variables]

    def forward(weights, x, training):
        return layer.stateless_call(weights, fixed, x, mask=mask, training=training)[0]

    @jax.jit
    def train(weights, x, dy):
        y, back = jax.vjp(lambda w, x: forward(w, x, True), weights, x)
        return y, back(dy)

    infer = jax.jit(lambda weights, x: forward(weights, x, False))
    weights = [variable.value for variable in layer.trainable_variables]
    wait = jax.block_until_ready
    return lambda: wait(train(weights, x, dy)), lambda: wait(infer(weights, x))


def variant_runs(case: Case, arrays: Arrays, layer: keras.layers.Layer):
    """Yields the name and the runs of the zoo's layer without some of its means."""
    scan = scans.scan
    for name, place, value in (
        ("one loop", "ROWS_TO_HALVE", 1 << 30),
        ("gates kept", "scan", lambda *a, **k: scan(*a, **{**k, "keep": True})),
    ):
        with mock.patch.object(scans, place, value):
            pair = keras_runs(case, arrays, layer)
            for run in pair:
                run()  # traced now
        yield name, pair


def torch_runs(case: Case, arrays: Arrays):
    """The same for PyTorch, on a GPU if there is one."""
    import torch
    from torch.nn.utils import rnn

    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[case.cell]
    layer = kind(
        case.features, case.units, batch_first=True, bidirectional=case.directions == 2
    ).to(device)
    x = torch.tensor(arrays.x, device=device, requires_grad=True)
    dy = torch.tensor(arrays.dy, device=device)
    lengths = torch.tensor(arrays.lengths)

    def forward():
        if not case.lengths:
            return layer(x)[0]
        packed = rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        return rnn.pad_packed_sequence(layer(packed)[0], True)[0]

    def finish(result):
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    def train():
        layer.zero_grad()
        x.grad = None
        y = forward()
        y.backward(dy)
        return finish(y)

    def infer():
        with torch.no_grad():
            return finish(forward())

    return train, infer


def tolerance() -> float:
    """Returns how far outputs may lie apart: a GPU takes products in TensorFloat-32."""
    return 1e-5 if runs.device().startswith("CPU") else 1e-2


def peak(rounds: int = 10) -> float:
    """Measures the operations a second of a large matrix product on this machine."""
    size = 2048
    a = ops.convert_to_tensor(np.ones((size, size), np.float32))

    def run():
        return np.asarray(ops.matmul(a, a)[0, 0])

    return 2 * size**3 / min(timing.alternate({"product": run}, rounds)["product"])


def measure(case: Case, rounds: int, contestants: tuple[str, ...]) -> dict[str, Any]:
    """Times one case; the first outputs of ours and Keras's must agree.

    Raises:
        ValueError: if they do not.
    """
    arrays = Arrays(case)
    pairs: dict[str, tuple[Callable, Callable]] = {}
    ours = keras_layer(case, recurrent, recurrent.Bidirectional)
    pairs[OURS] = keras_runs(case, arrays, ours)
    if KERAS in contestants:
        theirs = keras_layer(case, keras.layers, keras.layers.Bidirectional)
        theirs.set_weights(ours.get_weights())
        pairs[KERAS] = keras_runs(case, arrays, theirs)
        first, second = (np.asarray(pairs[name][1]()) for name in (OURS, KERAS))
        if np.abs(first - second).max() > tolerance():
            raise ValueError(f"{case}: the outputs differ from those of Keras")
    if TORCH in contestants:
        pairs[TORCH] = torch_runs(case, arrays)
    if VARIANTS in contestants:
        pairs.update(variant_runs(case, arrays, ours))
    result: dict[str, Any] = {"case": str(case), **asdict(case)}
    for i, mode in enumerate(("train", "infer")):
        chosen = {name: pair[i] for name, pair in pairs.items()}
        seconds = timing.alternate(chosen, rounds)
        result[mode] = {
            "seconds": {name: timing.spread(s) for name, s in seconds.items()},
            "times_as_fast": {
                name: timing.times_as_fast(seconds, OURS, name)
                for name in seconds
                if name != OURS
            },
        }
    return result


def rows(results: list[dict[str, Any]], top: float) -> list[dict[str, str]]:
    """Returns the table: milliseconds, ratios with quartiles, and share of the peak."""
    table = []
    for result in results:
        row = {"layer, batch x time x features x units": result["case"]}
        for mode, passes in (("train", 3), ("infer", 1)):
            seconds = result[mode]["seconds"][OURS]["median"]
            row[f"{mode} ms"] = f"{seconds * 1e3:.1f}"
            for name, ratio in result[mode]["times_as_fast"].items():
                row[f"{mode} vs {name}"] = (
                    f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
                )
            fields = Case.__dataclass_fields__
            work = Case(**{key: result[key] for key in fields}).operations() * passes
            row[f"{mode} of peak"] = f"{work / seconds / top:.0%}"
        table.append(row)
    return table


def main() -> None:
    """Runs every case, prints the table and the geometric means."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="only so many")
    parser.add_argument("--without", nargs="*", default=[], choices=(KERAS, TORCH))
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    contestants = tuple(n for n in (OURS, KERAS, TORCH) if n not in options.without)
    contestants += (VARIANTS,) if options.variants else ()
    top, results = peak(), []
    for shape in SHAPES[: options.shapes]:
        for cell, directions, lengths in product(
            ("lstm", "gru"), (1, 2), (False, True)
        ):
            case = Case(cell, directions, lengths and shape[0] > 1, *shape)
            if lengths and shape[0] == 1:
                continue  # a single sentence has no padding
            results.append(measure(case, options.rounds, contestants))
            print(timing.markdown(rows(results[-1:], top)).splitlines()[-1], flush=True)
    means = {
        f"{mode}_vs_{name}": timing.geometric_mean(
            [r[mode]["times_as_fast"][name]["median"] for r in results]
        )
        for mode in ("train", "infer")
        for name in results[0][mode]["times_as_fast"]
    }
    packages = ["keras", keras.backend.backend()]
    packages += [TORCH] if TORCH in contestants else []
    facts = {
        "device": runs.device(),
        "peak_gflops": top / 1e9,
        "rounds": options.rounds,
        "versions": {name: version(name) for name in packages},
    }
    print("\n" + timing.markdown(rows(results, top)), "\n")
    for name, mean in means.items():
        print(f"{name}: {mean:.2f} (geometric mean of {len(results)})")
    print(facts)
    timing.write(options.json, {**facts, "geometric_means": means, "cases": results})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
