"""Data: files to examples, examples to padded batches.

`corpora` opens train, dev and test splits of files, TensorFlow Datasets builders or the
embedded defaults. `Ragged` packs what is encoded of them, and `Batches` or `Streams`
make batches of it for `keras.Model.fit`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
