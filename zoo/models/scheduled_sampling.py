"""Scheduled sampling: a decoder learns to continue from its own predictions.

Under teacher forcing a decoder reads the right tokens before each step; in use it reads
its own, mistakes included. Bengio et al. (2015) therefore replace some of the tokens
that it reads in training by its own predictions, few at first and more later on.

They go through the target token by token. Here the whole target is one recurrent pass,
so a first pass under teacher forcing makes the predictions, and a second one, which
alone has a gradient, reads some of them (Mihaylova and Martins 2019; Duckworth et al.
2019). Unlike in the original, predictions thus follow right tokens only, so that one
mistake does not lead to the next, and they are made without dropout in the decoder. It
costs one more forward pass of the decoder in each training step, with its output
product and a draw from everything it predicts; the encoder runs once.

This is for translators, which are judged by what they write. A language model is judged
by the probability of real text given the real text before it, which is what teacher
forcing maximizes; scheduled sampling, whose optimum lies elsewhere (Huszár 2015), would
give some of it away, and the states of its streams would come from text that nobody
wrote.
"""

from __future__ import annotations

import math
import typing
from typing import Literal

import keras
from keras import ops

from zoo.models.translator import DECODER, ENCODER
from zoo.text.vocabulary import END, PAD

Schedule = Literal["linear", "exponential", "inverse_sigmoid"]
LEFT = 0.01  # what the exponential schedule has still to go at its end


def progress(step, steps: int, schedule: Schedule):
    """Returns how far a schedule has come from right tokens to predicted ones.

    The schedules are those of Bengio et al. (2015), whose constants follow here from
    the number of steps: `"linear"` is even, and stays at 1 then; `"exponential"` is
    `1 - k ** step`, which comes to 0.99; `"inverse_sigmoid"` is
    `1 - k / (k + exp(step / k))`, which is half-way at half of the steps.

    Args:
        step: steps done, a number or a scalar tensor.
        steps: until the schedule has come to its end.
        schedule: which one.

    Returns:
        A float32 scalar, 0 to 1.
    """
    step = ops.cast(step, "float32")
    if schedule == "linear":
        return ops.minimum(step / steps, 1.0)
    if schedule == "exponential":
        return 1.0 - ops.power(LEFT, step / steps)
    log_k = _log_k(steps / 2)
    return ops.sigmoid(step / math.exp(log_k) - log_k)


def _log_k(middle: float) -> float:
    """Solves `log(k) * k = middle`, the step at which a sigmoid of `k` is a half."""
    log_k = math.log1p(middle)
    for _ in range(20):  # of Newton's method, which comes from above
        log_k -= (log_k - middle * math.exp(-log_k)) / (1 + log_k)
    return log_k


def mix(token_ids, logits, share, seed: keras.random.SeedGenerator):
    """Replaces some of the tokens that a decoder reads by its predictions.

    Start and padding stay. Special tokens are not drawn: a search goes on from none but
    unknown words, if it is to replace them.

    Args:
        token_ids: the right tokens, int32 `[batch, time]`, the start first.
        logits: of the token after each of them, float32 `[batch, time, vocabulary]`;
            no gradient goes back through them.
        share: the probability that a token is replaced.
        seed: what is drawn from.

    Returns:
        int32 `[batch, time]`.
    """
    size = logits.shape[-1]
    logits = ops.where(ops.arange(size) > END, ops.stop_gradient(logits), -1e9)
    drawn = keras.random.categorical(
        ops.reshape(logits, (-1, size)), 1, dtype="int32", seed=seed
    )
    drawn = ops.reshape(drawn, ops.shape(token_ids))
    drawn = ops.concatenate([token_ids[:, :1], drawn[:, :-1]], axis=1)
    chosen = keras.random.uniform(ops.shape(token_ids), seed=seed) < share
    return ops.where(ops.logical_and(chosen, token_ids != PAD), drawn, token_ids)


class ScheduledSampling(keras.layers.Layer):
    """Runs a translator that in training reads some of its own predictions.

    Args:
        translator: from `zoo.models.translator.build_translator`; its weights are
            shared.
        share: of the tokens that are replaced, in the end.
        steps: of training, until then.
        schedule: by which the share rises from about 0; see `progress`.

    Call arguments:
        source_ids: int32 `[batch, source_time]`.
        target_ids: int32 `[batch, target_time]`, the start first.

    Returns:
        The translator's logits; out of training, those it always returns.

    Raises:
        ValueError: if `share` is not from 0 to 1, `steps` is not above 0, or the
            schedule is unknown.
    """

    def __init__(
        self,
        translator: keras.Model,
        share: float,
        steps: int,
        schedule: Schedule = "linear",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= share <= 1:
            raise ValueError(
                f"scheduled_sampling: expected a number from 0 to 1, got {share}"
            )
        if steps < 1:
            raise ValueError(f"steps: expected at least 1, got {steps}")
        if schedule not in typing.get_args(Schedule):
            expected = " or ".join(map(repr, typing.get_args(Schedule)))
            raise ValueError(
                f"sampling_schedule: expected {expected}, got {schedule!r}"
            )
        self.encoder = translator.get_layer(ENCODER)
        self.decoder = translator.get_layer(DECODER)
        self.share, self.steps, self.schedule = share, steps, schedule
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, source_ids_shape, target_ids_shape):
        self.step = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="step"
        )

    def call(self, source_ids, target_ids, training=False):
        context = keras.tree.flatten(self.encoder(source_ids, training=training))
        if training:
            # Without dropout, which thus draws the same masks as in plain training.
            logits = self.decoder([target_ids, *context], training=False)[0]
            share = self.share * progress(self.step, self.steps, self.schedule)
            target_ids = mix(target_ids, logits, share, self.seed_generator)
            self.step.assign_add(1.0)
        return self.decoder([target_ids, *context], training=training)[0]


def build_sampled_training(
    translator: keras.Model, share: float, steps: int, schedule: Schedule = "linear"
) -> keras.Model:
    """Wraps a translator for training by scheduled sampling; the weights are shared.

    Args:
        translator: from `zoo.models.translator.build_translator`.
        share: of the tokens that the decoder reads in training that are replaced in the
            end, 0 to 1.
        steps: of training, until then.
        schedule: `"linear"`, `"exponential"` or `"inverse_sigmoid"`; see `progress`.

    Returns:
        A model of the translator's inputs and output.

    Raises:
        ValueError: if an argument is out of its range.
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("source_ids", "target_ids")
    }
    layer = ScheduledSampling(
        translator, share, steps, schedule, name="scheduled_sampling"
    )
    return keras.Model(inputs, layer(*inputs.values()), name="translator_training")
