"""Decoding over toy steps, against plain Python; and the compiled searches."""

import numpy as np
import pytest
import scipy.stats
from conftest import tiered_values
from keras import ops

from zoo.decoding import GreedySearch, Sampling, SamplingOptions, greedy_search, sample
from zoo.models.language_model import LanguageModelConfig, build_language_model
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.text.vocabulary import END, START

VOCABULARY = 9
LARGEST = np.float32(1 - 2**-24)  # the largest float32 below 1


def transitions(*chains):
    """Logits `[from, to]` by which each letter of a chain is followed by the next."""
    matrix = np.zeros((VOCABULARY, VOCABULARY), np.float32)
    for chain in chains:
        for before, after in zip(chain, chain[1:]):
            matrix[before, after] = 5
    return matrix


def random_logits(seed, scale=2.0):
    random = np.random.default_rng(seed)
    return random.normal(scale=scale, size=(VOCABULARY, VOCABULARY)).astype(np.float32)


def matrix_step(matrix):
    def step(ids, state):
        return ops.take(ops.convert_to_tensor(matrix), ids, axis=0), state

    return step


def counting_step(matrix, drift):
    """The logits drift with each step and each row at a rate of its own."""

    def step(ids, state):
        (count,) = state
        return ops.take(ops.convert_to_tensor(matrix), ids, axis=0) + count * drift, [
            count + 1
        ]

    return step


def run_greedy(step, ids, *arguments, **options):
    first = ops.convert_to_tensor(ids, "int32")
    return ops.convert_to_numpy(greedy_search(step, first, *arguments, **options))


def test_greedy_follows_the_alphabet():
    matrix = transitions([START, 4, 5, 6, 7, 8, END])
    out = run_greedy(matrix_step(matrix), [START, 6, 8], [], 8)
    assert out.tolist() == [
        [4, 5, 6, 7, 8, END, 0, 0],
        [7, 8, END, 0, 0, 0, 0, 0],
        [END, *[0] * 7],
    ]
    assert out.dtype == np.int32


@pytest.mark.parametrize("max_length", [1, 3])
def test_greedy_stops_at_the_longest_length(max_length):
    matrix = transitions([START, 4, 5, 6, 4], [8, END])
    out = run_greedy(matrix_step(matrix), [START, 5, 8], [], max_length)
    assert out.tolist() == [
        [4, 5, 6][:max_length],
        [6, 4, 5][:max_length],
        [END, 0, 0][:max_length],
    ]


def test_greedy_takes_another_end():
    matrix = transitions([START, 4, END, 5, 7, 6])
    out = run_greedy(matrix_step(matrix), [START], [], 6, end=7)
    assert out.tolist() == [[4, END, 5, 7, 0, 0]]


def test_greedy_stops_calling_the_step_when_every_row_has_ended():
    matrix = transitions([START, 4, 5, END])
    long, short = (
        run_greedy(matrix_step(matrix), [START, 5], [], n).tolist() for n in (1000, 3)
    )
    assert [row[:3] for row in long] == short and not any(long[0][3:])


@pytest.mark.parametrize("seed", range(2))
def test_greedy_is_the_plain_loop(seed):
    matrix = random_logits(seed)
    drift = np.random.default_rng(seed).normal(size=VOCABULARY).astype(np.float32)
    first, max_length = np.resize(range(START, VOCABULARY), 40).tolist(), 7
    rates = np.random.default_rng(seed + 10).normal(size=40).astype(np.float32)
    counts = [rates[:, None]]
    out = run_greedy(counting_step(matrix, drift), first, counts, max_length)
    for row, (last, count) in enumerate(zip(first, rates)):
        expected = []
        while len(expected) < max_length and END not in expected:
            logits = matrix[last] + count * drift
            last, count = max(range(END, VOCABULARY), key=logits.__getitem__), count + 1
            expected.append(last)
        expected += [0] * (max_length - len(expected))
        assert out[row].tolist() == expected


def test_greedy_never_writes_padding_unknown_or_start():
    matrix = random_logits(0)
    matrix[:, :END] = 50
    out = run_greedy(matrix_step(matrix), [START, 4, 5], [], 6)
    for row in out.tolist():
        kept = row[: row.index(0)] if 0 in row else row
        assert min(kept) >= END and (0 not in row or kept[-1] == END)


def run_sample(step, given, uniform, temperature=1.0, state=(), **options):
    given = np.array(given, np.int32)
    temperature = np.broadcast_to(temperature, (len(given), 1)).astype(np.float32)
    tensors = map(ops.convert_to_tensor, (given, np.float32(uniform), temperature))
    how = SamplingOptions(**options)
    return ops.convert_to_numpy(sample(step, *tensors, list(state), how)[0])


def uniforms(rows, length, seed=0):
    return np.random.default_rng(seed).random((rows, length), np.float32)


def softmax(logits, temperature=1.0):
    """Probabilities of the ids that may be written, in float64."""
    z = logits.astype(np.float64) / temperature
    z[..., :END] = -np.inf
    p = np.exp(z - z.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_sample_inverts_the_distribution(temperature):
    matrix, uniform = random_logits(1), uniforms(20, 6)
    given = np.zeros((20, 6), np.int32)
    given[:, 0] = 4
    out = run_sample(matrix_step(matrix), given, uniform, temperature)
    for row, numbers in zip(out, uniform):
        for before, after, u in zip(row, row[1:], numbers[1:]):
            p = softmax(matrix[before], temperature)
            assert after == np.searchsorted(np.cumsum(p), u, side="right")


def test_sample_keeps_what_is_given():
    given = np.zeros((3, 6), np.int32)
    given[:, 0] = [4, END, START]
    given[0, 1:4], given[1, 3], given[2] = [8, 1, 2], 5, [2, 1, 3, 4, 1, 8]
    out = run_sample(matrix_step(random_logits(2)), given, uniforms(3, 6))
    assert (out[given != 0] == given[given != 0]).all()
    assert (out[given == 0] >= END).all() and out.dtype == np.int32


def test_sample_feeds_given_ids_and_states_to_the_step():
    matrix, drift = random_logits(3), np.arange(VOCABULARY, dtype=np.float32)
    given = np.array([[4, 5, 6, 0], [4, 0, 7, 0]], np.int32)
    counts = [np.array([[0.0], [-1.0]], np.float32)]
    out = run_sample(counting_step(matrix, drift), given, uniforms(2, 4), 0.0, counts)
    for row, count in zip(out, (0, -1)):
        for t in range(3):
            logits = matrix[row[t]] + (count + t) * drift
            best = END + logits[END:].argmax()
            wanted = given[-count, t + 1]
            assert row[t + 1] == (wanted if wanted else best)


def test_temperature_0_takes_the_likeliest():
    given = np.zeros((50, 5), np.int32)
    given[:, 0] = np.resize(range(END, VOCABULARY), 50)
    matrix = random_logits(4)
    out = run_sample(matrix_step(matrix), given, uniforms(50, 5), 0.0)
    for row in out:
        for before, after in zip(row, row[1:]):
            assert after == END + matrix[before, END:].argmax()


def test_temperature_0_takes_the_likeliest_by_little():
    matrix = np.full((VOCABULARY, VOCABULARY), 1.0, np.float32)
    matrix[:, 6] = 1.00001
    out = run_sample(matrix_step(matrix), [[4, 0, 0]] * 20, uniforms(20, 3), 0.0)
    assert (out[:, 1:] == 6).all()


def test_each_row_has_its_temperature():
    matrix = np.zeros((VOCABULARY, VOCABULARY), np.float32)
    matrix[:, 5] = 1
    given = np.full((400, 2), [4, 0], np.int32)
    temperature = np.resize([0.0, 100.0], (400, 1))
    out = run_sample(matrix_step(matrix), given, uniforms(400, 2), temperature)[:, 1]
    assert (out[::2] == 5).all() and 0.05 < (out[1::2] == 5).mean() < 0.35


def test_sample_is_a_function_of_the_random_numbers():
    step, given = matrix_step(random_logits(5)), [[4, 0, 0, 0, 0, 0]] * 8
    first = run_sample(step, given, uniforms(8, 6, seed=1))
    assert np.array_equal(first, run_sample(step, given, uniforms(8, 6, seed=1)))
    assert not np.array_equal(first, run_sample(step, given, uniforms(8, 6, seed=2)))


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_sampled_frequencies(temperature):
    count, matrix = 4000, random_logits(6, scale=1.0)
    given = np.zeros((count, 3), np.int32)
    given[:, 0] = 4
    out = run_sample(matrix_step(matrix), given, uniforms(count, 3), temperature)
    p = softmax(matrix, temperature)
    pairs = (p[4][:, None] * p)[END:, END:].ravel()
    found = np.zeros((VOCABULARY, VOCABULARY), int)
    np.add.at(found, (out[:, 1], out[:, 2]), 1)
    found = found[END:, END:].ravel()
    assert found.sum() == count
    assert scipy.stats.chisquare(found, count * pairs).pvalue > 1e-3


def filtered(p, top_k=0, top_p=1.0):
    """What `top_k` and `top_p` leave of probabilities, in plain Python."""
    ranked = sorted(range(len(p)), key=lambda i: -p[i])
    kept, total = [], 0.0
    for i in ranked[: top_k or None]:
        if total >= top_p:
            break
        kept.append(i)
        total += p[i] / (p[ranked[:top_k]].sum() if top_k else 1)
    out = np.zeros_like(p)
    out[kept] = p[kept]
    return out / out.sum()


@pytest.mark.parametrize(
    "options", [{"top_k": 1}, {"top_k": 3}, {"top_p": 0.6}, {"top_k": 4, "top_p": 0.8}]
)
@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_sampled_frequencies_of_a_part(options, temperature):
    count, matrix = 4000, random_logits(8, scale=1.0)
    given = np.full((count, 2), [4, 0])
    out = run_sample(
        matrix_step(matrix), given, uniforms(count, 2), temperature, **options
    )
    p = filtered(softmax(matrix[4], temperature), **options)
    found = np.bincount(out[:, 1], minlength=VOCABULARY)
    assert not found[p == 0].any()
    if (p > 0).sum() > 1:
        assert scipy.stats.chisquare(found[p > 0], count * p[p > 0]).pvalue > 1e-3


def test_the_repetition_penalty_counts_what_is_in_the_text():
    matrix, penalty = random_logits(9), 2.5
    given = np.zeros((40, 7), np.int32)
    given[:, 0], given[::2, 1], given[:, 5] = np.resize([4, 5, 6, 7], 40), 8, 4
    uniform = uniforms(40, 7)
    out = run_sample(matrix_step(matrix), given, uniform, repetition_penalty=penalty)
    for row, numbers, wanted in zip(out, uniform, given):
        for t in range(6):
            logits = matrix[row[t]].copy()
            for i in set(row[: t + 1]):
                logits[i] *= 1 / penalty if logits[i] > 0 else penalty
            cumulative = np.cumsum(softmax(logits))
            drawn = np.searchsorted(cumulative, numbers[t + 1], side="right")
            assert row[t + 1] == (wanted[t + 1] or drawn)


def test_sample_never_writes_padding_unknown_or_start():
    matrix = random_logits(7)
    matrix[:, :END] = 50
    given = np.full((90, 4), [4, 0, 0, 0])
    given[:, 0] = np.resize(range(1, VOCABULARY), 90)
    uniform = np.resize([[0.0], [0.5], [LARGEST]], (90, 1)).repeat(4, 1)
    temperature = np.resize([0.0, 1.0, 100.0, 0.01], (90, 1))
    out = run_sample(matrix_step(matrix), given, uniform, temperature)
    assert (out[:, 1:] >= END).all() and (out < VOCABULARY).all()


def test_the_largest_random_number_draws_an_id_of_the_vocabulary():
    size = 5000
    logits = np.random.default_rng(0).normal(size=(1, size)).astype(np.float32)

    def step(ids, state):
        return ops.take(ops.convert_to_tensor(logits), ids * 0, axis=0), state

    given = np.full((3, 3), [4, 0, 0])
    out = run_sample(step, given, np.full(given.shape, LARGEST))
    assert (out < size).all() and (out[:, 1:] > size - 100).all()


def scaled(model, factor):
    """Makes the answers of an untrained model vary."""
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(random.normal(scale=factor, size=weight.shape))
    return model


TRANSLATORS = {
    "additive-lstm": {},
    "none-gru": {"attention": "none", "cell": "gru", "bidirectional": False},
    "additive-simple": {"cell": "simple", "num_layers": 2},
    "additive-lstm-bfloat16": {"dtype": "mixed_bfloat16"},
    "none-gru-bfloat16": {
        "attention": "none",
        "cell": "gru",
        "dtype": "mixed_bfloat16",
    },
    "feeding-coverage-gru": {"cell": "gru", "input_feeding": True, "coverage": True},
    "inside-gru-bfloat16": {
        "attention_place": "inside",
        "cell": "gru",
        "dtype": "mixed_bfloat16",
    },
}


@pytest.mark.parametrize(
    "options",
    tiered_values(TRANSLATORS, ["additive-lstm", "none-gru", "inside-gru-bfloat16"]),
)
def test_greedy_search(options):
    config = TranslatorConfig(
        source_vocabulary_size=9,
        target_vocabulary_size=7,
        units=4,
        embedding_size=4,
        **options,
    )
    model = scaled(build_translator(config), 1.5)
    search = GreedySearch(
        model.get_layer("encoder"),
        model.get_layer("decoder"),
        config.num_carried,
    )
    source = np.array([[4, 5], [8, 3], [6, 0], [7, 7], [5, 3], [3, 0]], np.int32)
    compiled = search.predict_on_batch(source)
    assert compiled.shape == (6, 2 * 2 + 10) and compiled.dtype == np.int32
    eager = ops.convert_to_numpy(search(ops.convert_to_tensor(source)))
    if config.dtype == "float32":
        assert np.array_equal(compiled, eager)
    # By teacher forcing: each id is the likeliest behind those before it.
    before = np.concatenate([np.full((6, 1), START), compiled[:, :-1]], 1)
    inputs = {"source_ids": source, "target_ids": before.astype(np.int32)}
    logits = model.predict_on_batch(inputs)[..., END:]
    chosen = np.take_along_axis(logits, np.maximum(compiled - END, 0)[..., None], -1)
    slack = 0.1 if config.dtype == "mixed_bfloat16" else 1e-4
    assert (chosen[..., 0] >= logits.max(-1) - slack)[compiled != 0].all()
    for row in compiled.tolist():
        ended = row.index(END) + 1 if END in row else len(row)
        assert 0 not in row[:ended] and not any(row[ended:])
    assert len({tuple(row) for row in compiled.tolist()}) > 1


LANGUAGE_MODELS = {
    "lstm": {},
    "gru-2": {"cell": "gru", "num_layers": 2, "tied": True},
    "simple": {"cell": "simple"},
    "lstm-bfloat16": {"dtype": "mixed_bfloat16"},
    "gru-bfloat16": {"cell": "gru", "dtype": "mixed_bfloat16"},
}


@pytest.mark.parametrize("options", LANGUAGE_MODELS.values(), ids=LANGUAGE_MODELS)
def test_sampling(options):
    config = LanguageModelConfig(
        vocabulary_size=VOCABULARY, units=4, embedding_size=4, **options
    )
    model = scaled(build_language_model(config), 1.0)
    given = np.zeros((6, 6), np.int32)
    given[:, 0], given[:, 1] = [3, 4, 5, 6, 7, 8], [0, 5, 5, 0, 0, 1]
    uniform = uniforms(6, 6)
    temperature = np.resize(np.float32([0.0, 1.0, 0.5]), (6, 1))
    inputs = {"given": given, "uniform": uniform, "temperature": temperature}
    sampling = Sampling(model)
    out, *_ = sampling.predict_on_batch(inputs)
    assert out.dtype == np.int32
    if config.dtype == "float32":
        tensors = {k: ops.convert_to_tensor(v) for k, v in inputs.items()}
        assert np.array_equal(out, ops.convert_to_numpy(sampling(tensors)[0]))
    # By one long pass: each id is the one that its random number stands for.
    states = [np.zeros((6, config.units), np.float32)] * len(model.inputs[1:])
    logits = model.predict_on_batch([out, *states])[0]
    slack = 0.05 if config.dtype == "mixed_bfloat16" else 1e-4
    for row in range(6):
        for t in range(5):
            after = out[row, t + 1]
            if given[row, t + 1]:
                assert after == given[row, t + 1]
            elif temperature[row] == 0:
                assert logits[row, t, after] > logits[row, t, END:].max() - slack
            else:
                p = softmax(logits[row, t], temperature[row])
                high = np.cumsum(p)[after]
                u = uniform[row, t + 1]
                assert high - p[after] - slack < u < high + slack


def test_weights_are_shared_with_the_searches():
    config = LanguageModelConfig(vocabulary_size=VOCABULARY, units=4, embedding_size=4)
    model = build_language_model(config)
    sampling = Sampling(model)
    inputs = {
        "given": np.array([[4, 0, 0, 0, 0, 0]], np.int32),
        "uniform": uniforms(1, 6),
        "temperature": np.zeros((1, 1), np.float32),
    }
    outputs = set()
    for seed in range(4):
        random = np.random.default_rng(seed)
        model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
        outputs.add(tuple(sampling.predict_on_batch(inputs)[0][0].tolist()))
    assert len(outputs) > 1
