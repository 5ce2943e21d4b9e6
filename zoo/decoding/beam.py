"""Beam search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

from zoo.decoding.beam_options import BeamOptions
from zoo.decoding.steps import LOWEST, occurring
from zoo.text.vocabulary import END, UNKNOWN


def beam_search(
    step: Callable,
    ids,
    state: list,
    limits,
    max_length: int,
    options: BeamOptions,
    end: int = END,
    penalty: Callable[[list], Any] | None = None,
    numbers: Mapping[str, Any] | None = None,
) -> tuple:
    """Finds hypotheses of high score.

    At each step the open hypotheses of a row are extended by every token. Of these, the
    best `beam_size` that have not ended stay open; one that ends and is among the best
    `beam_size` of all is finished and not touched again. A row is done when `beam_size`
    of its hypotheses have finished, or when no open one can reach the score of the last
    one that is returned. What is found for a row does not depend on the other rows.

    Args:
        step: from ids, int32 `[rows]`, and a list of states `[rows, ...]` to logits
            `[rows, vocabulary]` and states; the beams of a row of the batch are
            neighbors, `rows = batch * beam_size`.
        ids: the first ids, int32 `[batch]`.
        state: a list of tensors `[batch, ...]`.
        limits: the longest length of each row, int32 `[batch]`.
        max_length: the largest of the limits.
        options: how to search; its `max_length` is not read.
        end: the id that ends a hypothesis.
        penalty: from the states that a step has returned to what is added to the score
            of a hypothesis that finishes there, at most 0, `[rows]`.
        numbers: `options.numbers` as tensors, `[batch]` each, which stand in place of
            those of `options`; with a smaller `n_best`, only as many are right of what
            is returned.

    Returns:
        The best hypotheses first: their ids, int32 `[batch, n_best, max_length]`, 0
        after the end; their scores, and their log-probabilities, float32 `[batch,
        n_best]`, -infinity where there are not as many.
    """
    numbers = options.numbers() if numbers is None else numbers
    search = _BeamLoop(step, limits, max_length, options, numbers, end, penalty)
    start = search.start(ids, state)
    finished = ops.while_loop(search.goes_on, search.advance, start)[5]
    scores, sums, out = (array[:, : options.n_best] for array in finished)
    found = scores > LOWEST / 2
    out = ops.where(found[:, :, None], out, 0)
    return out, *(ops.where(found, a, -float("inf")) for a in (scores, sums))


@dataclass(frozen=True, eq=False)
class _BeamLoop:
    """The loop of `beam_search`, whose arguments these are.

    It carries: the step `t`; whether each row is done, `[batch]`; the last ids
    `[rows]`; of the open hypotheses the log-probabilities `[batch, beams]` and the ids
    `[batch, beams, max_length]`, best first; of the finished ones the scores, the
    log-probabilities and the ids, of the same shapes; and the states `[rows, ...]`.
    """

    step: Callable
    limits: Any
    max_length: int
    options: BeamOptions
    numbers: Mapping[str, Any]
    end: int
    penalty: Callable[[list], Any] | None

    def start(self, ids, state: list) -> tuple:
        """Returns what is carried to the first step; one open hypothesis per row."""
        batch, beams = ops.shape(ids)[0], self.options.beam_size
        first = ops.where(ops.arange(beams) == 0, 0.0, LOWEST)  # [beams]
        empty = ops.zeros((batch, beams, self.max_length), "int32")
        nothing = ops.full((batch, beams), LOWEST)
        return (
            ops.convert_to_tensor(0, "int32"),
            ops.zeros((batch,), "bool"),
            ops.repeat(ids, beams, axis=0),  # [rows]
            ops.zeros((batch, 1)) + first,
            empty,
            (nothing, nothing, empty),
            *(ops.repeat(tensor, beams, axis=0) for tensor in state),
        )

    def goes_on(self, t, done, *_):
        """Whether any row needs another step."""
        return ops.logical_and(t < self.max_length, ops.logical_not(ops.all(done)))

    def advance(self, t, done, ids, sums, out, finished, *state) -> tuple:
        """Extends every open hypothesis by a token."""
        beams = self.options.beam_size
        logits, new_state = self.step(ids, list(state))
        sums, parents, tokens, out = self._extend(t, logits, sums, out)
        complete = ops.logical_or(
            tokens == self.end, (t + 1 >= self.limits)[:, None]
        )  # [batch, 2 * beams]
        scores = self._score(t, sums, parents, new_state)
        ranked = ops.arange(2 * beams) < beams
        possible = sums > LOWEST / 2
        finishing = possible & complete & ranked & ops.logical_not(done)[:, None]
        finished = _best_of(
            finished, (ops.where(finishing, scores, LOWEST), sums, out), beams
        )
        # The best that have not ended stay open, and take the states of their parents.
        sums, going_on = ops.top_k(ops.where(complete, LOWEST, sums), beams)
        parents, tokens, out = (_pick(a, going_on) for a in (parents, tokens, out))
        rows = _flat_places(parents, beams)
        new_state = [ops.take(tensor, rows, axis=0) for tensor in new_state]
        done = ops.logical_or(done, self._is_decided(sums, finished[0]))
        return (
            t + 1,
            done,
            ops.reshape(tokens, (-1,)),
            sums,
            out,
            finished,
            *new_state,
        )

    def _extend(self, t, logits, sums, out) -> tuple:
        """Finds the best `2 * beam_size` extensions of each row's hypotheses.

        Returns:
            Their log-probabilities, the hypotheses that they extend and the tokens that
            they add, all `[batch, 2 * beams]`, and their ids `[batch, 2 * beams,
            max_length]`; the best first.
        """
        beams, size = self.options.beam_size, logits.shape[-1]
        batch = ops.shape(sums)[0]  # not -1, since a loop keeps its static shapes
        total = ops.logsumexp(logits, axis=-1, keepdims=True)
        if self.options.blocked_ngrams:
            blocked = _completions(
                out, t, self.options.blocked_ngrams, ops.shape(logits)
            )
            logits = ops.where(blocked, LOWEST, logits)
        # Each hypothesis ends in one way only, so among twice as many enough have not
        # ended. Of each, its likeliest tokens are enough, and as many more as may be
        # ruled out.
        width = min(2 * beams + END + 1, size)
        logits, tokens = ops.top_k(logits, width)  # [rows, width]
        tokens = ops.cast(tokens, "int32")
        logs = ops.where(self._may_follow(tokens, t, batch), logits - total, LOWEST)
        logs = ops.reshape(logs, (batch, beams, width)) + sums[:, :, None]
        sums, chosen = ops.top_k(ops.reshape(logs, (batch, beams * width)), 2 * beams)
        chosen = ops.cast(chosen, "int32")  # [batch, 2 * beams]
        parents = chosen // width
        tokens = _pick(ops.reshape(tokens, (batch, beams * width)), chosen)
        columns = ops.arange(self.max_length)
        out = ops.where(columns == t, tokens[:, :, None], _pick(out, parents))
        return sums, parents, tokens, out

    def _may_follow(self, tokens, t, batch):
        """Whether each token may follow its hypothesis, bool `[rows, width]`."""
        unknown, least = (
            ops.repeat(self._number(name, batch), self.options.beam_size)[:, None]
            for name in ("unknown", "min_length")
        )  # [rows, 1]
        allowed = ops.logical_or(tokens > END, tokens == self.end)
        allowed = ops.logical_or(allowed, ops.logical_and(unknown, tokens == UNKNOWN))
        early = ops.logical_and(tokens == self.end, t + 1 < least)
        return ops.logical_and(allowed, ops.logical_not(early))

    def _number(self, name: str, batch):
        """Returns a number of the options for each row of the batch, `[batch]`."""
        return ops.broadcast_to(self.numbers[name], (batch,))

    def _length_divisor(self, length):
        """Returns `lp` of a length or of each row's, `[batch]`; see `BeamOptions`."""
        penalty = self.numbers["length_penalty"]
        return ((5.0 + ops.cast(length, "float32")) / 6.0) ** penalty

    def _score(self, t, sums, parents, state: list):
        """Returns the scores that hypotheses have if they finish now."""
        scores = sums / self._length_divisor(t + 1)[:, None]
        if self.penalty is not None:
            penalties = ops.reshape(self.penalty(state), (-1, self.options.beam_size))
            scores += _pick(penalties, parents)
        return scores

    def _is_decided(self, sums, scores):
        """Whether each row's result cannot change any more, bool `[batch]`.

        Args:
            sums: log-probabilities of the open hypotheses, `[batch, beams]`.
            scores: of the finished ones, `[batch, beams]`.
        """
        within_reach = sums[:, 0] / self._length_divisor(self.limits)
        last = self._number("n_best", ops.shape(sums)[0])[:, None] - 1
        lost = within_reach <= ops.take_along_axis(scores, last, axis=1)[:, 0]
        lost = ops.logical_or(lost, sums[:, 0] <= LOWEST / 2)
        full = scores[:, -1] > LOWEST / 2
        return ops.logical_or(lost, full)


def _best_of(finished: tuple, candidates: tuple, beams: int) -> tuple:
    """Returns the best of two lists of hypotheses, each led by its scores."""
    both = [ops.concatenate(two, axis=1) for two in zip(finished, candidates)]
    kept = ops.top_k(both[0], beams)[1]
    return tuple(_pick(values, kept) for values in both)


def _pick(values, chosen):
    """Returns those of `[batch, some, ...]` at the places `[batch, count]`."""
    some, count = values.shape[1], chosen.shape[1]
    batch, _, *rest = ops.shape(values)
    flat = ops.reshape(values, (batch * some, *rest))  # [batch * some, ...]
    picked = ops.take(flat, _flat_places(chosen, some), axis=0)
    return ops.reshape(picked, (batch, count, *rest))


def _flat_places(chosen, some: int):
    """Turns places in `[batch, some]` into places in `[batch * some]`, flat."""
    chosen = ops.cast(chosen, "int32")  # [batch, count]
    batch = ops.shape(chosen)[0]
    rows = ops.reshape(ops.arange(batch) * some, (batch, 1)) + chosen
    return ops.reshape(rows, (-1,))


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
    seen = ops.expand_dims(begins + size - 1 < t, 0)  # [1, time]
    for i in range(size - 1):
        last = ops.take(out, ops.maximum(t - size + 1 + i, 0), axis=1)  # [rows]
        seen = ops.logical_and(seen, out[:, i : i + time] == last[:, None])
    # Padding may not be written anyway.
    tokens = ops.where(seen, out[:, size - 1 : size - 1 + time], 0)  # [rows, time]
    return occurring(tokens, shape)
