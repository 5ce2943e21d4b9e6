"""Decoding over `step(ids, state) -> (logits, state)`, the whole loop compiled.

The searches are `keras.Model`s, so that `predict_on_batch` compiles each as one program
on every backend. Logits are float32 `[batch, vocabulary]`.
"""

from zoo.decoding.beam import BeamOptions, beam_search
from zoo.decoding.continuation import Continuation
from zoo.decoding.greedy import greedy
from zoo.decoding.sampling import Sampling, SamplingOptions, sample
from zoo.decoding.steps import compile_for_prediction
from zoo.decoding.tagging import BestTaggings, Marginals, ViterbiSearch
from zoo.decoding.translation import BeamSearch, GreedySearch

__all__ = [
    "BeamOptions",
    "BeamSearch",
    "BestTaggings",
    "Continuation",
    "GreedySearch",
    "Marginals",
    "Sampling",
    "SamplingOptions",
    "ViterbiSearch",
    "beam_search",
    "compile_for_prediction",
    "greedy",
    "sample",
]
