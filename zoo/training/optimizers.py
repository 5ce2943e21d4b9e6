"""Optimizers of Keras: their schedule, clipping, weights that learn late, the mean."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.keras_compat import adam_slots, variable_index
from zoo.training.weight_averaging import WeightAveragingMixin

if TYPE_CHECKING:
    from zoo.training.config import TrainingConfig


class DelayedTrainingMixin:
    """What is added to an optimizer of Keras.

    All variables have their state from the beginning, so nothing is built or compiled
    anew when the waiting ends. Until then the state follows the gradients, which count
    for clipping as well.
    """

    _late_paths: Collection[str] = ()
    _late: Collection[int] = ()

    def wait(self, paths: Collection[str], steps: int, learning_rate) -> None:
        """Says what waits; before `build`.

        Args:
            paths: of the variables.
            steps: during which they stay as they are.
            learning_rate: theirs after that, as a schedule.
        """
        self._late_paths, self._late_steps = tuple(paths), steps
        self._late_learning_rate = learning_rate

    def build(self, variables):
        super().build(variables)
        self._late = tuple(
            i for i, v in enumerate(variables) if v.path in self._late_paths
        )

    def update_step(self, gradient, variable, learning_rate):
        if variable_index(self, variable) in self._late:
            learning_rate = ops.where(
                self.iterations < self._late_steps,
                0.0,
                self._late_learning_rate(self.iterations),
            )
        super().update_step(gradient, variable, learning_rate)


class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` (Kingma and Ba 2015), in one pass over each variable.

    On TensorFlow, Keras updates a variable in a dozen operations, each of which reads
    and writes all of it; for the large embeddings of small recurrent models that is
    much of a training step; TensorFlow's own fused operation takes one. JAX compiles
    Keras's form into one pass by itself.

    It differs from Keras's on TensorFlow where a token occurs several times in a batch:
    there Keras squares the parts of the embedding's sparse gradient one by one; here,
    as in Keras on JAX, the gradient of a vector is the sum of its parts.
    """

    def update_step(self, gradient, variable, learning_rate):
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        if tf.distribute.has_strategy():
            return super().update_step(gradient, variable, learning_rate)
        dtype = variable.dtype
        first_moment, second_moment = adam_slots(self, variable)
        step = ops.cast(self.iterations + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first_moment.value.handle,
            v=second_moment.value.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, dtype), step),
            beta2_power=ops.power(ops.cast(self.beta_2, dtype), step),
            lr=ops.cast(learning_rate, dtype),
            beta1=ops.cast(self.beta_1, dtype),
            beta2=ops.cast(self.beta_2, dtype),
            epsilon=ops.cast(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )


@keras.saving.register_keras_serializable("recurrent_zoo")
class Adam(DelayedTrainingMixin, WeightAveragingMixin, FusedAdam):
    """`keras.optimizers.Adam`; see `DelayedTrainingMixin`, `WeightAveragingMixin` and `FusedAdam`."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class Adagrad(DelayedTrainingMixin, WeightAveragingMixin, keras.optimizers.Adagrad):
    """`keras.optimizers.Adagrad`; see `DelayedTrainingMixin` and `WeightAveragingMixin`."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class SGD(DelayedTrainingMixin, WeightAveragingMixin, keras.optimizers.SGD):
    """`keras.optimizers.SGD`; see `DelayedTrainingMixin` and `WeightAveragingMixin`."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise, then a decay to 0 at the last step.

    Args:
        peak: the highest learning rate.
        warmup_steps: steps of the rise.
        total_steps: steps in all.
        decay: `"constant"`, `"linear"` or `"cosine"`.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int, decay: str):
        self.peak, self.warmup_steps = peak, warmup_steps
        self.total_steps, self.decay = total_steps, decay

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = (step + 1) / max(1, self.warmup_steps)
        span = max(1, self.total_steps - self.warmup_steps)
        done = ops.clip((step - self.warmup_steps) / span, 0.0, 1.0)
        fall = {
            "constant": 1.0,
            "linear": 1 - done,
            "cosine": 0.5 * (1 + ops.cos(math.pi * done)),
        }[self.decay]
        return self.peak * ops.minimum(rise, fall)

    def get_config(self):
        return vars(self).copy()


@dataclass(frozen=True)
class DelayedTraining:
    """Weights whose training begins late.

    Args:
        paths: of the weights.
        epochs: during which they stay as they are.
        learning_rate: theirs after that, the highest of the schedule.
    """

    paths: tuple[str, ...]
    epochs: int
    learning_rate: float


def make_optimizer(
    config: TrainingConfig, epoch_steps: int, late: DelayedTraining | None = None
):
    """Makes the optimizer of a configuration, with its schedule and clipping.

    Args:
        config: how to train.
        epoch_steps: steps of an epoch.
        late: weights that begin to be trained after some epochs only.
    """

    def schedule(peak: float) -> WarmupDecay:
        total_steps = config.epochs * epoch_steps
        return WarmupDecay(peak, config.warmup_steps, total_steps, config.decay)

    options = {"global_clipnorm": config.clip_norm or None}
    if config.optimizer == "sgd":
        options["momentum"] = 0.9
    kinds = {"adam": Adam, "adagrad": Adagrad, "sgd": SGD}
    optimizer = kinds[config.optimizer](schedule(config.learning_rate), **options)
    if config.average:
        optimizer.average()
    if late:
        optimizer.wait(
            late.paths, late.epochs * epoch_steps, schedule(late.learning_rate)
        )
    return optimizer
