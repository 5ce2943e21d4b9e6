"""Text: tokenizers, vocabularies, the case of words, and schemes of span tags."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
