"""Pronunciation: the spelling of a word in, its sounds out.

    python -m recipes.pronounce                    # 30,000 words of the CMU dictionary
    python -m recipes.pronounce --data cmudict     # all of it
    python -m recipes.pronounce --data FILE        # word<TAB>phonemes between spaces

An encoder-decoder like that of `recipes.translate`, from characters to phonemes. Where
a dictionary has several pronunciations of a word, any of them is right, as is the
custom (Yao and Zweig 2015). The score is the word error rate: the share of words whose
pronunciation is not right as a whole.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from zoo.atomic_files import write_text
from zoo.configuration import configuration, option
from zoo.data import corpora, default_corpora
from zoo.data.corpus_files import Corpus, Splits
from zoo.evaluation import baselines, metrics, plots
from zoo.inference.translator import Translator
from zoo.models.translator import TranslatorConfig, TranslatorOptions
from zoo.runs import Experiment, Report, Result, RunConfig, RunDirectory, set_seed
from zoo.text.normalization import normalize
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Vocabulary
from zoo.training.config import SizeRule
from zoo.training.objectives import translation_objective
from zoo.training.translation import (
    LONGEST,
    TranslationConfig,
    left_out_decision,
    pair_batches,
    translation_training_model,
)

Dictionary = Corpus[tuple[str, str]]

SIZE_RULE = SizeRule(batch_size=64, learning_rate=2e-3, steps=4500, epochs=10)


@configuration
class Config(RunConfig, TranslationConfig, TranslatorOptions):
    """Trains a model that pronounces words."""

    defaults: ClassVar = {
        "cell": "gru",
        "embedding_size": 256,
        "units": 256,
        "input_dropout": 0.4,
        "output_dropout": 0.4,
        "warmup_steps": 200,
    }
    embedded_defaults: ClassVar = {  # for three minutes on two cores
        "embedding_size": 64,
        "units": 128,
        "input_dropout": 0.1,
        "output_dropout": 0.1,
        "epochs": 8,
    }
    sized: ClassVar = SIZE_RULE.in_words()

    header: bool | None = option(
        None, "whether tables have a header; else as they look", group="data"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coverage_penalty and self.attention == "none":
            raise ValueError("coverage_penalty: expected 0 with attention='none'")


def run(config: Config) -> Result[Translator]:
    """Trains, evaluates and saves a model that pronounces words.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.translate(word)` pronounces.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    experiment = prepare(config)
    experiment.fit()
    return experiment.report()


def prepare(config: Config) -> Experiment[Config, Translator]:
    """Reads the data and builds the model and its batches; writes nothing."""
    config = config.resolved()
    directory = RunDirectory("pronounce", config.run_dir)
    # Data: characters to phonemes; few of each, so that none is unknown.
    splits = read(config)
    config = SIZE_RULE.resolve(config, sum(1 for _ in splits["train"]))
    train, dev = splits["train"], splits["dev"]
    characters, phonemes = Tokenizer("characters"), Tokenizer("spaces")
    source = Vocabulary.build(characters.tokenize(word) for word, _ in train)
    target = Vocabulary.build(phonemes.tokenize(sounds) for _, sounds in train)
    # Model.
    model_config = TranslatorConfig.select(
        config,
        source_vocabulary_size=len(source),
        target_vocabulary_size=len(target),
    )
    set_seed(config.seed)
    translator = Translator(
        model_config,
        {"source": source.entries, "target": target.entries},
        source_tokenizer=characters.settings,
        target_tokenizer=phonemes.settings,
    )
    # Batches.
    cut = functools.partial(pair_batches, translator, config=config)
    longest, left_out = config.max_length or LONGEST, Counter[str]()
    batches = cut(train, longest=longest, shuffle=True, left_out=left_out)
    return Experiment(
        config=config,
        splits=splits,
        model=translator,
        trained=translation_training_model(translator, config, len(batches)),
        train=batches,
        dev=cut(dev, longest=10 * longest, shuffle=False),
        objective=translation_objective(
            config.label_smoothing, "word_error_rate", "min"
        ),
        evaluate=lambda: {"val_word_error_rate": evaluate(translator, config, "dev")},
        write_report=write_report,
        directory=directory,
        decisions=left_out_decision(left_out, longest),
    )


def read(config: Config) -> Splits[tuple[str, str]]:
    """Returns the splits of the configuration's data: `(word, phonemes)`."""
    return corpora.pronunciations(
        config.where, header=config.header, split_seed=config.split_seed
    )


def write_report(experiment: Experiment[Config, Translator]) -> Report:
    """Pronounces the test split, and draws curves and an attention map."""
    translator, splits = experiment.model, experiment.splits
    config, directory = experiment.config, experiment.directory.path
    plots.learning_curves(
        experiment.history, "val_word_error_rate", directory / "curves.png"
    )
    words, sounds = (list(side) for side in zip(*splits["test"], strict=True))
    if translator.attends:
        weights, source, target = translator.attention(words[0])
        plots.attention_map(weights, source, target, directory / "attention.png")
    predicted = translator.translate(words, **config.search())
    lines = itertools.chain.from_iterable(
        zip(words, predicted, sounds, itertools.repeat(""))
    )
    write_text(directory / "translations.txt", "\n".join(lines))
    closest = closest_references(config, splits["test"], predicted)
    nearest = baselines.nearest_translation(splits["train"])
    guessed = [normalize(nearest(word)) for word in words]
    baseline = closest_references(config, splits["test"], guessed)
    return Report(
        metric="word error rate",
        unit="%",
        split=f"test, {len(predicted)} examples",
        score=word_error_rate(predicted, closest),
        dev_score=evaluate(translator, config, "dev"),
        baseline=(
            "target of the most similar training source",
            word_error_rate(guessed, baseline),
        ),
        predict="translate {run} serendipity",
        others={
            "phoneme_error_rate": 100 * metrics.token_error_rate(predicted, closest)
        },
    )


def evaluate(translator: Translator, config: Config, split: str = "test") -> float:
    """Returns the word error rate, in percent, of a trained model on a split."""
    corpus = read(config)[split]
    predicted = translator.translate([word for word, _ in corpus], **config.search())
    return word_error_rate(predicted, closest_references(config, corpus, predicted))


def word_error_rate(predicted: Sequence[str], expected: Sequence[str]) -> float:
    """Returns the share of words that are not right as a whole, in percent."""
    return 100 * (1 - metrics.accuracy(predicted, expected))


def closest_references(
    config: Config, corpus: Dictionary, predicted: Sequence[str]
) -> list[str]:
    """Returns for each word the pronunciation that is most like the predicted one."""
    known = _known_pronunciations(config, corpus)
    return [
        metrics.closest(sounds, map(normalize, known(word)))
        for (word, _), sounds in zip(corpus, predicted, strict=True)
    ]


def _known_pronunciations(
    config: Config, corpus: Dictionary
) -> Callable[[str], Iterable[str]]:
    """Returns what gives all right pronunciations of a word."""
    if config.where is None or config.data == corpora.DICTIONARY:
        return default_corpora.all_pronunciations
    known: dict[str, dict[str, None]] = {}
    for word, sounds in corpus:
        known.setdefault(word, {})[sounds] = None
    return known.__getitem__


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
