"""Pretrained word vectors in a model: for which words, and whether training moves them.

With vectors, a model knows three kinds of words: those of the training data, however
rare, that the file has; those that the file lacks, if they are frequent enough to be
learnt; and the first ones of the file, which need not occur in the training data at
all, so that new sentences profit from the vectors. The development and test data have
no part in it: their words are known as far as a user's are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import keras
import numpy as np

from pretrained import vectors
from zoo.text.vocabulary import SPECIAL_TOKENS, Vocabulary, rank
from zoo.training.optimizers import DelayedTraining

FROZEN = "embedding/vectors"  # path of the weight that a checkpoint may leave out
# The smallest values of `VectorsConfig`, for the `check` of a training.
LEAST = {"vector_words": 0, "unfreeze": 0, "unfreeze_learning_rate": 0}


@dataclass(frozen=True, kw_only=True)
class VectorsConfig:
    """Which word vectors to begin with, and what becomes of them.

    Args:
        vectors: a file in a format that `pretrained.vectors` reads, or a name such as
            "glove-6b-50d"; None for vectors that are learnt from the task alone.
        vector_words: so many words at the beginning of the file are known besides those
            of the training data; they keep their vectors.
        embedding: whether the vectors of the training data's words are `"tuned"` or
            `"frozen"`; words that the file lacks are learnt in any case.
        unfreeze: the epochs after which frozen vectors are tuned; 0 for never.
        unfreeze_learning_rate: of the vectors from then on, the highest of a schedule
            like that of `learning_rate`.
    """

    vectors: str | None = None
    vector_words: int = 50_000
    embedding: Literal["tuned", "frozen"] = "tuned"
    unfreeze: int = 0
    unfreeze_learning_rate: float = 1e-4

    def check_vectors(self) -> None:
        """Raises ValueError if an option needs another one that is not given."""
        if self.vectors is None and self.embedding == "frozen":
            raise ValueError("embedding: expected tuned without vectors, got frozen")
        if self.unfreeze and self.embedding == "tuned":
            raise ValueError(
                f"unfreeze: expected 0 where embedding is tuned, got {self.unfreeze}"
            )

    @property
    def is_frozen(self) -> bool:
        """Whether the vectors stay frozen to the end."""
        return self.embedding == "frozen" and not self.unfreeze


@dataclass(frozen=True, eq=False)
class Words:
    """The words that a model knows, and the vectors it begins with.

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
        """Returns the fields of a model's configuration.

        Args:
            embedding_size: of vectors that are learnt from the task alone.
        """
        if self.matrix is not None:
            embedding_size = self.matrix.shape[1]
        return {
            "vocabulary_size": len(self.vocabulary),
            "num_frozen": self.num_frozen,
            "embedding_size": embedding_size,
        }

    def settings(self, config: VectorsConfig) -> dict[str, Any]:
        """Returns the settings of a trained model: what prediction needs to know."""
        if self.found is None:
            return {}
        settings: dict[str, Any] = {"lower_unknown": True}
        if config.is_frozen and self.num_frozen:
            settings["vectors"] = {
                "source": self.found.source,
                "sha256": self.found.sha256,
                "rows_sha256": _checksum(self.matrix[-self.num_frozen :]),
            }
        return settings

    def fill(self, model: keras.Model) -> None:
        """Puts the vectors into the weights of a model, and says what they cover."""
        if self.found is None:
            return
        layer = model.get_layer("embedding")
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


def choose_words(
    config: VectorsConfig, sequences: Iterable[Iterable[str]], min_count: int
) -> Words:
    """Makes the vocabulary of a model.

    Args:
        config: with its `seed`; which vectors to take.
        sequences: the words of each training example; read once.
        min_count: words seen less often are left out, unless the vectors have them.

    Returns:
        The words, and with pretrained vectors a row for each. The special tokens begin
        with the mean of the rows that were found, other missing words with numbers like
        theirs.

    Raises:
        ValueError: if an option or the file of vectors is not as expected.
    """
    config.check_vectors()
    counts: Counter[str] = Counter()
    for words in sequences:
        counts.update(words)
    if config.vectors is None:
        return Words(Vocabulary(rank(counts, min_count)))
    ranked = rank(counts)
    found = vectors.load(
        config.vectors,
        ranked,
        counts=[counts[word] for word in ranked],
        seed=config.seed,
        first=config.vector_words,
    )
    learnt = [i for i, word in enumerate(ranked) if counts[word] >= min_count]
    frozen = [
        i
        for i in range(len(ranked), len(found.tokens))
        if found.tokens[i] not in SPECIAL_TOKENS
    ]
    with_vector = np.flatnonzero(found.found[: len(ranked)]).tolist()
    if config.embedding == "frozen":
        learnt = sorted(set(learnt) - set(with_vector))
        frozen = with_vector + frozen
    else:
        learnt = sorted(set(learnt) | set(with_vector))
    order = learnt + frozen
    mean = found.matrix[found.found].mean(0, keepdims=True)
    return Words(
        Vocabulary(found.tokens[i] for i in order),
        len(frozen) or None,
        np.concatenate([np.repeat(mean, len(SPECIAL_TOKENS), 0), found.matrix[order]]),
        found,
    )


def late(model: keras.Model, config: VectorsConfig) -> DelayedTraining | None:
    """Prepares a model for vectors that are tuned after some epochs.

    Args:
        model: with vectors that are frozen.
        config: of the training.

    Returns:
        What `zoo.training.fit` is to begin with late; None for nothing.
    """
    if not config.unfreeze:
        return None
    weight = model.get_layer("embedding").vectors
    weight.trainable = True
    return DelayedTraining(
        (weight.path,), config.unfreeze, config.unfreeze_learning_rate
    )


def restore(
    tokens: list[str], named: dict[str, Any], source: str | None = None
) -> np.ndarray:
    """Reads the vectors that a checkpoint left out.

    Args:
        tokens: of the rows.
        named: the checkpoint's setting `vectors`.
        source: where the vectors are now; None for where they were in training.

    Returns:
        float32 `[tokens, dimension]`.

    Raises:
        ValueError: if they are not there, or are other ones.
    """
    file = source or named["source"]
    wanted = f"{named['source']} (sha256 {named['sha256']})"
    try:
        found = vectors.load(file, tokens)
    except ValueError as error:
        raise ValueError(
            f"the checkpoint holds no word vectors, since they stayed frozen; expected "
            f"those of {wanted}, or zoo.load(..., vectors=FILE): {error}"
        ) from None
    if _checksum(found.matrix) != named["rows_sha256"]:
        raise ValueError(
            f"{file}: other word vectors than in training; expected those of {wanted}"
        )
    return found.matrix


def _checksum(matrix: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(matrix, "<f4").tobytes()).hexdigest()
