"""Pretrained word vectors in a model: for which words, and whether they are trained.

With vectors, a model knows three kinds of words: those of the training data, however
rare, that the file has; those that the file lacks, if they are frequent enough to be
learned; and the first ones of the file, which need not occur in the training data at
all, so that new sentences profit from the vectors. The development and test data have
no part in it: their words are known as far as a user's are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from pretrained import vectors
from zoo.text.vocabulary import SPECIAL_TOKENS, Vocabulary, rank
from zoo.training.config import VectorsConfig
from zoo.training.optimizers import DelayedTraining

FROZEN = "vectors"  # name of the variable that a checkpoint may leave out


@dataclass(frozen=True, eq=False)
class InitialEmbeddings:
    """The words that a model knows, and the vectors it starts with.

    Attributes:
        vocabulary: of the model; words whose vectors are kept are the last ones.
        num_frozen: how many these are; None for none.
        matrix: float32 `[vocabulary, dimension]`; None without pretrained vectors.
        found: what was read; None likewise.
    """

    vocabulary: Vocabulary
    num_frozen: int | None = None
    matrix: np.ndarray | None = None
    found: vectors.Vectors | None = None

    def sizes(self, embedding_size: int) -> dict[str, Any]:
        """Returns fields of a model's configuration: `num_frozen`, `embedding_size`.

        Args:
            embedding_size: of vectors that are learned from the task alone.
        """
        if self.matrix is not None:
            embedding_size = self.matrix.shape[1]
        return {"num_frozen": self.num_frozen, "embedding_size": embedding_size}

    def settings(self, config: VectorsConfig) -> dict[str, Any]:
        """Returns the settings of a trained model: what prediction needs to know."""
        if self.found is None or self.matrix is None:
            return {}
        settings: dict[str, Any] = {"lower_unknown": True}
        if config.stays_frozen and self.num_frozen:
            settings["vectors"] = {
                "source": self.found.source,
                "sha256": self.found.sha256,
                "rows_sha256": _checksum(self.matrix[-self.num_frozen :]),
            }
        return settings

    def fill(self, layer: keras.layers.Layer) -> None:
        """Assigns the vectors to an embedding layer, and prints what they cover."""
        if self.found is None or self.matrix is None:
            return
        if self.num_frozen:
            layer.embeddings.assign(self.matrix[: -self.num_frozen])
            layer.vectors.assign(self.matrix[-self.num_frozen :])
        else:
            layer.embeddings.assign(self.matrix)
        print(f"vectors of the training data's words: {self.found.coverage}")

    def report(self) -> dict[str, Any]:
        """Returns the entries of `metrics.json`."""
        if self.found is None:
            return {}
        coverage = asdict(self.found.coverage)
        return {
            "vectors": {
                "source": self.found.source,
                "sha256": self.found.sha256,
                "kept": self.num_frozen or 0,
                **coverage,
                "missing": list(coverage["missing"]),
            }
        }


def initial_embeddings(
    config: VectorsConfig,
    sequences: Iterable[Iterable[str]],
    min_count: int,
    seed: int,
    form: Callable[[str], str] = str,
) -> InitialEmbeddings:
    """Makes the vocabulary of a model, and the vectors it starts with.

    Args:
        config: which vectors to take.
        sequences: the words of each training example; read once.
        min_count: words seen less often are left out, unless the vectors have them.
        seed: of the vectors that are drawn for words that the file lacks.
        form: from a word of the model to the word whose vector it gets.

    Returns:
        The words, and with pretrained vectors a row for each. The special tokens start
        with the mean of the rows that were found, other missing words with numbers like
        theirs.

    Raises:
        ValueError: if an option or the file of vectors is not as expected.
    """
    counts: Counter[str] = Counter()
    for words in sequences:
        counts.update(words)
    if config.vectors is None:
        return InitialEmbeddings(Vocabulary(rank(counts, min_count)))
    ranked = rank(counts)
    forms: Counter[str] = Counter()
    for word in ranked:
        forms[form(word)] += counts[word]
    found = vectors.load(
        config.vectors,
        [*forms],
        counts=[*forms.values()],
        seed=seed,
        first=config.vector_words,
    )
    place = {token: i for i, token in enumerate(found.tokens)}
    rows = [place[form(word)] for word in ranked]
    frequent = {i for i, word in enumerate(ranked) if counts[word] >= min_count}
    given = set(np.flatnonzero(found.found[rows]).tolist())
    tuned = bool(config.finetune_vectors)
    learned = sorted(frequent | given if tuned else frequent - given)
    frozen = [] if tuned else sorted(given)
    known = {*ranked, *SPECIAL_TOKENS}
    more = [i for i in range(len(forms), len(found.tokens))]
    more = [i for i in more if found.tokens[i] not in known]
    words = [ranked[i] for i in learned + frozen] + [found.tokens[i] for i in more]
    order = [rows[i] for i in learned + frozen] + more
    mean = found.matrix[found.found].mean(0, keepdims=True)
    return InitialEmbeddings(
        Vocabulary(words),
        len(frozen) + len(more) or None,
        np.concatenate([np.repeat(mean, len(SPECIAL_TOKENS), 0), found.matrix[order]]),
        found,
    )


def delayed_vectors(
    layer: keras.layers.Layer, config: VectorsConfig
) -> DelayedTraining | None:
    """Prepares an embedding for vectors that are trained after some epochs.

    Args:
        layer: with vectors that are frozen.
        config: of the training.

    Returns:
        What `zoo.training.fit` is to delay; None for nothing.
    """
    if not config.unfreeze_after:
        return None
    weight = layer.vectors
    weight.trainable = True
    return DelayedTraining(
        (weight.path,), config.unfreeze_after, config.unfreeze_learning_rate
    )


def restore(
    tokens: list[str], named: dict[str, Any], source: str | None = None
) -> np.ndarray:
    """Reads the vectors that a checkpoint left out.

    Args:
        tokens: of the rows.
        named: the checkpoint's setting `vectors`.
        source: where the vectors are; None for those of the same checksum that this
            machine keeps. What `named` names is never opened: it may be anybody's.

    Returns:
        float32 `[tokens, dimension]`.

    Raises:
        ValueError: if they are not there, or are other ones.
    """
    named_source, digest = str(named["source"]), str(named["rows_sha256"])
    wanted = f"{named_source} (sha256 {named['sha256']})"
    if source is None:
        matrix = vectors.kept(digest, named_source, tokens)
        if matrix is None:
            raise ValueError(
                "the checkpoint holds no word vectors, since they stayed frozen; "
                f"expected zoo.load(..., vectors=FILE) or --vectors FILE, where FILE "
                f"holds those of {wanted}"
            )
        return matrix
    found = vectors.load(source, tokens)
    if _checksum(found.matrix) != digest:
        raise ValueError(
            f"{source}: other word vectors than in training; expected those of {wanted}"
        )
    return found.matrix


def _checksum(matrix: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(matrix, "<f4").tobytes()).hexdigest()
