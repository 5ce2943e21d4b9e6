"""Choosing among translations by other models."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from zoo.inference.hypothesis import Hypothesis
from zoo.inference.language_model import LanguageModel
from zoo.inference.translator import Translator


def rerank(
    sources: Sequence[str],
    hypotheses: Sequence[Sequence[Hypothesis]],
    lm: LanguageModel | None = None,
    channel: Translator | None = None,
    lm_weight: float = 0.2,
    channel_weight: float = 0.2,
) -> list[list[Hypothesis]]:
    """Ranks n-best lists anew, by what else speaks for a translation.

    By Bayes' theorem `p(e | f)` is proportional to `p(e) p(f | e)`: a language model of
    the target side says how likely the translation `e` is by itself, and a translator
    in the other direction how likely the source `f` is given it. Both are added to the
    score that the search gave, weighted, and divided by the number of tokens of which
    each is the sum (Yee et al. 2019, who divide by the source's).

    Args:
        sources: the texts that were translated.
        hypotheses: of each, as from `Translator.n_best`.
        lm: a language model of the target side; None for none.
        channel: a translator from target to source; None for none.
        lm_weight: of the language model.
        channel_weight: of the other direction.

    Returns:
        The same hypotheses with their new scores, the best first.

    Raises:
        ValueError: if there are not as many lists as sources.
    """
    if len(sources) != len(hypotheses):
        raise ValueError(
            f"hypotheses: expected one list for each of {len(sources)} sources, got "
            f"{len(hypotheses)}"
        )
    texts = [h.text for found in hypotheses for h in found]
    bonus = [0.0] * len(texts)
    if lm is not None:
        for i, score in enumerate(lm.score(texts)):
            total = sum(score.log_probabilities)
            bonus[i] += lm_weight * total / max(1, len(score.tokens))
    if channel is not None:
        wanted = [s for s, found in zip(sources, hypotheses) for _ in found]
        for i, (total, count) in enumerate(channel.log_probabilities(texts, wanted)):
            bonus[i] += channel_weight * total / count
    ranked, rest = [], iter(bonus)
    for found in hypotheses:
        scored = [dataclasses.replace(h, score=h.score + next(rest)) for h in found]
        ranked.append(sorted(scored, key=lambda h: -h.score))
    return ranked
