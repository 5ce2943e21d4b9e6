"""How classifiers are trained: their batches, and the words that they answer in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.data.assembly import classification_batch
from zoo.data.batches import Batches
from zoo.data.corpus_files import Corpus
from zoo.data.ragged import Ragged
from zoo.data.targets import Targets
from zoo.training.config import TrainingConfig

if TYPE_CHECKING:
    from zoo.inference.classifier import Classifier


def label_settings(label_names: str | None) -> dict[str, dict[str, str]]:
    """Returns the setting `label_names` of a classifier, if there is to be one.

    Args:
        label_names: as on the command line; None for none.

    Raises:
        ValueError: if it is not of pairs.

    >>> label_settings("0=bad, 1=good")
    {'label_names': {'0': 'bad', '1': 'good'}}
    """
    if label_names is None:
        return {}
    pairs = [part.split("=", 1) for part in label_names.split(",")]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError(
            "label_names: expected label=word pairs between commas, got "
            f"{label_names!r}"
        )
    return {"label_names": {label.strip(): word.strip() for label, word in pairs}}


def classification_batches(
    split: str,
    corpus: Corpus[tuple[str, str]],
    classifier: Classifier,
    targets: Targets,
    config: TrainingConfig,
) -> Batches:
    """Encodes a split, and cuts it into batches; those for training are shuffled.

    Args:
        split: its name.
        corpus: texts and their labels.
        classifier: encodes the texts.
        targets: encode the labels.
        config: size of the batches, and the seed of their order.

    Raises:
        ValueError: if a label is none.
    """
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
