"""Files that are written as a whole or not at all."""

import errno
import os

import pytest

from zoo.atomic_files import write_text


def test_write_text_is_all_or_nothing(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_text(file, "old\n")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        write_text(file, "new\n")
    assert file.read_text() == "old\n" and os.listdir(tmp_path) == ["a.txt"]
