"""Sequence tagging: a label for every word.

    python -m recipes.tag                                  # restore case, punctuation
    python -m recipes.tag --data DIRECTORY                 # train, dev, test .conllu
    python -m recipes.tag --data tfds:universal_dependencies/en_ewt
    python -m recipes.tag --data DIRECTORY --crf true      # names: B-LOC, I-LOC, O, ...
    python -m recipes.tag --data DIRECTORY --vectors glove-6b-50d

A word is known by its own vector, which may start as a pretrained one, and by its
characters, which a convolution or an LSTM reads, so that an unknown word still has an
ending and a capital; a bidirectional LSTM reads the sentence in both directions. Words
seen once are unknown in training, which teaches the model to go by their characters.
With a CRF the tags of neighbors are weighed together. If the tags are of spans, the
score is the F1 of the spans, and at the end the score of the tag `O` is shifted to
where the F1 of the development split is best.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from zoo.configuration import configuration, option
from zoo.data import corpora
from zoo.data.assembly import Batch, tagging_batch
from zoo.data.batches import Batches
from zoo.data.corpus_files import Corpus, Splits
from zoo.data.ragged import Ragged
from zoo.data.targets import unseen_decision, unseen_labels, with_unseen
from zoo.evaluation import baselines, metrics, plots
from zoo.evaluation.outside_score import tune_outside_score
from zoo.inference.tagger import Tagger
from zoo.layers.config import RecurrentConfig
from zoo.models.tagger import TaggerConfig, TaggerOptions, build_crf_training
from zoo.runs import Experiment, Report, Result, RunConfig, RunDirectory, set_seed
from zoo.text import span_schemes
from zoo.text.choice import WordTokens, choose_word_tokenizer
from zoo.text.span_schemes import Scheme
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Labels
from zoo.training.config import SizeRule, VectorsConfig
from zoo.training.known_tokens import known_words
from zoo.training.objectives import tagging_objective
from zoo.training.pretrained_embeddings import delayed_vectors

Tagged = Corpus[tuple[list[str], list[str]]]
SIZE_RULE = SizeRule(batch_size=32, learning_rate=3e-3, steps=4000, epochs=10)
Tags = Sequence[Sequence[str]]  # of each sentence


@configuration
class Config(RunConfig, VectorsConfig, TaggerOptions, RecurrentConfig):
    """Trains a sequence tagger."""

    renamed: ClassVar = {
        "tag": "tag_column",
        "balance": "tune_outside_score",
    }
    defaults: ClassVar = {
        "embedding_size": 100,
        "character_filters": 100,
        "input_dropout": 0.4,
        "output_dropout": 0.4,
        "clip_norm": 5.0,
    }
    sized: ClassVar = SIZE_RULE.in_words()
    embedded_defaults: ClassVar = {  # a small corpus
        "input_dropout": 0.5,
        "output_dropout": 0.5,
        "epochs": 5,
        "batch_size": 8,
    }

    word_column: int = option(
        0, "of CoNLL columns, counted from 0, or from -1 at the end", group="data"
    )
    tag_column: int | str | None = option(
        None, "upos or xpos of CoNLL-U, or a number; else upos, the last", group="data"
    )
    min_count: int = option(
        2, "rarer words are unknown, which trains that vector", group="data", at_least=1
    )
    lowercase: bool = option(
        True, "lower the case of words, but not of their characters", group="data"
    )
    tokenizer: WordTokens | None = option(
        None, "what cuts raw text into words; else as the data are cut", group="data"
    )
    constrained: bool = option(
        False, "with a CRF, rule out taggings that break the scheme of spans"
    )
    tune_outside_score: bool = option(
        True, "of spans: shift the score of O to the best dev F1", group="training"
    )


def run(config: Config) -> Result[Tagger]:
    """Trains, evaluates and saves a tagger.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.predict(sentence)` tags.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    experiment = prepare(config)
    experiment.fit()
    return experiment.report()


def prepare(config: Config) -> Experiment[Config, Tagger]:
    """Reads the data and builds the model and its batches; writes nothing."""
    config = config.resolved()
    directory = RunDirectory("tag", config.run_dir)
    # Data: words, characters and tags of the training data.
    splits = read(config)
    train = splits["train"]
    config = SIZE_RULE.resolve(config, sum(1 for _ in train))
    tokenizer, cut = choose_word_tokenizer((w for w, _ in train), config.tokenizer)
    sentences = (words for words, _ in train)
    words, characters = known_words(
        config, sentences, config.min_count, config.seed, config.lowercase
    )
    labels = Labels.build((tag for _, tags in train for tag in tags), train.name)
    scheme = span_schemes.detect(tags for _, tags in train)
    _check_constraint(config, scheme, train)
    # Model.
    model_config = TaggerConfig.select(
        config,
        vocabulary_size=len(words.vocabulary),
        num_classes=len(labels),
        character_vocabulary_size=len(characters),
        **words.sizes(config.embedding_size),
    )
    set_seed(config.seed)
    tagger = Tagger(
        model_config,
        {
            "words": words.vocabulary.entries,
            "characters": characters.entries,
            "labels": labels.names,
        },
        lowercase=config.lowercase,
        tokenizer=Tokenizer(tokenizer).settings,
        scheme=scheme,
        constrained=config.constrained,
        **words.settings(config),
    )
    words.fill(tagger.embedding)
    # Batches: words and tags to ids. A bad line of the test data is known now.
    train_batches, dev_batches, _ = (
        batches(split, splits[split], tagger, config) for split in splits
    )
    return Experiment(
        config=config,
        splits=splits,
        model=tagger,
        trained=_training_model(tagger),
        train=train_batches,
        dev=dev_batches,
        objective=tagging_objective(config.crf, "f1" if scheme else "accuracy"),
        evaluate=_dev_scores(tagger, splits["dev"]),
        delayed=delayed_vectors(tagger.embedding, config),
        write_report=write_report,
        directory=directory,
        notes=words.report(),
        decisions=unseen_decision(_unseen(tagger, splits)) | {"raw_text": cut},
    )


def read(config: Config) -> Splits[tuple[list[str], list[str]]]:
    """Returns the splits of the configuration's data: `(words, tags)`."""
    return corpora.tagged(
        config.where,
        word_column=config.word_column,
        tag_column=config.tag_column,
        features=config.features,
        split_seed=config.split_seed,
    )


def batches(split: str, corpus: Tagged, tagger: Tagger, config: Config) -> Batches:
    """Encodes a split, and cuts it into batches; those for training are shuffled."""
    columns = {
        "token_ids": Ragged.pack(tagger.encode(words) for words, _ in corpus),
        "tags": Ragged.pack(tagger.labels.encode_all(tags) for _, tags in corpus),
    }

    def assemble(columns: dict[str, np.ndarray], weights: np.ndarray) -> Batch:
        inputs = tagger.inputs(columns["token_ids"])
        x, y, weights = tagging_batch({**inputs, "tags": columns["tags"]}, weights)
        return ({**x, "tags": y} if config.crf else x), y, weights

    return Batches(
        columns,
        assemble,
        config.batch_size,
        split == "train",
        config.seed,
        config.batch_tokens,
    )


def write_report(experiment: Experiment[Config, Tagger]) -> Report:
    """Tunes the score of O, evaluates the tagger, and draws curves and confusions."""
    tagger, splits = experiment.model, experiment.splits
    directory, scheme = experiment.directory.path, tagger.settings["scheme"]
    plots.learning_curves(
        experiment.history,
        f"val_{experiment.objective.score}",
        directory / "curves.png",
    )
    others: dict[str, Any] = {}
    if scheme and experiment.config.tune_outside_score:
        others["shift_of_o"] = tune(tagger, splits["dev"])
        experiment.save()
    predicted, expected = _predict(tagger, splits["test"])
    names = with_unseen(tagger.labels.names, *expected)
    counts = metrics.confusion(
        itertools.chain(*predicted), itertools.chain(*expected), names
    )
    plots.confusion_matrix(counts, names, directory / "confusion.png")
    baseline = baselines.most_frequent_tag(splits["train"])
    guessed = [baseline(words) for words, _ in splits["test"]]
    return Report(
        metric="entity F1" if scheme else "accuracy",
        unit="%",
        split=f"test, {sum(map(len, expected)):,} words",
        score=100 * score(scheme, predicted, expected),
        dev_score=100 * score(scheme, *_predict(tagger, splits["dev"])),
        baseline=("most frequent tag", 100 * score(scheme, guessed, expected)),
        predict="predict {run} 'a sentence to tag'",
        others=others,
    )


def evaluate(tagger: Tagger, config: Config, split: str = "test") -> float:
    """Returns the score, in percent, of a trained tagger on a split of the data."""
    tags = _predict(tagger, read(config)[split])
    return 100 * score(tagger.settings.get("scheme"), *tags)


def score(scheme: Scheme | None, predicted: Tags, expected: Tags) -> float:
    """Returns the F1 of the spans, or without a scheme the accuracy; 0 to 1."""
    if scheme:
        return metrics.entity_f1(predicted, expected, scheme)
    return metrics.accuracy(
        [*itertools.chain(*predicted)], [*itertools.chain(*expected)]
    )


def tune(tagger: Tagger, dev: Tagged) -> float:
    """Shifts the score of `O` to where the F1 of the spans is best; returns the shift.

    Args:
        tagger: of spans; its score of `O` is changed.
        dev: sentences that had no part in training.
    """

    def f1(shift: float) -> float:
        tagger.shift_score("O", shift)
        return score(tagger.settings["scheme"], *_predict(tagger, dev))

    best, scores = tune_outside_score(f1)
    tagger.shift_score("O", best)
    print(
        f"score of O shifted by {best}: F1 of the development split "
        f"{scores[0.0]:.1%}, then {scores[best]:.1%}"
    )
    return best


def _training_model(tagger: Tagger) -> keras.Model:
    if tagger.config.crf:
        return build_crf_training(tagger.keras_model)
    return tagger.keras_model


def _dev_scores(tagger: Tagger, dev: Tagged):
    """Returns what scores the decoded tags, where the metric of `fit` does not.

    That scores each tag given the right one before it, and none that is not in train.
    """
    scheme = tagger.settings["scheme"]
    unseen = _unseen(tagger, {"dev": dev})["dev"]
    if not (tagger.config.crf or scheme or unseen):
        return None
    name = "val_f1" if scheme else "val_accuracy"
    return lambda: {name: score(scheme, *_predict(tagger, dev))}


def _unseen(tagger: Tagger, splits: Mapping[str, Tagged]) -> dict[str, Counter[str]]:
    """Counts the tags of splits that the training data do not have."""
    return {
        split: unseen_labels((tags for _, tags in corpus), tagger.labels)
        for split, corpus in splits.items()
    }


def _check_constraint(config: Config, scheme: Scheme | None, train: Tagged) -> None:
    if not config.constrained:
        return
    if not config.crf:
        raise ValueError("constrained: expected false without a CRF, got true")
    if not scheme:
        raise ValueError(
            f"constrained: the tags of {train.name} are not of spans; expected false"
        )
    for message in span_schemes.violations(train.located(), scheme):
        raise ValueError(f"{message}; a constrained CRF cannot learn it")


def _predict(tagger: Tagger, corpus: Tagged) -> tuple[Tags, Tags]:
    """Returns the tags of each sentence that were predicted, and those expected."""
    sentences, expected = zip(*corpus, strict=True)
    predicted = [[tag for _, tag in pairs] for pairs in tagger.predict(sentences)]
    return predicted, expected


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
