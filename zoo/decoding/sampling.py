"""Sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.decoding.steps import (
    LOWEST,
    buffer_length,
    compile_for_prediction,
    first_states,
    language_model_step,
    occurring,
    rule_out,
)

SMALLEST = 1e-30  # number of the options that float32 holds, and its inverse


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

    def numbers(self, rows: int = 1) -> dict[str, np.ndarray]:
        """Returns what a compiled search takes as arguments, by name, `[rows]` each."""
        penalty = self.repetition_penalty
        values = {
            "top_k": np.int32(min(self.top_k, 2**31 - 1)),
            "top_p": np.float32(max(self.top_p, SMALLEST)),
            "repetition_penalty": np.float32(min(max(penalty, SMALLEST), 1 / SMALLEST)),
        }
        return {name: np.full(rows, value) for name, value in values.items()}

    def program(self) -> SamplingOptions:
        """Returns the options that sampling is compiled for.

        They are the same for all options that differ in nothing but `numbers`, and in
        a `top_k` that the same power of two holds; what is not asked for is left out.

        >>> a, b = (SamplingOptions(top_k=k, top_p=k / 99) for k in (20, 30))
        >>> a.program() == b.program()
        True
        """
        return SamplingOptions(
            top_k=buffer_length(min(self.top_k, 2**24)) if self.top_k else 0,
            top_p=1.0 if self.top_p == 1 else 0.5,
            repetition_penalty=1.0 if self.repetition_penalty == 1 else 2.0,
        )


def sample(
    step: Callable,
    given,
    uniform,
    temperature,
    state: list,
    options: SamplingOptions = SamplingOptions(),
    numbers: Mapping[str, Any] | None = None,
    seen=None,
) -> tuple:
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
        numbers: `options.numbers` as tensors, `[batch]` each, in place of those of
            `options`; and `steps`, how many columns are read at most.
        seen: which ids the text before has, bool `[batch, vocabulary]`; None for none.

    Returns:
        int32 `[batch, length]`, the given and the drawn ids; and the states before the
        last of them.
    """
    numbers = options.numbers() if numbers is None else numbers
    last = ops.shape(given)[1] - 1
    if "steps" in numbers:
        last = ops.minimum(ops.max(numbers["steps"]), last)

    def goes_on(t, out, seen, *state):
        return t < last

    def advance(t, out, seen, *state):
        present = ops.take(out, t, axis=1)  # [batch]
        logits, new = step(present, list(state))
        if options.repetition_penalty != 1:
            occurs = occurring(present[:, None], ops.shape(logits))
            seen = ops.logical_or(seen, occurs)  # [batch, vocabulary]
            logits = _penalize(logits, seen, numbers["repetition_penalty"])
        number = ops.take(uniform, t + 1, axis=1)  # [batch]
        drawn = _draw(logits, number, temperature, options, numbers)
        wanted = ops.take(given, t + 1, axis=1)
        ids = ops.where(wanted != 0, wanted, drawn)
        out = ops.slice_update(out, (0, t + 1), ops.expand_dims(ids, 1))
        return (t + 1, out, seen, *new)

    if seen is None:  # of as many ids as the step has logits
        seen = ops.zeros_like(step(given[:, 0], state)[0], "bool")
    start = (ops.convert_to_tensor(0, "int32"), given, seen, *state)
    _, out, _, *state = ops.while_loop(goes_on, advance, start)
    return out, state


def _penalize(logits, seen, penalty):
    """Lowers the logits of the tokens that occur in the text."""
    penalty = ops.reshape(penalty, (-1, 1))  # [batch, 1]
    lowered = ops.where(logits > 0, logits / penalty, logits * penalty)
    return ops.where(seen, lowered, logits)


def _draw(logits, number, temperature, options: SamplingOptions, numbers):
    """Draws an id for each row, int32 `[batch]`, by a uniform random number."""
    sharpness = 1.0 / ops.maximum(temperature, 1e-4)
    # Ruled out here, as a high temperature would bring them back.
    allowed = _allowed(rule_out(logits * sharpness), options, numbers)
    probabilities = ops.softmax(allowed, axis=-1)
    cumulative = ops.cumsum(probabilities, axis=-1)  # [batch, vocabulary]
    # Scaled to the sum that was reached, so that rounding leaves the last id its share.
    threshold = number[:, None] * cumulative[:, -1:]
    drawn = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1)
    likeliest = ops.cast(ops.argmax(rule_out(logits), axis=-1), "int32")
    return ops.where(temperature[:, 0] == 0, likeliest, drawn)


def _allowed(logits, options: SamplingOptions, numbers):
    """Rules out what `top_k` and `top_p` leave out."""
    if options.top_k:
        size = logits.shape[-1]
        ranked = ops.top_k(logits, min(buffer_length(options.top_k), size))[0]
        last = ops.reshape(ops.minimum(numbers["top_k"], size), (-1, 1)) - 1
        last = last + ops.zeros_like(logits[:, :1], "int32")  # [batch, 1]
        least = ops.take_along_axis(ranked, last, axis=1)
        logits = ops.where(logits < least, LOWEST, logits)
    if options.top_p < 1:
        ranked = ops.flip(ops.sort(ops.softmax(logits, axis=-1), axis=-1), axis=-1)
        before = ops.cumsum(ranked, axis=-1) - ranked  # [batch, vocabulary]
        share = ops.reshape(numbers["top_p"], (-1, 1))
        least = ops.where(before < share, ranked, 1.0)
        least = ops.min(least, axis=-1, keepdims=True)  # [batch, 1]
        logits = ops.where(ops.softmax(logits, axis=-1) < least, LOWEST, logits)
    return logits


class Sampling(keras.Model):
    """Sampling from a language model in one compiled call.

    Args:
        model: from `[token_ids, *states]` to `[logits, *states]`.
        options: what is compiled; see `SamplingOptions.program`.

    Call arguments:
        inputs: a dict of `given`, int32 `[batch, length]`, `uniform`, float32 of the
            same shape, and `temperature`, float32 `[batch, 1]`, see `sample`; and of
            what there is of `states`, a list of those before the first id, `seen`,
            `SamplingOptions.numbers` and `steps`.

    Returns:
        A list: int32 `[batch, length]`, and the states before its last ids.
    """

    def __init__(
        self, model: keras.Model, options: SamplingOptions = SamplingOptions()
    ):
        super().__init__(name="sampling")
        self.model, self.options = model, options
        compile_for_prediction(self)

    def call(self, inputs):
        given = inputs["given"]
        states = inputs.get("states")
        if states is None:
            states = first_states(self.model, ops.shape(given)[0])
        out, states = sample(
            language_model_step(self.model),
            given,
            inputs["uniform"],
            inputs["temperature"],
            list(states),
            self.options,
            {**self.options.numbers(), **inputs},
            inputs.get("seen"),
        )
        return [out, *states]
