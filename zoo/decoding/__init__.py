"""Decoding over `step(ids, state) -> (logits, state)`, the whole loop compiled.

Functions such as `beam_search` are the algorithms. Classes such as `BeamSearch` are
`keras.Model`s around a trained model, so that `predict_on_batch` compiles each as one
program on every backend. Logits are float32 `[batch, vocabulary]`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
