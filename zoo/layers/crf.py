"""The layers of a linear-chain conditional random field, always in float32.

A sentence is a matrix of potentials, `[time, tags]`, and the score of a tagging is the
sum of its potentials and of the transition scores between neighboring tags. The scores
of all taggings, exponentiated and divided by their sum, are their probabilities
(Lafferty et al. 2001; on top of a recurrent network, Lample et al. 2016). What is
computed from potentials and transition scores is in `zoo.layers.crf_algorithms`.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.layers.crf_algorithms import log_backward, next_is_real

FORBIDDEN = -1e4  # the score of a forbidden transition, finite so that nothing is NaN


@keras.saving.register_keras_serializable("recurrent_zoo")
class CRF(keras.layers.Layer):
    """The scores of a linear chain of tags (Collobert et al. 2011).

    The output is a matrix of potentials: the emissions, plus the scores of starting and
    of ending with a tag where that happens. The scores between neighboring tags are
    the layer's `transition_scores`.

    Args:
        num_tags: number of tags.
        allowed: bool `[num_tags + 1, num_tags + 1]`, from a tag to its successor; the
            last row says what may begin a sentence, the last column what may end one. A
            forbidden transition scores `FORBIDDEN`. None allows all.

    Call arguments:
        emissions: float `[batch, time, num_tags]`.
        mask: bool `[batch, time]`, true at real steps, which are on the left.

    Returns:
        float32 `[batch, time, num_tags]`, 0 at padding.

    Raises:
        ValueError: if `allowed` has another shape.

    >>> mask = keras.ops.ones((2, 5), "bool")
    >>> tuple(CRF(3)(keras.ops.ones((2, 5, 3)), mask=mask).shape)
    (2, 5, 3)
    """

    def __init__(
        self, num_tags: int, allowed: Sequence[Sequence[bool]] | None = None, **kwargs
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.supports_masking = True
        shape = (num_tags + 1, num_tags + 1)
        found = np.ones(shape, bool) if allowed is None else np.array(allowed, bool)
        if found.shape != shape:
            raise ValueError(f"allowed: expected the shape {shape}, got {found.shape}")
        self.num_tags, self._penalties = num_tags, np.where(found, 0.0, FORBIDDEN)

    def build(self, emissions_shape, mask_shape=None):
        for name in ("start", "end"):
            weight = self.add_weight(
                shape=(self.num_tags,), initializer="uniform", name=name
            )
            setattr(self, name, weight)
        self.transitions = self.add_weight(
            shape=(self.num_tags, self.num_tags),
            initializer="uniform",
            name="transitions",
        )

    @property
    def transition_scores(self):
        """The scores of one tag following another, float32 `[before, after]`."""
        return self.transitions + ops.cast(self._penalties[:-1, :-1], "float32")

    def call(self, emissions, mask):
        first = ops.logical_and(mask, ops.arange(ops.shape(mask)[1]) == 0)
        last = ops.logical_xor(mask, next_is_real(mask))
        start = self.start + ops.cast(self._penalties[-1, :-1], "float32")  # [tags]
        end = self.end + ops.cast(self._penalties[:-1, -1], "float32")  # [tags]
        x = ops.where(mask[..., None], emissions, 0.0)  # [batch, time, tags]
        x += ops.where(first[..., None], start, 0.0)
        return x + ops.where(last[..., None], end, 0.0)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def get_config(self):
        allowed = (self._penalties == 0).tolist()
        return {**super().get_config(), "num_tags": self.num_tags, "allowed": allowed}


class ChainLogits(keras.layers.Layer):
    """Logits of each tag given the tag before it, for training a CRF.

    By the chain rule the cross-entropies of a sentence add up to the negative
    log-likelihood of its tagging. So the loss is Keras's own, in nats per token, and so
    are the weights of the tokens.

    Args:
        crf: the layer whose potentials come in; its weights are shared.

    Call arguments:
        potentials: float32 `[batch, time, num_tags]`.
        mask: bool `[batch, time]`.
        tags: the correct ones, int32 `[batch, time]`.

    Returns:
        float32 `[batch, time, num_tags]`; the tag of a step does not influence the
        logits of that step.
    """

    def __init__(self, crf: CRF, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.crf, self.supports_masking = crf, True

    def call(self, potentials, mask, tags):
        scores = self.crf.transition_scores
        after = log_backward(potentials, scores, mask)
        from_previous = ops.take(scores, tags[:, :-1], axis=0)
        from_previous = ops.pad(from_previous, ((0, 0), (1, 0), (0, 0)))
        return potentials + after + from_previous  # [batch, time, tags]

    def compute_mask(self, inputs, previous_mask=None):
        return None
