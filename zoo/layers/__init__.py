"""Layers: recurrence, attention, pooling, embeddings, characters, CRF, regularizers.

The recurrent layers are those of Keras with the same weights, on the fastest path that
the machine has. Masks are passed explicitly, bool `[batch, time]`, and padding is on
the right. Every layer runs on TensorFlow and on JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
