"""How a process that is a command starts: its signals and its standard streams."""

from __future__ import annotations

import _thread
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[[int, Any], None]
# What asks a process to stop, and what Python does then if it is not told otherwise.
# Where the process was told to ignore it, as by `nohup`, that stays so.
STOPS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
if hasattr(signal, "SIGHUP"):  # which Windows has not
    STOPS[signal.SIGHUP] = signal.SIG_DFL
ENCODING = "PYTHONIOENCODING"


def start() -> None:
    """Prepares a process that is a command, before anything is imported for long.

    Until `end_cleanly` takes over, Ctrl-C and SIGTERM end it at once, with one line.
    TensorFlow is quiet from here on, and text is printed as UTF-8.
    """
    from zoo.command_line.quieting import quiet_tensorflow

    _commands.append(os.getpid())
    _handle(end_at_once, STOPS)
    open_standard_streams()
    quiet_tensorflow()


def is_command() -> bool:
    """Tells whether this process has called `start`, so that it is nothing else."""
    return os.getpid() in _commands


def end_at_once(number: int, frame: Any) -> None:
    """Handles a signal by ending the process, with one line.

    An exception would not do while modules are imported: much of what is imported is
    not Python, and makes errors of its own of it, or loses it.
    """
    word = "interrupted" if number == signal.SIGINT else "terminated"
    with contextlib.suppress(OSError):
        os.write(2, f"error: {word}\n".encode())
    os._exit(exit_status(number))


def exit_status(number: int) -> int:
    """Returns the exit status of a process that a signal has ended, as shells do.

    >>> exit_status(2)
    130
    """
    return 128 + number


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Within it, a signal ends the process at once, if `end_cleanly` runs it.

    For imports; nothing may be left half-written.
    """
    usual = {number: stop for number in STOPS} | {
        signal.SIGINT: signal.default_int_handler
    }
    replaced = {}
    if signal.getsignal(signal.SIGTERM) is stop:
        replaced = _handle(end_at_once, usual)
    try:
        yield
    finally:
        _restore(replaced)


@contextlib.contextmanager
def stopping() -> Iterator[list[int]]:
    """Within it, whatever asks the process to stop does what Ctrl-C does.

    Yields:
        The signals other than Ctrl-C that have come.
    """
    _signals.clear()
    hook, sys.unraisablehook = sys.unraisablehook, _try_again
    replaced = _handle(signal.default_int_handler, {signal.SIGINT: end_at_once})
    for usual in ({number: end_at_once for number in STOPS}, STOPS):
        others = {n: old for n, old in usual.items() if n != signal.SIGINT}
        replaced |= _handle(stop, others)
    try:
        yield _signals
    finally:
        _restore(replaced)
        sys.unraisablehook = hook


_commands: list[int] = []  # the process in which `start` was called
_signals: list[int] = []  # what `stop` has handled


def stop(number: int, frame: Any) -> None:
    """Handles a signal as if it were Ctrl-C, whatever that does at the time."""
    _signals.append(number)
    present = signal.getsignal(signal.SIGINT)
    if not callable(present):  # ignored, as in the background of a script
        raise KeyboardInterrupt
    present(signal.SIGINT, frame)


def _try_again(lost: sys.UnraisableHookArgs) -> None:
    """Has an interrupt come again that arrived in a destructor, which loses it."""
    if lost.exc_type is KeyboardInterrupt:
        threading.Timer(0.1, _interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def _interrupt_main() -> None:
    main = threading.main_thread().ident
    if main and hasattr(signal, "pthread_kill"):  # which ends a call that waits as well
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _handle(handler: Handler, instead: dict[Any, Any]) -> dict[Any, Any]:
    """Handles signals where Python lets us, and where they are handled as expected.

    Args:
        handler: what to do.
        instead: of what, by signal.

    Returns:
        What it has replaced.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {n: old for n, old in instead.items() if signal.getsignal(n) is old}
    for number in found:
        signal.signal(number, handler)
    return found


def _restore(handlers: dict[Any, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Nowhere(io.TextIOWrapper):
    """Takes what is written to a standard stream that was closed."""

    def __init__(self) -> None:
        super().__init__(open(os.devnull, "wb"), encoding="utf-8")


def is_open(stream: Any) -> bool:
    """Tells whether a standard stream leads anywhere."""
    return stream is not None and not isinstance(stream, Nowhere)


def open_standard_streams() -> None:
    """Opens the standard streams that are closed, and has text printed as UTF-8.

    A closed one leads nowhere from then on; else the next file that is opened, such as
    a checkpoint's, would take its place. Whoever has set `PYTHONIOENCODING` gets that
    encoding, with escapes for characters that it lacks.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is taken, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Nowhere())
        elif isinstance(stream, io.TextIOWrapper):
            wanted = os.environ.get(ENCODING, "")
            encoding = stream.encoding if wanted.split(":")[0] else "utf-8"
            strict = stream.errors == "strict" and ":" not in wanted
            errors = "backslashreplace" if strict else stream.errors
            if (encoding, errors) != (stream.encoding, stream.errors):
                stream.reconfigure(encoding=encoding, errors=errors)
