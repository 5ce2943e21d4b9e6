"""Encoder-decoder translation: a sequence in, another out, of another length.

    python -m recipes.translate                            # English spelling to sounds
    python -m recipes.translate --data cmudict             # all of the dictionary
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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras

import zoo
from zoo.atomic_files import write_text
from zoo.data import corpora, default_corpora
from zoo.data.assembly import translation_batch
from zoo.data.batches import Batches
from zoo.data.ragged import Ragged
from zoo.decoding import BeamOptions
from zoo.evaluation import baselines, metrics, plots
from zoo.inference import LanguageModel, Translator, check_rerank, n_best_by_lm
from zoo.layers.stacks import Cell, Initializer, Precision
from zoo.models.scheduled_sampling import Schedule, build_sampled_training
from zoo.models.translator import Attention, AttentionPlace, TranslatorConfig
from zoo.runs import Result, Run
from zoo.text.subwords import SubwordTokenizer
from zoo.text.tokenizers import Tokenizer
from zoo.text.vocabulary import Vocabulary
from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.losses import SmoothedCrossentropy


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Trains an encoder-decoder translator.

    Args:
        data: a directory of parallel files, `tfds:<builder>`, "cmudict" for the CMU
            dictionary, from English spelling, by letters, to pronunciation, or None
            for 30,000 words of it. Any of its pronunciations of a word is right.
        source: source language, the suffix of its files (`train.de`).
        target: target language.
        features: for `tfds:` data, the names of source and target, as "de,en".
        tokens: `"words"`, or subwords by `"bpe"` or `"unigram"`; see `zoo.text.subwords`.
        subwords: how many pieces to find.
        joint: whether they are found in the text of both languages together, or so many
            in that of each.
        min_count: words seen less often are unknown; subwords are all known.
        max_length: longer training pairs are left out.
        attention: `"additive"`, `"dot"`, `"general"`, `"scaled_dot"` or `"none"`; see
            `zoo.models.translator.TranslatorConfig`.
        attention_place: `"after"` the decoder's recurrence, or `"inside"`, which
            takes up to twice as long to train on a CPU, and keeps a GPU off cuDNN.
        input_feeding: whether the decoder reads the output layer's last hidden state,
            which takes as long.
        coverage: whether additive attention, if inside or with input feeding, takes
            into account what it has attended to before.
        tied: whether the output layer shares the matrix of the target embedding.
        embedding_size: size of a token's vector.
        cell: `"simple"`, `"lstm"` or `"gru"`.
        units: size of the state of each direction.
        num_layers: recurrent layers of the encoder, and of the decoder.
        bidirectional: whether the source is also read backwards.
        input_dropout: share of the embeddings' features dropped.
        output_dropout: share of the recurrent outputs dropped.
        recurrent_dropout: share of the state dropped inside each step.
        variational_dropout: whether the others drop the same features at every step.
        weight_drop: share of the recurrent weights dropped.
        label_smoothing: share of each target's probability spread over all tokens.
        scheduled_sampling: share of the tokens read by the decoder that are its own
            predictions in the end of the training; 0 for teacher forcing alone. See
            `zoo.models.scheduled_sampling`.
        sampling_schedule: by which that share rises: `"linear"`, `"exponential"` or
            `"inverse_sigmoid"`.
        recurrent_initializer: `"orthogonal"` or `"identity"` (IRNN).
        dtype: `"float32"` or `"mixed_bfloat16"`.
        beam_size: hypotheses kept in evaluation; 1 takes the likeliest word each time.
        length_penalty: of the beam search; see `zoo.decoding.BeamOptions`.
        coverage_penalty: of the beam search.
        rerank: a run, checkpoint or name of a language model of the target side, by
            which the beam's translations are ranked as well; see
            `zoo.inference.rerank`.
        rerank_weight: of that language model.
        epochs: None for 10, or 8 on the embedded default.
        batch_size: pairs of a batch; None for 64.
        batch_tokens: instead of `batch_size`, the tokens of a batch at most, padding
            included, on its longer side; 0 for none.
        run_dir: a new directory for the results; None for the next `runs/translate`.
    """

    data: str | None = None
    source: str | None = None
    target: str | None = None
    features: str | None = None
    tokens: Literal["words", "bpe", "unigram"] = "words"
    subwords: int = 8000
    joint: bool = True
    min_count: int = 2
    max_length: int = 60
    attention: Attention = "additive"
    attention_place: AttentionPlace = "after"
    input_feeding: bool = False
    coverage: bool = False
    tied: bool = True
    embedding_size: int = 256
    cell: Cell = "gru"
    units: int = 256
    num_layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.4
    output_dropout: float = 0.4
    recurrent_dropout: float = 0.0
    weight_drop: float = 0.0
    variational_dropout: bool = False
    label_smoothing: float = 0.0
    scheduled_sampling: float = 0.0
    sampling_schedule: Schedule = "linear"
    recurrent_initializer: Initializer = "orthogonal"
    dtype: Precision = "float32"
    beam_size: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    rerank: str | None = None
    rerank_weight: float = 0.2
    run_dir: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    batch_tokens: int = 0
    learning_rate: float = 2e-3
    warmup_steps: int = 200


def run(config: Config) -> Result:
    """Trains, evaluates and saves a translator.

    Args:
        config: what to do.

    Returns:
        The result; `result.model.translate(text)` translates.

    Raises:
        ValueError: if the data or an option is not as expected.
    """
    spelling = _is_spelling(config)
    if config.data is None:  # what this changes, to end within three minutes
        config = config.adapted(
            epochs=8,
            embedding_size=64,
            units=128,
            input_dropout=0.1,
            output_dropout=0.1,
        )
    config = config.adapted(epochs=10)
    if not config.batch_tokens:
        config = config.adapted(batch_size=64)
    config.check(min_count=1, max_length=1, batch_tokens=0, subwords=1, rerank_weight=0)
    loss = SmoothedCrossentropy(config.label_smoothing)
    BeamOptions(**_beam(config))  # says what is wrong before the training
    if config.rerank is not None:
        lm = _language_model(config.rerank)
        check_rerank(lm, config.rerank_weight, config.beam_size)
    if config.coverage_penalty and config.attention == "none":
        raise ValueError("coverage_penalty: expected 0 with attention='none'")
    if spelling and config.tokens != "words":
        raise ValueError(
            f"tokens: expected words for the CMU dictionary, whose letters are pieces, "
            f"got {config.tokens}"
        )
    splits = read(config)
    tokenizers = _tokenizers(config, splits["train"])
    vocabularies = {
        side: Vocabulary.build(
            (tokenizers[side].tokenize(pair[i]) for pair in splits["train"]),
            config.min_count if config.tokens == "words" else 1,
        )
        for i, side in enumerate(tokenizers)
    }
    if config.tokens != "words":  # characters of overlong lines may be no pieces
        vocabularies = {
            side: Vocabulary(t for t in known.tokens[4:] if t in tokenizers[side])
            for side, known in vocabularies.items()
        }
    model_config = TranslatorConfig.select(
        config,
        source_vocabulary_size=len(vocabularies["source"]),
        target_vocabulary_size=len(vocabularies["target"]),
    )
    run = Run("translate", config)
    translator = Translator(
        model_config,
        {side: vocabulary.tokens[4:] for side, vocabulary in vocabularies.items()},
        files={
            f"{side}.model": tokenizer.model
            for side, tokenizer in tokenizers.items()
            if isinstance(tokenizer, SubwordTokenizer)
        },
        **{
            f"{side}_tokenizer": tokenizer.settings
            for side, tokenizer in tokenizers.items()
        },
    )

    def batches(split: str, longest: int, shuffle: bool = False) -> Batches:
        columns = {
            side: Ragged.pack(
                pair[i] for pair in _encoded(translator, splits[split], longest)
            )
            for i, side in enumerate(("source_ids", "target_ids"))
        }
        return Batches(
            columns,
            translation_batch,
            config.batch_size,
            shuffle,
            config.seed,
            config.batch_tokens,
        )

    train = batches("train", config.max_length, shuffle=True)
    dev = batches("dev", 10 * config.max_length)
    sources, targets = (list(side) for side in zip(*splits["test"]))

    trained = translator.keras_model
    if config.scheduled_sampling:
        trained = build_sampled_training(
            translator.keras_model,
            config.scheduled_sampling,
            config.epochs * len(train),
            config.sampling_schedule,
        )

    name = "val_word_error_rate" if spelling else "val_bleu"
    run.create()
    history = fit(
        trained,
        train,
        dev,
        config,
        loss=loss,
        metric=keras.metrics.SparseCategoricalAccuracy("accuracy"),
        score=(name, "min" if spelling else "max"),
        save=lambda: translator.save(run.checkpoint),
        history_file=run.history_file,
        evaluate=lambda: {name: evaluate(translator, config, "dev")},
    )
    plots.learning_curves(history, name, run.directory / "curves.png")
    if config.attention != "none":
        weights, source, target = translator.attention(sources[0])
        plots.attention_map(weights, source, target, run.directory / "attention.png")

    predicted = _translated(translator, config, sources)
    lines = itertools.chain.from_iterable(
        zip(sources, predicted, targets, itertools.repeat(""))
    )
    write_text(run.directory / "translations.txt", "\n".join(lines))
    score, signature = _score(sources, predicted, targets, spelling)
    nearest = baselines.nearest_translation(splits["train"])
    baseline, _ = _score(sources, [nearest(s) for s in sources], targets, spelling)
    others = {"dev_score": evaluate(translator, config, "dev")}
    if spelling:
        others["phoneme_error_rate"] = 100 * metrics.token_error_rate(
            predicted, _closest(sources, predicted)
        )
    else:
        others["signature"] = signature
    return run.finish(
        translator,
        history,
        train,
        metric="word error rate" if spelling else "BLEU",
        unit="%" if spelling else "sacrebleu",
        split=f"test, {len(predicted)} examples",
        score=score,
        baseline=("target of the most similar training source", baseline),
        predict="translate {run} "
        + ("serendipity" if spelling else "'a text to translate'"),
        **others,
    )


def read(config: Config) -> dict[str, corpora.Corpus]:
    """Returns the splits of the configuration's data: `(source, target)`."""
    if _is_spelling(config):
        return corpora.pronunciations(config.data)
    return corpora.parallel(
        config.data,
        source=config.source,
        target=config.target,
        features=config.features,
    )


def evaluate(translator: Translator, config: Config, split: str = "test") -> float:
    """Returns BLEU, or of pronunciations the word error rate in percent."""
    sources, targets = zip(*read(config)[split])
    predicted = _translated(translator, config, sources)
    return _score(sources, predicted, list(targets), _is_spelling(config))[0]


def _is_spelling(config: Config) -> bool:
    return config.data in (None, corpora.DICTIONARY)


def _beam(config: Config) -> dict[str, float]:
    names = ("beam_size", "length_penalty", "coverage_penalty")
    return {name: getattr(config, name) for name in names}


def _translated(
    translator: Translator, config: Config, sources: Sequence[str]
) -> list[str]:
    """Returns the translation of each source by the search of the configuration."""
    if config.rerank is None:
        return translator.translate(sources, **_beam(config))
    lm, weight = _language_model(config.rerank), config.rerank_weight
    found = n_best_by_lm(translator, sources, lm, weight, **_beam(config))
    return [best[0].text if best else "" for best in found]


@functools.lru_cache(1)
def _language_model(name: str) -> LanguageModel:
    return zoo.load(name)


def _tokenizers(
    config: Config, train: corpora.Corpus
) -> dict[str, Tokenizer | SubwordTokenizer]:
    """Returns the tokenizers of both sides, after training those of subwords."""
    if _is_spelling(config):
        return {"source": Tokenizer("characters"), "target": Tokenizer("spaces")}
    sides = {"source": 0, "target": 1}
    if config.tokens == "words":
        return {side: Tokenizer("words", joiner=True) for side in sides}
    if config.joint:
        texts = (text for pair in train for text in pair)
        both = SubwordTokenizer.train(texts, config.subwords, config.tokens)
        return dict.fromkeys(sides, both)
    return {
        side: SubwordTokenizer.train(
            (pair[i] for pair in train), config.subwords, config.tokens
        )
        for side, i in sides.items()
    }


def _score(
    sources: Sequence[str], predicted: list[str], targets: list[str], spelling: bool
) -> tuple[float, str]:
    """Returns the score and its signature."""
    if spelling:
        right = metrics.accuracy(predicted, _closest(sources, predicted))
        return 100 * (1 - right), "none"
    return metrics.bleu(predicted, targets)


def _closest(words: Sequence[str], predicted: Sequence[str]) -> list[str]:
    """Returns of each word the pronunciation that is most like the predicted one, as is
    the custom where the dictionary has several (Yao and Zweig 2015)."""
    return [
        metrics.closest(p, default_corpora.all_pronunciations(word))
        for word, p in zip(words, predicted, strict=True)
    ]


def _encoded(translator: Translator, corpus: corpora.Corpus, longest: int):
    """Yields the ids of the pairs that are neither empty nor longer than `longest`."""
    for source, target in corpus:
        pair = translator.encode(source), translator.encode_target(target)
        if all(1 < len(ids) <= longest + 1 for ids in pair):
            yield pair


if __name__ == "__main__":
    from zoo.command_line import end_cleanly, parse

    end_cleanly(lambda: run(parse(Config)))
