"""Words from their characters, and the case of words."""

import keras
import numpy as np
import pytest

from zoo.layers.characters import CharacterConvolution, CharacterLSTM
from zoo.text.casing import CASINGS, casing

IDS = np.zeros((2, 3, 5), np.int32)
WORDS = {(0, 0): [4, 5, 6], (0, 1): [7], (0, 2): [4, 4, 5, 6, 7], (1, 0): [5, 6]}
for place, characters in WORDS.items():
    IDS[place][: len(characters)] = characters


def made(kind):
    keras.utils.set_random_seed(1)
    sizes = {"filters": 4} if kind is CharacterConvolution else {"units": 2}
    layer = kind(9, embedding_size=3, **sizes)
    layer.build(IDS.shape)
    return layer


@pytest.mark.parametrize("kind", [CharacterConvolution, CharacterLSTM])
def test_a_word_is_the_same_wherever_it_stands(kind):
    layer = made(kind)
    found = np.asarray(layer(IDS))
    assert found.shape == (2, 3, 4) and (found[1, 1:] == 0).all()
    for place, characters in WORDS.items():
        alone = np.asarray(layer(np.array([[characters]], np.int32)))[0, 0]
        np.testing.assert_allclose(found[place], alone, atol=1e-6)
        assert np.abs(alone).max() > 1e-4


def test_the_lstm_ends_at_the_last_letter_and_at_the_first():
    """Against Keras's own LSTM over each word alone, with the same weights."""
    layer = made(CharacterLSTM)
    table = layer.embeddings.numpy()
    sides = []
    for part in (layer.lstm.forward_layer, layer.lstm.backward_layer):
        side = keras.layers.LSTM(2)
        side.build((None, None, 3))
        side.set_weights(part.get_weights())
        sides.append(side)
    found = np.asarray(layer(IDS))
    for place, characters in WORDS.items():
        x = table[characters][None]
        expected = [np.asarray(sides[0](x)), np.asarray(sides[1](x[:, ::-1]))]
        np.testing.assert_allclose(
            found[place], np.concatenate(expected, 1)[0], atol=1e-6
        )


def test_casings():
    words = "ﬁne É ÉCOLE École McDonald's it's 3.14 U.S. @".split()
    kinds = [casing(word) for word in [*words, ""]]
    assert kinds == [
        "lower", "initial", "upper", "initial", "mixed", "lower", "number", "upper",
        "other", "other",
    ]  # fmt: skip
    assert set(kinds) <= set(CASINGS)
