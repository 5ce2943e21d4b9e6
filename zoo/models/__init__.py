"""Models: functions from a validated configuration to a functional `keras.Model`.

    from zoo.models import TaggerConfig, build_tagger

    config = TaggerConfig(vocabulary_size=1000, num_classes=17)
    model = build_tagger(config)

A model sees sizes and arrays; it knows no strings, files, losses or decoding. Every
layer is named, and the names are part of the checkpoint format.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
