"""Keeping from the terminal what TensorFlow says of itself."""

from __future__ import annotations

import contextlib
import importlib.abc
import logging
import os
import subprocess
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# What TensorFlow writes while it starts, whatever its log level: information, and that
# there is no driver (303 of CUDA) of a GPU.
START_UP_LINES = "|".join(
    [
        "WARNING: All log messages before absl::InitializeLog",
        r"I\d{4} [\d:.]+ ",
        r"E\d{4} .*cuInit: .*\(303\)",
        "To enable the following instructions: .*, rebuild TensorFlow",
    ]
)
# A program from standard input to standard error, without the lines of a pattern.
FILTER = """
import re, sys
pattern = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not pattern.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def quiet_tensorflow() -> None:
    """Keeps from the terminal what TensorFlow says whenever it starts and retraces.

    Call it before TensorFlow is imported, in a process that is a program of its own;
    whoever has set the environment's `TF_CPP_MIN_LOG_LEVEL` sees what that asks for.
    Warnings and errors are shown as ever, also if the import ends the process.
    """
    if LOG_LEVEL in os.environ or "tensorflow" in sys.modules:
        return
    if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())
        logging.getLogger("tensorflow").addFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in str(record.msg)


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as the other finders do, and quiets its import."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Returns the module's specification; None unless it is TensorFlow's."""
        if name != "tensorflow":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_quietly(module: types.ModuleType) -> None:
                with _without_start_up_lines():
                    execute(module)
                    # Looks for a GPU, of which TensorFlow speaks too.
                    module.config.list_physical_devices()

            # Of this one loader, not of its class.
            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _without_start_up_lines() -> Iterator[None]:
    """Lets standard error through another process, which leaves out `START_UP_LINES`.

    The lines come from C++, so it is the file descriptor that is led elsewhere; and
    they may be the last words of this process, so it is not this process that filters.
    """
    command = [sys.executable, "-I", "-S", "-c", FILTER, START_UP_LINES]
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    end, begin = os.pipe()
    with subprocess.Popen(command, stdin=end, start_new_session=True):
        os.close(end)
        os.environ[LOG_LEVEL] = "1"  # which TensorFlow reads now, once: no information
        os.dup2(begin, 2)
        os.close(begin)
        try:
            yield
        finally:
            os.environ.pop(LOG_LEVEL, None)
            if sys.stderr:
                sys.stderr.flush()
            os.dup2(kept, 2)  # ends the other process, for which `with` waits
            os.close(kept)
