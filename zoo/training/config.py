"""How to train: the options that all recipes share."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from zoo.configuration import Configuration, configuration, option

training = functools.partial(option, group="training")
T = TypeVar("T", bound="TrainingConfig")

SMALLEST_BATCH = 8
LEAST_STEPS = 100  # of an epoch
MOST_EPOCHS = 40
HIGHEST_RATE = 3e-3


@configuration
class TrainingConfig(Configuration):
    """How to train.

    The learning rate rises from 0 over `warmup_steps`, and then stays or falls to 0 at
    the last step by `decay`. `sgd` has a momentum of 0.9. Whatever `patience` says, the
    weights of the best development score are kept.

    With `weight_averaging`, the running average of the weights is evaluated and
    checkpointed once the development score stalls, while training continues from the
    raw weights (NT-ASGD, Merity et al. 2018; see `zoo.training.weight_averaging`). It
    is meant for `sgd` at a constant rate, and takes the memory of the weights once
    more. Averaging begins when the score is worse than the best of all but the last
    `averaging_window` epochs before it; patience then starts again from 0.
    """

    renamed: ClassVar = {
        "average": "weight_averaging",
        "average_after": "averaging_window",
    }

    optimizer: Literal["adam", "adagrad", "sgd"] = training("adam", "update rule")
    learning_rate: float = training(1e-3, "highest of the schedule", at_least=0)
    warmup_steps: int = training(0, "steps over which the rate rises", at_least=0)
    decay: Literal["constant", "linear", "cosine"] = training(
        "linear", "how the rate falls after that"
    )
    clip_norm: float = training(
        1.0, "largest global norm of the gradients; 0 for no clipping", at_least=0
    )
    epochs: int = training(10, "passes over the training data at most", at_least=1)
    patience: int = training(
        0, "epochs without a better score before the end; 0 for no limit", at_least=0
    )
    weight_averaging: bool = training(
        False, "evaluate the mean of the weights once the score stalls"
    )
    averaging_window: int = training(
        5, "recent epochs that do not count as a stall", at_least=0
    )
    batch_size: int = training(32, "examples (or streams) of a batch", at_least=1)
    batch_tokens: int = training(
        0, "instead: tokens of a batch at most, with padding; 0 for none", at_least=0
    )
    seed: int = training(
        0, "of the weights, dropout and order of the batches", at_least=0, below=2**32
    )


@dataclass(frozen=True, kw_only=True)
class SizeRule:
    """How long and in which batches to train on a corpus of a size.

    - An epoch has at least a hundred batches, if they can be of 8 examples or more: a
      batch is the largest power of two that allows it, up to `batch_size`.
    - Training takes about `steps` batches: `epochs` passes at least, 40 at most.
    - The learning rate is `learning_rate` with full batches, and rises as they get
      smaller, in inverse proportion, up to 0.003.
    - It ends early after three eighths of the epochs (three at least) without a better
      score.

    An option that was given is taken as it is, and the others follow from it. How the
    rule fares is in `recipes/results/DEFAULTS.md`.

    Attributes:
        batch_size: the largest, in examples (or streams).
        learning_rate: of batches of that size.
        steps: batches of the whole training.
        epochs: the fewest.
    """

    batch_size: int
    learning_rate: float
    steps: int
    epochs: int

    def resolve(self, config: T, examples: int) -> T:
        """Returns a copy of a configuration in which what was not given is chosen.

        Args:
            config: of a training.
            examples: of the training data (or pieces of text that a batch has one of in
                each stream).

        """
        options = {n: v for n, v in vars(config).items() if v is not None}
        batch = options.get("batch_size") or self.batch_size
        if "batch_size" not in options and not config.batch_tokens:
            while batch > SMALLEST_BATCH and examples < LEAST_STEPS * batch:
                batch = max(batch // 2, SMALLEST_BATCH)
            options["batch_size"] = batch
        epoch_steps = max(1, math.ceil(examples / batch))
        epochs = max(self.epochs, min(round(self.steps / epoch_steps), MOST_EPOCHS))
        epochs = options.setdefault("epochs", epochs)
        options.setdefault("patience", max(3, round(3 / 8 * epochs)))
        rate = min(self.learning_rate * self.batch_size / batch, HIGHEST_RATE)
        options.setdefault("learning_rate", max(rate, self.learning_rate))
        return dataclasses.replace(config, **options)

    def in_words(self) -> dict[str, str]:
        """Returns the default of each option in words, as `Configuration.sized`."""
        return {
            "batch_size": f"by the data, at most {self.batch_size}",
            "epochs": f"by the data, at least {self.epochs}",
            "learning_rate": f"by the batch, at least {self.learning_rate:g}",
            "patience": "three eighths of the epochs",
        }


@configuration
class VectorsConfig(Configuration):
    """Which word vectors to begin with, and what becomes of them.

    `vectors` is a file in a format that `pretrained.vectors` reads, or a name such as
    "glove-6b-50d". Besides the words of the training data the first `vector_words` of
    the file are known; these keep their vectors. Words that the file lacks are learned
    in any case.
    """

    renamed: ClassVar = {
        "embedding": "finetune_vectors (true for 'tuned', false for 'frozen')",
        "unfreeze": "unfreeze_after",
    }

    vectors: str | None = option(None, "pretrained word vectors: a file or a name")
    vector_words: int = option(
        50_000, "first words of that file that are known as well", at_least=0
    )
    finetune_vectors: bool = option(
        True, "train the vectors of the training data's words"
    )
    unfreeze_after: int = option(
        0, "epochs after which frozen vectors are trained; 0 for never", at_least=0
    )
    unfreeze_learning_rate: float = option(
        1e-4, "highest learning rate of the vectors from then on", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vectors is None and self.finetune_vectors is False:
            raise ValueError(
                "finetune_vectors: expected true without vectors, got false"
            )
        if self.unfreeze_after and self.finetune_vectors:
            raise ValueError(
                "unfreeze_after: expected 0 unless finetune_vectors is false, got "
                f"{self.unfreeze_after}"
            )

    @property
    def stays_frozen(self) -> bool:
        """Whether the vectors stay as they are to the end."""
        return not self.finetune_vectors and not self.unfreeze_after
