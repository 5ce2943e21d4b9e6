"""Generation: a language model that scores sentences and writes text.

    python -m recipes.generate                             # Python's documentation
    python -m recipes.generate --data FILE                 # cut 5/85/10 by characters
    python -m recipes.generate --data DIRECTORY --tokens words --tied true
    python -m recipes.generate --data tfds:tiny_shakespeare

The text is laid out as `batch_size` contiguous streams, and the state is carried from
batch to batch, so that the model reads each stream from its beginning although
gradients go back only `steps` tokens. A text of a million characters is soon known by
heart, so three tenths of each layer's outputs are dropped, and a tenth of the state
that goes on from step to step. On the development text of tiny Shakespeare that was
better at every epoch than dropping half and a fifth: 1.346 nats against 1.403 after
nine of thirteen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from zoo.atomic_files import write_text
from zoo.data import corpora
from zoo.data.ragged import Ragged
from zoo.data.streams import Streams
from zoo.evaluation import baselines, plots
from zoo.inference import Cache, LanguageModel
from zoo.layers.stacks import Cell, Initializer, Precision
from zoo.models.language_model import LanguageModelConfig, build_stream_model
from zoo.runs import Result, Run
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Vocabulary
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit

TEMPERATURES = (0.5, 0.8, 1.0)
STREAMS = 32  # side by side in evaluation


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Trains a language model.

    Args:
        data: a text file, a directory of them, `tfds:<builder>`, or None for Python's
            own documentation.
        features: for `tfds:` data, the name of the text.
        tokens: `"characters"`, or `"words"` (between white space, a newline ending a
            sentence).
        min_count: tokens seen less often are unknown.
        steps: length of back-propagation through time.
        random_steps: whether it varies by up to a half, cutting each epoch elsewhere.
        tied: whether the output layer shares the matrix of the embedding.
        embedding_size: size of a token's vector.
        cell: `"simple"`, `"lstm"` or `"gru"`.
        units: size of the state.
        num_layers: recurrent layers.
        input_dropout: share of the embeddings' features dropped.
        output_dropout: share of the recurrent outputs dropped.
        recurrent_dropout: share of the state dropped inside each step.
        weight_drop: share of the recurrent weights dropped.
        variational_dropout: whether input and output dropout drop the same features at
            every step.
        embedding_dropout: share of the vocabulary dropped from each batch.
        activation_penalty: what large outputs of the last layer cost.
        temporal_activation_penalty: what their changes from step to step cost.
        cache: tokens of a continuous cache in the final scores; 0 for none, see
            `zoo.inference.Cache`.
        cache_weight: share of the cache in the mixture.
        cache_sharpness: how much the likeliness of states counts in it.
        recurrent_initializer: `"orthogonal"` or `"identity"` (IRNN).
        dtype: `"float32"` or `"mixed_bfloat16"`.
        epochs: None for 13, or 8 on the embedded default.
        batch_size: streams of a batch.
        run_dir: a new directory for the results; None for the next `runs/generate`.
    """

    data: str | None = None
    features: str | None = None
    tokens: Literal["characters", "words"] = "characters"
    min_count: int = 1
    steps: int = 64
    random_steps: bool = False
    tied: bool = False
    embedding_size: int = 64
    cell: Cell = "lstm"
    units: int = 512
    num_layers: int = 2
    input_dropout: float = 0.1
    output_dropout: float = 0.3
    recurrent_dropout: float = 0.1
    weight_drop: float = 0.0
    variational_dropout: bool = False
    embedding_dropout: float = 0.0
    activation_penalty: float = 0.0
    temporal_activation_penalty: float = 0.0
    cache: int = 0
    cache_weight: float = 0.1
    cache_sharpness: float = 0.3
    recurrent_initializer: Initializer = "orthogonal"
    dtype: Precision = "float32"
    run_dir: str | None = None
    epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    decay: Literal["constant", "linear", "cosine"] = "cosine"


def run(config: Config) -> Result:
    """Trains, evaluates and saves a language model.

    Args:
        config: what to do.

    Returns:
        The result; `result.model` scores and generates.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    if config.data is None:  # what the embedded default changes, for three minutes
        config = config.adapted(
            epochs=8,
            units=192,
            num_layers=1,
            input_dropout=0.0,
            output_dropout=0.1,
            recurrent_dropout=0.0,
        )
    config = config.adapted(epochs=13)
    config.check(min_count=1, steps=1, cache=0)
    _cache(config)  # says what is wrong before the training
    splits = corpora.text(config.data, features=config.features)
    by_characters = config.tokens == "characters"
    tokenizer = Tokenizer("characters" if by_characters else "spaces")
    vocabulary = Vocabulary.build(
        map(tokenizer.tokenize, splits["train"]), config.min_count
    )
    model_config = LanguageModelConfig.select(
        config, vocabulary_size=len(vocabulary), bidirectional=False
    )
    run = Run("generate", config)
    lm = LanguageModel(
        model_config,
        {"tokens": vocabulary.tokens[4:]},
        tokenizer=vars(tokenizer),
    )
    ids = {split: _encode(lm, corpus) for split, corpus in splits.items()}
    train = Streams(
        ids["train"], config.batch_size, config.steps, config.random_steps, config.seed
    )
    dev = Streams(ids["dev"], config.batch_size, config.steps)
    run.create()
    history = fit(
        build_stream_model(lm.keras_model, config.batch_size),
        train,
        dev,
        config,
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        metric=None,  # which would cost as much again as the loss
        score=("val_loss", "min"),
        save=lambda: lm.save(run.checkpoint),
        history_file=run.history_file,
    )
    perplexities = [
        {**row, "val_perplexity": math.exp(row["val_loss"])} for row in history
    ]
    plots.learning_curves(perplexities, "val_perplexity", run.directory / "curves.png")
    samples = "\n\n".join(
        f"--- temperature {t} ---\n" + lm.generate("", 600, t, config.seed)
        for t in TEMPERATURES
    )
    write_text(run.directory / "samples.txt", samples + "\n")

    nats = {s: _nats(lm, config, ids[s]) for s in ("dev", "test")}
    per = "character" if by_characters else "token"
    return run.finish(
        lm,
        history,
        train,
        metric="cross-entropy",
        unit=f"nats per {per}",
        split=f"test, {len(ids['test']):,} {per}s",
        score=nats["test"],
        baseline=(
            "unigram",
            baselines.unigram_nats(ids["train"], ids["test"], len(vocabulary)),
        ),
        predict="generate {run} 'The '",
        dev_score=nats["dev"],
        perplexity=math.exp(nats["test"]),
        bits_per_token=nats["test"] / math.log(2),
    )


def evaluate(lm: LanguageModel, config: Config, split: str = "test") -> float:
    """Returns the cross-entropy of a split, in nats per token."""
    corpus = corpora.text(config.data, features=config.features)[split]
    return _nats(lm, config, _encode(lm, corpus))


def _cache(config: Config) -> Cache | None:
    if not config.cache:
        return None
    return Cache(
        size=config.cache,
        weight=config.cache_weight,
        sharpness=config.cache_sharpness,
    )


def _nats(lm: LanguageModel, config: Config, ids: np.ndarray) -> float:
    """Returns the mean over tokens; with a cache the text is one stream."""
    cache = _cache(config)
    logs = lm.log_probabilities(ids, 1 if cache else STREAMS, cache)
    return float(-logs.mean())


def _encode(lm: LanguageModel, corpus: corpora.Corpus) -> np.ndarray:
    """Returns the ids of a corpus as one text, int32 `[total]`."""
    ids = Ragged.pack(ids for ids in map(lm.encode, corpus) if len(ids)).values
    if len(ids) < 2:
        raise ValueError(f"{corpus.name}: expected at least 2 tokens, got {len(ids)}")
    return ids


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
