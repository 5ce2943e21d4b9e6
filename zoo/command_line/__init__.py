"""Command lines: options out of a configuration, and how a process starts and ends.

A process that is a command calls `start` before it imports anything that takes long,
and does all else in `end_cleanly`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
