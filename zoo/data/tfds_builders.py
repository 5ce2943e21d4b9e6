"""Builders of TensorFlow Datasets: found by name, prepared, and read record by record.

TensorFlow is imported only when one of the functions is called.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.data.corpus_files import CorpusError, did_you_mean

SCHEME = "tfds:"
SPLIT_NAMES = {  # what a builder may call a split
    "train": ("train",),
    "dev": ("dev", "valid", "val", "validation"),
    "test": ("test",),
}
_MOST_FILES_TO_NAME = 4


def find_builder(data: str) -> Any:
    """Returns the builder of a data set, without preparing its data.

    Args:
        data: E.g. `"tfds:glue/sst2"`.

    Raises:
        CorpusError: If there is no such builder or configuration.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise CorpusError(
            f"{data}: {error}; expected the package tensorflow-datasets"
        ) from error
    _leave_accelerators_to_keras()
    tfds.disable_progress_bar()
    name, _, config = data.removeprefix(SCHEME).partition("/")
    builders = tfds.list_builders(with_community_datasets=False)  # asks no server
    if name not in builders:
        raise CorpusError(
            f"{data}: no such builder{did_you_mean(name, builders)}; "
            "expected one of tfds.list_builders()"
        )
    configs = tfds.builder_cls(name).builder_configs
    if config and configs and config.split("/")[0].split(":")[0] not in configs:
        hint = did_you_mean(config, configs)
        raise CorpusError(f"{data}: {name} has no configuration {config!r}{hint}")
    try:
        return tfds.builder(data.removeprefix(SCHEME), data_dir=_data_dir())
    except Exception as error:
        raise CorpusError(f"{data}: {_first_line(error)}") from error


def prepare(data: str, builder: Any) -> None:
    """Downloads and prepares the data, unless that has been done.

    Raises:
        CorpusError: If it cannot be downloaded; the message says what could be done.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # whatever two hundred builders may raise
        ways = ", or ".join(_ways_out(builder))
        raise CorpusError(f"{data}: {_first_line(error)}; {ways}") from error


def _ways_out(builder: Any) -> Iterator[str]:
    """Yields what to do after a failed download; names its files if they are few."""
    config = builder.builder_config.name if builder.builder_config else ""
    infos = (builder.url_infos or {}).values()
    files = sorted({info.filename for info in infos} - {None})
    files = [f for f in files if config and f.startswith(f"{config}-")] or files
    if 0 < len(files) <= _MOST_FILES_TO_NAME:
        manual = _data_dir() / "downloads" / "manual"
        yield f"place {', '.join(str(manual / file) for file in files)}"
    yield "run once with a network"
    yield f"copy the prepared data set to {_data_dir() / builder.name}"


def _data_dir() -> Path:
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {line[:160]}"


def _leave_accelerators_to_keras() -> None:
    """Keeps TensorFlow off the GPU where it only reads and another backend computes."""
    keras = sys.modules.get("keras")
    backend = keras.config.backend() if keras else os.environ.get("KERAS_BACKEND")
    if backend not in (None, "tensorflow"):
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # TensorFlow has already started
            tf.config.set_visible_devices([], "GPU")


def split_name(builder: Any, split: str) -> str | None:
    """Returns the builder's name for train, dev or test, or None if it has none."""
    return next(
        (name for name in builder.info.splits if name in SPLIT_NAMES[split]), None
    )


def read_records(
    builder: Any, split: str, names: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """Reads the records of a split.

    Args:
        builder: Of the data set, which has been prepared.
        split: By the builder's name.
        names: Of the features to read; others may be left out.
    """
    import tensorflow_datasets as tfds

    is_plain = type(builder.info.features) is tfds.features.FeaturesDict
    only = tfds.decode.PartialDecoding(dict.fromkeys(names, True)) if is_plain else None
    return tfds.as_numpy(builder.as_dataset(split=split, decoders=only))
