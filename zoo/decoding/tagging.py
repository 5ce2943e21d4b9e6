"""Decoding of taggings: the best, the n best, and marginal probabilities."""

from __future__ import annotations

import keras
from keras import ops

from zoo.decoding.steps import compile_for_prediction
from zoo.layers.crf import CRF
from zoo.layers.crf_algorithms import log_partition_terms, marginals, viterbi_paths


class TaggingSearch(keras.Model):
    """Base of the models that decode taggings of a batch in one compiled call.

    Args:
        model: a tagger, from a dict with `token_ids` to potentials.
        crf: its layer with the scores between neighboring tags; None for none.

    Call arguments:
        inputs: the tagger's.
    """

    def __init__(self, model: keras.Model, crf: CRF | None):
        super().__init__()
        self.model, self.crf = model, crf
        compile_for_prediction(self)

    def chain(self, inputs) -> tuple:
        """Returns potentials, transitions and mask; see `crf_algorithms`."""
        potentials = self.model(inputs)  # [batch, time, tags]
        size = potentials.shape[-1]
        scores = self.crf.transition_scores if self.crf else ops.zeros((size, size))
        return potentials, scores, ops.not_equal(inputs["token_ids"], 0)


class ViterbiSearch(TaggingSearch):
    """Finds the best tagging.

    Returns:
        int32 `[batch, time]`, 0 at padding.
    """

    def call(self, inputs):
        potentials, scores, mask = self.chain(inputs)
        paths, _ = viterbi_paths(potentials, scores, mask, 1)  # [batch, 1, time]
        return paths[:, 0]


class BestTaggings(TaggingSearch):
    """Finds the `n_best` likeliest taggings.

    Returns:
        int32 `[batch, n_best, time]`, and the logarithms of their probabilities,
        float32 `[batch, n_best]`, -infinity where there are not as many taggings.
    """

    def __init__(self, model: keras.Model, crf: CRF | None, n_best: int):
        super().__init__(model, crf)
        self.n_best = n_best

    def call(self, inputs):
        potentials, scores, mask = self.chain(inputs)
        terms = log_partition_terms(potentials, scores, mask)
        log_potentials = potentials - terms[..., None]
        return viterbi_paths(log_potentials, scores, mask, self.n_best)


class Marginals(TaggingSearch):
    """Computes the probability of every tag of every word.

    Returns:
        float32 `[batch, time, tags]`, 0 at padding.
    """

    def call(self, inputs):
        return marginals(*self.chain(inputs))
