"""Sequence classification and regression: a text in, one answer out.

    python -m recipes.classify                     # docstrings, 12 classes
    python -m recipes.classify --data DIRECTORY    # train.tsv, dev.tsv, test.tsv
    python -m recipes.classify --data tfds:imdb_reviews --vectors glove-6b-50d

The words of a text become vectors, a bidirectional LSTM reads them in both directions,
and what it says is pooled over time: the maximum of each feature, which lets one
telling word decide however far it is from either end. Vectors that are learnt from the
task alone overfit first: hence the strong dropout on them, or pretrained ones. In the
end the probabilities are calibrated on the development split.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from zoo.data import corpora
from zoo.data.assembly import classification_batch
from zoo.data.batches import Batches
from zoo.data.ragged import Ragged
from zoo.evaluation import baselines, metrics, plots
from zoo.evaluation.calibration import calibration_error
from zoo.inference import Classifier
from zoo.layers.stacks import Cell, Initializer, Precision
from zoo.models.classifier import ClassifierConfig
from zoo.runs import Result, Run
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Labels
from zoo.training import pretrained_embeddings
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.pretrained_embeddings import VectorsConfig


@dataclass(frozen=True, kw_only=True)
class Config(VectorsConfig, TrainingConfig):
    """Trains a sequence classifier.

    Args:
        data: a directory or file of labelled text, `tfds:<builder>`, or None for
            docstrings of Python's standard library, classified by their package.
        text_column: name or number of the text's column; None to go by the header.
        label_column: the same of the label.
        features: for `tfds:` data, the names of text and label, as "text,label".
        head: None for `"binary"` or `"multiclass"` by the number of labels;
            `"multilabel"` (labels separated by commas) or `"regression"`.
        class_weights: `"balanced"` for examples of all classes together to weigh the
            same in training, however many there are; None for each example.
        min_count: words seen less often are unknown, which trains the unknown vector.
        max_length: further words of a text are not read.
        lowercase: whether to lower the case of words.
        pooling: over time: `"last"`, `"max"`, `"mean"`, `"attention"`, or `"concat"`,
            the first three side by side.
        embedding_size: size of a word's vector; of `vectors` it is theirs.
        word_dropout: share of the words that are unknown, others at every training
            step.
        cell: `"simple"`, `"lstm"` or `"gru"`.
        units: size of the state of each direction.
        num_layers: recurrent layers.
        bidirectional: whether the text is also read backwards.
        input_dropout: share of the word vectors' features dropped.
        output_dropout: share of the recurrent outputs dropped.
        variational_dropout: whether these drop the same features at every step.
        recurrent_dropout: share of the state dropped inside each step.
        recurrent_initializer: `"orthogonal"` or `"identity"` (IRNN).
        dtype: `"float32"` or `"mixed_bfloat16"`.
        epochs: None for 8 (on phrases the development score peaks early), or 6 on the
            embedded default.
        batch_size: texts of a batch; None for 64, or 16 on the embedded default.
        batch_tokens: instead of `batch_size`, the tokens of a batch at most, padding
            included; 0 for none.
        run_dir: a new directory for the results; None for the next `runs/classify`.
    """

    data: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    features: str | None = None
    head: Literal["multilabel", "regression"] | None = None
    class_weights: Literal["balanced"] | None = None
    min_count: int = 2
    max_length: int = 400
    lowercase: bool = True
    pooling: Literal["last", "max", "mean", "attention", "concat"] = "max"
    embedding_size: int = 128
    word_dropout: float = 0.0
    cell: Cell = "lstm"
    units: int = 128
    num_layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.5
    output_dropout: float = 0.3
    variational_dropout: bool = False
    recurrent_dropout: float = 0.0
    recurrent_initializer: Initializer = "orthogonal"
    dtype: Precision = "float32"
    run_dir: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    batch_tokens: int = 0
    learning_rate: float = 1e-3
    patience: int = 3


def run(config: Config) -> Result:
    """Trains, evaluates and saves a classifier.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.predict(text)` classifies.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    if config.data is None:  # what the embedded default changes: it is a small corpus
        config = config.adapted(epochs=6, max_length=100, learning_rate=3e-3)
    config = config.adapted(epochs=8)
    if not config.batch_tokens:
        config = config.adapted(batch_size=16 if config.data is None else 64)
    config.check(
        min_count=1, max_length=1, batch_tokens=0, **pretrained_embeddings.LEAST
    )
    # Text to tokens, tokens to ids: the vocabulary knows the training data only, and
    # what pretrained vectors know.
    splits = read(config)
    tokenizer = Tokenizer("words", config.lowercase)
    labels, head, settings = _targets(config, splits["train"])
    outputs = 1 if head in ("binary", "regression") else len(labels)
    class_weights = _balance(config, labels, splits["train"], head)
    tokens = (tokenizer.tokenize(text) for text, _ in splits["train"])
    words = pretrained_embeddings.choose_words(config, tokens, config.min_count)
    model_config = ClassifierConfig.select(
        config, num_outputs=outputs, head=head, **words.sizes(config.embedding_size)
    )
    run = Run("classify", config)
    settings |= {"tokenizer": vars(tokenizer), "max_length": config.max_length}
    classifier = Classifier(
        model_config,
        {"tokens": words.vocabulary.tokens[4:], "labels": labels.names},
        **settings,
        **words.settings(config),
    )
    words.fill(classifier.keras_model)
    late = pretrained_embeddings.late(classifier.keras_model, config)

    def batches(split: str, shuffle: bool = False) -> Batches:
        columns = {
            "token_ids": Ragged.pack(classifier.encode(t) for t, _ in splits[split]),
            "targets": Ragged.pack(
                _encode(label, place, labels, head, settings)[None]
                for place, (_, label) in splits[split].located()
            ),
        }
        return Batches(
            columns,
            weighted_batch if split == "train" else classification_batch,
            config.batch_size,
            shuffle,
            config.seed,
            config.batch_tokens,
        )

    def weighted_batch(columns, weights):
        x, y, weights = classification_batch(columns, weights)
        if class_weights is not None:
            weights = weights * class_weights[y[:, 0]]
        return x, y, weights

    loss, metric, monitored, mode = OBJECTIVES[head]
    train, dev = batches("train", shuffle=True), batches("dev")
    batches("test")  # a bad line of the test data is better known now
    run.create()
    history = fit(
        classifier.keras_model,
        train,
        dev,
        config,
        loss=loss(),
        metric=metric(),
        score=(f"val_{monitored}", mode),
        save=lambda: classifier.save(run.checkpoint),
        history_file=run.history_file,
        late=late,
    )
    plots.learning_curves(history, f"val_{monitored}", run.directory / "curves.png")

    dev_logits, dev_expected = _logits(classifier, splits["dev"])
    logits, expected = _logits(classifier, splits["test"])
    others = words.report()
    if head in CLASSES:
        uncalibrated = _calibration_error(classifier, logits, expected)
        classifier.calibrate(dev_logits, dev_expected)
        classifier.save(run.checkpoint)
        others["calibration"] = {
            "temperature": classifier.settings["temperature"],
            "error": _calibration_error(classifier, logits, expected),
            "error_before": uncalibrated,
        }
        print(
            "calibration error: {error_before:.1%}, with temperature "
            "{temperature:.2f} {error:.1%}".format(**others["calibration"])
        )
    predicted = _labels(classifier, logits)
    name, score = _score(predicted, expected, head)
    if head in CLASSES:
        counts = metrics.confusion(predicted, expected, labels.names)
        plots.confusion_matrix(counts, labels.names, run.directory / "confusion.png")
    if head != "regression":
        others["classes"] = metrics.class_scores(
            _sets(predicted, head), _sets(expected, head), labels.names
        )
    constant = _constant([label for _, label in splits["train"]], head)
    return run.finish(
        classifier,
        history,
        train,
        metric=name,
        unit="label units" if head == "regression" else "%",
        split=f"test, {len(expected)} examples",
        score=score,
        baseline=(
            constant[0],
            _score([constant[1]] * len(expected), expected, head)[1],
        ),
        predict="predict {run} 'a text to classify'",
        dev_score=_score(_labels(classifier, dev_logits), dev_expected, head)[1],
        **others,
    )


def read(config: Config) -> dict[str, corpora.Corpus]:
    """Returns the splits of the configuration's data: `(text, label)`."""
    return corpora.labelled(
        config.data,
        text_column=config.text_column,
        label_column=config.label_column,
        features=config.features,
    )


def evaluate(classifier: Classifier, config: Config, split: str = "test") -> float:
    """Returns the score of a trained classifier on a split of the data."""
    logits, expected = _logits(classifier, read(config)[split])
    return _score(_labels(classifier, logits), expected, classifier.config.head)[1]


def _logits(classifier: Classifier, corpus: corpora.Corpus) -> tuple[np.ndarray, list]:
    """Returns the outputs, float32 `[examples, outputs]`, and the labels expected."""
    texts, expected = zip(*corpus)
    encoded = [classifier.encode(text) for text in texts]
    return classifier.logits(encoded), list(expected)


def _labels(classifier: Classifier, logits: np.ndarray) -> list:
    return [classifier.decide(z).label for z in logits]


def _calibration_error(classifier: Classifier, logits, expected: list[str]) -> float:
    answers = [classifier.decide(z) for z in logits]
    return calibration_error(
        [answer.probabilities[answer.label] for answer in answers],
        [answer.label == label for answer, label in zip(answers, expected)],
    )


CLASSES = ("binary", "multiclass")  # heads with one label for each example
REDUCTION = {"reduction": "mean_with_sample_weight"}  # per real example
OBJECTIVES = {
    head: (loss, metric, monitored, mode)
    for head, loss, metric, monitored, mode in [
        (
            "binary",
            lambda: keras.losses.BinaryCrossentropy(from_logits=True, **REDUCTION),
            lambda: keras.metrics.BinaryAccuracy("accuracy", threshold=0.0),
            "accuracy",
            "max",
        ),
        (
            "multiclass",
            lambda: keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, **REDUCTION
            ),
            lambda: keras.metrics.SparseCategoricalAccuracy("accuracy"),
            "accuracy",
            "max",
        ),
        (
            "multilabel",
            lambda: keras.losses.BinaryCrossentropy(from_logits=True, **REDUCTION),
            lambda: keras.metrics.BinaryAccuracy("accuracy", threshold=0.0),
            "accuracy",
            "max",
        ),
        (
            "regression",
            lambda: keras.losses.MeanSquaredError(**REDUCTION),
            lambda: keras.metrics.MeanAbsoluteError("error"),
            "error",
            "min",
        ),
    ]
}


def _targets(config: Config, train: corpora.Corpus) -> tuple[Labels, str, dict]:
    """Returns the labels, the head, and for regression the targets' mean and scale."""
    found = [label for _, label in train]
    if config.head == "regression":
        values = [_number(label, place) for place, (_, label) in train.located()]
        scale = float(np.std(values))
        if scale == 0:
            raise ValueError(
                f"{train.name}: all values are {found[0]}; expected several"
            )
        return (
            Labels([]),
            "regression",
            {"mean": float(np.mean(values)), "scale": scale},
        )
    if config.head == "multilabel":
        labels = Labels.build((x for f in found for x in _split(f)), train.name)
        return labels, "multilabel", {}
    labels = Labels.build(found, train.name)
    return labels, "binary" if len(labels) == 2 else "multiclass", {}


def _balance(config: Config, labels: Labels, train: corpora.Corpus, head: str):
    """Returns the weight of each class, float32 `[classes]`, or None."""
    if config.class_weights is None:
        return None
    if head not in CLASSES:
        raise ValueError(f"class_weights: expected null with head={head!r}")
    counts = Counter(label for _, label in train)
    sizes = np.array([counts[name] for name in labels.names], np.float32)
    return sizes.sum() / (len(sizes) * sizes)


def _split(label: str) -> list[str]:
    return [part.strip() for part in label.split(",") if part.strip()]


def _number(label: str, place: str) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{place}: the label {label!r} is not a number")
    return value


def _encode(label: str, place: str, labels: Labels, head: str, settings) -> np.ndarray:
    """Returns the target of one example, `[outputs]` or the class `[1]`."""
    if head == "regression":
        value = (_number(label, place) - settings["mean"]) / settings["scale"]
        return np.array([value], np.float32)
    if head == "multilabel":
        target = np.zeros(len(labels), np.float32)
        target[[labels.encode(part, place) for part in _split(label)]] = 1
        return target
    return np.array([labels.encode(label, place)], np.int32)


def _score(predicted: list, expected: list, head: str) -> tuple[str, float]:
    """Returns the name of the score, and the score."""
    if head == "regression":
        error = metrics.mean_absolute_error(predicted, list(map(float, expected)))
        return "mean absolute error", error
    if head == "multilabel":
        return "micro F1", 100 * metrics.micro_f1(
            _sets(predicted, head), _sets(expected, head)
        )
    return "accuracy", 100 * metrics.accuracy(predicted, expected)


def _sets(answers: list, head: str) -> list[set[str]]:
    """Returns the labels of each answer, predicted or expected."""
    if head != "multilabel":
        return [{label} for label in answers]
    return [set(_split(a) if isinstance(a, str) else a) for a in answers]


def _constant(train_labels: list[str], head: str) -> tuple[str, object]:
    """Returns the baseline's name and its answer to every text."""
    if head == "regression":
        return "mean of the training data", float(
            np.mean(list(map(float, train_labels)))
        )
    if head == "multilabel":
        return "commonest labels", _split(baselines.most_frequent(train_labels))
    return "majority class", baselines.most_frequent(train_labels)


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
