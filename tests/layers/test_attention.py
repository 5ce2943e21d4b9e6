"""Attention against its formulas in NumPy, one query and one step at a time."""

import numpy as np
import pytest
from keras import ops

from zoo.layers.attention import AdditiveAttention, DotAttention
from zoo.models.translator import TranslatorConfig

UNITS, STEPS, WIDTH = 4, 5, 6
LENGTHS = [5, 2, 1]
random = np.random.default_rng(0)
KEYS = random.normal(size=(3, STEPS, UNITS)).astype(np.float32)
MEMORY = random.normal(size=(3, STEPS, WIDTH)).astype(np.float32)
MASK = np.arange(STEPS) < np.array(LENGTHS)[:, None]
LAYERS = {
    "additive": AdditiveAttention,
    "dot": DotAttention,
    "scaled_dot": lambda: DotAttention(scaled=True),
}


def score(kind, layer, query, key):
    if kind == "additive":
        kernel, v = (np.asarray(w.numpy()) for w in layer.weights)
        return np.tanh(query @ kernel + key) @ v[:, 0]
    return query @ key / (2 if kind == "scaled_dot" else 1)  # the root of 4 units


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("kind", LAYERS)
def test_attention_follows_the_formula(kind, beams):
    """Rows of the query that share a row of the memory are neighbors."""
    queries = random.normal(size=(3 * beams, 2, UNITS)).astype(np.float32)
    layer = LAYERS[kind]()
    contexts, weights = map(ops.convert_to_numpy, layer(queries, KEYS, MEMORY, MASK))
    assert contexts.shape == (3 * beams, 2, WIDTH) and weights.dtype == np.float32
    for row in range(3 * beams):
        source, length = row // beams, LENGTHS[row // beams]
        for t in range(2):
            scores = np.array([
                score(kind, layer, queries[row, t], KEYS[source, s])
                for s in range(length)
            ])  # fmt: skip
            share = np.exp(scores - scores.max())
            share /= share.sum()
            np.testing.assert_allclose(weights[row, t, :length], share, atol=1e-6)
            assert not weights[row, t, length:].any()
            expected = share @ MEMORY[source, :length]
            np.testing.assert_allclose(contexts[row, t], expected, atol=1e-5)


def test_a_memory_as_wide_as_the_state_is_needed_for_dot():
    sizes = {"source_vocabulary_size": 9, "target_vocabulary_size": 9}
    TranslatorConfig(attention="dot", bidirectional=False, **sizes)
    with pytest.raises(ValueError, match="bidirectional: expected false with"):
        TranslatorConfig(attention="dot", **sizes)
