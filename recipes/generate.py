"""Generation: a language model that scores sentences and writes text.

    python -m recipes.generate                             # Python's documentation
    python -m recipes.generate --data FILE                 # cut 5/85/10 by characters
    python -m recipes.generate --data DIRECTORY --tokens words --tied true
    python -m recipes.generate --data tfds:tiny_shakespeare

The text is laid out as `batch_size` contiguous streams, and the state is carried from
batch to batch, so that the model reads each stream from its start although gradients go
back only `bptt_steps` tokens. A text of a million characters is soon known by heart, so
three tenths of each layer's outputs are dropped, and a tenth of the state that goes on
from step to step. On the development text of tiny Shakespeare that was better at every
epoch than dropping half and a fifth: 1.346 nats against 1.403 after nine of thirteen.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from zoo.atomic_files import write_text
from zoo.configuration import configuration, option, share
from zoo.data import corpora
from zoo.data.corpus_files import Corpus, Splits
from zoo.data.ragged import Ragged
from zoo.data.streams import Streams
from zoo.evaluation import baselines, plots
from zoo.inference.cache import Cache
from zoo.inference.language_model import LanguageModel
from zoo.models.language_model import (
    LanguageModelConfig,
    LanguageModelOptions,
    build_stream_model,
)
from zoo.runs import Experiment, Report, Result, RunConfig, RunDirectory, set_seed
from zoo.text.choice import describe_tokens
from zoo.text.tokenizers import Tokenizer
from zoo.training.config import SizeRule, VectorsConfig
from zoo.training.objectives import language_modeling_objective
from zoo.training.pretrained_embeddings import delayed_vectors, initial_embeddings

TEMPERATURES = (0.5, 0.8, 1.0)
SIZE_RULE = SizeRule(batch_size=32, learning_rate=2e-3, steps=6000, epochs=13)
STREAMS = 32  # read side by side in evaluation


@configuration
class Config(RunConfig, VectorsConfig, LanguageModelOptions):
    """Trains a language model."""

    renamed: ClassVar = {
        "steps": "bptt_steps",
        "random_steps": "random_bptt",
    }
    defaults: ClassVar = {
        "embedding_size": 64,
        "units": 512,
        "num_layers": 2,
        "input_dropout": 0.1,
        "output_dropout": 0.3,
        "recurrent_dropout": 0.1,
        "vector_words": 0,
        "warmup_steps": 100,
        "decay": "cosine",
    }
    sized: ClassVar = SIZE_RULE.in_words()
    embedded_defaults: ClassVar = {  # for three minutes on two cores
        "units": 192,
        "num_layers": 1,
        "input_dropout": 0.0,
        "output_dropout": 0.1,
        "recurrent_dropout": 0.0,
        "epochs": 8,
    }

    tokens: Literal["characters", "words"] = option(
        "characters", "what is predicted; words stand between spaces", group="data"
    )
    min_count: int = option(1, "rarer tokens are unknown", group="data", at_least=1)
    bptt_steps: int = option(
        64, "steps that gradients go back in time", group="training", at_least=1
    )
    random_bptt: bool = option(
        False,
        "vary them by up to a half, so that epochs cut elsewhere",
        group="training",
    )
    cache: int = option(
        0, "tokens of a continuous cache in final scores", group="output", at_least=0
    )
    cache_weight: float = share(0.1, "share of the cache", group="output")
    cache_sharpness: float = option(
        0.3, "how much likeness of states counts in it", group="output", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vectors is not None and self.tokens != "words":
            raise ValueError(
                f"vectors: expected null unless tokens is words, got {self.vectors}"
            )
        if self.finetune_vectors is False and self.tied:
            raise ValueError("tied: expected false with vectors that are frozen")


def run(config: Config) -> Result[LanguageModel]:
    """Trains, evaluates and saves a language model.

    Args:
        config: what to do.

    Returns:
        The result; `result.model` scores and generates.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    experiment = prepare(config)
    experiment.fit()
    return experiment.report()


def prepare(config: Config) -> Experiment[Config, LanguageModel]:
    """Reads the data and builds the model and its batches; writes nothing."""
    config = config.resolved()
    directory = RunDirectory("generate", config.run_dir)
    # Data: the tokens of the training text.
    splits = read(config)
    tokenizer = Tokenizer("characters" if config.tokens == "characters" else "spaces")
    tokens = map(tokenizer.tokenize, splits["train"])
    words = initial_embeddings(config, tokens, config.min_count, config.seed)
    # Model.
    model_config = LanguageModelConfig.select(
        config,
        vocabulary_size=len(words.vocabulary),
        **words.sizes(config.embedding_size),
    )
    set_seed(config.seed)
    lm = LanguageModel(
        model_config,
        {"tokens": words.vocabulary.entries},
        tokenizer=tokenizer.settings,
        **words.settings(config),
    )
    embedding = lm.embedding
    words.fill(embedding)
    # Batches: contiguous streams of ids.
    train_ids = encode(lm, splits["train"])
    config = SIZE_RULE.resolve(config, len(train_ids) // config.bptt_steps)
    streams = num_streams(config)
    train = Streams(
        train_ids,
        streams,
        config.bptt_steps,
        config.random_bptt,
        config.seed,
    )
    dev = Streams(encode(lm, splits["dev"]), streams, config.bptt_steps)
    encode(lm, splits["test"])  # what is wrong with it had better be known now
    return Experiment(
        config=config,
        splits=splits,
        model=lm,
        trained=build_stream_model(lm.keras_model, streams),
        train=train,
        dev=dev,
        objective=language_modeling_objective(),
        delayed=delayed_vectors(embedding, config),
        write_report=write_report,
        directory=directory,
        notes=words.report(),
        decisions={"tokenization": describe_tokens(tokenizer.kind, splits["train"])},
    )


def read(config: Config) -> Splits[str]:
    """Returns the splits of the configuration's data: lines of text."""
    return corpora.text(config.where, features=config.features)


def num_streams(config: Config) -> int:
    """Returns how many streams a batch has.

    Raises:
        ValueError: if `batch_tokens` is less than one stream's.
    """
    if not config.batch_tokens:
        return config.batch_size
    if config.batch_tokens < config.bptt_steps:
        raise ValueError(
            f"batch_tokens: expected at least {config.bptt_steps}, the bptt_steps of a "
            f"stream, got {config.batch_tokens}"
        )
    return config.batch_tokens // config.bptt_steps


def encode(lm: LanguageModel, corpus: Corpus[str]) -> np.ndarray:
    """Returns the ids of a corpus as one text, int32 `[total]`.

    Raises:
        ValueError: if there are fewer than two.
    """
    ids = Ragged.pack(ids for ids in map(lm.encode, corpus) if len(ids)).values
    if len(ids) < 2:
        raise ValueError(f"{corpus.name}: expected at least 2 tokens, got {len(ids)}")
    return ids


def write_report(experiment: Experiment[Config, LanguageModel]) -> Report:
    """Evaluates the model, draws its curves, and has it write samples."""
    lm, config, directory = (
        experiment.model,
        experiment.config,
        experiment.directory.path,
    )
    perplexities = [
        {**row, "val_perplexity": math.exp(row["val_loss"])}
        for row in experiment.history
    ]
    plots.learning_curves(perplexities, "val_perplexity", directory / "curves.png")
    samples = "\n\n".join(
        f"--- temperature {t} ---\n" + lm.generate("", 600, t, config.seed)
        for t in TEMPERATURES
    )
    write_text(directory / "samples.txt", samples + "\n")
    ids = {split: encode(lm, corpus) for split, corpus in experiment.splits.items()}
    nats = nats_per_token(lm, config, ids["test"])
    unigram = baselines.unigram_nats(
        ids["train"], ids["test"], lm.config.vocabulary_size
    )
    per = "character" if config.tokens == "characters" else "token"
    return Report(
        metric="cross-entropy",
        unit=f"nats per {per}",
        split=f"test, {len(ids['test']):,} {per}s",
        score=nats,
        dev_score=nats_per_token(lm, config, ids["dev"]),
        baseline=("unigram", unigram),
        predict="generate {run} 'The '",
        others={"perplexity": math.exp(nats), "bits_per_token": nats / math.log(2)},
    )


def evaluate(lm: LanguageModel, config: Config, split: str = "test") -> float:
    """Returns the cross-entropy of a split, in nats per token."""
    return nats_per_token(lm, config, encode(lm, read(config)[split]))


def nats_per_token(lm: LanguageModel, config: Config, ids: np.ndarray) -> float:
    """Returns the mean over the ids of a text; with a cache, it is read as one stream.

    Args:
        lm: the model.
        config: says whether there is a cache, and which.
        ids: int32 `[total]`.
    """
    if not config.cache:
        return float(-lm.log_probabilities(ids, STREAMS).mean())
    cache = Cache(
        size=config.cache,
        weight=config.cache_weight,
        sharpness=config.cache_sharpness,
    )
    return float(-lm.log_probabilities(ids, 1, cache).mean())


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
