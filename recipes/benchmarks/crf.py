"""What a CRF costs: the same tagger with it and with a softmax, side by side.

    python -m recipes.benchmarks.crf --json crf.json

The tagger reads words and letters (by convolution) with bidirectional LSTMs. A training
step is one of `fit`: the loss, all gradients, clipping and Adam. Prediction goes from
ids to the best tags: an argmax of each word, or Viterbi. The two take turns within one
process, on sentences of random words, a tenth of whose cells are padding.

With `KERAS_BACKEND=jax` the same runs on JAX.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from recipes.benchmarks import timing
from zoo import runs
from zoo.decoding import ViterbiSearch, compile_for_prediction
from zoo.models.tagger import TaggerConfig, build_crf_training, build_tagger
from zoo.training.config import TrainingConfig
from zoo.training.optimizers import make_optimizer

SOFTMAX, CRF = "softmax", "crf"
VOCABULARY, LETTERS = 10_000, 100


@dataclass(frozen=True)
class Case:
    """A tagger and a batch for it."""

    tags: int
    batch: int
    time: int
    units: int = 200
    layers: int = 2

    def __str__(self) -> str:
        shape = f"{self.batch} x {self.time} words"
        return f"{shape}, {self.tags} tags, {self.layers} x {self.units} units"


# Of UPOS, of names in IOB2 (WNUT-17) and of XPOS, on sentences of usual length; then
# longer ones, and one by itself.
CASES = (
    Case(tags=17, batch=32, time=25),
    Case(tags=13, batch=32, time=25),
    Case(tags=50, batch=32, time=25),
    Case(tags=17, batch=32, time=100),
    Case(tags=17, batch=1, time=25),
)


def contestant(case: Case, crf: bool) -> tuple[Callable, Callable]:
    """Builds a tagger.

    Returns:
        A training step and a prediction, on the same batch each time.
    """
    config = TaggerConfig(
        vocabulary_size=VOCABULARY,
        num_classes=case.tags,
        character_vocabulary_size=LETTERS,
        embedding_size=50,
        units=case.units,
        num_layers=case.layers,
        crf=crf,
    )
    keras.utils.set_random_seed(0)
    tagger = build_tagger(config)
    x, tags, weights = _batch(case, config.word_length)
    training = build_crf_training(tagger) if crf else tagger
    training.compile(
        make_optimizer(TrainingConfig(), 1000),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        jit_compile=keras.backend.backend() == "jax",
    )
    if crf:
        search = ViterbiSearch(tagger, tagger.get_layer("crf"))
    else:  # the tagger itself is compiled for training
        inputs = {layer.name: layer for layer in tagger.inputs}
        search = keras.Model(inputs, tagger.output)
        compile_for_prediction(search)

    def train():
        return training.train_on_batch({**x, "tags": tags} if crf else x, tags, weights)

    def predict():
        found = search.predict_on_batch(x)
        return found if crf else found.argmax(-1)

    return train, predict


def _batch(case: Case, letters: int) -> tuple[dict, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    shape = case.batch, case.time
    mask = np.arange(case.time) < case.time - random.integers(
        0, case.time // 5 + 1, (case.batch, 1)
    )
    words = random.integers(4, VOCABULARY, shape) * mask
    x = {
        "token_ids": words.astype(np.int32),
        "character_ids": (
            random.integers(4, LETTERS, (*shape, letters)) * mask[..., None]
        ).astype(np.int32),
    }
    tags = (random.integers(0, case.tags, shape) * mask).astype(np.int32)
    return x, tags, mask.astype(np.float32)


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Times one case."""
    pairs = {SOFTMAX: contestant(case, False), CRF: contestant(case, True)}
    result: dict[str, Any] = {"case": str(case), **asdict(case)}
    for i, mode in enumerate(("train", "predict")):
        chosen = {name: pair[i] for name, pair in pairs.items()}
        seconds = timing.alternate(chosen, rounds)
        result[mode] = {
            "seconds": {name: timing.spread(s) for name, s in seconds.items()},
            "crf_times_as_long": timing.times_as_fast(seconds, SOFTMAX, CRF),
        }
    return result


def row(result: dict[str, Any]) -> dict[str, str]:
    """Returns a row of the table: milliseconds, and the ratio with its quartiles."""
    cells = {"tagger": result["case"]}
    for mode in ("train", "predict"):
        for name in (SOFTMAX, CRF):
            median = result[mode]["seconds"][name]["median"]
            cells[f"{mode}, {name}, ms"] = f"{median * 1e3:.1f}"
        ratio = result[mode]["crf_times_as_long"]
        cells[f"{mode}, CRF / softmax"] = (
            f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
        )
    return cells


def main() -> None:
    """Runs every case and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cases", type=int, default=len(CASES), help="only so many")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    results = []
    for case in CASES[: options.cases]:
        results.append(measure(case, options.rounds))
        print(timing.markdown([row(results[-1])]).splitlines()[-1], flush=True)
    packages = ["keras", keras.backend.backend()]
    facts = {
        "device": runs.device(),
        "rounds": options.rounds,
        "versions": {name: version(name) for name in packages},
    }
    print("\n" + timing.markdown([row(result) for result in results]), "\n")
    print(facts)
    timing.write(options.json, {**facts, "cases": results})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
