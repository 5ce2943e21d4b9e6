"""Scheduled sampling: what is replaced, how much of it, and by what it is trained."""

import keras
import numpy as np
import pytest
from conftest import tiered
from keras import ops
from scipy.optimize import brentq

from zoo.data.assembly import translation_batch
from zoo.decoding import compile_for_prediction
from zoo.models import scheduled_sampling
from zoo.models.scheduled_sampling import (
    ScheduledSampling,
    build_sampled_training,
    mix,
    progress,
)
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.text.vocabulary import END, START

JAX = keras.backend.backend() == "jax"
VOCABULARY = 12
DROPOUTS = {"input_dropout": 0.2, "output_dropout": 0.2, "recurrent_dropout": 0.2}
OPTIONS = {
    "gru-none-dropouts": {"cell": "gru", "attention": "none", **DROPOUTS},
    "lstm-scaled-dot-dropouts": {"attention": "scaled_dot", "tied": False, **DROPOUTS},
    "gru-additive-bfloat16": {"cell": "gru", "dtype": "mixed_bfloat16"},
}


def build(**options):
    keras.utils.set_random_seed(0)
    sizes = dict(source_vocabulary_size=VOCABULARY, target_vocabulary_size=VOCABULARY)
    options = {"units": 4, "embedding_size": 4, **options}
    return build_translator(TranslatorConfig(**sizes, **options))


def batch(rows=4, longest=6):
    """A batch of sentences of 1 to `longest` tokens, the target's end among them."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, longest + 1, rows)
    lengths[0] = longest
    columns = {}
    for side in ("source_ids", "target_ids"):
        ids = random.integers(4, VOCABULARY, (rows, longest)).astype(np.int32)
        ids[np.arange(rows), lengths - 1] = END
        columns[side] = np.where(np.arange(longest) < lengths[:, None], ids, 0)
    return translation_batch(columns, np.ones(rows, np.float32))


def train(model, x, y, weights, steps=1):
    """Compiles a model and trains it on one batch over and over."""
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=JAX)
    for _ in range(steps):
        model.train_on_batch(x, y, weights)


def probabilities(translator, x):
    """Returns what is predicted in place of each input token but the first."""
    logits = ops.convert_to_numpy(translator(x))[:, :-1].astype(np.float64)
    logits[..., : END + 1] = -np.inf
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


# --- Schedules ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("linear", {0: 0.0, 250: 0.25, 1000: 1.0, 5000: 1.0}),
        ("exponential", {0: 0.0, 500: 0.9, 1000: 0.99, 5000: 1.0}),
        ("inverse_sigmoid", {500: 0.5, 50_000: 1.0}),
    ],
)
def test_schedules(schedule, expected):
    found = {step: float(progress(step, 1000, schedule)) for step in expected}
    assert found == pytest.approx(expected, abs=1e-6)
    rising = np.array([float(progress(i, 1000, schedule)) for i in range(0, 1100, 50)])
    assert (np.diff(rising) >= 0).all() and 0 <= rising[0] < 0.01
    assert 0.99 - 1e-6 <= rising[20] <= 1


@pytest.mark.parametrize("steps", [1, 7, 1000, 10**6])
def test_the_inverse_sigmoid_is_that_of_bengio_et_al(steps):
    k = brentq(lambda k: k * np.log(k) - steps / 2, 1, 10 * steps)
    for step in np.linspace(0, steps, 5):
        expected = 1 - k / (k + np.exp(step / k))
        found = float(progress(step, steps, "inverse_sigmoid"))
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


# --- What is replaced ----------------------------------------------------------------


def mixed(ids, logits, share, seed=0):
    arrays = (ops.convert_to_tensor(a) for a in (np.int32(ids), np.float32(logits)))
    seed = keras.random.SeedGenerator(seed)
    return ops.convert_to_numpy(mix(*arrays, share, seed))


IDS = np.array([[START, 4, 5, 6, 7], [START, 8, 9, 0, 0], [START, 0, 0, 0, 0]])


def test_no_token_is_replaced_at_a_share_of_0():
    logits = np.random.default_rng(0).standard_normal((3, 5, VOCABULARY))
    np.testing.assert_array_equal(mixed(IDS, logits, 0.0), IDS)


def test_every_token_but_start_and_padding_is_replaced_at_a_share_of_1():
    predicted = np.array([[8, 9, 10, 11, 4], [5, 6, 7, 8, 9], [10, 11, 4, 5, 6]])
    logits = 99 * np.eye(VOCABULARY)[predicted]
    expected = [[START, 8, 9, 10, 11], [START, 5, 6, 0, 0], [START, 0, 0, 0, 0]]
    np.testing.assert_array_equal(mixed(IDS, logits, 1.0), expected)


def test_special_tokens_are_not_drawn_and_others_as_likely_as_predicted():
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    logits = np.log(np.append([9.0, 9.0, 9.0, 9.0], shares))
    ids = np.full((100, 101), 4)
    found = mixed(ids, np.broadcast_to(logits, (100, 101, 8)), 1.0)[:, 1:]
    counts = np.bincount(found.ravel(), minlength=8)
    assert counts[:4].sum() == 0
    assert counts[4:] / 10_000 == pytest.approx(shares, abs=0.025)  # 5 deviations


def test_as_many_tokens_are_replaced_as_asked_for():
    ids, logits = np.full((100, 101), 4), 99 * np.eye(8)[np.full((100, 101), 5)]
    found = mixed(ids, logits, 0.3)
    assert (found[:, 1:] == 5).mean() == pytest.approx(0.3, abs=0.025)
    assert not np.array_equal(found, mixed(ids, logits, 0.3, seed=1))
    np.testing.assert_array_equal(found, mixed(ids, logits, 0.3))


@pytest.fixture
def mixtures(monkeypatch):
    """The shares asked for, and the tokens before and after."""
    seen = []

    def watched(ids, logits, share, seed):
        result = mix(ids, logits, share, seed)
        seen.append([ops.convert_to_numpy(a) for a in (share, ids, result)])
        return result

    monkeypatch.setattr(scheduled_sampling, "mix", watched)
    return seen


def test_the_share_of_replaced_tokens_follows_the_schedule(mixtures):
    translator, (x, _, _) = build(), batch(rows=200, longest=20)
    layer = ScheduledSampling(translator, 0.8, steps=4)
    arrays = [ops.convert_to_tensor(x[name]) for name in ("source_ids", "target_ids")]
    for _ in range(6):
        layer(*arrays, training=True)
        layer(*arrays)
    expected = [0.0, 0.2, 0.4, 0.6, 0.8, 0.8]
    assert [share for share, _, _ in mixtures] == pytest.approx(expected)
    assert float(layer.step) == 6
    ids = x["target_ids"][:, 1:]
    right = np.take_along_axis(probabilities(translator, x), ids[..., None], 2)[..., 0]
    for share, before, after in mixtures:
        np.testing.assert_array_equal(before, x["target_ids"])
        np.testing.assert_array_equal(after[:, 0], START)
        np.testing.assert_array_equal(after == 0, before == 0)
        changed = (after[:, 1:] != ids)[ids != 0].mean()
        likely = share * (1 - right[ids != 0]).mean()  # a draw may be right as well
        assert changed == pytest.approx(likely, abs=0.06)  # 5 deviations


# --- Training ------------------------------------------------------------------------


@pytest.mark.parametrize("name", tiered(OPTIONS, ["gru-none-dropouts"]))
def test_at_a_share_of_0_training_is_plain_to_the_bit(name):
    trained = []
    for sampled in (False, True):
        model = translator = build(**OPTIONS[name])
        if sampled:
            model = build_sampled_training(translator, 0.0, steps=3)
        train(model, *batch(), steps=3)
        trained.append(translator.get_weights())
    for plain, other in zip(*trained):
        if JAX:  # XLA compiles two programs, and need not sum up in the same order
            np.testing.assert_allclose(other, plain, rtol=0, atol=1e-6)
        else:
            np.testing.assert_array_equal(other, plain)


def test_a_step_is_one_of_the_second_pass_on_the_predictions(monkeypatch):
    """Likeliest tokens instead of drawn ones, so that the test can know them."""

    def likeliest(logits, count, dtype, seed):
        return ops.cast(ops.argmax(logits, axis=-1, keepdims=True), dtype)

    monkeypatch.setattr(keras.random, "categorical", likeliest)
    x, y, weights = batch()
    plain, gold, translator = build(), build(), build()
    own = probabilities(plain, x).argmax(-1)
    ids = x["target_ids"].copy()
    ids[:, 1:] = np.where(ids[:, 1:] == 0, 0, own)
    train(plain, {**x, "target_ids": ids}, y, weights)
    train(gold, x, y, weights)
    sampled = build_sampled_training(translator, 1.0, steps=4)
    sampled.get_layer("scheduled_sampling").step.assign(4)
    train(sampled, x, y, weights)
    weights = [model.get_weights() for model in (plain, gold, translator)]
    for expected, _, found in zip(*weights):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert max(np.abs(e - g).max() for e, g, _ in zip(*weights)) > 1e-3


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["gru-none-dropouts", "gru-additive-bfloat16"])
def test_out_of_training_it_is_the_translator(name):
    translator, (x, y, weights) = build(**OPTIONS[name]), batch()
    sampled = build_sampled_training(translator, 1.0, steps=1)
    train(sampled, x, y, weights, steps=2)
    compile_for_prediction(translator)
    step = sampled.get_layer("scheduled_sampling").step
    assert float(step) == 2
    np.testing.assert_allclose(
        sampled.predict_on_batch(x), translator.predict_on_batch(x), atol=1e-6
    )
    assert float(step) == 2


def test_training_is_traced_once(monkeypatch):
    calls = []

    def counted(*arguments):
        calls.append(1)
        return mix(*arguments)

    monkeypatch.setattr(scheduled_sampling, "mix", counted)
    sampled = build_sampled_training(build(), 1.0, steps=4)
    train(sampled, *batch())
    traced = len(calls)
    for _ in range(4):
        sampled.train_on_batch(*batch())
    assert len(calls) == traced >= 1
    assert float(sampled.get_layer("scheduled_sampling").step) == 5


@pytest.mark.parametrize("changes, expected", [
    ({"share": 1.01}, "scheduled_sampling: expected a number from 0 to 1, got 1.01"),
    ({"share": -0.1}, "scheduled_sampling: expected a number from 0 to 1, got -0.1"),
    ({"share": np.nan}, "scheduled_sampling: .* got nan"),
    ({"steps": 0}, "steps: expected at least 1, got 0"),
    ({"schedule": "cubic"}, "sampling_schedule: expected 'linear' or .* got 'cubic'"),
])  # fmt: skip
def test_values_out_of_range(changes, expected):
    options = {"share": 0.5, "steps": 9, **changes}
    with pytest.raises(ValueError, match=expected):
        build_sampled_training(build(), **options)
