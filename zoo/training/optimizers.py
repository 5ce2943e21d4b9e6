"""Keras's optimizers, with a schedule, clipping, delayed training and averaging."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from zoo.keras_compat import adam_slots, variable_index
from zoo.training.weight_averaging import OptimizerBase, WeightAveragingMixin

if TYPE_CHECKING:
    from zoo.training.config import TrainingConfig


class DelayedTrainingMixin(OptimizerBase):
    """Mixin of a Keras optimizer: some variables are trained only after some steps.

    All variables have their state from the start, so nothing is built or compiled
    again when the delay ends. Until then the state follows the gradients, which count
    for clipping as well.
    """

    _delayed_paths: Collection[str] = ()
    _delayed: Collection[int] = ()

    def delay(
        self,
        paths: Collection[str],
        steps: int,
        learning_rate: Callable[[Any], Any],
    ) -> None:
        """Sets which variables are delayed; to be called before `build`.

        Args:
            paths: of the variables.
            steps: during which they keep their values.
            learning_rate: theirs after that, a schedule.
        """
        self._delayed_paths, self._delay_steps = tuple(paths), steps
        self._delayed_learning_rate = learning_rate

    def build(self, variables):
        super().build(variables)
        self._delayed = tuple(
            i for i, v in enumerate(variables) if v.path in self._delayed_paths
        )

    def update_step(self, gradient, variable, learning_rate):
        if variable_index(self, variable) in self._delayed:
            learning_rate = ops.where(
                self.iterations < self._delay_steps,
                0.0,
                self._delayed_learning_rate(self.iterations),
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
    """`FusedAdam` with delayed training and weight averaging."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class Adagrad(DelayedTrainingMixin, WeightAveragingMixin, keras.optimizers.Adagrad):
    """`keras.optimizers.Adagrad` with delayed training and weight averaging."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class SGD(DelayedTrainingMixin, WeightAveragingMixin, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with delayed training and weight averaging."""


@keras.saving.register_keras_serializable("recurrent_zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise, then a decay to 0 at the last step, or none.

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
    """Specification of weights that are trained only after some epochs.

    Args:
        paths: of the weights.
        epochs: during which they keep their values.
        learning_rate: theirs after that, the highest of the schedule.
    """

    paths: tuple[str, ...]
    epochs: int
    learning_rate: float


def make_optimizer(
    config: TrainingConfig, epoch_steps: int, delayed: DelayedTraining | None = None
) -> Adam | Adagrad | SGD:
    """Makes the optimizer of a configuration, with its schedule and clipping.

    Args:
        config: how to train.
        epoch_steps: steps of an epoch.
        delayed: weights that are trained only after some epochs.
    """

    def schedule(peak: float) -> WarmupDecay:
        total_steps = config.epochs * epoch_steps
        return WarmupDecay(peak, config.warmup_steps, total_steps, config.decay)

    rate, clipping = schedule(config.learning_rate), config.clip_norm or None
    optimizer: Adam | Adagrad | SGD
    if config.optimizer == "sgd":
        optimizer = SGD(rate, momentum=0.9, global_clipnorm=clipping)
    elif config.optimizer == "adagrad":
        optimizer = Adagrad(rate, global_clipnorm=clipping)
    else:
        optimizer = Adam(rate, global_clipnorm=clipping)
    if config.weight_averaging:
        optimizer.enable_averaging()
    if delayed:
        optimizer.delay(
            delayed.paths,
            delayed.epochs * epoch_steps,
            schedule(delayed.learning_rate),
        )
    return optimizer
