# The public names of this package; __init__.py imports each when it is first used.

from . import span_schemes as span_schemes
from .casing import CASINGS as CASINGS
from .normalization import normalize as normalize
from .span_detection import detect as detect
from .span_schemes import Span as Span
from .span_tags import Scheme as Scheme
from .subwords import SubwordTokenizer as SubwordTokenizer
from .tokenizers import Tokenizer as Tokenizer
from .vocabulary import END as END
from .vocabulary import PAD as PAD
from .vocabulary import START as START
from .vocabulary import UNKNOWN as UNKNOWN
from .vocabulary import Labels as Labels
from .vocabulary import Vocabulary as Vocabulary

__all__ = [
    "CASINGS",
    "END",
    "Labels",
    "PAD",
    "START",
    "Scheme",
    "Span",
    "SubwordTokenizer",
    "Tokenizer",
    "UNKNOWN",
    "Vocabulary",
    "detect",
    "normalize",
    "span_schemes",
]
