"""Sequence classification and regression: a text in, one answer out.

    python -m recipes.classify                     # docstrings, 12 classes
    python -m recipes.classify --data DIRECTORY    # train.tsv, dev.tsv, test.tsv
    python -m recipes.classify --train a.csv --test b.csv    # dev is held out of a.csv
    python -m recipes.classify --data tfds:imdb_reviews --vectors glove-6b-50d

The words of a text become vectors, a bidirectional LSTM reads them in both directions,
and its outputs are pooled over time: the maximum of each feature, which lets one
telling word decide however far it is from either end. Vectors that are learned from the
task alone overfit first: hence the strong dropout on them, or pretrained ones. At the
end the probabilities are calibrated on the development split.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

import numpy as np

from zoo.configuration import configuration, default_values, option
from zoo.data import corpora
from zoo.data.assembly import classification_batch
from zoo.data.batches import Batches
from zoo.data.corpus_files import Corpus, Splits
from zoo.data.ragged import Ragged
from zoo.data.targets import Targets, label_settings, unseen_decision, with_unseen
from zoo.evaluation import metrics, plots
from zoo.evaluation.calibration import calibration_error
from zoo.evaluation.classification import (
    classification_score,
    constant_baseline,
    label_sets,
)
from zoo.inference.classifier import Classifier
from zoo.layers.config import RecurrentConfig
from zoo.models.classifier import ClassifierConfig, ClassifierOptions
from zoo.runs import Experiment, Report, Result, RunConfig, RunDirectory, set_seed
from zoo.text.choice import LENGTHS, Tokens, describe_texts, make_tokenizer
from zoo.text.stored import subword_files
from zoo.training.config import SizeRule, VectorsConfig
from zoo.training.known_tokens import known_tokens
from zoo.training.objectives import classification_objective
from zoo.training.pretrained_embeddings import delayed_vectors

Labeled = Corpus[tuple[str, str]]
SIZE_RULE = SizeRule(batch_size=64, learning_rate=1e-3, steps=3400, epochs=8)


@configuration
class Config(RunConfig, VectorsConfig, ClassifierOptions, RecurrentConfig):
    """Trains a sequence classifier."""

    defaults: ClassVar = {
        "max_length": 400,
        "input_dropout": 0.5,
        "output_dropout": 0.3,
    }
    sized: ClassVar = SIZE_RULE.in_words()
    embedded_defaults: ClassVar = {  # a small corpus of short texts
        "max_length": 100,
        "epochs": 6,
        "batch_size": 16,
        "learning_rate": 3e-3,
    }

    text_column: str | None = option(
        None, "name or number of the text's column; else by the header", group="data"
    )
    label_column: str | None = option(
        None, "name or number of the label's column; likewise", group="data"
    )
    header: bool | None = option(
        None, "whether tables have a header; else as they look", group="data"
    )
    label_names: str | None = option(
        None, "words to answer in, as 0=negative,1=positive", group="data"
    )
    head: Literal["multilabel", "regression"] | None = option(
        None, "where it is not one class of several", group="data"
    )
    min_count: int = option(
        2, "rarer words are unknown, which trains that vector", group="data", at_least=1
    )
    tokens: Tokens = option(
        "words", "what a text is cut into; subwords by sentencepiece", group="data"
    )
    num_subwords: int = option(
        8000, "how many subwords to find", group="data", at_least=1
    )
    max_length: int | None = option(
        None,
        "tokens of a text that are read; of subwords twice, of characters five times",
        group="data",
        at_least=1,
    )
    lowercase: bool = option(True, "lower the case of words", group="data")
    class_weights: Literal["balanced"] | None = option(
        None, "make all classes weigh the same", group="training"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vectors is not None and self.tokens != "words":
            raise ValueError(
                f"vectors: expected null unless tokens is words, got {self.vectors}"
            )

    def resolved(self) -> Self:
        """Returns a copy in which no option that has a default is None."""
        config = super().resolved()
        if self.max_length is not None:
            return config
        words = default_values(type(self), self)["max_length"]
        return dataclasses.replace(config, max_length=words * LENGTHS[config.tokens])


def run(config: Config) -> Result[Classifier]:
    """Trains, evaluates and saves a classifier.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.predict(text)` classifies.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    experiment = prepare(config)
    experiment.fit()
    return experiment.report()


def prepare(config: Config) -> Experiment[Config, Classifier]:
    """Reads the data and builds the model and its batches; writes nothing."""
    config = config.resolved()
    directory = RunDirectory("classify", config.run_dir)
    # Data: text to tokens, those of the training data and of pretrained vectors.
    splits = read(config)
    corpus = splits["train"]
    config = SIZE_RULE.resolve(config, sum(1 for _ in corpus))
    tokenizer = make_tokenizer(
        config.tokens, texts(corpus), config.num_subwords, config.lowercase
    )
    targets = Targets.of(corpus, config.head)
    words = known_tokens(
        config, tokenizer, texts(corpus), config.min_count, config.seed
    )
    unseen = {split: targets.unseen(splits[split]) for split in ("dev", "test")}
    # Model.
    model_config = ClassifierConfig.select(
        config,
        vocabulary_size=len(words.vocabulary),
        num_outputs=targets.num_outputs,
        head=targets.head,
        **words.sizes(config.embedding_size),
    )
    set_seed(config.seed)
    classifier = Classifier(
        model_config,
        {"tokens": words.vocabulary.entries, "labels": targets.labels.names},
        files=subword_files({"tokens": tokenizer}),
        tokenizer=tokenizer.settings,
        max_length=config.max_length,
        **targets.settings(),
        **label_settings(config.label_names),
        **words.settings(config),
    )
    words.fill(classifier.embedding)
    class_weights = None
    if config.class_weights:
        class_weights = targets.balanced_weights(corpus).tolist()
    # Batches: tokens to ids. A bad line of the test data had better be known now.
    train, dev, _ = (
        batches(split, splits[split], classifier, targets, config)
        for split in ("train", "dev", "test")
    )
    return Experiment(
        config=config,
        splits=splits,
        model=classifier,
        trained=classifier.keras_model,
        train=train,
        dev=dev,
        objective=classification_objective(targets.head, class_weights),
        evaluate=_dev_scores(classifier, splits["dev"], unseen["dev"]),
        delayed=delayed_vectors(classifier.embedding, config),
        write_report=write_report,
        directory=directory,
        notes=words.report(),
        decisions=describe_texts(config.tokens, texts(corpus), config.max_length)
        | unseen_decision(unseen),
    )


def read(config: Config) -> Splits[tuple[str, str]]:
    """Returns the splits of the configuration's data: `(text, label)`."""
    return corpora.labeled(
        config.where,
        text_column=config.text_column,
        label_column=config.label_column,
        header=config.header,
        head=config.head,
        features=config.features,
        split_seed=config.split_seed,
    )


def texts(corpus: Labeled) -> Iterator[str]:
    """Yields the texts of a corpus."""
    return (text for text, _ in corpus)


def batches(
    split: str,
    corpus: Labeled,
    classifier: Classifier,
    targets: Targets,
    config: Config,
) -> Batches:
    """Encodes a split, and cuts it into batches; those for training are shuffled."""
    columns = {
        "token_ids": Ragged.pack(classifier.encode(text) for text, _ in corpus),
        "targets": Ragged.pack(
            targets.encode(label, place)[None] for place, (_, label) in corpus.located()
        ),
    }
    return Batches(
        columns,
        classification_batch,
        config.batch_size,
        split == "train",
        config.seed,
        config.batch_tokens,
    )


def write_report(experiment: Experiment[Config, Classifier]) -> Report:
    """Calibrates and evaluates the classifier, and draws curves and confusions."""
    classifier, splits = experiment.model, experiment.splits
    directory, head = experiment.directory.path, classifier.config.head
    plots.learning_curves(
        experiment.history,
        f"val_{experiment.objective.score}",
        directory / "curves.png",
    )
    dev_logits, dev_expected = _logits(classifier, splits["dev"])
    logits, expected = _logits(classifier, splits["test"])
    names = with_unseen(classifier.labels.names, *label_sets(expected, head))
    others: dict[str, Any] = {}
    # Calibration, which changes probabilities but no label.
    if head in ("binary", "multiclass"):
        before = _calibration_error(classifier, logits, expected)
        classifier.calibrate(dev_logits, dev_expected)
        experiment.save()
        others["calibration"] = {
            "temperature": classifier.settings["temperature"],
            "error": _calibration_error(classifier, logits, expected),
            "error_before": before,
        }
        print(
            "calibration error: {error_before:.1%}, with temperature "
            "{temperature:.2f} {error:.1%}".format(**others["calibration"])
        )
    # Scores.
    predicted = _labels(classifier, logits)
    metric, score = classification_score(predicted, expected, head)
    if head in ("binary", "multiclass"):
        counts = metrics.confusion(predicted, expected, names)
        words = classifier.settings.get("label_names", {})
        shown = [words.get(name, name) for name in names]
        plots.confusion_matrix(counts, shown, directory / "confusion.png")
    if head != "regression":
        others["classes"] = metrics.class_scores(
            label_sets(predicted, head), label_sets(expected, head), names
        )
    baseline, constant = constant_baseline([y for _, y in splits["train"]], head)
    guessed = [constant] * len(expected)
    return Report(
        metric=metric,
        unit="label units" if head == "regression" else "%",
        split=f"test, {len(expected)} examples",
        score=score,
        dev_score=classification_score(
            _labels(classifier, dev_logits), dev_expected, head
        )[1],
        baseline=(baseline, classification_score(guessed, expected, head)[1]),
        predict="predict {run} 'a text to classify'",
        others=others,
    )


def evaluate(classifier: Classifier, config: Config, split: str = "test") -> float:
    """Returns the score of a trained classifier on a split of the data."""
    logits, expected = _logits(classifier, read(config)[split])
    head = classifier.config.head
    return classification_score(_labels(classifier, logits), expected, head)[1]


def _dev_scores(classifier: Classifier, dev: Labeled, unseen: Counter[str]):
    """Returns what scores labels that are not in train, which the metric of `fit` does
    not; None if there are none."""
    if not unseen or classifier.config.head == "multilabel":
        return None

    def scores() -> dict[str, float]:
        logits, expected = _logits(classifier, dev)
        return {"val_accuracy": metrics.accuracy(_labels(classifier, logits), expected)}

    return scores


def _logits(classifier: Classifier, corpus: Labeled) -> tuple[np.ndarray, list[str]]:
    """Returns the outputs, float32 `[examples, outputs]`, and the labels expected."""
    texts, expected = zip(*corpus, strict=True)
    encoded = [classifier.encode(text) for text in texts]
    return classifier.logits(encoded), list(expected)


def _labels(classifier: Classifier, logits: np.ndarray) -> list[Any]:
    return [classifier.decide(z).label for z in logits]


def _calibration_error(
    classifier: Classifier, logits: np.ndarray, expected: list[str]
) -> float:
    answers = [classifier.decide(z) for z in logits]
    return calibration_error(
        [answer.probabilities[str(answer.label)] for answer in answers],
        [answer.label == label for answer, label in zip(answers, expected)],
    )


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
