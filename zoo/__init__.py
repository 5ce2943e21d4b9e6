"""recurrent-zoo: recurrent sequence models in Keras 3.

`list_models()` names the trained models that came along, `load(name)` loads one of
them, or what a recipe has trained, and `explain(model)` says how its recurrent layers
run on this machine. Nothing heavy is imported before it is needed.
"""

__all__ = ["explain", "list_models", "load"]


def explain(model) -> dict:
    """Says for every recurrent layer of a model which path it takes on this machine.

    Args:
        model: a `keras.Model`, or what `load` returns.

    Returns:
        By the layer's name: the path, its reason, and the remedy that would change it.
    """
    from zoo.layers import paths

    return paths.explain(model)


def list_models() -> list[str]:
    """Returns the names of the trained models that came with the package."""
    from zoo.inference import catalog

    return catalog.list_models()


def load(name: str, vectors: str | None = None):
    """Loads a trained model.

    Args:
        name: one of `list_models()`, or the path of a run directory or a checkpoint.
        vectors: the file of word vectors that the checkpoint leaves out, if it does;
            None for where it was in training.

    Returns:
        A `Classifier`, `Tagger`, `LanguageModel` or `Translator` of `zoo.inference`.

    Raises:
        ValueError: if there is no such model, or its files are damaged.
    """
    from zoo import inference
    from zoo.inference import catalog

    return inference.load(catalog.find(name), vectors)
