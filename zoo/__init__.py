"""recurrent-zoo: recurrent sequence models in Keras 3.

`list_models()` names the trained models that come with the package, `load(name)` loads
one of them, or what a recipe has trained, and `explain(model)` says how its recurrent
layers run on this machine:

    import zoo

    model = zoo.load("sst2-glove")
    model.predict("a gorgeous, witty, seductive movie")

What `load` returns is a `Classifier`, `Tagger`, `LanguageModel` or `Translator`; their
answers are a `Prediction`, a list of (word, tag) pairs or `Tagging`s, a `Score`, and a
string or `Hypothesis`es. To build and train models, go by the folders: `zoo.data`,
`zoo.text`, `zoo.layers`, `zoo.models`, `zoo.training`, `zoo.evaluation` and
`zoo.decoding`. Nothing is imported before it is used.
"""

import sys
from typing import TYPE_CHECKING

import lazy_loader

__all__ = [
    "Cache",
    "Classifier",
    "Hypothesis",
    "LanguageModel",
    "Prediction",
    "Score",
    "Tagger",
    "Tagging",
    "TrainedModel",
    "Translator",
    "explain",
    "list_models",
    "load",
    "n_best_by_lm",
    "rerank",
]

if TYPE_CHECKING:
    from zoo import checkpoints as checkpoints
    from zoo import data as data
    from zoo import decoding as decoding
    from zoo import evaluation as evaluation
    from zoo import inference as inference
    from zoo import layers as layers
    from zoo import models as models
    from zoo import tasks as tasks
    from zoo import text as text
    from zoo import training as training
    from zoo.inference import (
        Cache,
        Classifier,
        Hypothesis,
        LanguageModel,
        Prediction,
        Score,
        Tagger,
        Tagging,
        TrainedModel,
        Translator,
        list_models,
        load,
        n_best_by_lm,
        rerank,
    )
    from zoo.layers.paths import explain
else:
    __getattr__, __dir__, _ = lazy_loader.attach(
        __name__,
        submodules=(
            "checkpoints",
            "data",
            "decoding",
            "evaluation",
            "inference",
            "layers",
            "models",
            "tasks",
            "text",
            "training",
        ),
        submod_attrs={
            "inference": [name for name in __all__ if name != "explain"],
            "layers.paths": ["explain"],
        },
    )

if sys.argv[:1] == ["-m"] and sys.orig_argv[1:3] == ["-m", "zoo"]:
    # For `python -m zoo`, while Python looks for `__main__`.
    from zoo.command_line.starting import start

    start()
