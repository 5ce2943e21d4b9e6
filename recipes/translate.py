"""Encoder-decoder translation: a sequence in, another out, of another length.

    python -m recipes.translate                            # words without vowels
    python -m recipes.translate --data DIRECTORY --source de --target en
    python -m recipes.translate --data tfds:ted_hrlr_translate/pt_to_en --source pt \\
        --target en

A bidirectional GRU reads the source; its final states, bridged, start the decoder's
GRU, which reads the target so far; additive attention then looks back at the source,
and the output layer shares its matrix with the target embedding. Under teacher forcing
the whole target is one recurrent pass. A corpus of tens of thousands of sentences is
small for such a model, so dropout is strong, and the learning rate falls to zero.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import zoo
from zoo.atomic_files import write_text
from zoo.configuration import configuration, option
from zoo.data import corpora
from zoo.data.corpus_files import Corpus, Splits
from zoo.evaluation import baselines, metrics, plots
from zoo.evaluation.bleu_tokenization import (
    BleuTokenization,
    choose_bleu_tokenization,
)
from zoo.inference.language_model import LanguageModel
from zoo.inference.reranking import check_rerank, n_best_by_lm
from zoo.inference.translator import Translator
from zoo.models.translator import TranslatorConfig, TranslatorOptions
from zoo.runs import Experiment, Report, Result, RunConfig, RunDirectory, set_seed
from zoo.text.choice import LENGTHS, Tokens
from zoo.text.pairs import (
    choose_pair_tokens,
    describe_pair_tokens,
    make_pair_tokenizers,
)
from zoo.text.stored import subword_files
from zoo.training.config import SizeRule, VectorsConfig
from zoo.training.known_tokens import known_pair_tokens
from zoo.training.objectives import translation_objective
from zoo.training.pretrained_embeddings import delayed_vectors
from zoo.training.translation import (
    LONGEST,
    TranslationConfig,
    left_out_decision,
    pair_batches,
    translation_training_model,
)

Parallel = Corpus[tuple[str, str]]
SIZE_RULE = SizeRule(batch_size=64, learning_rate=2e-3, steps=4500, epochs=10)


@configuration
class Config(RunConfig, TranslationConfig, VectorsConfig, TranslatorOptions):
    """Trains an encoder-decoder translator."""

    renamed: ClassVar = {
        "subwords": "num_subwords",
        "joint": "joint_subwords",
    }
    defaults: ClassVar = {
        "cell": "gru",
        "embedding_size": 256,
        "units": 256,
        "input_dropout": 0.4,
        "output_dropout": 0.4,
        "warmup_steps": 200,
    }
    sized: ClassVar = SIZE_RULE.in_words()
    embedded_defaults: ClassVar = {  # for three minutes on two cores
        "embedding_size": 128,
        "units": 128,
        "input_dropout": 0.2,
        "output_dropout": 0.2,
        "epochs": 8,
    }

    source: str | None = option(
        None, "source language, the suffix of its files (train.de)", group="data"
    )
    target: str | None = option(None, "target language", group="data")
    tokens: Tokens | None = option(
        None,
        "else words, or characters in scripts without spaces",
        group="data",
    )
    header: bool | None = option(
        None, "whether tables have a header; else as they look", group="data"
    )
    num_subwords: int = option(
        8000, "how many subwords to find", group="data", at_least=1
    )
    joint_subwords: bool = option(
        True, "find them in both languages together, not in each", group="data"
    )
    min_count: int = option(
        2, "rarer words are unknown; subwords never are", group="data", at_least=1
    )
    bleu_tokenize: BleuTokenization | None = option(
        None, "sacrebleu's tokenizer; else by the target language", group="output"
    )
    rerank: str | None = option(
        None, "a language model of the target ranks the beam too", group="output"
    )
    rerank_weight: float = option(
        0.2, "weight of that language model", group="output", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coverage_penalty and self.attention == "none":
            raise ValueError("coverage_penalty: expected 0 with attention='none'")
        if self.vectors is not None and self.tokens not in (None, "words"):
            raise ValueError(
                f"vectors: expected null unless tokens is words, got {self.vectors}"
            )


def run(config: Config) -> Result[Translator]:
    """Trains, evaluates and saves a translator.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.translate(text)` translates.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    experiment = prepare(config)
    experiment.fit()
    return experiment.report()


def prepare(config: Config) -> Experiment[Config, Translator]:
    """Reads the data and builds the model and its batches; writes nothing."""
    config = config.resolved()
    directory = RunDirectory("translate", config.run_dir)
    if config.rerank is not None:
        lm = _language_model(config.rerank)
        check_rerank(lm, config.rerank_weight, config.beam_size)
    # Data: the tokens of both sides of the training data.
    splits = read(config)
    train = splits["train"]
    config = SIZE_RULE.resolve(config, sum(1 for _ in train))
    tokens = choose_pair_tokens(config.tokens, train)
    longest = config.max_length or LONGEST * max(LENGTHS[t] for t in tokens.values())
    tokenizers = make_pair_tokenizers(
        tokens, train, config.num_subwords, config.joint_subwords
    )
    source, target = known_pair_tokens(
        config, tokenizers, train, config.min_count, config.seed
    )
    # Model.
    model_config = TranslatorConfig.select(
        config,
        source_vocabulary_size=len(source.vocabulary),
        target_vocabulary_size=len(target),
        **source.sizes(config.embedding_size),
    )
    set_seed(config.seed)
    translator = Translator(
        model_config,
        {"source": source.vocabulary.entries, "target": target.entries},
        files=subword_files(tokenizers),
        source_tokenizer=tokenizers["source"].settings,
        target_tokenizer=tokenizers["target"].settings,
        **source.settings(config),
    )
    source.fill(translator.embedding)
    # Batches. Of dev and test only monstrous pairs are left out.
    cut = functools.partial(pair_batches, translator, config=config)
    left_out: Counter[str] = Counter()
    batches = cut(train, longest=longest, shuffle=True, left_out=left_out)
    return Experiment(
        config=config,
        splits=splits,
        model=translator,
        trained=translation_training_model(translator, config, len(batches)),
        train=batches,
        dev=cut(splits["dev"], longest=10 * longest, shuffle=False),
        objective=translation_objective(config.label_smoothing, "bleu", "max"),
        evaluate=lambda: {"val_bleu": evaluate(translator, config, "dev")},
        delayed=delayed_vectors(translator.embedding, config),
        write_report=write_report,
        directory=directory,
        notes=source.report(),
        decisions={
            "tokenization": describe_pair_tokens(tokens, train),
            "bleu_tokenization": bleu_tokenization(config, train)[1],
            **left_out_decision(left_out, longest),
        },
    )


def read(config: Config) -> Splits[tuple[str, str]]:
    """Returns the splits of the configuration's data: `(source, target)`."""
    if config.data == corpora.DICTIONARY:
        raise ValueError("data: cmudict is the data of recipes.pronounce")
    return corpora.parallel(
        config.where,
        source=config.source,
        target=config.target,
        header=config.header,
        features=config.features,
        split_seed=config.split_seed,
    )


def bleu_tokenization(config: Config, train: Parallel) -> tuple[BleuTokenization, str]:
    """Returns how BLEU cuts the target side, and why."""
    targets = (target for _, target in train)
    return choose_bleu_tokenization(config.target, targets, config.bleu_tokenize)


def write_report(experiment: Experiment[Config, Translator]) -> Report:
    """Translates the test split, and draws curves and an attention map."""
    translator, splits = experiment.model, experiment.splits
    config, directory = experiment.config, experiment.directory.path
    plots.learning_curves(experiment.history, "val_bleu", directory / "curves.png")
    sources, targets = (list(side) for side in zip(*splits["test"], strict=True))
    if translator.attends:
        weights, source, target = translator.attention(sources[0])
        plots.attention_map(weights, source, target, directory / "attention.png")
    predicted = translations(translator, config, sources)
    lines = itertools.chain.from_iterable(
        zip(sources, predicted, targets, itertools.repeat(""))
    )
    write_text(directory / "translations.txt", "\n".join(lines))
    tokenize, _ = bleu_tokenization(config, splits["train"])
    score, signature = metrics.bleu(predicted, targets, tokenize)
    chrf, chrf_signature = metrics.chrf(predicted, targets)
    print(f"chrF2: {chrf:.2f} ({chrf_signature})")
    nearest = baselines.nearest_translation(splits["train"])
    guessed = [nearest(source) for source in sources]
    baseline, _ = metrics.bleu(guessed, targets, tokenize)
    return Report(
        metric="BLEU",
        unit="sacrebleu",
        split=f"test, {len(predicted)} examples",
        score=score,
        dev_score=evaluate(translator, config, "dev"),
        baseline=("target of the most similar training source", baseline),
        predict="translate {run} 'a text to translate'",
        others={
            "signature": signature,
            "chrf": {
                "score": chrf,
                "signature": chrf_signature,
                "baseline": metrics.chrf(guessed, targets)[0],
            },
        },
    )


def evaluate(translator: Translator, config: Config, split: str = "test") -> float:
    """Returns the BLEU of a trained translator on a split of the data."""
    splits = read(config)
    sources, targets = zip(*splits[split], strict=True)
    tokenize, _ = bleu_tokenization(config, splits["train"])
    return metrics.bleu(translations(translator, config, sources), targets, tokenize)[0]


def translations(
    translator: Translator, config: Config, sources: Sequence[str]
) -> list[str]:
    """Returns the translation of each source by the search of the configuration."""
    if config.rerank is None:
        return translator.translate(sources, **config.search())
    lm, weight = _language_model(config.rerank), config.rerank_weight
    found = n_best_by_lm(translator, sources, lm, weight, **config.search())
    return [best[0].text if best else "" for best in found]


@functools.lru_cache(1)
def _language_model(name: str) -> LanguageModel:
    return zoo.load(name)


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
