"""The CRF against the enumeration of all taggings, and as users train and load it."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from zoo import inference
from zoo.inference import Tagger
from zoo.layers import crf
from zoo.layers import crf_algorithms as algorithms
from zoo.models.tagger import TaggerConfig, build_crf_training, build_tagger
from zoo.text.span_schemes import allowed_transitions, violations

LENGTHS, TIME = [1, 2, 3, 4, 5], 5
MASK = np.arange(TIME) < np.array(LENGTHS)[:, None]


class Chain:
    """A CRF layer with drawn weights, sentences for it, and the scores of all taggings.

    Args:
        num_tags: how many; tag 0 may stand anywhere.
        forbids: whether a third of the transitions, starts and ends is forbidden.
        scale: of the emissions.
    """

    def __init__(self, num_tags, forbids=False, scale=3.0):
        random = np.random.default_rng(num_tags)
        self.num_tags, self.allowed = num_tags, None
        if forbids:
            self.allowed = random.random((num_tags + 1, num_tags + 1)) > 1 / 3
            self.allowed[0] = self.allowed[:, 0] = True
        self.layer = crf.CRF(num_tags, self.allowed)
        self.layer.build((None, None, num_tags))
        for weight in self.layer.weights:
            weight.assign(random.normal(0, 2, weight.shape))
        self.emissions = random.normal(0, scale, (len(LENGTHS), TIME, num_tags))
        self.emissions = self.emissions.astype("float32")
        self.tags = random.integers(0, num_tags, MASK.shape) * MASK

    def __call__(self, function, *arguments, mask=MASK, emissions=None):
        """Calls a function of the module on the potentials; returns arrays."""
        emissions = self.emissions if emissions is None else emissions
        potentials = self.layer(emissions, mask=mask)
        found = function(potentials, self.layer.transition_scores, mask, *arguments)
        return keras.tree.map_structure(ops.convert_to_numpy, found)

    def logits(self, tags, mask=MASK, emissions=None):
        """Returns the chain's logits, given tags."""
        layer = crf.ChainLogits(self.layer)
        return self(
            lambda potentials, _, mask: layer(potentials, mask=mask, tags=tags),
            mask=mask,
            emissions=emissions,
        )

    def taggings(self, row):
        """Returns all legal taggings of a sentence, and their scores, best first."""
        emissions = self.emissions[row, : LENGTHS[row]].astype("float64")
        start, end, between = (
            ops.convert_to_numpy(w).astype("float64")
            for w in (self.layer.start, self.layer.end, self.layer.transitions)
        )
        found = []
        for tags in itertools.product(range(self.num_tags), repeat=len(emissions)):
            edged = [-1, *tags, -1]
            pairs = list(zip(edged, edged[1:]))
            if self.allowed is not None and not all(self.allowed[p] for p in pairs):
                continue
            score = start[tags[0]] + end[tags[-1]]
            score += sum(between[pair] for pair in pairs[1:-1])
            found.append((score + sum(e[t] for e, t in zip(emissions, tags)), tags))
        scores, tags = zip(*sorted(found, reverse=True))
        return np.array(tags), np.array(scores)


def log_sum(scores):
    return scores.max() + np.log(np.exp(scores - scores.max()).sum())


def cross_entropy(logits, tags):
    logits = logits.astype("float64")
    chosen = np.take_along_axis(logits, tags[..., None], -1)[..., 0]
    largest = logits.max(-1)
    return largest + np.log(np.exp(logits - largest[..., None]).sum(-1)) - chosen


@pytest.fixture(
    scope="module", params=itertools.product([1, 2, 3, 4], [False, True]), ids=str
)
def chain(request):
    return Chain(*request.param)


def test_the_partition_terms_add_up_to_the_sum_over_all_taggings(chain):
    found = chain(algorithms.log_partition_terms)
    assert (found[~MASK] == 0).all()
    for row in range(len(LENGTHS)):
        expected = log_sum(chain.taggings(row)[1])
        assert found[row].sum() == pytest.approx(expected, rel=1e-6, abs=1e-5)


def test_cross_entropies_add_up_to_the_negative_log_likelihood(chain):
    """Of every legal tagging of every length."""
    all_of = [chain.taggings(row) for row in range(len(LENGTHS))]
    rows = np.repeat(np.arange(len(LENGTHS)), [len(scores) for _, scores in all_of])
    padded = [
        np.pad(taggings, ((0, 0), (0, TIME - taggings.shape[1])))
        for taggings, _ in all_of
    ]
    tags, mask = np.concatenate(padded), MASK[rows]
    logits = chain.logits(tags, mask, chain.emissions[rows])
    found = (cross_entropy(logits, tags) * mask).sum(-1)
    expected = np.concatenate([log_sum(scores) - scores for _, scores in all_of])
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_marginals_are_sums_over_all_taggings(chain):
    found = chain(algorithms.marginals)
    assert (found[~MASK] == 0).all()
    for row, length in enumerate(LENGTHS):
        taggings, scores = chain.taggings(row)
        probabilities = np.exp(scores - log_sum(scores))
        for step, tag in itertools.product(range(length), range(chain.num_tags)):
            expected = probabilities[taggings[:, step] == tag].sum()
            assert found[row, step, tag] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_best", [1, 7])
def test_viterbi_paths_are_those_of_the_enumeration(chain, n_best):
    paths, scores = chain(algorithms.viterbi_paths, n_best)
    assert paths.shape == (len(LENGTHS), n_best, TIME)
    assert (paths[~np.repeat(MASK[:, None], n_best, 1)] == 0).all()
    for row, length in enumerate(LENGTHS):
        taggings, expected = chain.taggings(row)
        count = min(n_best, len(taggings))
        assert scores[row, :count] == pytest.approx(expected[:count], abs=1e-4)
        assert paths[row, :count, :length].tolist() == taggings[:count].tolist()
        assert (scores[row, count:] < crf.FORBIDDEN / 2).all()


def test_length_1_alone():
    chain = Chain(3, forbids=True)
    mask, emissions = MASK[:1, :1], chain.emissions[:1, :1]
    taggings, scores = chain.taggings(0)
    shares = chain(algorithms.log_partition_terms, mask=mask, emissions=emissions)
    assert shares[0] == pytest.approx([log_sum(scores)], abs=1e-5)
    path = chain(algorithms.viterbi_paths, 1, mask=mask, emissions=emissions)[0]
    assert path.tolist() == [[taggings[0].tolist()]]
    tags = chain(algorithms.marginals, mask=mask, emissions=emissions)[0, 0]
    assert tags.sum() == pytest.approx(1) and tags.argmax() == taggings[0, 0]


def test_padding_changes_nothing():
    """Nor do sentences without a word, whose numbers are finite."""
    chain = Chain(4, forbids=True)
    mask = np.pad(MASK, ((0, 2), (0, 3)))
    padding = ((0, 2), (0, 3), (0, 0))
    emissions = np.pad(chain.emissions, padding, constant_values=np.nan)
    rows, steps = MASK.shape
    for function, arguments in (
        (algorithms.log_partition_terms, ()),
        (algorithms.marginals, ()),
        (algorithms.viterbi_paths, (3,)),
    ):
        narrow = keras.tree.flatten(chain(function, *arguments))
        wide = keras.tree.flatten(
            chain(function, *arguments, mask=mask, emissions=emissions)
        )
        for a, b in zip(narrow, wide):
            assert np.isfinite(b).all()
            b = b[:rows] if b.ndim == 2 and b.shape[1] == 3 else b
            b = b[:rows, :steps] if function is not algorithms.viterbi_paths else b
            b = b[:rows, :, :steps] if b.ndim == 3 and b.shape[1] == 3 else b
            np.testing.assert_allclose(b, a, rtol=0, atol=1e-6)
    tags = np.pad(chain.tags, ((0, 2), (0, 3)))
    wide = chain.logits(tags, mask, emissions)
    assert np.isfinite(wide).all()
    found = cross_entropy(wide, tags)[:rows, :steps]
    expected = cross_entropy(chain.logits(chain.tags), chain.tags)
    np.testing.assert_allclose(found[MASK], expected[MASK], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale, scheme", [(1000.0, None), (20.0, "bioes")])
def test_large_potentials(scale, scheme):
    """Differences that float32 cannot exponentiate leave every number as it should be,
    as long as no transition is forbidden."""
    chain = Chain(4, scale=scale)
    if scheme:
        tags = ["B-X", "I-X", "E-X", "S-X"]
        chain.allowed = allowed_transitions(tags, scheme)
        chain.layer = crf.CRF(4, chain.allowed)
    shares = chain(algorithms.log_partition_terms)
    probabilities = chain(algorithms.marginals)
    for row in range(len(LENGTHS)):
        taggings, scores = chain.taggings(row)
        assert shares[row].sum() == pytest.approx(log_sum(scores), rel=1e-5)
        shares_of_all = np.exp(scores - log_sum(scores))
        for step, tag in np.ndindex(LENGTHS[row], 4):
            expected = shares_of_all[taggings[:, step] == tag].sum()
            assert probabilities[row, step, tag] == pytest.approx(expected, abs=1e-4)


def test_a_forbidden_tagging_is_improbable_not_infinite():
    allowed = np.ones((3, 3), bool)
    allowed[0, 1] = False
    chain = Chain(2)
    chain.layer = crf.CRF(2, allowed)
    tags = np.zeros((5, TIME), int)
    tags[:, 1:] = 1
    losses = cross_entropy(chain.logits(tags), tags)
    assert np.isfinite(losses).all()
    assert losses[1:, 1] == pytest.approx([-crf.FORBIDDEN] * 4, rel=0.01)


def test_nothing_legal_still_gives_numbers():
    chain = Chain(2)
    chain.layer = crf.CRF(2, np.zeros((3, 3), bool))
    for function in (algorithms.log_partition_terms, algorithms.marginals):
        found = chain(function)
        assert np.isfinite(found).all()
    assert np.isfinite(chain(algorithms.viterbi_paths, 1)[1]).all()


def test_allowed_is_checked():
    with pytest.raises(ValueError) as error:
        crf.CRF(3, np.ones((3, 3), bool))
    assert str(error.value) == "allowed: expected the shape (4, 4), got (3, 3)"


# --- Training --------------------------------------------------------------------


def embedded(chain, layer):
    """A model from the numbers of the steps to what a layer makes of the chain."""
    steps = keras.Input(batch_shape=MASK.shape, dtype="int32")
    mask = keras.Input(batch_shape=MASK.shape, dtype="bool")
    emissions = keras.layers.Embedding(MASK.size, chain.num_tags)
    outputs = layer(chain.layer(emissions(steps), mask=mask), mask)
    model = keras.Model([steps, mask], outputs)
    emissions.embeddings.assign(chain.emissions.reshape(-1, chain.num_tags))
    return model, [np.arange(MASK.size).reshape(MASK.shape), MASK]


def gradients(model, inputs, y, weights, loss, jit_compile):
    """Returns what a step of gradient descent takes from each weight."""
    before = [w.numpy() for w in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=jit_compile)
    model.train_on_batch(inputs, y, weights)
    return {
        w.path.split("/")[-1]: a - w.numpy()
        for a, w in zip(before, model.trainable_weights)
    }


def differences(chain, function, step=1e-5):
    """Returns the derivatives of a number by every weight, by finite differences."""
    arrays = {"embeddings": chain.emissions.astype("float64")}
    weights = {w.name: w for w in chain.layer.weights}
    arrays |= {n: w.numpy().astype("float64") for n, w in weights.items()}

    class Moved(Chain):
        def __init__(self):
            self.num_tags, self.allowed = chain.num_tags, chain.allowed
            self.emissions, self.layer = arrays["embeddings"], Moved

        start, end = arrays["start"], arrays["end"]
        transitions = arrays["transitions"]

    found = {}
    for name, array in arrays.items():
        found[name] = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            values = []
            for sign in (1, -1):
                array[index] += sign * step
                values.append(function(Moved()))
                array[index] -= sign * step
            found[name][index] = (values[0] - values[1]) / (2 * step)
    found["embeddings"] = found["embeddings"].reshape(-1, chain.num_tags)
    return found


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("forbids", [False, True])
def test_gradients_equal_finite_differences(forbids, jit_compile):
    chain = Chain(3, forbids, scale=1.0)
    chain.tags = np.zeros_like(chain.tags)
    for row, length in enumerate(LENGTHS):
        legal = chain.taggings(row)[0]
        chain.tags[row, :length] = legal[len(legal) // 2]

    def mean_loss(moved):
        total = 0
        for row, length in enumerate(LENGTHS):
            taggings, scores = moved.taggings(row)
            right = (taggings == chain.tags[row, :length]).all(-1)
            total += log_sum(scores) - scores[right][0]
        return total / sum(LENGTHS)

    expected = differences(chain, mean_loss)
    layer = crf.ChainLogits(chain.layer)
    model, inputs = embedded(
        chain,
        lambda x, mask: layer(x, mask=mask, tags=ops.convert_to_tensor(chain.tags)),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    found = gradients(
        model, inputs, chain.tags, MASK.astype("float32"), loss, jit_compile
    )
    assert_close(found, expected)


def test_gradients_of_the_partition_function():
    chain = Chain(3, scale=1.0)

    def total(moved):
        return sum(log_sum(moved.taggings(row)[1]) for row in range(len(LENGTHS)))

    class PartitionTerms(keras.layers.Layer):
        def call(self, potentials, mask):
            scores = chain.layer.transition_scores
            return algorithms.log_partition_terms(potentials, scores, mask)

    model, inputs = embedded(chain, PartitionTerms())
    expected = differences(chain, total)
    found = gradients(model, inputs, MASK, None, lambda y, z: ops.sum(z), False)
    assert_close(found, expected)


def config(**options):
    sizes = dict(vocabulary_size=6, num_classes=2, embedding_size=4, units=4)
    quick = {"characters": False, "cell": "simple", "bidirectional": False}
    return TaggerConfig(**{**sizes, **quick, "crf": True, **options})


OBJECTIVE = {"from_logits": True, "reduction": "mean_with_sample_weight"}


@pytest.mark.parametrize(
    "dtype, jit_compile",
    [
        ("float32", True),
        pytest.param("float32", False, marks=pytest.mark.nightly),
        pytest.param("mixed_bfloat16", True, marks=pytest.mark.nightly),
    ],
)
def test_fit_learns_that_neighbors_agree(dtype, jit_compile):
    """All words are one and the same, and all tags of a sentence are equal: from the
    words alone nothing better than log 2 a word can be had, from the chain log 2 a
    sentence."""
    if keras.backend.backend() == "jax" and not jit_compile:
        pytest.skip("too slow op by op; the gradients are tested so")
    keras.utils.set_random_seed(0)
    tagger = build_tagger(config(dtype=dtype))
    assert {w.dtype for w in tagger.get_layer("crf").weights} == {"float32"}
    model = build_crf_training(tagger)
    model.compile(
        keras.optimizers.Adam(0.1),
        keras.losses.SparseCategoricalCrossentropy(**OBJECTIVE),
        jit_compile=jit_compile,
    )
    for step in range(60):  # their lengths differ, so that no dimension is fixed
        length = 3 + step % 2
        ids = np.full((4, length), 4, "int32")
        tags = np.repeat([[0], [1], [0], [1]], length, axis=1).astype("int32")
        if length == 4:
            ids[:2, 3:] = tags[:2, 3:] = 0
        loss = model.train_on_batch(
            {"token_ids": ids, "tags": tags}, tags, (ids != 0).astype("float32")
        )
    assert float(loss) == pytest.approx(4 * np.log(2) / 14, abs=0.02)
    potentials = tagger.predict_on_batch({"token_ids": ids})
    assert potentials.dtype == np.float32


# --- Taggers ---------------------------------------------------------------------

WORDS = ["a", "b"]
TEXTS = ["a b a", "", "b", "a a b b a", "new b"]
SPANS = ["B-X", "B-Y", "I-X", "I-Y", "O"]


def tagger(labels, seed=1, **options):
    """A tagger whose weights are drawn large, so that it is sure of what it says."""
    settings = {"lowercase": True, "tokenizer": {"kind": "spaces"}}
    settings |= {n: options.pop(n) for n in ("scheme", "constrained") if n in options}
    vocabularies = {"words": WORDS, "characters": WORDS, "labels": labels}
    sizes = config(
        num_classes=len(labels), character_vocabulary_size=6, word_length=2, **options
    )
    made = Tagger(sizes, vocabularies, **settings)
    random = np.random.default_rng(seed)
    for weight in made.keras_model.weights:
        weight.assign(random.normal(0, 1, weight.shape))
    return made


@pytest.mark.parametrize("has_crf", [True, False])
def test_the_n_best_taggings(has_crf):
    model = tagger(["A", "B"], crf=has_crf)
    best = model.predict(TEXTS)
    for text, first, several in zip(TEXTS, best, model.n_best(TEXTS, 40)):
        count = 2 ** len(text.split())
        assert len(several) == len({str(t.pairs) for t in several}) == count
        assert several[0].pairs == first
        probabilities = [t.probability for t in several]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        for i, (word, tags) in enumerate(model.probabilities([text])[0]):
            assert word == text.split()[i] and list(tags) == ["A", "B"]
            for tag, probability in tags.items():
                share = sum(t.probability for t in several if t.pairs[i][1] == tag)
                assert probability == pytest.approx(share, abs=1e-5)
    assert model.n_best("a b a", 1)[0].pairs == best[0]
    assert model.n_best("", 2)[0].probability == 1.0
    with pytest.raises(ValueError, match="n_best: expected at least 1, got 0"):
        model.n_best(TEXTS, 0)


def test_a_tagger_of_an_unknown_scheme():
    with pytest.raises(ValueError, match="^scheme: expected one of io, .* got 'iob9'"):
        tagger(SPANS, scheme="iob9")


def test_a_constrained_tagger_keeps_the_scheme():
    def illegal(model):
        found = [t.pairs for several in model.n_best(TEXTS, 9) for t in several]
        located = [("", ([], [tag for _, tag in pairs])) for pairs in found]
        return len(list(violations(located, "iob2")))

    assert illegal(tagger(SPANS)) > 0
    model = tagger(SPANS, scheme="iob2", constrained=True)
    assert illegal(model) == 0
    # Of one word the scheme allows B-X, B-Y and O.
    assert len(model.n_best("b", 9)) == 3
    word = model.probabilities(["b"])[0][0][1]
    assert word["I-X"] + word["I-Y"] < 1e-6
    assert sum(word.values()) == pytest.approx(1, abs=1e-5)


def test_a_fresh_process_decodes_the_same(tmp_path):
    model = tagger(SPANS, scheme="iob2", constrained=True)
    model.save(tmp_path / "checkpoint")
    loaded = inference.load(tmp_path / "checkpoint")
    expected = repr((model.predict(TEXTS), model.n_best(TEXTS, 3)))
    assert repr((loaded.predict(TEXTS), loaded.n_best(TEXTS, 3))) == expected
    code = (
        "import sys, zoo, test_crf as t; model = zoo.load(sys.argv[1]); "
        "print((model.predict(t.TEXTS), model.n_best(t.TEXTS, 3)))"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "checkpoint")],
        env={**os.environ, "PYTHONPATH": f"{here.parent}:{here}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected


def test_keras_saves_what_is_forbidden(tmp_path):
    model = tagger(SPANS, scheme="iob2", constrained=True).keras_model
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found, expected = (
        ops.convert_to_numpy(m.get_layer("crf").transition_scores)
        for m in (loaded, model)
    )
    assert np.array_equal(found, expected)
    assert (found <= crf.FORBIDDEN / 2).sum() == 6
