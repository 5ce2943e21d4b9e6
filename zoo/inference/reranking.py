"""Choosing among translations by other models."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from zoo.decoding import BeamOptions
from zoo.inference.hypothesis import Hypothesis
from zoo.inference.language_model import LanguageModel
from zoo.inference.trained_model import TrainedModel
from zoo.inference.translator import Translator


def rerank(
    sources: Sequence[str],
    hypotheses: Sequence[Sequence[Hypothesis]],
    lm: LanguageModel | None = None,
    channel: Translator | None = None,
    lm_weight: float = 0.2,
    channel_weight: float = 0.2,
) -> list[list[Hypothesis]]:
    """Ranks n-best lists again, by what other models say of a translation.

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
        for i, (total, count) in enumerate(lm.line_log_probabilities(texts)):
            bonus[i] += lm_weight * total / count
    if channel is not None:
        wanted = [s for s, found in zip(sources, hypotheses) for _ in found]
        for i, (total, count) in enumerate(channel.log_probabilities(texts, wanted)):
            bonus[i] += channel_weight * total / count
    ranked, rest = [], iter(bonus)
    for found in hypotheses:
        scored = [dataclasses.replace(h, score=h.score + next(rest)) for h in found]
        ranked.append(sorted(scored, key=lambda h: -h.score))
    return ranked


def check_rerank(lm: TrainedModel, lm_weight: float, beam_size: int) -> None:
    """Raises ValueError unless a beam's translations can be ranked by a language model.

    Args:
        lm: what should be a language model.
        lm_weight: its weight.
        beam_size: of the search.
    """
    if not isinstance(lm, LanguageModel):
        raise ValueError(f"rerank: expected a language model, got a {lm.task}")
    if not 0 <= lm_weight < math.inf:
        raise ValueError(f"rerank_weight: expected at least 0, got {lm_weight}")
    if beam_size < 2:
        raise ValueError(
            "rerank: expected a beam_size of at least 2, among whose translations to "
            f"choose, got {beam_size}"
        )


def n_best_by_lm(
    translator: Translator,
    texts: Sequence[str],
    lm: LanguageModel,
    lm_weight: float = 0.2,
    n_best: int = 1,
    beam_size: int = 5,
    **options,
) -> list[list[Hypothesis]]:
    """Translates with a beam, and ranks all that it finds by a language model as well.

    Args:
        translator: finds translations.
        texts: of the source side.
        lm: a language model of the target side.
        lm_weight: its weight; see `rerank`.
        n_best: how many translations of each text, at most `beam_size`.
        beam_size: how many hypotheses are kept, at least 2.
        options: as for `Translator.translate`.

    Returns:
        For each text its translations, the best first; none for an empty text.

    Raises:
        ValueError: if `lm` is no language model, or an option is out of its range.
    """
    check_rerank(lm, lm_weight, beam_size)
    BeamOptions(beam_size=beam_size, n_best=n_best)  # says what is wrong with them
    found = translator.n_best(texts, beam_size, beam_size, **options)
    ranked = rerank(texts, found, lm, lm_weight=lm_weight)
    return [hypotheses[:n_best] for hypotheses in ranked]
