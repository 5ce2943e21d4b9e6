"""Sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import ops

from zoo.decoding.steps import (
    LOWEST,
    compile_for_prediction,
    first_states,
    language_model_step,
    occurring,
    rule_out,
)


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """Which tokens may be drawn.

    Args:
        top_k: only this many of the likeliest (and those equal to the last of them); 0
            for all.
        top_p: only the fewest tokens that together have this probability (nucleus
            sampling, Holtzman et al. 2020); 1 for all.
        repetition_penalty: the logits of tokens that already occur in the text are
            divided by it if positive, and multiplied if negative (Keskar et al. 2019);
            1 for none.

    Raises:
        ValueError: if a value is out of its range.

    >>> SamplingOptions(top_p=0)
    Traceback (most recent call last):
    ValueError: top_p: expected a number above 0 up to 1, got 0
    """

    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.top_k < 0:
            raise ValueError(f"top_k: expected at least 0, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(
                f"top_p: expected a number above 0 up to 1, got {self.top_p}"
            )
        if not 0 < self.repetition_penalty < float("inf"):
            raise ValueError(
                "repetition_penalty: expected a number above 0, "
                f"got {self.repetition_penalty}"
            )


def sample(
    step: Callable,
    given,
    uniform,
    temperature,
    state: list,
    options: SamplingOptions = SamplingOptions(),
):
    """Reads given ids and draws the others from the model's distribution.

    The repetition penalty comes first, then the temperature, then `top_k` and `top_p`.

    Args:
        step: as for `greedy_search`.
        given: int32 `[batch, length]`; where it is 0 a token is drawn. The first
            column must be given.
        uniform: random numbers in [0, 1), float32 `[batch, length]`; the text is a
            function of them, on every backend.
        temperature: float32 `[batch, 1]`; the logits are divided by it, and 0 takes the
            likeliest token.
        state: a list of tensors.
        options: which tokens may be drawn.

    Returns:
        int32 `[batch, length]`, the given and the drawn ids.
    """
    length = ops.shape(given)[1]

    def goes_on(t, out, *state):
        return t < length - 1

    def advance(t, out, *state):
        logits, new = step(ops.take(out, t, axis=1), list(state))
        logits = rule_out(logits)  # [batch, vocabulary]
        if options.repetition_penalty != 1:
            logits = _penalize(logits, out, t, options.repetition_penalty)
        number = ops.take(uniform, t + 1, axis=1)  # [batch]
        drawn = _draw(logits, number, temperature, options)
        wanted = ops.take(given, t + 1, axis=1)
        ids = ops.where(wanted != 0, wanted, drawn)
        out = ops.slice_update(out, (0, t + 1), ops.expand_dims(ids, 1))
        return (t + 1, out, *new)

    start = (ops.convert_to_tensor(0, "int32"), given, *state)
    return ops.while_loop(goes_on, advance, start)[1]


def _penalize(logits, out, t, penalty: float):
    """Lowers the logits of the tokens up to `t`; later ones have not been read."""
    columns = ops.arange(ops.shape(out)[1])
    read = ops.where(columns <= t, out, 0)  # [batch, length]
    seen = occurring(read, ops.shape(logits))  # [batch, vocabulary]
    lowered = ops.where(logits > 0, logits / penalty, logits * penalty)
    return ops.where(seen, lowered, logits)


def _draw(logits, number, temperature, options: SamplingOptions):
    """Draws an id for each row, int32 `[batch]`, by a uniform random number."""
    sharpness = 1.0 / ops.maximum(temperature, 1e-4)
    probabilities = ops.softmax(_allowed(logits * sharpness, options), axis=-1)
    cumulative = ops.cumsum(probabilities, axis=-1)  # [batch, vocabulary]
    # Scaled to the sum that was reached, so that rounding leaves the last id its share.
    threshold = number[:, None] * cumulative[:, -1:]
    drawn = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1)
    likeliest = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return ops.where(temperature[:, 0] == 0, likeliest, drawn)


def _allowed(logits, options: SamplingOptions):
    """Rules out what `top_k` and `top_p` leave out."""
    if options.top_k and options.top_k < logits.shape[-1]:
        least = ops.top_k(logits, options.top_k)[0][:, -1:]  # [batch, 1]
        logits = ops.where(logits < least, LOWEST, logits)
    if options.top_p < 1:
        ranked = ops.flip(ops.sort(ops.softmax(logits, axis=-1), axis=-1), axis=-1)
        before = ops.cumsum(ranked, axis=-1) - ranked  # [batch, vocabulary]
        least = ops.where(before < options.top_p, ranked, 1.0)
        least = ops.min(least, axis=-1, keepdims=True)  # [batch, 1]
        logits = ops.where(ops.softmax(logits, axis=-1) < least, LOWEST, logits)
    return logits


class Sampling(keras.Model):
    """Sampling from a language model in one compiled call.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        options: which tokens may be drawn.

    Call arguments:
        inputs: a dict of `given`, int32 `[batch, length]`, `uniform`, float32 of the
            same shape, and `temperature`, float32 `[batch, 1]`; see `sample`.

    Returns:
        int32 `[batch, length]`.
    """

    def __init__(
        self, model: keras.Model, options: SamplingOptions = SamplingOptions()
    ):
        super().__init__(name="sampling")
        self.model, self.options = model, options
        compile_for_prediction(self)

    def call(self, inputs):
        given = inputs["given"]
        return sample(
            language_model_step(self.model),
            given,
            inputs["uniform"],
            inputs["temperature"],
            first_states(self.model, ops.shape(given)[0]),
            self.options,
        )
