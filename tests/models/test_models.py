"""One list of checks that holds every model of the zoo, in every option."""

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import tiered

from zoo import inference
from zoo.checkpoints import weights_of
from zoo.data.assembly import classification_batch, tagging_batch, translation_batch
from zoo.data.streams import Streams
from zoo.decoding import compile_for_prediction
from zoo.keras_compat import flatten_layers
from zoo.models.classifier import ClassifierConfig, build_classifier
from zoo.models.language_model import (
    LanguageModelConfig,
    build_language_model,
    build_stream_model,
)
from zoo.models.tagger import TaggerConfig, build_crf_training, build_tagger
from zoo.models.translator import TranslatorConfig, build_translator
from zoo.text.vocabulary import END

JAX = keras.backend.backend() == "jax"


def compile_quickly(wanted):
    """Sets whether JAX leaves out optimizations that cost more than they save."""
    if JAX:
        import jax

        jax.config.update("jax_disable_most_optimizations", wanted)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    compile_quickly(True)
    yield
    compile_quickly(False)


LENGTHS, TIME, VOCABULARY, CLASSES = [4, 1, 3, 4], 4, 12, 3
DROPOUTS = {"input_dropout": 0.2, "output_dropout": 0.2, "recurrent_dropout": 0.2}
BFLOAT16 = {"dtype": "mixed_bfloat16"}
FORWARD = {"bidirectional": False}
IDENTITY = {"cell": "simple", "recurrent_initializer": "identity"}
FROZEN = {"num_frozen": 5, "word_dropout": 0.2}
REGULARIZED = {"weight_drop": 0.3, "variational_dropout": True, "input_dropout": 0.2}
LETTERS = {"character_encoder": "lstm", "character_filters": 4, "casing": True}


def classifier(pooling, head="binary", **options):
    outputs = {"binary": 1, "regression": 1}.get(head, CLASSES)
    sizes = dict(vocabulary_size=VOCABULARY, num_outputs=outputs, embedding_size=4)
    options = {"units": 4, **sizes, **options}
    return build_classifier, ClassifierConfig(pooling=pooling, head=head, **options)


def tagger(characters=True, **options):
    sizes = dict(vocabulary_size=VOCABULARY, num_classes=CLASSES, embedding_size=4)
    letters = dict(character_vocabulary_size=9, character_filters=3, word_length=4)
    options = {"units": 4, **sizes, **letters, **options}
    return build_tagger, TaggerConfig(characters=characters, **options)


def language_model(tied=False, **options):
    options = {"units": 4, "embedding_size": 4, **options}
    return build_language_model, LanguageModelConfig(
        vocabulary_size=VOCABULARY, tied=tied, **options
    )


def translator(attention="additive", tied=True, **options):
    sizes = dict(source_vocabulary_size=VOCABULARY, target_vocabulary_size=VOCABULARY)
    options = {"units": 4, "embedding_size": 4, **sizes, **options}
    return build_translator, TranslatorConfig(attention=attention, tied=tied, **options)


CASES = {
    "classifier-lstm-last": classifier("last", num_layers=2),
    "classifier-gru-last-forward": classifier(
        "last", "multiclass", cell="gru", **FORWARD
    ),
    "classifier-gru-max-dropouts": classifier(
        "max", "multilabel", cell="gru", **DROPOUTS
    ),
    "classifier-irnn-mean": classifier("mean", "regression", **IDENTITY),
    "classifier-lstm-attention": classifier("attention", "multiclass", **FORWARD),
    "classifier-lstm-max-identity": classifier("max", recurrent_initializer="identity"),
    "classifier-simple-last-dropouts": classifier(
        "last", "multilabel", cell="simple", **DROPOUTS
    ),
    "classifier-gru-mean-bfloat16": classifier("mean", cell="gru", **BFLOAT16),
    "classifier-lstm-attention-bfloat16": classifier("attention", **BFLOAT16),
    "classifier-lstm-concat-frozen": classifier("concat", **FROZEN),
    "classifier-lstm-max-weight-drop-variational": classifier("max", **REGULARIZED),
    "classifier-gru-concat-forward": classifier("concat", cell="gru", **FORWARD),
    "tagger-lstm-characters": tagger(),
    "tagger-gru-words-2": tagger(False, cell="gru", num_layers=2, **FORWARD),
    "tagger-irnn-words": tagger(False, **IDENTITY),
    "tagger-lstm-characters-dropouts": tagger(**DROPOUTS),
    "tagger-simple-characters-bfloat16": tagger(cell="simple", **BFLOAT16),
    "tagger-lstm-crf": tagger(crf=True),
    "tagger-gru-crf-bfloat16": tagger(False, cell="gru", crf=True, **BFLOAT16),
    "tagger-lstm-letters-casing-frozen": tagger(**LETTERS, **FROZEN),
    "tagger-gru-weight-drop-variational": tagger(cell="gru", **REGULARIZED),
    "tagger-gru-letters-bfloat16": tagger(cell="gru", **LETTERS, **BFLOAT16),
    "lm-lstm-untied": language_model(units=5),
    "lm-gru-tied": language_model(True, cell="gru", num_layers=2),
    "lm-irnn-tied": language_model(True, units=6, **IDENTITY),
    "lm-lstm-tied-dropouts": language_model(True, **DROPOUTS),
    "lm-lstm-regularized": language_model(
        True,
        weight_drop=0.4,
        embedding_dropout=0.1,
        activation_penalty=2.0,
        temporal_activation_penalty=1.0,
        variational_dropout=True,
        **DROPOUTS,
    ),
    "lm-gru-frozen": language_model(cell="gru", **FROZEN),
    "lm-gru-untied-bfloat16": language_model(cell="gru", **BFLOAT16),
    "translator-lstm-additive-tied": translator(),
    "translator-gru-none-tied": translator("none", cell="gru", **FORWARD),
    "translator-gru-additive-untied-dropouts": translator(
        tied=False, cell="gru", **DROPOUTS
    ),
    "translator-irnn-none-untied": translator("none", False, **IDENTITY),
    "translator-simple-additive-forward": translator(cell="simple", **FORWARD),
    "translator-lstm-none-2": translator("none", num_layers=2, units=3),
    "translator-lstm-additive-bfloat16": translator(**BFLOAT16),
    "translator-gru-dot-variational": translator(
        "dot", cell="gru", variational_dropout=True, **DROPOUTS, **FORWARD
    ),
    "translator-gru-additive-frozen": translator(cell="gru", **FROZEN),
    "translator-lstm-general": translator("general", units=3),
    "translator-gru-scaled-dot": translator("scaled_dot", False, cell="gru"),
    "translator-gru-feeding": translator(cell="gru", input_feeding=True),
    "translator-lstm-feeding-coverage-2": translator(
        num_layers=2, units=3, input_feeding=True, coverage=True
    ),
    "translator-gru-inside-coverage-dropouts": translator(
        cell="gru", attention_place="inside", coverage=True, **DROPOUTS
    ),
    "translator-lstm-dot-inside": translator(
        "dot", attention_place="inside", **FORWARD
    ),
    "translator-simple-general-both-variational": translator(
        "general",
        False,
        cell="simple",
        attention_place="inside",
        input_feeding=True,
        weight_drop=0.2,
        variational_dropout=True,
        **DROPOUTS,
    ),
    "translator-gru-feeding-coverage-bfloat16": translator(
        cell="gru", input_feeding=True, coverage=True, **BFLOAT16
    ),
}
KINDS = {
    build_classifier: (inference.Classifier, ["tokens", "labels"]),
    build_tagger: (inference.Tagger, ["words", "characters", "labels"]),
    build_language_model: (inference.LanguageModel, ["tokens"]),
    build_translator: (inference.Translator, ["source", "target"]),
}
# Those of every change; the others are of the nightly tier.
OF_EACH_MODEL = [
    "classifier-lstm-attention",
    "tagger-lstm-characters",
    "tagger-lstm-crf",
    "lm-lstm-untied",
    "translator-lstm-additive-tied",
]
DAILY = [*OF_EACH_MODEL, "translator-gru-feeding"]
each_case = pytest.mark.parametrize("name", tiered(CASES, DAILY))
one_of_each = pytest.mark.parametrize("name", tiered(CASES, OF_EACH_MODEL))


def build(name, seed=0):
    """Makes a trained model as users hold it, its weights drawn from a seed."""
    builder, config = CASES[name]
    kind, vocabularies = KINDS[builder]
    sizes = {"labels": CLASSES}
    if builder is build_classifier:
        is_regression = config.head == "regression"
        sizes["labels"] = 0 if is_regression else max(2, config.num_outputs)
    if builder is build_tagger:
        sizes["characters"] = config.character_vocabulary_size - 4
    keras.utils.set_random_seed(seed)
    return kind(
        config,
        {
            v: [f"{v}{i}" for i in range(sizes.get(v, VOCABULARY - 4))]
            for v in vocabularies
        },
        tokenizer={"kind": "spaces"},
        source_tokenizer={"kind": "spaces"},
        target_tokenizer={"kind": "spaces"},
        lowercase=False,
        max_length=9,
        mean=0.0,
        scale=1.0,
    )


@functools.lru_cache(maxsize=2)
def prepared(name):
    """One model for all checks of a case that only predict, so compiled once."""
    trained = build(name)
    if CASES[name][0] is build_translator:
        compile_for_prediction(trained.keras_model)
    return trained


def padded(lengths, high, *shape, seed=0, low=4):
    """Random ids `[rows, longest, ...]` in `low ... high - 1`, 0 after the lengths."""
    random = np.random.default_rng(seed)
    ids = random.integers(low, high, (len(lengths), max(lengths), *shape))
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    return ids.astype(np.int32)


def columns(name, lengths=LENGTHS):
    """The encoded columns of a batch."""
    builder, config = CASES[name]
    if builder is build_classifier:
        shape, high = (len(lengths), 1, config.num_outputs), 2
        if config.head == "multiclass":
            shape, high = (len(lengths), 1, 1), CLASSES
        targets = np.random.default_rng(1).integers(0, high, shape).astype(np.float32)
        return {"token_ids": padded(lengths, VOCABULARY), "targets": targets}
    if builder is build_translator:
        target_ids = padded(lengths, VOCABULARY, seed=1)
        target_ids[np.arange(len(lengths)), np.array(lengths) - 1] = END
        return {"source_ids": padded(lengths, VOCABULARY), "target_ids": target_ids}
    parts = {"token_ids": padded(lengths, VOCABULARY)}
    if builder is build_language_model:
        parts["next_ids"] = padded(lengths, VOCABULARY, seed=1)
    if builder is build_tagger:
        parts["tags"] = padded(lengths, CLASSES, seed=2, low=0)
        if config.characters:
            letters = padded(lengths, 9, config.word_length, seed=3)
            parts["character_ids"] = np.where(np.arange(4) < 3, letters, 0)
        if config.casing:
            parts["casing_ids"] = padded(lengths, 8, seed=4, low=1)
    return parts


def language_batch(columns, weights):
    ids = columns["token_ids"]
    return ids, columns["next_ids"], (ids != 0) * weights[:, None]


def has_crf(name):
    return getattr(CASES[name][1], "crf", False)


ASSEMBLE = {
    build_classifier: classification_batch,
    build_tagger: tagging_batch,
    build_language_model: language_batch,
    build_translator: translation_batch,
}


def batch(name, parts=None, weights=None):
    parts = parts or columns(name)
    if weights is None:
        weights = np.ones(len(next(iter(parts.values()))), np.float32)
    x, y, weights = ASSEMBLE[CASES[name][0]](parts, weights)
    return ({**x, "tags": y} if has_crf(name) else x), y, weights


def each(function, x):
    """Applies a function to every array of a model's input."""
    if isinstance(x, dict):
        return {key: function(value) for key, value in x.items()}
    return function(x)


def all_outputs(name, model, x):
    """Returns a list of what the model returns on an input of any kind."""
    if CASES[name][0] is build_language_model:
        sizes = [(len(x), state.shape[-1]) for state in model.inputs[1:]]
        x = [x, *(np.zeros(size, np.float32) for size in sizes)]
    return keras.tree.flatten(model.predict_on_batch(x))


def predict(name, x, model=None):
    return all_outputs(name, model or prepared(name).keras_model, x)[0]


def same(name, found, expected):
    tolerance = 0.03 if CASES[name][1].dtype == "mixed_bfloat16" else 1e-5
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def objective(name):
    """Returns the stock Keras loss and metric of a case."""
    builder, config = CASES[name]
    reduction = {"reduction": "mean_with_sample_weight"}
    head = config.head if builder is build_classifier else "multiclass"
    if head == "regression":
        loss = keras.losses.MeanSquaredError(**reduction)
        return loss, keras.metrics.MeanAbsoluteError(name="metric")
    if head == "multiclass":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, **reduction)
        return loss, keras.metrics.SparseCategoricalAccuracy(name="metric")
    loss = keras.losses.BinaryCrossentropy(from_logits=True, **reduction)
    return loss, keras.metrics.BinaryAccuracy(name="metric", threshold=0.0)


def trainable(name, model, rows, compiled=JAX):
    """Compiles a model for training; a language model as streams."""
    if CASES[name][0] is build_language_model:
        model = build_stream_model(model, rows)
    if has_crf(name):
        model = build_crf_training(model)
    loss, metric = objective(name)
    model.compile(
        keras.optimizers.Adam(0.02),
        loss,
        weighted_metrics=[metric],
        jit_compile=JAX,
        run_eagerly=not compiled,
    )
    return model


def reset(model):
    for layer in model.layers:
        if layer.name == "carried_state":
            layer.reset()
    model.reset_metrics()


def scores(name, model, examples):
    model = trainable(name, model, len(examples[2]))
    reset(model)
    return model.test_on_batch(*examples, return_dict=True)


# The checks.


def outputs_have_the_documented_shape_and_type(name, directory):
    builder, config = CASES[name]
    x, y, _ = batch(name)
    outputs = all_outputs(name, prepared(name).keras_model, x)
    last = {
        build_classifier: "num_outputs",
        build_tagger: "num_classes",
        build_language_model: "vocabulary_size",
        build_translator: "target_vocabulary_size",
    }[builder]
    shape = (len(LENGTHS), getattr(config, last))
    if builder is not build_classifier:
        shape = (shape[0], TIME, shape[1])
    assert outputs[0].shape == shape and outputs[0].dtype == np.float32
    assert np.isfinite(outputs[0]).all() and outputs[0].std() > 0
    if builder is build_language_model:
        states = [(len(LENGTHS), config.units)] * config.num_layers * config.num_states
        assert [state.shape for state in outputs[1:]] == states
    else:
        assert len(outputs) == 1


def layer_names(model):
    return [layer.name for layer in flatten_layers(model)]


def layers_have_names_of_their_own(name, directory):
    """Automatic names count up, so that they would differ in a second model."""
    first, second = prepared(name).keras_model, CASES[name][0](CASES[name][1])
    assert layer_names(first) == layer_names(second)
    assert list(weights_of(first)) == list(weights_of(second))
    assert [x.name for x in first.inputs] == [x.name for x in second.inputs]


def padding_changes_nothing(name, directory):
    """A wider batch, with a row that only fills it up, scores and predicts the same."""
    parts = columns(name)
    wide = {
        key: np.pad(
            np.concatenate([value, value[:1]]),
            [(0, 0), (0, 0 if key == "targets" else 3), *[(0, 0)] * (value.ndim - 2)],
        )
        for key, value in parts.items()
    }
    narrow_batch = batch(name, parts)
    wide_batch = batch(name, wide, np.float32([1] * len(LENGTHS) + [0]))
    narrow_predictions = predict(name, narrow_batch[0])
    wide_predictions = predict(name, wide_batch[0])[: len(LENGTHS)]
    if CASES[name][0] is not build_classifier:
        wide_predictions = wide_predictions[:, :TIME]
    same(name, wide_predictions, narrow_predictions)
    x, y, weights = narrow_batch
    if has_crf(name):
        model = build_crf_training(prepared(name).keras_model)
        compile_for_prediction(model)
        narrow_predictions = predict(name, x, model)
    loss, metric = objective(name)
    metric.update_state(y, narrow_predictions, weights)
    found = scores(name, unshared(name), wide_batch)
    assert found.keys() == {"loss", "metric"} and found["loss"] > 0
    same(name, found["loss"], float(loss(y, narrow_predictions, weights)))
    same(name, found["metric"], float(metric.result()))


def order_and_size_of_a_batch_change_nothing(name, directory):
    x = batch(name)[0]
    together = predict(name, x)
    same(name, predict(name, each(lambda a: a[::-1], x))[::-1], together)
    for row in range(len(LENGTHS)):
        same(name, predict(name, each(lambda a: a[row : row + 1], x))[0], together[row])


def length_1_works(name, directory):
    x = batch(name)[0]
    row = LENGTHS.index(1)
    alone = predict(name, each(lambda a: a[row : row + 1, :1], x))[0]
    expected = predict(name, x)[row]
    same(name, alone, expected if alone.ndim == 1 else expected[:1])


def loading_gives_the_same_bits(name, directory):
    trained = prepared(name)
    trained.save(directory / "checkpoint")
    loaded = inference.load(directory / "checkpoint")
    assert type(loaded) is type(trained) and loaded.config == trained.config
    assert loaded.vocabularies == trained.vocabularies
    assert loaded.settings == trained.settings
    if CASES[name][0] is build_translator:
        compile_for_prediction(loaded.keras_model)
    x = batch(name)[0]
    assert predict(name, x, loaded.keras_model).tobytes() == predict(name, x).tobytes()


def seeds_fix_the_weights(name, directory):
    first, again, other = (
        weights_of(m)
        for m in (
            prepared(name).keras_model,
            unshared(name),
            build(name, seed=1).keras_model,
        )
    )
    assert first.keys() == again.keys() == other.keys()
    assert all(np.array_equal(first[path], again[path]) for path in first)
    constant = ("bias",) + (
        ("recurrent_kernel",) * (CASES[name][1].recurrent_initializer == "identity")
    )
    for path in first:
        if path.split("/")[-1] not in constant:
            assert not np.array_equal(first[path], other[path]), path


def a_step_moves_every_weight(name, directory):
    model = unshared(name)
    before = weights_of(model)
    training = trainable(name, model, len(LENGTHS))
    training.train_on_batch(*batch(name))
    frozen = {v.path for v in model.non_trainable_weights}
    num_frozen = getattr(CASES[name][1], "num_frozen", None)
    prefix = "source_" * (CASES[name][0] is build_translator)
    assert frozen == ({f"{prefix}embedding/vectors"} if num_frozen else set())
    for path, after in weights_of(model).items():
        assert np.isfinite(after).all()
        assert np.array_equal(after, before[path]) is (path in frozen), path


def the_future_is_not_seen(name, directory):
    x = batch(name)[0]
    expected = predict(name, x)
    for t in range(TIME):
        ids = (x["target_ids"] if isinstance(x, dict) else x).copy()
        after = ids.copy()
        after[:, t:] = (after[:, t:] + 1) % VOCABULARY
        changed = {**x, "target_ids": after} if isinstance(x, dict) else after
        found = predict(name, changed)
        np.testing.assert_allclose(found[:, :t], expected[:, :t], rtol=0, atol=1e-6)
        assert (np.abs(found[:, t] - expected[:, t]).max(-1) > 1e-6).all()


def streams_carry_the_state(name, directory):
    model = prepared(name).keras_model
    ids = padded([6, 6, 6], VOCABULARY)
    expected = predict(name, ids)
    stream = build_stream_model(model, 3)
    for _ in range(2):
        stream.get_layer("carried_state").reset()
        halves = [keras.ops.convert_to_numpy(stream(ids[:, t : t + 3])) for t in (0, 3)]
        same(name, np.concatenate(halves, 1), expected)
    again = keras.ops.convert_to_numpy(stream(ids[:, :3]))
    assert np.abs(again - expected[:, :3]).max() > 1e-4


def keras_can_save_it(name, directory):
    model, x = prepared(name).keras_model, batch(name)[0]
    model.save(directory / "model.keras")
    loaded = keras.saving.load_model(directory / "model.keras")
    assert layer_names(loaded) == layer_names(model)
    compile_for_prediction(loaded)
    same(name, predict(name, x, loaded), predict(name, x))


CHECKS = [
    outputs_have_the_documented_shape_and_type,
    layers_have_names_of_their_own,
    padding_changes_nothing,
    order_and_size_of_a_batch_change_nothing,
    length_1_works,
    loading_gives_the_same_bits,
    keras_can_save_it,
    seeds_fix_the_weights,
    the_future_is_not_seen,
    streams_carry_the_state,
    a_step_moves_every_weight,
]
ONLY = {
    the_future_is_not_seen: (build_language_model, build_translator),
    streams_carry_the_state: (build_language_model,),
}


@functools.lru_cache(maxsize=1)
def unshared(name):
    """A model of the same seed for the checks that compile and, last, train it."""
    return build(name).keras_model


@pytest.mark.parametrize(
    "name, check",
    [
        pytest.param(
            name,
            check,
            id=f"{name}-{check.__name__}",
            marks=[] if name in DAILY else pytest.mark.nightly,
        )
        for name, (builder, _) in CASES.items()
        for check in CHECKS
        if builder in ONLY.get(check, (builder,))
    ],
)
def test_model(name, check, tmp_path):
    check(name, tmp_path)


PREDICT = """
import sys
sys.path[:0] = {tests!r}
import numpy as np
import test_models as t
t.compile_quickly(True)
for name in sys.argv[2:]:
    model = t.inference.load(sys.argv[1] + "/" + name).keras_model
    t.compile_for_prediction(model)
    np.save(sys.argv[1] + f"/{{name}}.npy", t.predict(name, t.batch(name)[0], model))
"""


@pytest.fixture(scope="module")
def fresh_process(tmp_path_factory, request):
    """A directory with what a new process predicts with saved models."""
    directory = tmp_path_factory.mktemp("fresh")
    nightly = "not nightly" not in request.config.option.markexpr
    names = CASES if nightly else OF_EACH_MODEL
    for name in names:
        build(name).save(directory / name)
    code = PREDICT.format(tests=[str(folder) for folder in Path(__file__).parents[:2]])
    subprocess.run([sys.executable, "-c", code, str(directory), *names], check=True)
    return directory


@one_of_each
def test_a_fresh_process_predicts_the_same_bits(name, fresh_process):
    found = np.load(fresh_process / f"{name}.npy")
    assert found.tobytes() == predict(name, batch(name)[0]).tobytes()


@each_case
def test_a_frozen_layer_stays(name):
    model = build(name).keras_model
    parts = model.get_layer("decoder") if "translator" in name else model
    layer = parts.get_layer("target_embedding" if parts is not model else "embedding")
    given = {v.path for v in model.non_trainable_weights}  # vectors that are frozen
    layer.trainable = False
    before, frozen = weights_of(model), {v.path for v in model.non_trainable_weights}
    assert frozen == {v.path for v in layer.weights} | given and layer.weights
    trainable(name, model, len(LENGTHS)).train_on_batch(*batch(name))
    for path, after in weights_of(model).items():
        assert np.array_equal(after, before[path]) is (path in frozen), path


def wider(config):
    """The same options on a model large enough, and with noise small enough, to learn
    eight examples in a few seconds."""
    noise = ("dropout", "drop", "penalty")
    small = {
        field.name: min(getattr(config, field.name), 0.01)
        for field in dataclasses.fields(config)
        if field.name.endswith(noise) and field.name != "variational_dropout"
    }
    return dataclasses.replace(config, units=16, embedding_size=16, **small)


def right(name, trained, examples):
    """Tells which of the answers are right, bool `[number of real ones]`."""
    x, y, weights = examples
    head = getattr(CASES[name][1], "head", "multiclass")
    if has_crf(name):
        x = {key: value for key, value in x.items() if key != "tags"}
        found = trained.viterbi.predict_on_batch(x) == y
    elif head == "multiclass":
        predicted = predict(name, x, trained.keras_model).argmax(-1)
        found = predicted == y.reshape(predicted.shape)
    elif head == "regression":
        found = np.abs(predict(name, x, trained.keras_model) - y) < 0.2
    else:
        found = (predict(name, x, trained.keras_model) > 0) == y
    return found[weights > 0].ravel()


@one_of_each
def test_eight_examples_are_learned_by_heart(name, monkeypatch):
    builder, config = CASES[name]
    monkeypatch.setitem(CASES, name, (builder, wider(config)))
    parts = columns(name, [4, 2, 3, 4, 3, 4, 2, 4])
    first = "source_ids" if "source_ids" in parts else "token_ids"
    parts[first][:, 0] = range(4, 12)
    examples = batch(name, parts)
    trained = build(name)
    training = trainable(name, trained.keras_model, 8, compiled=True)
    training.optimizer.global_clipnorm = 1.0
    assert not right(name, trained, examples).all()
    for rate in np.linspace(0.03, 0, 100, endpoint=False):
        training.optimizer.learning_rate = rate
        for _ in range(10):
            reset(training)
            training.train_on_batch(*examples)
        if right(name, trained, examples).all():
            break
    assert right(name, trained, examples).all()


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_streams_are_scored_as_one_long_pass(cell, monkeypatch):
    name = "lm-stream"
    monkeypatch.setitem(CASES, name, language_model(cell=cell))
    model = build(name).keras_model
    data = Streams(padded([24], VOCABULARY)[0], batch_size=3, steps=3)
    stream = build_stream_model(model, 3)
    # The mean over tokens; that of a loss is over batches.
    metric = keras.metrics.SparseCategoricalCrossentropy(name="nats", from_logits=True)
    stream.compile(loss=objective(name)[0], weighted_metrics=[metric], jit_compile=JAX)
    reset(stream)
    found = stream.evaluate(data, verbose=0, return_dict=True)["nats"]
    batches = [data[i] for i in range(len(data))]
    x, y, weights = (np.concatenate(parts, 1) for parts in zip(*batches))
    z = predict(name, x, model).astype(np.float64)
    logs = z - np.log(np.exp(z).sum(-1, keepdims=True))
    chosen = np.take_along_axis(logs, y[..., None], -1)[..., 0]
    assert weights.sum() == 23
    assert found == pytest.approx(-(chosen * weights).sum() / 23, abs=1e-5)


def test_a_compiled_model_inside_leaves_a_stream_its_loss(monkeypatch):
    monkeypatch.setitem(CASES, "lm-inside", language_model(cell="simple"))
    model = build("lm-inside").keras_model
    model.compile(loss=[objective("lm-inside")[0], None])
    examples = batch("lm-inside")
    stream = trainable("lm-inside", model, len(LENGTHS))
    uniform = np.log(VOCABULARY)
    loss = stream.test_on_batch(*examples, return_dict=True)["loss"]
    assert loss == pytest.approx(uniform, rel=0.2)


def test_a_language_model_cannot_be_bidirectional():
    with pytest.raises(ValueError, match="^bidirectional: expected false, got true"):
        language_model(bidirectional=True)


def test_a_binary_classifier_has_one_output():
    with pytest.raises(ValueError) as error:
        classifier("max", "binary", num_outputs=2)
    assert str(error.value) == "num_outputs: expected 1 with head='binary', got 2"


@pytest.mark.parametrize(
    "make, option, value, expected",
    [
        (classifier, "pooling", "sum", "'last' or 'max' or 'mean' or 'attention'"),
        (classifier, "head", "svm", "'binary' or 'multiclass' or 'multilabel' or 'reg"),
        (classifier, "num_outputs", 0, "a whole number of at least 1"),
        (tagger, "characters", 1, "true or false"),
        (tagger, "word_length", 0, "a whole number of at least 1"),
        (tagger, "character_encoder", "gru", "'convolution' or 'lstm'"),
        (tagger, "word_dropout", 1.0, "a number of at least 0 and below 1"),
        (language_model, "tied", None, "true or false"),
        (translator, "attention", "luong", "'additive' or 'dot' or 'general' or"),
        (translator, "source_vocabulary_size", "9", "a whole number of at least 1"),
    ],
)
def test_configurations_of_models(make, option, value, expected):
    arguments = {"pooling": "max"} if make is classifier else {}
    with pytest.raises(ValueError) as error:
        make(**{**arguments, option: value})
    assert str(error.value).startswith(f"{option}: expected {expected}")
    assert str(error.value).endswith(f", got {value!r}")


def test_an_lstm_of_letters_has_two_halves():
    with pytest.raises(ValueError, match="character_filters: expected an even .* 3"):
        tagger(character_encoder="lstm", character_filters=3)


def test_a_dropped_word_has_no_say_in_training():
    """With all words but the letters dropped, only the unknown word's vector learns."""
    config = tagger(word_dropout=0.999999)[1]
    model = build_tagger(config)
    before = weights_of(model)["embedding/embeddings"]
    loss = objective("tagger-lstm-characters")[0]
    model.compile("sgd", loss, jit_compile=JAX)
    model.train_on_batch(*batch("tagger-lstm-characters"))
    moved = (weights_of(model)["embedding/embeddings"] != before).any(1)
    assert moved[1] and not moved[4:].any()
