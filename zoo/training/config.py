"""How to train: the options that all recipes share."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from zoo.command_line import check_types


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train.

    Args:
        optimizer: `"adam"`, `"adagrad"` or `"sgd"` (with momentum 0.9).
        learning_rate: the highest of the schedule.
        warmup_steps: steps over which the learning rate rises from 0.
        decay: after that `"constant"`, or down to 0 at the last step by `"linear"` or
            `"cosine"`.
        clip_norm: largest global norm of the gradients; 0 turns clipping off.
        epochs: passes over the training data at most.
        patience: epochs without a better development score before training stops; 0
            for never. The best weights are kept in any case.
        average: whether the mean of the weights after each step is to take their place
            in evaluation and in the checkpoint, once they alone get no better, while
            training goes on with them (Merity et al. 2018; see `zoo.training.weight_averaging`). Meant
            for `"sgd"` and a `"constant"` rate; it costs the memory of the weights once
            more. The history tells how many steps' weights were `averaged`.
        average_after: averaging begins when the development score is worse than the
            best of all but the last so many epochs before it. Patience then begins
            anew; with less of it than that, training may end first.
        batch_size: examples (or streams) of a batch.
        seed: of the weights, the dropout and the order of the batches.
    """

    optimizer: Literal["adam", "adagrad", "sgd"] = "adam"
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    decay: Literal["constant", "linear", "cosine"] = "linear"
    clip_norm: float = 1.0
    epochs: int = 10
    patience: int = 0
    average: bool = False
    average_after: int = 5
    batch_size: int = 32
    seed: int = 0

    def __new__(cls, **given):
        config = super().__new__(cls)
        # For `adapted`, since what is given may well be equal to the default.
        names = {name for name, value in given.items() if value is not None}
        object.__setattr__(config, "_given", names)
        return config

    def check(self, **smallest: int) -> None:
        """Raises ValueError if a value is of another type or out of its range.

        Args:
            smallest: the smallest values of further fields.
        """
        check_types(self)
        smallest = {
            "learning_rate": 0,
            "warmup_steps": 0,
            "clip_norm": 0,
            "patience": 0,
            "average_after": 0,
            "epochs": 1,
            "batch_size": 1,
            "seed": 0,
            **smallest,
        }
        for name, least in smallest.items():
            value = getattr(self, name)
            if value is not None and not (value >= least and math.isfinite(value)):
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        if self.seed >= 2**32:
            raise ValueError(f"seed: expected less than 2**32, got {self.seed}")

    def adapted(self, **values):
        """Returns a copy with `values` for those fields that were not given."""
        left = {n: v for n, v in values.items() if n not in self._given}
        config = dataclasses.replace(self, **left)
        object.__setattr__(config, "_given", self._given | left.keys())
        return config
