"""The options of the commands that search or draw, and what they ask of a model."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.inference.hypothesis import Hypothesis
    from zoo.inference.language_model import LanguageModel
    from zoo.inference.translator import Translator

Option = tuple[str, dict[str, Any], str]  # flag, how it is parsed, help
WHOLE: dict[str, Any] = {"type": int, "metavar": "N"}
NUMBER: dict[str, Any] = {"type": float, "metavar": "X"}

PREDICTION_OPTIONS: tuple[Option, ...] = (
    (
        "--tokenizer",
        {"choices": ["words", "treebank", "spaces"]},
        "what cuts texts into words for a tagger, in place of its own setting",
    ),
)
SEARCH_OPTIONS: tuple[Option, ...] = (  # of `Translator.n_best`
    (
        "--beam_size",
        {**WHOLE, "default": 1},
        "hypotheses kept by the search, up to 512; 1 takes the likeliest token each "
        "time",
    ),
    (
        "--length_penalty",
        {**NUMBER, "default": 1.0},
        "power of the length by which scores are divided",
    ),
    (
        "--coverage_penalty",
        {**NUMBER, "default": 0.0},
        "weight of the penalty for source tokens that received little attention",
    ),
    (
        "--min_length",
        {**WHOLE, "default": 1},
        "fewest target tokens, the end included",
    ),
    (
        "--max_length",
        WHOLE,
        "most target tokens, the end included, up to 4096 (default: twice the source's "
        "and 10)",
    ),
    (
        "--blocked_ngrams",
        {**WHOLE, "default": 0},
        "let no sequence of N tokens occur twice; 0 allows all",
    ),
    (
        "--replace_unknown",
        {"action": "store_true"},
        "copy the attended source token in place of an unknown target token",
    ),
)
RANKING_OPTIONS: tuple[Option, ...] = (
    (
        "--n_best",
        {**WHOLE, "default": 1},
        "translations of each text, at most beam_size; if more than one, each line "
        "begins with a score",
    ),
    (
        "--rerank",
        {"metavar": "LM"},
        "language model of the target language that scores the translations too; "
        "needs a beam_size of at least 2",
    ),
    (
        "--rerank_weight",
        {**NUMBER, "default": 0.2},
        "weight of the language model's score",
    ),
)
GENERATION_OPTIONS: tuple[Option, ...] = (
    ("--tokens", {**WHOLE, "default": 200}, "characters or words to write"),
    (
        "--temperature",
        {**NUMBER, "default": 0.8},
        "1 draws from the model's distribution, less sharpens it, 0 takes the "
        "likeliest token",
    ),
    ("--seed", {**WHOLE, "default": 0}, "the same seed gives the same text"),
    (
        "--top_k",
        {**WHOLE, "default": 0},
        "draw only from the N likeliest tokens; 0 for all",
    ),
    (
        "--top_p",
        {**NUMBER, "default": 1.0},
        "draw only from the fewest tokens that together have this probability",
    ),
    (
        "--repetition_penalty",
        {**NUMBER, "default": 1.0},
        "above 1, tokens that have occurred become less likely",
    ),
)


def add_prediction_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of classifying and tagging."""
    _add(parser, PREDICTION_OPTIONS)


def add_translation_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a search for translations; see `zoo.decoding.BeamOptions`."""
    _add(parser, [*SEARCH_OPTIONS, *RANKING_OPTIONS])


def add_generation_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of drawing text; see `zoo.decoding.SamplingOptions`."""
    _add(parser, GENERATION_OPTIONS)


def _add(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    for flag, parsing, text in options:
        shown = " (default: %(default)s)" if "default" in parsing else ""
        parser.add_argument(flag, help=text + shown, **parsing)


def prepare_prediction(
    model: Any, options: argparse.Namespace
) -> Callable[[list[str]], list[Any]]:
    """Prepares classifying or tagging as the options say.

    Args:
        model: classifies or tags.
        options: of `add_prediction_options`.

    Returns:
        A function from texts to the model's answers.

    Raises:
        ValueError: if the model takes no such option.
    """
    if options.tokenizer is None:
        return model.predict
    if model.task != "tagger":
        raise ValueError(f"tokenizer: is an option of taggers; this is a {model.task}")
    return functools.partial(model.predict, tokenizer=options.tokenizer)


def prepare_translation(
    model: Translator, options: argparse.Namespace
) -> Callable[[list[str]], list[str] | list[list[Hypothesis]]]:
    """Prepares translating as the options say.

    Args:
        model: translates.
        options: of `add_translation_options`.

    Returns:
        A function from texts to a translation of each, or with an `n_best` above 1 a
        list of hypotheses of each.

    Raises:
        ValueError: if the language model or its weight does not fit; the function
            raises it if another option is out of its range.
    """
    names = [flag.removeprefix("--") for flag, _, _ in SEARCH_OPTIONS]
    search = {name: getattr(options, name) for name in names}
    lm = _language_model(options) if options.rerank else None
    told: list[str] = []

    def translate(texts: list[str]) -> list[str] | list[list[Hypothesis]]:
        if not told and (message := _about_long_texts(model, texts)):
            told.append(message)
            print(f"note: {message}", file=sys.stderr)
        if lm is None and options.n_best == 1:
            return model.translate(texts, **search)
        if lm is None:
            return model.n_best(texts, options.n_best, **search)
        from zoo.inference.reranking import n_best_by_lm

        weight, n_best = options.rerank_weight, options.n_best
        answers = n_best_by_lm(model, texts, lm, weight, n_best, **search)
        if n_best > 1:
            return answers
        return [found[0].text if found else "" for found in answers]

    return translate


def _about_long_texts(model: Translator, texts: list[str]) -> str:
    """Says that a text is too long to be translated at once; empty if none is."""
    from zoo.inference.translator import MOST_TOKENS

    for text in texts:
        # No token is shorter than a character, but one of subwords is put before all.
        tokens = len(model.encode(text)) - 1 if len(text) >= MOST_TOKENS else 0
        if tokens > MOST_TOKENS:
            return (
                f"a text of {tokens:,} tokens is translated sentence by sentence, as "
                f"is each of more than {MOST_TOKENS}"
            )
    return ""


def _language_model(options: argparse.Namespace) -> LanguageModel:
    from zoo.inference.loading import load
    from zoo.inference.reranking import check_rerank

    lm = load(options.rerank)
    check_rerank(lm, options.rerank_weight, options.beam_size)
    return lm


def prepare_generation(
    model: LanguageModel, options: argparse.Namespace
) -> Callable[[list[str]], list[str]]:
    """Prepares continuing prompts as the options say.

    Args:
        model: writes.
        options: of `add_generation_options`.

    Returns:
        A function from prompts to each prompt and what follows it; it raises
        `ValueError` if an option is out of its range.
    """

    def generate(prompts: list[str]) -> list[str]:
        return [
            model.generate(
                prompt,
                options.tokens,
                options.temperature,
                options.seed,
                top_k=options.top_k,
                top_p=options.top_p,
                repetition_penalty=options.repetition_penalty,
            )
            for prompt in prompts
        ]

    return generate
