"""How encoder-decoders are trained and searched: what several recipes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.configuration import Configuration, configuration, option, share
from zoo.data.assembly import translation_batch
from zoo.data.batches import Batches
from zoo.data.corpus_files import Corpus
from zoo.data.ragged import Ragged
from zoo.decoding.beam import BeamOptions
from zoo.models.scheduled_sampling import Schedule, build_sampled_training
from zoo.training.config import TrainingConfig

if TYPE_CHECKING:
    from zoo.inference.translator import Translator

LONGEST = 60  # words of a side of a pair
Pairs = Corpus[tuple[str, str]]


@configuration
class TranslationTraining(Configuration):
    """How an encoder-decoder is trained.

    For scheduled sampling see `zoo.models.scheduled_sampling`: at its end the decoder
    reads this share of its own predictions; with 0 it is teacher forcing alone.
    """

    label_smoothing: float = share(
        0.0, "share of each target's probability spread over all", group="training"
    )
    scheduled_sampling: float = option(
        0.0,
        "share of own predictions the decoder reads at the end",
        group="training",
        at_least=0,
        at_most=1,
    )
    sampling_schedule: Schedule = option(
        "linear", "how that share rises", group="training"
    )


@configuration
class SearchOptions(Configuration):
    """How translations are searched for in evaluation; see `BeamOptions`."""

    beam_size: int = option(
        1, "hypotheses kept; 1 for greedy search", group="output", at_least=1
    )
    length_penalty: float = option(
        1.0, "of the beam search: 1 compares means", group="output", at_least=0
    )
    coverage_penalty: float = option(
        0.0, "of the beam search: cost of unread source", group="output", at_least=0
    )

    def search(self) -> dict[str, Any]:
        """Returns the arguments of `Translator.translate`."""
        names = ("beam_size", "length_penalty", "coverage_penalty")
        how = {name: getattr(self, name) for name in names}
        BeamOptions(**how)  # says what is wrong with them
        return how


@configuration
class TranslationConfig(TrainingConfig, TranslationTraining, SearchOptions):
    """How an encoder-decoder is trained and searched."""

    max_length: int | None = option(
        None,
        "pairs with a longer side are left out [60 words, 300 characters]",
        group="data",
        at_least=1,
    )


def pair_batches(
    translator: Translator,
    corpus: Pairs,
    config: TranslationConfig,
    *,
    longest: int,
    shuffle: bool,
    left_out: Counter[str] | None = None,
) -> Batches:
    """Encodes pairs, and cuts them into batches for teacher forcing.

    Args:
        translator: encodes.
        corpus: pairs of source and target.
        config: size of the batches, and the seed of their order.
        longest: pairs of which a side has more tokens are left out, and so are those
            of which a side is empty.
        shuffle: whether each epoch has an order of its own.
        left_out: counts the pairs that are left out, by reason, and `"pairs"` in all.

    Raises:
        ValueError: if no pair is left.
    """
    counts: Counter[str] = Counter() if left_out is None else left_out

    def ids(side: int) -> Iterator[np.ndarray]:
        counts.clear()
        return (pair[side] for pair in _encoded(translator, corpus, longest, counts))

    columns = {"source_ids": Ragged.pack(ids(0)), "target_ids": Ragged.pack(ids(1))}
    return Batches(
        columns,
        translation_batch,
        config.batch_size,
        shuffle,
        config.seed,
        config.batch_tokens,
    )


def _encoded(
    translator: Translator, corpus: Pairs, longest: int, counts: Counter[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the ids of the pairs that are neither empty nor too long."""
    for source, target in corpus:
        pair = translator.encode(source), translator.encode_target(target)
        counts["pairs"] += 1
        if any(len(ids) <= 1 for ids in pair):
            counts["empty"] += 1
        elif any(len(ids) > longest + 1 for ids in pair):
            counts["long"] += 1
        else:
            yield pair


def left_out_decision(left_out: Counter[str], longest: int) -> dict[str, str]:
    """Returns what a run says of the pairs that it is not trained on.

    Args:
        left_out: as counted by `pair_batches`.
        longest: tokens of a side that are allowed.

    >>> left_out_decision(Counter(pairs=1000, long=2), 60)
    {'left_out_of_training': '2 of 1,000 pairs: 2 longer than 60 tokens, 0 empty'}
    """
    long, empty = left_out["long"], left_out["empty"]
    said = (
        f"{long + empty:,} of {left_out['pairs']:,} pairs: {long:,} longer than "
        f"{longest} tokens, {empty:,} empty"
    )
    return {"left_out_of_training": said}


def translation_training_model(
    translator: Translator, config: TranslationConfig, epoch_steps: int
) -> keras.Model:
    """Returns the model to train: the translator's own, or one that samples.

    Args:
        translator: whose weights are trained.
        config: whether there is scheduled sampling, and which.
        epoch_steps: steps of an epoch.
    """
    if not config.scheduled_sampling:
        return translator.keras_model
    return build_sampled_training(
        translator.keras_model,
        config.scheduled_sampling,
        config.epochs * epoch_steps,
        config.sampling_schedule,
    )
