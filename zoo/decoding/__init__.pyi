from .beam import beam_search as beam_search
from .beam_options import BeamOptions as BeamOptions
from .continuation import Continuation as Continuation
from .continuation import PromptReader as PromptReader
from .greedy import greedy_search as greedy_search
from .sampling import Sampling as Sampling
from .sampling import SamplingOptions as SamplingOptions
from .sampling import sample as sample
from .steps import compile_for_prediction as compile_for_prediction
from .tagging import BestTaggings as BestTaggings
from .tagging import Marginals as Marginals
from .tagging import ViterbiSearch as ViterbiSearch
from .translation import BeamSearch as BeamSearch
from .translation import GreedySearch as GreedySearch

__all__ = [
    "BeamOptions",
    "BeamSearch",
    "BestTaggings",
    "Continuation",
    "GreedySearch",
    "Marginals",
    "PromptReader",
    "Sampling",
    "SamplingOptions",
    "ViterbiSearch",
    "beam_search",
    "compile_for_prediction",
    "greedy_search",
    "sample",
]
