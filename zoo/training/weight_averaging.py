"""The mean of many steps' weights in place of the last ones (Polyak and Juditsky 1992).

When it begins, Merity et al. (2018) let the development score say: their averaged SGD
with a non-monotonic trigger (NT-ASGD) goes on as plain SGD until the score has not got
better for some evaluations, and takes the mean from there. Their SGD has no momentum,
that of `zoo.training.optimizers` has 0.9, so their rates correspond to a tenth here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from keras import ops

from zoo.keras_compat import optimized_variables


def is_stuck(scores: Sequence[float], mode: Literal["max", "min"], after: int) -> bool:
    """Tells whether the last score is worse than the best of the early ones.

    This is the trigger of Merity et al. (2018), algorithm 1, as in their code; in the
    preprint of the algorithm the score is compared with the late ones instead, which
    the authors call a misprint. One bad evaluation among ever better ones is no reason
    to begin, so the late ones are left out.

    Args:
        scores: of all evaluations so far, the last of them included.
        mode: whether the largest or the smallest score is best.
        after: how many evaluations before the last one are late.

    >>> is_stuck([3.0, 2.0, 2.5], "min", after=1)
    False
    >>> is_stuck([3.0, 2.0, 3.5], "min", after=1)
    True
    """
    early = scores[: max(0, len(scores) - 1 - after)]
    if not early:
        return False
    return scores[-1] < max(early) if mode == "max" else scores[-1] > min(early)


class WeightAveragingMixin:
    """What is added to an optimizer of Keras: the mean of the weights after each step.

    The mean has variables from the beginning and is updated in the training step, where
    it counts for nothing until it begins, so nothing is compiled anew then. It takes
    the memory of the weights once more, and each step reads both and writes the mean.
    """

    _averages = False

    def average(self) -> None:
        """Says that there is to be a mean; before `build`."""
        self._averages = True

    def build(self, variables):
        super().build(variables)
        if self._averages:
            self._means = self.add_optimizer_variables(variables, "mean")
            self._averaged = self.add_variable((), name="averaged")

    def apply(self, grads, trainable_variables=None):
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
        """How many steps' weights the mean is of; 0 before it begins."""
        return int(self._averaged)

    def begin(self) -> None:
        """Begins the mean, with the present weights as the first."""
        for variable, mean in zip(optimized_variables(self), self._means):
            mean.assign(ops.copy(variable))  # JAX donates the memory of both
        self._averaged.assign(1.0)

    def exchange(self) -> None:
        """Puts the mean in the place of the weights and they in its, or back."""
        for variable, mean in zip(optimized_variables(self), self._means):
            weights = ops.copy(variable)
            variable.assign(mean)
            mean.assign(weights)
