"""The options that say where a recipe's data is."""

from __future__ import annotations

from zoo.configuration import Configuration, configuration, option
from zoo.data.splits import SplitFiles


@configuration
class DataConfig(Configuration):
    """Where the data is, and which file of it is which split."""

    data: str | None = option(
        None, "directory, file or tfds:<builder>; else the default", group="data"
    )
    train: str | None = option(
        None, "file to train on, in --data or elsewhere; else by name", group="data"
    )
    dev: str | None = option(
        None, "development file; else by name, or held out of train", group="data"
    )
    test: str | None = option(None, "test file; likewise", group="data")
    split_seed: int = option(
        0, "of what is held out of train", group="data", at_least=0, below=2**32
    )
    features: str | None = option(
        None, "of tfds: data, the names of its features, with commas", group="data"
    )

    @property
    def where(self) -> SplitFiles | None:
        """Where the data is; None for the embedded default."""
        files = SplitFiles(
            data=self.data, train=self.train, dev=self.dev, test=self.test
        )
        return None if files == SplitFiles() else files

    @property
    def data_name(self) -> str:
        """What to call the data."""
        return self.data or self.train or "embedded default"
