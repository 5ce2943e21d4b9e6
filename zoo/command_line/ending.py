"""How a process that is a command ends: one line, and an exit status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

from zoo.command_line.starting import (
    exit_status,
    is_command,
    open_standard_streams,
    stopping,
)


def end_cleanly(action: Callable[[], Any]) -> None:
    """Runs the action of a command and ends the process with its exit status.

    A `ValueError` or `OSError` is printed as one line, with exit status 2; after Ctrl-C
    the status is 130, and after SIGTERM, which does the same, 143; a closed pipe ends
    the process quietly.
    """
    open_standard_streams()
    with stopping() as signals:
        try:
            action()
            sys.stdout.flush()
        except BrokenPipeError:
            _drop(sys.stdout)
            sys.exit(0)
        except KeyboardInterrupt as interrupt:
            status = _say_stopped(str(interrupt), signals)
            if is_command():  # TensorFlow complains of what is under way in exits
                os._exit(status)
            sys.exit(status)
        except MemoryError:
            sys.exit(_say("there is not enough memory", 2))
        except OSError as error:
            file = f"{error.filename}: " if error.filename else ""
            sys.exit(_say(f"{file}{error.strerror or error}", 2))
        except ValueError as error:
            if type(error).__module__.startswith(("keras", "tensorflow", "jax")):
                raise
            sys.exit(_say(str(error), 2))


def _drop(stream: TextIO) -> None:
    """Lets Python empty its buffer of a stream without a further error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say_stopped(message: str, signals: list[int]) -> int:
    if not signals:
        return _say(message or "interrupted", exit_status(signal.SIGINT))
    message = "; ".join(filter(None, ["terminated", message]))
    return _say(message, exit_status(signals[0]))


def _say(message: str, status: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:  # it may be the output that cannot be written
        _drop(sys.stdout)
    try:
        if sys.stdout.isatty():
            print(file=sys.stderr)  # the cursor may stand after a progress bar
        print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)
    return status
