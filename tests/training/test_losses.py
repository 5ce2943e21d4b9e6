"""Label smoothing and the weights of classes by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.training.losses import ClassWeighted, SmoothedCrossentropy

# Probabilities 1/8, 5/8, 2/8.
LOGITS = np.log(np.float32([[[1, 5, 2], [1, 1, 1]], [[5, 1, 2], [9, 9, 9]]])) + 3
CLASSES = np.array([[1, 0], [2, 1]])
WEIGHTS = np.float32([[1, 1], [1, 0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_smoothed_crossentropy_by_hand(smoothing):
    probabilities = [[1 / 8, 5 / 8, 2 / 8], [1 / 3] * 3, [5 / 8, 1 / 8, 2 / 8]]
    losses = []
    for p, wanted in zip(probabilities, (1, 0, 2)):
        target = np.full(3, smoothing / 3)
        target[wanted] += 1 - smoothing
        losses.append(-(target * np.log(p)).sum())
    loss = SmoothedCrossentropy(smoothing)
    found = float(loss(CLASSES, LOGITS, WEIGHTS))
    assert found == pytest.approx(np.mean(losses), abs=1e-6)


def test_without_smoothing_it_is_the_cross_entropy_of_keras():
    logits = np.random.default_rng(0).normal(size=(4, 5, 7)).astype(np.float32)
    classes = np.random.default_rng(1).integers(0, 7, (4, 5))
    plain = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    weights = np.float32(classes > 1)
    found = float(SmoothedCrossentropy(0.0)(classes, logits, weights))
    assert found == pytest.approx(float(plain(classes, logits, weights)), abs=1e-6)


def test_smoothing_is_least_where_every_class_has_its_share():
    """Gradients vanish at probabilities equal to the smoothed target."""
    target = np.float32([0.8, 0.1, 0.1])
    loss = SmoothedCrossentropy(0.3)
    best = float(loss([0], ops.log(target[None])))
    for other in ([0.9, 0.05, 0.05], [0.7, 0.15, 0.15], [0.8, 0.15, 0.05]):
        assert best < float(loss([0], np.log(np.float32([other]))))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range(smoothing):
    with pytest.raises(ValueError, match="label_smoothing: expected a number"):
        SmoothedCrossentropy(smoothing)


def test_keras_can_save_it():
    loss = SmoothedCrossentropy(0.2)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(CLASSES, LOGITS)) == float(loss(CLASSES, LOGITS))


# --- Weights of classes ------------------------------------------------------------


def weighted(kind, weights):
    reduction = "mean_with_sample_weight"
    if kind == "binary":
        plain = keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction)
    else:
        plain = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=reduction
        )
    return plain, ClassWeighted(plain, weights)


@pytest.mark.parametrize("kind, outputs", [("binary", 1), ("multiclass", 2)])
def test_a_weight_scales_its_example_whatever_else_is_in_the_batch(kind, outputs):
    plain, loss = weighted(kind, [0.5, 3.0])
    logits = np.random.default_rng(0).normal(size=(4, outputs)).astype(np.float32)
    each = [float(plain(np.array([[c]]), logits[[0]])) for c in (0, 1)]
    # A batch of one class keeps its weight.
    for c, weight in ((0, 0.5), (1, 3.0)):
        alone = float(loss(np.full((4, 1), c), np.repeat(logits[:1], 4, 0)))
        assert alone == pytest.approx(weight * each[c], rel=1e-6)
    # In a mixed one the mean is over the examples; rows of weight 0 do not count.
    classes, present = np.array([[0], [1], [1], [0]]), np.float32([1, 1, 1, 0])
    losses = [
        (0.5, 3.0)[c] * float(plain(np.array([[c]]), row[None]))
        for (c,), row in zip(classes[:3], logits)
    ]
    found = float(loss(classes, logits, present))
    assert found == pytest.approx(np.mean(losses), rel=1e-6)


def test_equal_weights_are_the_plain_loss_and_keras_can_save_it():
    plain, loss = weighted("multiclass", [1.0, 1.0, 1.0])
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    logits, classes = LOGITS[0], CLASSES[0]
    assert float(loss(classes, logits)) == pytest.approx(float(plain(classes, logits)))
    assert float(again(classes, logits)) == float(loss(classes, logits))
