"""Decoders with attention inside the recurrence, against a plain NumPy loop."""

import keras
import numpy as np
import pytest
from test_stacks import STEPS

import zoo
from zoo.models.translator import TranslatorConfig, build_translator

SIZES = {
    "source_vocabulary_size": 9, "target_vocabulary_size": 7, "units": 3,
    "embedding_size": 4,
}  # fmt: skip
ROWS, TIME, LENGTHS = 4, 5, [6, 2]  # neighboring rows of the target share a source
FEEDING, INSIDE = {"input_feeding": True}, {"attention_place": "inside"}
COVERAGE, FORWARD = {"coverage": True}, {"bidirectional": False}
OPTIONS = {
    "feeding-gru": {"cell": "gru", **FEEDING},
    "feeding-lstm-2-coverage": {"num_layers": 2, **FEEDING, **COVERAGE},
    "feeding-simple-dot": {"cell": "simple", "attention": "dot", **FEEDING, **FORWARD},
    "inside-lstm": INSIDE,
    "inside-gru-2-coverage": {"cell": "gru", "num_layers": 2, **INSIDE, **COVERAGE},
    "both-gru-scaled-dot": {
        "cell": "gru", "attention": "scaled_dot", **FEEDING, **INSIDE
    },
    "both-irnn-coverage": {
        "cell": "simple", "recurrent_initializer": "identity", **FEEDING, **INSIDE,
        **COVERAGE,
    },
}  # fmt: skip


def decoder(options):
    config = TranslatorConfig(**{**SIZES, **options})
    model, random = build_translator(config).get_layer("decoder"), normal(0)
    for weight in model.weights:
        weight.assign(0.7 * random(*weight.shape))
    return config, model


def normal(seed):
    random = np.random.default_rng(seed)
    return lambda *shape: random.normal(size=shape).astype(np.float32)


def inputs(config, seed=1):
    """Returns target ids, a list of what is carried, and the context."""
    random, steps, sources = normal(seed), max(LENGTHS), len(LENGTHS)
    ids = np.random.default_rng(seed).integers(1, 7, (ROWS, TIME)).astype(np.int32)
    mask = np.arange(steps) < np.array(LENGTHS)[:, None]
    count = config.num_layers * config.num_states
    carried = [random(ROWS, config.units) for _ in range(count)]
    if config.input_feeding:
        carried.append(random(ROWS, config.embedding_size))
    if config.coverage:
        received = np.abs(random(ROWS, steps))
        carried.append(received * np.repeat(mask, ROWS // sources, axis=0))
    memory = random(sources, steps, config.units * (1 + config.bidirectional))
    keys = memory
    if config.attention != "dot":
        keys = random(sources, steps, config.units)
    return ids, carried, [memory, keys, mask]


def run(model, ids, carried, context, **options):
    found = model([ids, *carried, *context], **options)
    return [keras.ops.convert_to_numpy(array) for array in found]


def plain(config, model, ids, carried, memory, keys):
    """One row, step by step: logits, what is carried, and attention weights."""
    values = {v.path: v.numpy().astype(np.float64) for v in model.weights}
    layers = [
        [value for path, value in values.items() if f"/decoder_{i}/" in path]
        for i in range(config.num_layers)
    ]
    of_attention = [v for path, v in values.items() if "/attention/" in path]
    kernel, bias = (v for path, v in values.items() if "/output_hidden/" in path)
    embeddings = values["target_embedding/embeddings"]
    identity = config.recurrent_initializer == "identity"
    activation = (lambda x: np.maximum(x, 0)) if identity else np.tanh
    carried = list(carried)
    coverage = carried.pop() if config.coverage else np.zeros(len(memory))
    hidden = carried.pop() if config.input_feeding else None
    each = config.num_states
    states = [carried[each * i :][:each] for i in range(config.num_layers)]

    def attend(query):
        if config.attention == "additive":
            projection, v, *extra = of_attention
            inner = query @ projection + keys
            if config.coverage:
                inner = inner + coverage[:, None] * extra[0]
            scores = np.tanh(inner) @ v[:, 0]
        else:
            scores = keys @ query
            if config.attention == "scaled_dot":
                scores = scores / np.sqrt(config.units)
        share = np.exp(scores - scores.max())
        share /= share.sum()
        return share @ memory, share

    logits, weights = [], []
    for i in ids:
        read = [embeddings[i]]
        if config.input_feeding:
            read.append(hidden)
        if config.attention_place == "inside":
            context, share = attend(states[-1][0])
            read.append(context)
        h = np.concatenate(read)
        for layer, parts in enumerate(layers):
            states[layer] = STEPS[config.cell](h, states[layer], *parts, activation)
            h = states[layer][0]
        if config.attention_place == "after":
            context, share = attend(h)
        hidden = np.tanh(np.concatenate([h, context]) @ kernel + bias)
        coverage = coverage + share
        logits.append(embeddings @ hidden)
        weights.append(share)
    finals = [state for layer in states for state in layer]
    finals += [hidden] * config.input_feeding + [coverage] * config.coverage
    return np.array(logits), finals, np.array(weights)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_decoder_follows_the_formulas(options):
    config, model = decoder(options)
    ids, carried, context = inputs(config)
    logits, *finals, weights = run(model, ids, carried, context)
    assert len(finals) == len(carried) == config.num_carried
    for row in range(ROWS):
        source = row * len(LENGTHS) // ROWS
        real = slice(LENGTHS[source])
        before = [state[row] for state in carried]
        if config.coverage:
            before[-1] = before[-1][real]
        memory, keys = (array[source, real] for array in context[:2])
        expected = plain(config, model, ids[row], before, memory, keys)
        np.testing.assert_allclose(logits[row], expected[0], atol=2e-5)
        for found, wanted in zip(finals, expected[1]):
            np.testing.assert_allclose(found[row][: len(wanted)], wanted, atol=1e-5)
        np.testing.assert_allclose(weights[row, :, real], expected[2], atol=1e-5)
        assert not weights[row, :, LENGTHS[source] :].any()
        if config.coverage:
            assert not finals[-1][row, LENGTHS[source] :].any()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_one_step_after_another_is_the_whole(options):
    config, model = decoder(options)
    ids, carried, context = inputs(config)
    logits, *finals, weights = run(model, ids, carried, context)
    for t in range(TIME):
        step = run(model, ids[:, t : t + 1], carried, context)
        carried = step[1:-1]
        np.testing.assert_allclose(step[0][:, 0], logits[:, t], atol=1e-5)
        np.testing.assert_allclose(step[-1][:, 0], weights[:, t], atol=1e-6)
    for found, wanted in zip(carried, finals):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_coverage_is_summed_in_float32():
    config, model = decoder({**FEEDING, **COVERAGE, "dtype": "mixed_bfloat16"})
    ids, carried, context = inputs(config)
    ids = np.tile(ids, (1, 20))
    received = run(model, ids, carried, context)[-2]
    assert received.dtype == np.float32
    gained = (received - carried[-1]).sum(1)
    np.testing.assert_allclose(gained, 20 * TIME, atol=1e-3)


@pytest.mark.parametrize("place", [FEEDING, INSIDE], ids=["feeding", "inside"])
@pytest.mark.parametrize("name", ["recurrent_dropout", "weight_drop"])
def test_what_is_dropped_from_the_recurrence(place, name):
    """Nothing that counts at the first step, before which the states are zero."""
    config, model = decoder({"cell": "gru", name: 0.5, **place})
    ids, carried, context = inputs(config)
    carried = [np.zeros_like(state) for state in carried]
    still, moved = (
        run(model, ids, carried, context, training=training)[0]
        for training in (False, True)
    )
    np.testing.assert_allclose(moved[:, 0], still[:, 0], atol=1e-5)
    assert np.abs(moved[:, 1:] - still[:, 1:]).max() > 1e-3


@pytest.mark.parametrize("place", [FEEDING, INSIDE], ids=["feeding", "inside"])
@pytest.mark.parametrize("variational", [False, True])
def test_the_same_features_are_dropped_at_every_step(variational, place):
    """On a layer whose states are constant, of which the outputs are a copy."""
    config, model = decoder({
        "cell": "simple", "units": 4, "output_dropout": 0.5,
        "variational_dropout": variational, **place,
    })  # fmt: skip
    layer = model.get_layer("fed_decoder")
    for weight in layer.weights:
        weight.assign(np.zeros(weight.shape))
    layer.recurrent[0].cell.bias.assign(np.full(4, 0.5))
    layer.hidden.kernel.assign(np.eye(12, 4))
    _, carried, (memory, keys, mask) = inputs(config)
    x = normal(2)(ROWS, 20, 4)
    outputs = [
        keras.ops.convert_to_numpy(
            layer(x, carried, keys, memory, mask, training=training)[0]
        )
        for training in (False, True)
    ]
    np.testing.assert_allclose(outputs[0], np.tanh(np.tanh(0.5)), atol=1e-6)
    kept = outputs[1] != 0
    np.testing.assert_allclose(outputs[1][kept], np.tanh(2 * np.tanh(0.5)), atol=1e-6)
    assert 0.1 < kept.mean() < 0.9
    assert (kept == kept[:, :1]).all() == variational


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(FEEDING, id="feeding", marks=pytest.mark.nightly),
        pytest.param(INSIDE, id="inside"),
    ],
)
def test_training_on_batches_of_several_shapes(place):
    """For which TensorFlow makes one program, that knows neither rows nor steps. It
    computes what evaluation does, as hardly anything is dropped and nothing learned."""
    config = TranslatorConfig(**SIZES, num_layers=2, output_dropout=1e-6, **place)
    model = build_translator(config)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)

    def batches():
        for rows, time in [(4, 3), (2, 5)]:
            names = "source_ids", "target_ids"
            *ids, y = random.integers(4, 7, (3, rows, time))
            yield dict(zip(names, ids)), y

    data = list(batches())
    losses = [model.evaluate(*batch, verbose=0) for batch in data]
    fitted = model.fit((batch for batch in data), steps_per_epoch=len(data), verbose=0)
    expected = np.average(losses, weights=[len(y) for _, y in data])
    np.testing.assert_allclose(fitted.history["loss"][0], expected, rtol=1e-4)


def test_the_path_of_its_layers_is_explained():
    config = TranslatorConfig(**SIZES, num_layers=2, **FEEDING)
    found = zoo.explain(build_translator(config))
    assert {name: path for name, (path, *_) in found.items()} == {
        "encoder_0 forward": "scan", "encoder_0 backward": "scan",
        "encoder_1 forward": "scan", "encoder_1 backward": "scan",
        "decoder_0": "steps", "decoder_1": "steps",
    }  # fmt: skip


UNLESS = (
    "coverage: expected false unless attention='additive' and input_feeding or "
    "attention_place='inside', got true"
)


@pytest.mark.parametrize("options, expected", [
    ({"attention": "none", **FEEDING},
     "input_feeding: expected false with attention='none', got true"),
    ({"attention": "none", **INSIDE},
     "attention_place: expected 'after' with attention='none', got 'inside'"),
    (COVERAGE, UNLESS),
    ({"attention": "general", **COVERAGE, **FEEDING}, UNLESS),
    ({"attention": "none", **COVERAGE}, UNLESS),
    ({"input_feeding": 1}, "input_feeding: expected true or false, got 1"),
    ({"attention_place": "before"},
     "attention_place: expected 'after' or 'inside', got 'before'"),
])  # fmt: skip
def test_options_that_do_not_go_together(options, expected):
    with pytest.raises(ValueError) as error:
        TranslatorConfig(**SIZES, **options)
    assert str(error.value) == expected
