"""Rewrites the configurations of the shipped checkpoints in the present format.

    python -m recipes.maintenance.seal [DIRECTORY ...]

Use it after a change of the format, or of a setting in a `config.json`, whose checksum
no longer fits then. Weights and vocabularies are verified and not touched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from recipes.maintenance.publish import pretrained_directory
from zoo.atomic_files import write_bytes
from zoo.checkpoints import CARD, CONFIG, config_file


def seal(directory: Path) -> None:
    """Rewrites the configuration of a checkpoint with the checksum of what it says now.

    Args:
        directory: of the checkpoint.

    Raises:
        ValueError: if another file has changed since it was saved.
    """
    config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    for name, digest in config["files"].items():
        found = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        if found != digest:
            raise ValueError(f"{directory / name}: changed since it was saved")
    entries = {name: config[name] for name in config_file.TYPES if name != "format"}
    write_bytes(directory / CONFIG, config_file.to_bytes(entries))


def main(arguments: Sequence[str] | None = None) -> None:
    """Seals checkpoints.

    Args:
        arguments: of the command line; those of this process if None.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("directories", nargs="*", type=Path)
    shipped = sorted(file.parent for file in pretrained_directory().glob(f"*/{CARD}"))
    for directory in parser.parse_args(arguments).directories or shipped:
        seal(directory)


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
