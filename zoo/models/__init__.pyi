from .classifier import ClassifierConfig as ClassifierConfig
from .classifier import ClassifierOptions as ClassifierOptions
from .classifier import build_classifier as build_classifier
from .language_model import LanguageModelConfig as LanguageModelConfig
from .language_model import LanguageModelOptions as LanguageModelOptions
from .language_model import build_language_model as build_language_model
from .language_model import build_stream_model as build_stream_model
from .scheduled_sampling import build_sampled_training as build_sampled_training
from .tagger import TaggerConfig as TaggerConfig
from .tagger import TaggerOptions as TaggerOptions
from .tagger import build_crf_training as build_crf_training
from .tagger import build_tagger as build_tagger
from .translator import TranslatorConfig as TranslatorConfig
from .translator import TranslatorOptions as TranslatorOptions
from .translator import build_translator as build_translator

__all__ = [
    "ClassifierConfig",
    "ClassifierOptions",
    "LanguageModelConfig",
    "LanguageModelOptions",
    "TaggerConfig",
    "TaggerOptions",
    "TranslatorConfig",
    "TranslatorOptions",
    "build_classifier",
    "build_crf_training",
    "build_language_model",
    "build_sampled_training",
    "build_stream_model",
    "build_tagger",
    "build_translator",
]
