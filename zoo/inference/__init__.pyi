from .cache import Cache as Cache
from .catalog import list_models as list_models
from .classifier import Classifier as Classifier
from .classifier import Prediction as Prediction
from .hypothesis import Hypothesis as Hypothesis
from .language_model import LanguageModel as LanguageModel
from .loading import load as load
from .reranking import check_rerank as check_rerank
from .reranking import n_best_by_lm as n_best_by_lm
from .reranking import rerank as rerank
from .score import Score as Score
from .tagger import Tagger as Tagger
from .tagger import Tagging as Tagging
from .trained_model import TrainedModel as TrainedModel
from .translator import Translator as Translator

__all__ = [
    "Cache",
    "Classifier",
    "Hypothesis",
    "LanguageModel",
    "Prediction",
    "Score",
    "Tagger",
    "Tagging",
    "TrainedModel",
    "Translator",
    "check_rerank",
    "list_models",
    "load",
    "n_best_by_lm",
    "rerank",
]
