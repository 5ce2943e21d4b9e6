"""The mean of the weights of many steps (Polyak and Juditsky 1992).

Merity et al. (2018) let the development score decide when averaging starts: their
averaged SGD with a non-monotonic trigger (NT-ASGD) is plain SGD until the score has not
improved for some evaluations. Their SGD has no momentum; that of
`zoo.training.optimizers` has 0.9, so a rate here corresponds to ten times it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import keras
from keras import ops

from zoo.keras_compat import optimized_variables

if TYPE_CHECKING:
    OptimizerBase: TypeAlias = keras.optimizers.Optimizer
else:
    OptimizerBase = object  # a mixin, which stands before the optimizer it extends


def is_stuck(scores: Sequence[float], mode: Literal["max", "min"], window: int) -> bool:
    """Tells whether the last score is worse than the best of the earlier ones.

    This is the trigger of Merity et al. (2018), algorithm 1, as in their code; their
    preprint compares with the recent scores instead, which the authors call a misprint.
    One bad evaluation among steadily better ones must not start averaging, so the
    recent ones do not count.

    Args:
        scores: of all evaluations so far, the last of them included.
        mode: whether the largest or the smallest score is best.
        window: how many evaluations before the last one are recent.

    >>> is_stuck([3.0, 2.0, 2.5], "min", window=1)
    False
    >>> is_stuck([3.0, 2.0, 3.5], "min", window=1)
    True
    """
    early = scores[: max(0, len(scores) - 1 - window)]
    if not early:
        return False
    return scores[-1] < max(early) if mode == "max" else scores[-1] > min(early)


class WeightAveragingMixin(OptimizerBase):
    """Mixin of a Keras optimizer: the mean of the weights after each step.

    The mean has variables from the start and is updated in the training step, with a
    weight of 0 until averaging starts, so nothing is compiled again then. It takes the
    memory of the weights once more, and each step reads both and writes the mean.
    """

    _averages = False

    def enable_averaging(self) -> None:
        """Makes room for the mean; to be called before `build`."""
        self._averages = True

    def build(self, variables: list[Any]) -> None:
        super().build(variables)
        if self._averages:
            self._means = self.add_optimizer_variables(variables, "mean")
            self._averaged = self.add_variable((), name="averaged")

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        super().apply(grads, trainable_variables)
        if not self._averages:
            return
        begun = ops.cast(self._averaged > 0, "float32")
        count = self._averaged + begun
        share = begun / ops.maximum(count, 1.0)
        for variable, mean in zip(optimized_variables(self), self._means):
            mean.assign_add(ops.cast(share, mean.dtype) * (variable - mean))
        self._averaged.assign(count)

    @property
    def averaged(self) -> int:
        """Number of steps whose weights are averaged; 0 before averaging starts."""
        return int(self._averaged)

    def start_averaging(self) -> None:
        """Starts the mean with the present weights."""
        for variable, mean in zip(optimized_variables(self), self._means):
            mean.assign(ops.copy(variable))  # JAX donates the memory of both
        self._averaged.assign(1.0)

    def swap_averages(self) -> None:
        """Swaps the weights and their mean."""
        for variable, mean in zip(optimized_variables(self), self._means):
            weights = ops.copy(variable)
            variable.assign(mean)
            mean.assign(weights)
