from .config_file import FORMAT as FORMAT
from .directory import CARD as CARD
from .directory import CONFIG as CONFIG
from .directory import Checkpoint as Checkpoint
from .directory import find as find
from .directory import load as load
from .directory import previous as previous
from .directory import save as save
from .files import read_json as read_json
from .weights import WEIGHTS as WEIGHTS
from .weights import check_sizes as check_sizes
from .weights import fill as fill
from .weights import weights_of as weights_of

__all__ = [
    "CARD",
    "CONFIG",
    "FORMAT",
    "WEIGHTS",
    "Checkpoint",
    "check_sizes",
    "fill",
    "find",
    "load",
    "previous",
    "read_json",
    "save",
    "weights_of",
]
