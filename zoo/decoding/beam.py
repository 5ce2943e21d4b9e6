"""Beam search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from keras import ops

from zoo.decoding.steps import LOWEST, occurring
from zoo.text.vocabulary import END, UNKNOWN


@dataclass(frozen=True, kw_only=True)
class BeamOptions:
    """How to search.

    The score of a hypothesis `y` is `log p(y) / lp(y) + coverage_penalty * cp(y)`, with
    `lp(y) = ((5 + |y|) / 6) ** length_penalty` and `cp(y)` the sum over the source of
    `log min(1, attention received)` (Wu et al. 2016). Lengths count the end.

    Args:
        beam_size: how many open hypotheses are extended at each step.
        n_best: how many finished ones are returned.
        length_penalty: 0 compares log-probabilities, 1 nearly their mean over tokens.
        coverage_penalty: what source words cost that attention has left out.
        min_length: no hypothesis ends before.
        max_length: no hypothesis is longer; one that has not ended there is cut. None
            for a length that depends on the source's.
        blocked_ngrams: no sequence of so many tokens occurs twice; 0 for no such rule.
        unknown: whether the unknown token may be written.

    Raises:
        ValueError: if a value is out of its range.
    """

    beam_size: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    min_length: int = 1
    max_length: int | None = None
    blocked_ngrams: int = 0
    unknown: bool = False

    def __post_init__(self):
        least = {
            "beam_size": 1,
            "n_best": 1,
            "length_penalty": 0,
            "coverage_penalty": 0,
            "min_length": 1,
            "max_length": self.min_length,
            "blocked_ngrams": 0,
            "unknown": False,
        }
        for field in fields(self):
            value, smallest = getattr(self, field.name), least[field.name]
            if value is not None and not smallest <= value < float("inf"):
                raise ValueError(
                    f"{field.name}: expected at least {smallest}, got {value}"
                )
        if self.n_best > self.beam_size:
            raise ValueError(
                f"n_best: expected at most beam_size, {self.beam_size}, "
                f"got {self.n_best}"
            )

    def length_divisor(self, length):
        """Returns `lp` of a length; see above."""
        return ((5.0 + ops.cast(length, "float32")) / 6.0) ** self.length_penalty


def beam_search(
    step: Callable,
    ids,
    state: list,
    limits,
    max_length: int,
    options: BeamOptions,
    end: int = END,
    penalty: Callable[[list], Any] | None = None,
):
    """Finds hypotheses of high score.

    At each step the open hypotheses of a row are extended by every token. Of these, the
    best `beam_size` that have not ended stay open; one that ends and is among the best
    `beam_size` of all is finished and is not touched again. A row is done when
    `beam_size` of its hypotheses have finished, or when no open one can reach the score
    of the last one that is returned. It does not depend on the other rows.

    Args:
        step: from ids, int32 `[rows]`, and a list of states `[rows, ...]` to logits
            `[rows, vocabulary]` and states; the beams of a row of the batch are
            neighbours, `rows = batch * beam_size`.
        ids: the first ids, int32 `[batch]`.
        state: a list of tensors `[batch, ...]`.
        limits: the longest length of each row, int32 `[batch]`.
        max_length: the largest of the limits.
        options: how to search; its `max_length` is not read.
        end: the id that ends a hypothesis.
        penalty: from the states that a step has returned to what they take from the
            score of a hypothesis that finishes there, at most 0, `[rows]`.

    Returns:
        The best hypotheses first: their ids, int32 `[batch, n_best, max_length]`, 0
        after the end; their scores, and their log-probabilities, float32 `[batch,
        n_best]`, -infinity where there are not as many.
    """
    beams, batch = options.beam_size, ops.shape(ids)[0]
    columns = ops.arange(max_length)

    def rows_of(chosen, some):
        """Places in `[batch * some, ...]` of those at `[batch, count]`, flat."""
        chosen = ops.cast(chosen, "int32")
        rows = ops.reshape(ops.arange(batch) * some, (batch, 1)) + chosen
        return ops.reshape(rows, (-1,))

    def pick(values, chosen):
        """Of `[batch, some, ...]` those at `[batch, count]`."""
        some, count, rest = values.shape[1], chosen.shape[1], ops.shape(values)[2:]
        flat = ops.reshape(values, (batch * some, *rest))
        picked = ops.take(flat, rows_of(chosen, some), axis=0)
        return ops.reshape(picked, (batch, count, *rest))

    def may_follow(tokens, t):
        allowed = ops.logical_or(tokens > END, tokens == end)
        if options.unknown:
            allowed = ops.logical_or(allowed, tokens == UNKNOWN)
        early = ops.logical_and(tokens == end, t + 1 < options.min_length)
        return ops.logical_and(allowed, ops.logical_not(early))

    def go_on(t, done, *_):
        return ops.logical_and(t < max_length, ops.logical_not(ops.all(done)))

    def advance(t, done, ids, sums, out, finished, *state):
        logits, state = step(ids, list(state))
        size = logits.shape[-1]
        total = ops.logsumexp(logits, axis=-1, keepdims=True)
        if options.blocked_ngrams:
            blocked = _completions(out, t, options.blocked_ngrams, ops.shape(logits))
            logits = ops.where(blocked, LOWEST, logits)
        # Each beam ends but once, so among twice as many enough have not ended; behind
        # those that may not be written, the likeliest of each beam are enough.
        width = min(2 * beams + END + 1, size)
        logits, tokens = ops.top_k(logits, width)
        tokens = ops.cast(tokens, "int32")
        logs = ops.where(may_follow(tokens, t), logits - total, LOWEST)
        logs = ops.reshape(logs, (batch, beams, width)) + sums[:, :, None]
        sums, chosen = ops.top_k(ops.reshape(logs, (batch, beams * width)), 2 * beams)
        chosen = ops.cast(chosen, "int32")
        parents = chosen // width
        tokens = pick(ops.reshape(tokens, (batch, beams * width)), chosen)
        out = ops.where(columns == t, tokens[:, :, None], pick(out, parents))

        possible = sums > LOWEST / 2
        complete = ops.logical_or(tokens == end, (t + 1 >= limits)[:, None])
        scores = sums / options.length_divisor(t + 1)
        if penalty is not None:
            scores += pick(ops.reshape(penalty(state), (batch, beams)), parents)
        ranked = ops.arange(2 * beams) < beams
        finishing = possible & complete & ranked & ops.logical_not(done)[:, None]
        candidates = (ops.where(finishing, scores, LOWEST), sums, out)
        both = [ops.concatenate(two, axis=1) for two in zip(finished, candidates)]
        kept = ops.top_k(both[0], beams)[1]
        finished = tuple(pick(values, kept) for values in both)

        sums, going_on = ops.top_k(ops.where(complete, LOWEST, sums), beams)
        parents, tokens, out = (pick(a, going_on) for a in (parents, tokens, out))
        rows = rows_of(parents, beams)
        state = [ops.take(tensor, rows, axis=0) for tensor in state]

        within_reach = sums[:, 0] / options.length_divisor(limits)
        lost = within_reach <= finished[0][:, options.n_best - 1]
        lost = ops.logical_or(lost, sums[:, 0] <= LOWEST / 2)
        full = finished[0][:, -1] > LOWEST / 2
        done = ops.logical_or(done, ops.logical_or(lost, full))
        return (t + 1, done, ops.reshape(tokens, (-1,)), sums, out, finished, *state)

    first = ops.where(ops.arange(beams) == 0, 0.0, LOWEST)
    empty = ops.zeros((batch, beams, max_length), "int32")
    nothing = ops.full((batch, beams), LOWEST)
    start = (
        ops.convert_to_tensor(0, "int32"),
        ops.zeros((batch,), "bool"),
        ops.repeat(ids, beams, axis=0),
        ops.zeros((batch, 1)) + first,
        empty,
        (nothing, nothing, empty),
        *(ops.repeat(tensor, beams, axis=0) for tensor in state),
    )
    finished = ops.while_loop(go_on, advance, start)[5]
    scores, sums, out = (array[:, : options.n_best] for array in finished)
    found = scores > LOWEST / 2
    out = ops.where(found[:, :, None], out, 0)
    return out, *(ops.where(found, a, -float("inf")) for a in (scores, sums))


def _completions(out, t, size: int, shape):
    """Tells which tokens would complete a sequence of `size` that was there before.

    Args:
        out: the hypotheses, int32 `[batch, beams, time]`, `t` of them written.
        t: the number of tokens.
        size: of the sequences.
        shape: rows and vocabulary.

    Returns:
        bool `[rows, vocabulary]`.
    """
    rows, time = shape[0], ops.shape(out)[2]
    out = ops.pad(ops.reshape(out, (rows, time)), ((0, 0), (0, size - 1)))
    begins = ops.arange(time)
    seen = ops.expand_dims(begins + size - 1 < t, 0)
    for i in range(size - 1):
        last = ops.take(out, ops.maximum(t - size + 1 + i, 0), axis=1)
        seen = ops.logical_and(seen, out[:, i : i + time] == last[:, None])
    # Padding may not be written anyway.
    tokens = ops.where(seen, out[:, size - 1 : size - 1 + time], 0)
    return occurring(tokens, shape)
