"""Greedy search."""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from zoo.decoding.steps import rule_out
from zoo.text.vocabulary import END


def greedy_search(step: Callable, ids, state: list, max_length: int, end: int = END):
    """Takes the likeliest token at each step until every row has ended.

    Args:
        step: from ids, int32 `[batch]`, and a list of states to logits and states.
        ids: the first ids, int32 `[batch]`.
        state: a list of tensors.
        max_length: of the output.
        end: the id that ends a row.

    Returns:
        int32 `[batch, max_length]`, 0 after a row's end; the end itself is kept.
    """
    batch = ops.shape(ids)[0]

    def goes_on(t, ids, done, out, *state):
        return ops.logical_and(t < max_length, ops.logical_not(ops.all(done)))

    def advance(t, ids, done, out, *state):
        logits, new = step(ids, list(state))  # [batch, vocabulary]
        ids = ops.where(done, 0, ops.cast(ops.argmax(rule_out(logits), -1), "int32"))
        out = ops.slice_update(out, (0, t), ops.expand_dims(ids, 1))
        return (t + 1, ids, ops.logical_or(done, ids == end), out, *new)

    start = (
        ops.convert_to_tensor(0, "int32"),
        ids,
        ops.zeros((batch,), "bool"),
        ops.zeros((batch, max_length), "int32"),
        *state,
    )
    return ops.while_loop(goes_on, advance, start)[3]
