"""The directory format of trained models.

A checkpoint is a directory of `config.json`, `weights.safetensors` keyed by variable
path, one text file for each vocabulary, and what else the model needs, such as subword
models; a `card.json` may be added. `config.json` holds the checksums of every other
file and one of itself. Loading only parses: nothing in it is executed or unpickled, no
file outside it is read, and no address in it is opened.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
