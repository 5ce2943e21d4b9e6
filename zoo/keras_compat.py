"""What Keras imports without need, kept from it where seconds count."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

# For plots and wrappers that nothing here uses; JAX for TensorFlow's converter to Lite.
UNNEEDED = {"tensorflow": ("jax", "matplotlib", "sklearn")}
UNNEEDED["jax"] = UNNEEDED["tensorflow"][1:]


def import_keras() -> None:
    """Imports Keras in a process that predicts and ends, in little more than half the
    time.

    It does so without what `keras.visualization` and `keras.wrappers` need; these then
    say that it is not installed. Everybody else may import it as before.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    hidden = [n for n in UNNEEDED.get(backend, ()) if n not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keeps Keras from importing TensorFlow where another backend computes.

    It does so whenever it copies a layer, to ask whether anything in the layer's
    configuration is TensorFlow's, which takes seconds.
    """
    from keras.src.utils.module_utils import tensorflow

    if "tensorflow" in sys.modules or tensorflow._available is not None:
        yield
        return
    tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = None
