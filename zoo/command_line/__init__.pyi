from .ending import end_cleanly as end_cleanly
from .help import command as command
from .help import help_text as help_text
from .help import program as program
from .parsing import parse as parse
from .quieting import quiet_tensorflow as quiet_tensorflow
from .starting import ending_at_once as ending_at_once
from .starting import is_open as is_open
from .starting import start as start

__all__ = [
    "command",
    "end_cleanly",
    "ending_at_once",
    "help_text",
    "is_open",
    "parse",
    "program",
    "quiet_tensorflow",
    "start",
]
