"""Words as vectors: two tables in one, and dropout of words."""

import keras
import numpy as np
import pytest

from zoo.layers.config import EmbeddingConfig
from zoo.layers.embedding import PartlyFrozenEmbedding, WordDropout

IDS = np.array([[1, 3, 4, 6], [2, 5, 0, 0]], np.int32)


def test_both_tables_are_read():
    layer = PartlyFrozenEmbedding(4, 3, 2)
    layer.build((None, None))
    table = np.arange(14, dtype=np.float32).reshape(7, 2)
    layer.embeddings.assign(table[:4])
    layer.vectors.assign(table[4:])
    np.testing.assert_array_equal(np.asarray(layer(IDS)), table[IDS])
    assert [v.path.split("/")[-1] for v in layer.trainable_weights] == ["embeddings"]


def test_half_precision_is_of_the_outcome_only():
    layer = PartlyFrozenEmbedding(4, 3, 2, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(IDS).dtype) == "bfloat16"
    assert {v.dtype for v in layer.weights} == {"float32"}


@pytest.mark.parametrize("tuned", [False, True])
def test_who_learns(tuned):
    token_ids = keras.Input((None,), dtype="int32")
    layer = PartlyFrozenEmbedding(4, 3, 2)
    model = keras.Model(token_ids, layer(token_ids))
    layer.vectors.trainable = tuned
    before = [w.numpy() for w in (layer.embeddings, layer.vectors)]
    model.compile("sgd", "mse")
    model.train_on_batch(IDS, np.ones((2, 4, 2), np.float32))
    embeddings, vectors = (
        (np.asarray(w.numpy()) != b).any(1)
        for w, b in zip((layer.embeddings, layer.vectors), before)
    )
    assert embeddings.tolist() == [True] * 4
    assert vectors.tolist() == [tuned] * 3


def test_words_are_dropped_at_the_rate_and_others_each_time():
    keras.utils.set_random_seed(0)
    layer = WordDropout(0.25)
    ids = np.tile(np.array([[5, 6, 7, 0]], np.int32), (500, 1))
    first, second = (np.asarray(layer(ids, training=True)) for _ in range(2))
    for found in (first, second):
        assert (found[:, 3] == 0).all()
        dropped = found[:, :3] == 1
        assert dropped.mean() == pytest.approx(0.25, abs=0.05)
        np.testing.assert_array_equal(found[:, :3][~dropped], ids[:, :3][~dropped])
    assert (first != second).any()
    np.testing.assert_array_equal(np.asarray(layer(ids)), ids)


def test_more_frozen_words_than_words():
    with pytest.raises(ValueError, match="num_frozen: expected less than voc.* got 6"):
        EmbeddingConfig(vocabulary_size=6, num_frozen=6)
    with pytest.raises(ValueError, match="num_frozen: expected a whole number .* 1"):
        EmbeddingConfig(vocabulary_size=6, num_frozen=0)
