# The public names of this package; __init__.py imports each when it is first used.

from . import baselines as baselines
from . import metrics as metrics
from . import plots as plots
from . import strong_baselines as strong_baselines
from . import tables as tables
from .baselines import Baseline as Baseline
from .bleu_tokenization import choose_bleu_tokenization as choose_bleu_tokenization
from .calibration import calibration_error as calibration_error
from .calibration import find_temperature as find_temperature
from .calibration import negative_log_likelihood as negative_log_likelihood
from .outside_score import tune_outside_score as tune_outside_score
from .token_metrics import TokenMetric as TokenMetric

__all__ = [
    "Baseline",
    "TokenMetric",
    "baselines",
    "calibration_error",
    "choose_bleu_tokenization",
    "find_temperature",
    "metrics",
    "negative_log_likelihood",
    "plots",
    "strong_baselines",
    "tables",
    "tune_outside_score",
]
