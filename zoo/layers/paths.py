"""Which path the recurrent layers of a model take, and the same model without them."""

from __future__ import annotations

import keras

from zoo.keras_compat import flatten_layers
from zoo.layers.attentional_decoder import AttentionalDecoder
from zoo.layers.compiled_scan import CompiledScanMixin, Explanation
from zoo.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN

INSIDE_A_DECODER = Explanation(
    "steps",
    "attention is inside the recurrence",
    "leave input_feeding=False and attention_place='after'",
)


def explain(model) -> dict[str, Explanation]:
    """Says for every recurrent layer of a model which path it takes on this machine.

    Args:
        model: a `keras.Model`, or what `zoo.load` returns.

    Returns:
        By the layer's name (and direction): path, reason and remedy.

    >>> inputs = keras.Input((None, 3))
    >>> model = keras.Model(inputs, LSTM(4, engine="keras", name="lstm")(inputs))
    >>> explain(model)["lstm"].path
    'loop'
    """
    layers = flatten_layers(getattr(model, "keras_model", model))
    names = {id(layer): layer.name for layer in layers}
    inside: set[int] = set()
    for layer in layers:
        if isinstance(layer, keras.layers.Bidirectional):
            names[id(layer.forward_layer)] = f"{layer.name} forward"
            names[id(layer.backward_layer)] = f"{layer.name} backward"
        elif isinstance(layer, AttentionalDecoder):
            inside.update(id(part) for part in layer.recurrent)
    return {
        names[id(layer)]: INSIDE_A_DECODER if id(layer) in inside else _explain(layer)
        for layer in layers
        if isinstance(layer, keras.layers.RNN)
    }


def _explain(layer: keras.layers.RNN) -> Explanation:
    if isinstance(layer, CompiledScanMixin):
        return layer.explain()
    return Explanation(
        "keras",
        f"keras.layers.{type(layer).__name__}, which decides when it is called",
        "layers of zoo.layers have the same weights",
    )


def to_keras(model: keras.Model) -> keras.Model:
    """Returns the same model, with the same weights, of Keras's own recurrent layers.

    Layers inside an `AttentionalDecoder` stay, since it takes only their formulas.

    Args:
        model: a functional model.
    """
    copy = keras.models.clone_model(model, clone_function=_to_keras, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def _to_keras(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Copies one layer, without its weights, as Keras's layer where there is one."""
    config = layer.get_config()
    for ours in (LSTM, GRU, SimpleRNN):
        if isinstance(layer, ours):
            del config["engine"], config["weight_drop"]
            return getattr(keras.layers, ours.__name__).from_config(config)
    if isinstance(layer, Bidirectional):
        return keras.layers.Bidirectional(
            _to_keras(layer.forward_layer),
            backward_layer=_to_keras(layer.backward_layer),
            merge_mode=layer.merge_mode,
            dtype=layer.dtype_policy,
            name=layer.name,
        )
    return type(layer).from_config(config)
