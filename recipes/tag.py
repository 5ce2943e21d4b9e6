"""Sequence tagging: a label for every word.

    python -m recipes.tag                                  # restore case, punctuation
    python -m recipes.tag --data DIRECTORY                 # train, dev, test .conllu
    python -m recipes.tag --data tfds:universal_dependencies/en_ewt
    python -m recipes.tag --data DIRECTORY --crf true      # names: B-LOC, I-LOC, O, ...
    python -m recipes.tag --data DIRECTORY --vectors glove-6b-50d

A word is known by its own vector, which may begin as a pretrained one, and by its
letters, which a convolution or an LSTM reads, so that an unknown word still has an
ending and a capital; a bidirectional LSTM reads the sentence in both directions. Words
seen once are unknown in training, and so teach the model to go by the letters. With a
CRF the tags of neighbours are weighed together. If the tags are of spans, the score is
the F1 of the spans, and in the end the tag `O` is made as rare as suits it best on the
development split.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras

from zoo.data import corpora
from zoo.data.assembly import tagging_batch
from zoo.data.batches import Batches
from zoo.data.ragged import Ragged
from zoo.evaluation import baselines, metrics, plots
from zoo.inference import Tagger
from zoo.layers.stacks import Cell, Initializer, Precision
from zoo.models.tagger import TaggerConfig, build_crf_training
from zoo.runs import Result, Run
from zoo.text import span_schemes
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Labels, Vocabulary
from zoo.training import pretrained_embeddings
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.pretrained_embeddings import VectorsConfig

Tags = Sequence[Sequence[str]]  # of each sentence
# What may be added to the score of the tag O, in nats; the first of the best is taken.
SHIFTS = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, -2.0, -2.5, -3.0, -4.0)


@dataclass(frozen=True, kw_only=True)
class Config(VectorsConfig, TrainingConfig):
    """Trains a sequence tagger.

    Args:
        data: a directory or file of CoNLL-U or CoNLL columns, `tfds:<builder>`, or None
            for news without case and punctuation, which are to be restored.
        word_column: of CoNLL columns, counted from 0.
        tag_column: of CoNLL-U its name, `"upos"` or `"xpos"`, of CoNLL columns its
            number; None for upos, or the last column.
        features: for `tfds:` data, the names of words and tags, as "tokens,upos".
        min_count: words seen less often are unknown, which trains the unknown vector.
        lowercase: whether to lower the case of words; their letters keep it.
        characters: whether words are also read by their letters.
        character_encoder: `"convolution"` or `"lstm"` (in both directions).
        character_filters: size of a word's vector from its letters.
        word_length: letters of a word that are read.
        casing: whether words are also told apart by their case: lower, upper, ...
        embedding_size: size of a word's vector; of `vectors` it is theirs.
        word_dropout: share of the words that are unknown, others at every training
            step, so that their letters are learnt.
        cell: `"simple"`, `"lstm"` or `"gru"`.
        units: size of the state of each direction.
        num_layers: recurrent layers.
        bidirectional: whether the sentence is also read backwards.
        input_dropout: share of the word vectors' features dropped.
        output_dropout: share of the recurrent outputs dropped.
        recurrent_dropout: share of the state dropped inside each step.
        recurrent_initializer: `"orthogonal"` or `"identity"` (IRNN).
        crf: whether the scores of neighbouring tags are learnt as well.
        constrained: with a CRF, whether taggings that break the scheme of the training
            data's spans are ruled out.
        balance: of spans, whether after training the score of the tag `O` is shifted to
            where the F1 of the development split is best.
        dtype: `"float32"` or `"mixed_bfloat16"`.
        batch_size: sentences of a batch; None for 32, or 8 on the embedded default.
        batch_tokens: instead of `batch_size`, the tokens of a batch at most, padding
            included; 0 for none.
        run_dir: a new directory for the results; None for the next `runs/tag`.
    """

    data: str | None = None
    word_column: int = 0
    tag_column: str | int | None = None
    features: str | None = None
    min_count: int = 2
    lowercase: bool = True
    characters: bool = True
    character_encoder: Literal["convolution", "lstm"] = "convolution"
    character_filters: int = 100
    word_length: int = 16
    casing: bool = False
    embedding_size: int = 100
    word_dropout: float = 0.0
    cell: Cell = "lstm"
    units: int = 128
    num_layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.4
    output_dropout: float = 0.4
    recurrent_dropout: float = 0.0
    recurrent_initializer: Initializer = "orthogonal"
    crf: bool = False
    constrained: bool = False
    balance: bool = True
    dtype: Precision = "float32"
    run_dir: str | None = None
    epochs: int = 10
    batch_size: int | None = None
    batch_tokens: int = 0
    learning_rate: float = 3e-3
    clip_norm: float = 5.0


def run(config: Config) -> Result:
    """Trains, evaluates and saves a tagger.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.predict(sentence)` tags.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    if config.data is None:  # what the embedded default changes: it is a small corpus
        config = config.adapted(epochs=5, input_dropout=0.5, output_dropout=0.5)
    if not config.batch_tokens:
        config = config.adapted(batch_size=8 if config.data is None else 32)
    config.check(min_count=1, batch_tokens=0, **pretrained_embeddings.LEAST)
    splits = read(config)
    train_words = splits["train"]
    sentences = (words for words, _ in train_words)
    if config.lowercase:
        sentences = (map(str.lower, words) for words in sentences)
    words = pretrained_embeddings.choose_words(config, sentences, config.min_count)
    characters = Vocabulary.build("".join(words) for words, _ in train_words)
    labels = Labels.build(
        (t for _, tags in train_words for t in tags), train_words.name
    )
    scheme = span_schemes.detect(tags for _, tags in train_words)
    if config.constrained:
        _check_constraint(config, scheme, train_words)
    model_config = TaggerConfig.select(
        config,
        num_classes=len(labels),
        character_vocabulary_size=len(characters),
        **words.sizes(config.embedding_size),
    )
    run = Run("tag", config)
    tagger = Tagger(
        model_config,
        {
            "words": words.vocabulary.tokens[4:],
            "characters": characters.tokens[4:],
            "labels": labels.names,
        },
        lowercase=config.lowercase,
        tokenizer=vars(Tokenizer("words")),
        scheme=scheme,
        constrained=config.constrained,
        **words.settings(config),
    )
    words.fill(tagger.keras_model)
    late = pretrained_embeddings.late(tagger.keras_model, config)

    def batches(split: str, shuffle: bool = False) -> Batches:
        columns = {
            "token_ids": Ragged.pack(tagger.encode(w) for w, _ in splits[split]),
            "tags": Ragged.pack(
                labels.encode_all(tags, place)
                for place, (_, tags) in splits[split].located()
            ),
        }

        def assemble(columns, weights):
            inputs = tagger.inputs(columns["token_ids"])
            x, y, weights = tagging_batch({**inputs, "tags": columns["tags"]}, weights)
            return ({**x, "tags": y} if config.crf else x), y, weights

        return Batches(
            columns,
            assemble,
            config.batch_size,
            shuffle,
            config.seed,
            config.batch_tokens,
        )

    train, dev = batches("train", shuffle=True), batches("dev")
    batches("test")  # a bad line of the test data is better known now
    run.create()
    # A CRF learns each tag given the right one before it; how well it finds all by
    # itself is seen only in decoding.
    name = "f1" if scheme else "accuracy"
    history = fit(
        build_crf_training(tagger.keras_model) if config.crf else tagger.keras_model,
        train,
        dev,
        config,
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        metric=(
            keras.metrics.SparseCategoricalCrossentropy("nats", from_logits=True)
            if config.crf
            else keras.metrics.SparseCategoricalAccuracy("accuracy")
        ),
        score=(f"val_{name}", "max"),
        save=lambda: tagger.save(run.checkpoint),
        history_file=run.history_file,
        evaluate=(
            (lambda: {f"val_{name}": score(scheme, *_predict(tagger, splits["dev"]))})
            if config.crf or scheme
            else None
        ),
        late=late,
    )
    plots.learning_curves(history, f"val_{name}", run.directory / "curves.png")

    others = words.report()
    if scheme and config.balance:
        others["shift_of_o"] = balance(tagger, splits["dev"])
        tagger.save(run.checkpoint)
    predicted, expected = _predict(tagger, splits["test"])
    counts = metrics.confusion(
        itertools.chain(*predicted), itertools.chain(*expected), labels.names
    )
    plots.confusion_matrix(counts, labels.names, run.directory / "confusion.png")
    baseline = baselines.most_frequent_tag(splits["train"])
    guessed = [baseline(words) for words, _ in splits["test"]]
    return run.finish(
        tagger,
        history,
        train,
        metric="entity F1" if scheme else "accuracy",
        unit="%",
        split=f"test, {sum(map(len, expected)):,} words",
        score=100 * score(scheme, predicted, expected),
        baseline=("most frequent tag", 100 * score(scheme, guessed, expected)),
        predict="predict {run} 'a sentence to tag'",
        dev_score=evaluate(tagger, config, "dev"),
        **others,
    )


def read(config: Config) -> dict[str, corpora.Corpus]:
    """Returns the splits of the configuration's data: `(words, tags)`."""
    return corpora.tagged(
        config.data,
        word_column=config.word_column,
        tag_column=config.tag_column,
        features=config.features,
    )


def evaluate(tagger: Tagger, config: Config, split: str = "test") -> float:
    """Returns the score, in percent, of a trained tagger on a split of the data."""
    tags = _predict(tagger, read(config)[split])
    return 100 * score(tagger.settings.get("scheme"), *tags)


def score(scheme: span_schemes.Scheme | None, predicted: Tags, expected: Tags) -> float:
    """Returns the F1 of the spans, or without a scheme the accuracy; 0 to 1."""
    if scheme:
        return metrics.entity_f1(predicted, expected, scheme)
    return metrics.accuracy(
        [*itertools.chain(*predicted)], [*itertools.chain(*expected)]
    )


def balance(tagger: Tagger, dev: corpora.Corpus) -> float:
    """Makes the tag `O` of a tagger of spans as rare as suits their F1 best.

    Most words are outside of spans, and where it is in doubt the likeliest tagging has
    none, so that it misses more of them than it makes up (Mohit et al. 2012); the F1 is
    best where the two are in balance.

    Args:
        tagger: its score of `O` is changed.
        dev: sentences that had no part in training.

    Returns:
        What was added to the score, one of `SHIFTS`.
    """
    scores = {}
    for shift in SHIFTS:
        tagger.shift_score("O", shift)
        scores[shift] = score(tagger.settings["scheme"], *_predict(tagger, dev))
        tagger.shift_score("O", -shift)
    best = max(SHIFTS, key=scores.__getitem__)
    tagger.shift_score("O", best)
    print(
        f"score of O shifted by {best}: F1 of the development split "
        f"{scores[0.0]:.1%}, then {scores[best]:.1%}"
    )
    return best


def _check_constraint(config: Config, scheme, train: corpora.Corpus) -> None:
    if not config.crf:
        raise ValueError("constrained: expected false without a CRF, got true")
    if not scheme:
        raise ValueError(
            f"constrained: the tags of {train.name} are not of spans; expected false"
        )
    for message in span_schemes.violations(train.located(), scheme):
        raise ValueError(f"{message}; a constrained CRF cannot learn it")


def _predict(tagger: Tagger, corpus: corpora.Corpus) -> tuple[Tags, Tags]:
    """Returns the tags of each sentence that were predicted, and those expected."""
    sentences, expected = zip(*corpus)
    predicted = [[tag for _, tag in pairs] for pairs in tagger.predict(sentences)]
    return predicted, expected


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
