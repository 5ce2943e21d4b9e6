"""Beam search against exhaustive search in plain Python, and teacher forcing."""

import functools
import itertools
import math

import keras
import numpy as np
import pytest
from conftest import tiered_values
from keras import ops
from test_decoding import counting_step, matrix_step, run_greedy, scaled

from zoo.decoding import BeamOptions, BeamSearch, GreedySearch, beam_search
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.text.vocabulary import END, START, UNKNOWN

LONGEST, VOCABULARY = 4, 7
REAL = range(END, VOCABULARY)  # the end, and three tokens
ALL = sum(3**n for n in range(LONGEST)) + 3**LONGEST  # ended, and cut


def logits_of(seed):
    random = np.random.default_rng(seed)
    return random.normal(scale=1.5, size=(VOCABULARY, VOCABULARY)).astype(np.float32)


def run(step, first, state=(), limits=None, longest=LONGEST, penalty=None, **options):
    limits = np.full(len(first), longest) if limits is None else limits
    found = beam_search(
        step,
        ops.convert_to_tensor(first, "int32"),
        [ops.convert_to_tensor(s) for s in state],
        ops.convert_to_tensor(limits, "int32"),
        longest,
        BeamOptions(**options),
        penalty=penalty,
    )
    return [ops.convert_to_numpy(array) for array in found]


def log_softmax(z):
    z = np.asarray(z, np.float64)
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def repeats(ids, size):
    """Whether a sequence of `size` occurs twice."""
    grams = [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]
    return len(grams) != len(set(grams))


def exhaustive(logs, first, limit, penalty=lambda ids: 0.0, **options):
    """All hypotheses, best first: (score, log-probability, ids).

    Args:
        logs: a function from the ids before to the log-probabilities of the next.
    """
    options = BeamOptions(**{"beam_size": 1, **options})
    choices = [UNKNOWN, *REAL] if options.unknown else [*REAL]
    found = []
    for length in range(1, limit + 1):
        for ids in itertools.product(choices, repeat=length):
            ended = ids[-1] == END
            if END in ids[:-1] or not (ended or length == limit):
                continue
            if ended and length < options.min_length:
                continue
            if options.blocked_ngrams and repeats(ids, options.blocked_ngrams):
                continue
            total = sum(logs([first, *ids[:t]])[ids[t]] for t in range(length))
            score = total / ((5 + length) / 6) ** options.length_penalty
            found.append((score + penalty(ids), total, ids))
    return sorted(found, reverse=True)


def same(found, row, expected):
    """Compares one row of what was found with the exhaustive search.

    Where the same transitions are taken in another order, several are equally good.
    """
    out, scores, sums = (array[row] for array in found)
    by_ids = {ids: (score, total) for score, total, ids in expected}
    ranks = range(min(len(out), len(expected)))
    assert len({tuple(out[i].tolist()) for i in ranks}) == len(ranks)
    for i in ranks:
        score, total = by_ids[tuple(j for j in out[i].tolist() if j)]
        assert scores[i] == pytest.approx(score, abs=1e-5)
        assert scores[i] == pytest.approx(expected[i][0], abs=1e-5)
        assert sums[i] == pytest.approx(total, abs=1e-5)
    assert len(expected) >= len(out) or np.isneginf(scores[len(expected) :]).all()
    assert not out[len(expected) :].any()


OPTIONS = {
    "plain": {"length_penalty": 0.0},
    "length": {"length_penalty": 1.0},
    "length-2": {"length_penalty": 2.0},
    "least": {"min_length": 3},
    "unigrams": {"blocked_ngrams": 1},
    "bigrams": {"blocked_ngrams": 2, "length_penalty": 0.6},
    "trigrams": {"blocked_ngrams": 3, "length_penalty": 2.0},
    "unknown": {"unknown": True, "length_penalty": 0.3},
    "all": {"min_length": 2, "blocked_ngrams": 2, "unknown": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_wide_beam_is_the_exhaustive_search(options):
    matrix, first, limits = logits_of(1), [START, 4, 5, 6], [4, 3, 4, 1]
    beams = 400 if options.get("unknown") else ALL
    found = run(
        matrix_step(matrix), first, (), limits, beam_size=beams, n_best=12, **options
    )
    assert found[0].shape == (4, 12, LONGEST) and found[0].dtype == np.int32
    logs = log_softmax(matrix)
    for row, (start, limit) in enumerate(zip(first, limits)):
        expected = exhaustive(lambda ids: logs[ids[-1]], start, limit, **options)
        same(found, row, expected)


def test_every_hypothesis_is_found_once():
    found = run(matrix_step(logits_of(2)), [START], beam_size=ALL, n_best=ALL)
    out, scores, sums = (array[0] for array in found)
    assert len({tuple(ids) for ids in out.tolist()}) == ALL
    assert np.isfinite(scores).all() and (np.diff(scores) <= 0).all()


def test_states_follow_their_hypotheses():
    matrix, drift = logits_of(3), np.linspace(-1, 1, VOCABULARY).astype(np.float32)
    rates = np.float32([[0.0], [1.0], [-2.0]])
    found = run(
        history_step(matrix, drift), [START, 4, 6], [rates, np.zeros((3, 1), "f4")],
        beam_size=ALL, n_best=9,
    )  # fmt: skip
    for row, (start, rate) in enumerate(zip([START, 4, 6], rates[:, 0])):

        def logs(ids):
            history = 0.0
            for i in ids:
                history = 0.5 * history + i
            return log_softmax(matrix[ids[-1]] + rate * history * drift)

        same(found, row, exhaustive(logs, start, LONGEST))


def history_step(matrix, drift):
    """The logits depend on all ids so far, and on the row."""

    def step(ids, state):
        rate, history = state
        history = 0.5 * history + ops.cast(ids, "float32")[:, None]
        logits = ops.take(ops.convert_to_tensor(matrix), ids, axis=0)
        return logits + rate * history * drift, [rate, history]

    return step


def test_a_penalty_counts_where_a_hypothesis_finishes():
    """Attention of two source words, which the last token decides."""
    matrix = logits_of(4)
    attention = np.float32([[0.9, 0.1]] * 5 + [[0.2, 0.8], [0.4, 0.6]])

    def step(ids, state):
        logits = ops.take(ops.convert_to_tensor(matrix), ids, axis=0)
        return logits, [state[0] + ops.take(attention, ids, axis=0)]

    def penalty(state):
        return 0.7 * ops.sum(ops.log(ops.minimum(state[0], 1.0)), axis=-1)

    def by_hand(ids):
        received = sum(attention[i] for i in [START, *ids[:-1]])
        return 0.7 * np.log(np.minimum(received, 1)).sum()

    found = run(
        step, [START], [np.zeros((1, 2), "f4")], penalty=penalty, beam_size=ALL,
        n_best=20,
    )  # fmt: skip
    logs = log_softmax(matrix)
    same(found, 0, exhaustive(lambda i: logs[i[-1]], START, LONGEST, by_hand))


@pytest.mark.parametrize("seed", range(3))
def test_beam_1_is_greedy(seed):
    matrix, drift = logits_of(seed), np.linspace(-1, 1, VOCABULARY).astype(np.float32)
    first = np.resize(range(START, VOCABULARY), 20).tolist()
    counts = [np.linspace(-1, 1, 20, dtype=np.float32)[:, None]]
    step = counting_step(matrix, drift)
    found, scores, sums = run(step, first, counts, longest=6, beam_size=1)
    expected = run_greedy(step, first, [ops.convert_to_tensor(counts[0])], 6)
    assert np.array_equal(found[:, 0], expected)
    assert len({tuple(ids) for ids in expected.tolist()}) > 3


def plain_beam(logs, first, limit, beams, length_penalty):
    """The same search in plain Python; returns the best ids and their score."""
    hypotheses, finished = [(0.0, [first])], []
    for length in range(1, limit + 1):
        candidates = sorted(
            ((s + logs(ids)[i], [*ids, i]) for s, ids in hypotheses for i in REAL),
            reverse=True,
        )
        hypotheses = []
        for rank, (total, ids) in enumerate(candidates):
            if ids[-1] == END or length == limit:
                if rank < beams:
                    score = total / ((5 + length) / 6) ** length_penalty
                    finished.append((score, ids[1:]))
            elif len(hypotheses) < beams:
                hypotheses.append((total, ids))
        if len(finished) >= beams:
            break
    return max(finished)


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_a_narrow_beam_is_the_plain_search(beams, length_penalty):
    """Which stops by the number of finished hypotheses alone."""
    matrix = logits_of(5)
    first = [*range(START, VOCABULARY)]
    found, scores, _ = run(
        matrix_step(matrix), first, longest=8, beam_size=beams,
        length_penalty=length_penalty,
    )  # fmt: skip
    logs = log_softmax(matrix)
    for row, start in enumerate(first):
        score, ids = plain_beam(
            lambda before: logs[before[-1]], start, 8, beams, length_penalty
        )
        assert found[row, 0].tolist() == ids + [0] * (8 - len(ids))
        assert scores[row, 0] == pytest.approx(score, abs=1e-5)


def test_a_row_does_not_depend_on_the_others():
    step, first = matrix_step(logits_of(6)), [START, 4, 5, 6, 5]
    limits = [2, 8, 5, 3, 8]
    options = {"longest": 8, "beam_size": 3, "n_best": 3}
    together = run(step, first, (), limits, **options)
    for row, (start, limit) in enumerate(zip(first, limits)):
        alone = run(step, [start], (), [limit], **options)
        for found, expected in zip(together, alone):
            np.testing.assert_allclose(found[row], expected[0], rtol=1e-6)


def test_the_search_stops_when_no_open_hypothesis_can_win():
    """After the second step nothing likely is left, though 1000 would be allowed."""
    matrix = np.full((VOCABULARY, VOCABULARY), -9.0, np.float32)
    matrix[START, 4] = matrix[4, END] = 0
    steps = []

    def step(ids, state):
        (count,) = state
        steps.append(1)
        logits = ops.take(ops.convert_to_tensor(matrix), ids, axis=0)
        return logits + 0 * count, [count + 1]

    found, scores, _ = run(
        step, [START], [np.zeros((1, 1), "f4")], longest=1000, beam_size=3,
        length_penalty=0.0,
    )  # fmt: skip
    assert found[0, 0, :3].tolist() == [4, END, 0] and scores[0, 0] > -0.01
    # Eagerly a loop is Python's; JAX traces its body.
    assert len(steps) <= 3


def test_where_nothing_may_follow_there_is_no_hypothesis():
    found, scores, sums = run(
        matrix_step(logits_of(7)), [START, 4], beam_size=3, n_best=2, min_length=4,
        blocked_ngrams=1, longest=4, limits=[4, 4],
    )  # fmt: skip
    assert (np.sort(found[0, 0, :3]) == [4, 5, 6]).all()
    found, scores, sums = run(
        matrix_step(logits_of(7)), [START, 4], beam_size=3, n_best=2, min_length=9,
        blocked_ngrams=1, longest=9,
    )  # fmt: skip
    assert not found.any() and np.isneginf(scores).all() and np.isneginf(sums).all()


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"beam_size": 0}, "beam_size: expected at least 1, got 0"),
        ({"n_best": 6}, "n_best: expected at most beam_size, 5, got 6"),
        ({"n_best": 0}, "n_best: expected at least 1, got 0"),
        ({"length_penalty": -0.1}, "length_penalty: expected at least 0, got -0.1"),
        ({"length_penalty": math.nan}, "length_penalty: expected at least 0, got nan"),
        ({"coverage_penalty": -1}, "coverage_penalty: expected at least 0, got -1"),
        ({"min_length": 0}, "min_length: expected at least 1, got 0"),
        ({"min_length": 4, "max_length": 3}, "max_length: expected at least 4, got 3"),
        ({"blocked_ngrams": -1}, "blocked_ngrams: expected at least 0, got -1"),
    ],
)
def test_options_out_of_range(options, expected):
    with pytest.raises(ValueError, match=expected):
        BeamOptions(**options)


# --- Of a translator -------------------------------------------------------------

TRANSLATORS = {
    "additive-gru": {"cell": "gru"},
    "none-lstm": {"attention": "none", "bidirectional": False},
    "additive-lstm-2-bfloat16": {"num_layers": 2, "dtype": "mixed_bfloat16"},
    "feeding-coverage-lstm-2": {
        "num_layers": 2,
        "input_feeding": True,
        "coverage": True,
    },
    "inside-coverage-gru-bfloat16": {
        "cell": "gru",
        "attention_place": "inside",
        "coverage": True,
        "dtype": "mixed_bfloat16",
    },
    "general-both-gru": {
        "cell": "gru",
        "attention": "general",
        "attention_place": "inside",
        "input_feeding": True,
    },
}
PLACES = {
    "after": {"cell": "gru"},
    "feeding": {"cell": "gru", "input_feeding": True, "coverage": True},
    "inside": {"attention_place": "inside"},
}
SOURCE = np.array([[4, 5, 7], [8, 3, 0], [6, 6, 3], [3, 0, 0]], np.int32)


def searches(options, **beam):
    """Returns a model and its compiled greedy and beam searches."""
    config = TranslatorConfig(
        source_vocabulary_size=9, target_vocabulary_size=7, units=4, embedding_size=4,
        **options,
    )  # fmt: skip
    model = scaled(build_translator(config), 1.5)
    parts = (
        model.get_layer("encoder"),
        model.get_layer("decoder"),
        config.num_carried,
    )
    how = BeamOptions(**beam)
    search = BeamSearch(*parts, how.program())
    search.find = functools.partial(search.find, options=how)
    return model, GreedySearch(*parts), search


def teacher_forced(model, source, out):
    """Returns the log-probability of each hypothesis, float64 `[batch]`."""
    before = np.concatenate([np.full((len(out), 1), START), out[:, :-1]], 1)
    inputs = {"source_ids": source, "target_ids": before.astype(np.int32)}
    logs = log_softmax(model.predict_on_batch(inputs))
    chosen = np.take_along_axis(logs, out[..., None], -1)[..., 0]
    return np.where(out != 0, chosen, 0).sum(-1)


@pytest.mark.parametrize(
    "options",
    tiered_values(
        TRANSLATORS, ["additive-gru", "none-lstm", "feeding-coverage-lstm-2"]
    ),
)
def test_beam_search(options):
    model, greedy, _ = searches(options)
    _, _, search = searches(options, beam_size=4, n_best=3, blocked_ngrams=2)
    search.encoder.set_weights(greedy.encoder.get_weights())
    out, scores, sums = search.find(SOURCE)
    assert out.shape == (4, 3, 16) and out.dtype == np.int32
    slack = 0.2 if "dtype" in options else 1e-5
    for i in range(3):
        real = np.isfinite(sums[:, i])
        expected = teacher_forced(model, SOURCE, out[:, i])
        assert sums[real, i] == pytest.approx(expected[real], rel=slack, abs=slack)
        lengths = (out[:, i] != 0).sum(-1)
        np.testing.assert_allclose(
            scores[real, i], (sums[:, i] / ((5 + lengths) / 6))[real], rtol=1e-5
        )
    limits = 2 * (SOURCE != 0).sum(1) + 10
    assert ((out != 0).sum(-1) <= limits[:, None]).all()
    for row in out.reshape(-1, 16).tolist():
        assert not repeats([i for i in row if i], 2)


@pytest.mark.parametrize("options", tiered_values(PLACES, ["after"]))
def test_beam_1_of_a_translator_is_greedy(options):
    _, greedy, search = searches(options, beam_size=1)
    expected = greedy.predict_on_batch(SOURCE)
    found = search.find(SOURCE)[0][:, 0]
    limits = 2 * (SOURCE != 0).sum(1) + 10
    for row, limit in enumerate(limits):
        assert found[row, :limit].tolist() == expected[row, :limit].tolist()


@pytest.mark.parametrize("options", tiered_values(PLACES, ["inside"]))
def test_a_sentence_does_not_depend_on_its_batch(options):
    _, _, search = searches(options, beam_size=3, coverage_penalty=0.3)
    together = search.find(SOURCE)
    for row in range(len(SOURCE)):
        alone = search.find(SOURCE[row : row + 1])
        wide = search.find(np.pad(SOURCE[row : row + 1], ((0, 0), (0, 2))))
        assert alone[0][0, 0].tolist() == together[0][row, 0].tolist()
        assert wide[0][0, 0, :16].tolist() == together[0][row, 0].tolist()
        assert alone[1][0] == pytest.approx(together[1][row], abs=1e-5)
        assert wide[1][0] == pytest.approx(together[1][row], abs=1e-5)


def test_coverage_by_teacher_forcing():
    model, _, search = searches(
        {"cell": "gru"}, beam_size=5, n_best=5, coverage_penalty=0.5, max_length=6
    )
    out, scores, sums = search.find(SOURCE)
    assert out.shape == (4, 5, 6)
    encoded = search.encoder(SOURCE)
    for i in range(5):
        before = np.concatenate([np.full((4, 1), START), out[:, i, :-1]], 1)
        before = ops.convert_to_tensor(before, "int32")
        weights = search.decoder([before, *encoded])[-1]
        weights = keras.ops.convert_to_numpy(weights)  # [batch, target, source]
        written = (out[:, i] != 0)[..., None]
        received = np.minimum((weights * written).sum(1), 1)
        shortfall = np.where(SOURCE != 0, np.log(np.maximum(received, 1e-9)), 0).sum(1)
        lengths = written.sum((1, 2))
        expected = sums[:, i] / ((5 + lengths) / 6) + 0.5 * shortfall
        np.testing.assert_allclose(scores[:, i], expected, atol=1e-5)
