"""Training: one `fit` for every recipe, and what it is made of.

`zoo.training.fit.fit` trains a model by an `Objective` and a `TrainingConfig`, and
leaves it with its best weights. No module here writes a file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
