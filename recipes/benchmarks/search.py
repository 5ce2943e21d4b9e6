"""Searching for translations: the zoo, keras.io's loop, PyTorch and JoeyNMT.

    pip install '.[bench]'
    python -m recipes.benchmarks.search --data ../shared/data/multi30k/raw

All translate the same sentences with the weights of the same checkpoint, by turns:

- `zoo`: greedily and with a beam, all sentences in one call; and a few of them one by
  one, for the next.
- `keras`: the loop of keras.io's example `lstm_seq2seq`, a call of `predict` for every
  token of every sentence, around the zoo's encoder and decoder. It is slow, so it takes
  a few sentences (`--few`), spread over the test set.
- `torch`: the same search in plain PyTorch (`recipes.benchmarks.torch_search`).
- `joeynmt`: JoeyNMT's own model and search, if `--joeynmt` names the Python of a
  virtual environment which has it (`recipes.benchmarks.joeynmt_search`).

Each contestant is a process of its own. The first round, in which programs are
compiled, is reported apart; the others give medians with quartiles. The zoo's seconds
go from text to text, those of PyTorch and JoeyNMT from ids to ids. "As the zoo" is the
share of translations that are, letter by letter, what the zoo finds by the same search.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from recipes.benchmarks import timing
from zoo import checkpoints, hardware
from zoo.data import corpora
from zoo.evaluation import metrics
from zoo.inference import Translator

ZOO, KERAS, TORCH, JOEYNMT = "zoo", "keras", "torch", "joeynmt"
Case = tuple[str, str]  # contestant and search
SEARCHES = {
    ZOO: ("greedy", "beam", "one by one"),
    KERAS: ("one by one",),
    TORCH: ("greedy", "beam"),
    JOEYNMT: ("greedy", "beam"),
}
# What the contestants in PyTorch have.
EXPECTED = {
    "cell": "gru",
    "num_layers": 1,
    "bidirectional": True,
    "attention": "additive",
    "attention_place": "after",
    "input_feeding": False,
    "tied": True,
}


def load(checkpoint: str) -> Translator:
    """Loads a translator that all contestants can be.

    Args:
        checkpoint: a name of the zoo, a run directory or a checkpoint.

    Raises:
        ValueError: if it is none.
    """
    model = zoo.load(checkpoint)
    if not isinstance(model, Translator):
        raise ValueError(f"{checkpoint}: expected a translator, got a {model.task}")
    for name, expected in EXPECTED.items():
        if (value := getattr(model.config, name)) != expected:
            raise ValueError(
                f"{checkpoint}: {name}: expected {expected!r}, which all contestants "
                f"have, got {value!r}"
            )
    return model


def export(
    file: str,
    model: Translator,
    checkpoint: str,
    sources: Sequence[str],
    few: int,
    beam_size: int,
) -> None:
    """Writes what the contestants read: the sentences, and for PyTorch ids and weights.

    Args:
        file: a `.npz`.
        model: the translator.
        checkpoint: where it is.
        sources: the sentences.
        few: how many are translated one by one.
        beam_size: hypotheses of a beam.
    """
    ids = [model.encode(source) for source in sources]
    settings = {
        "checkpoint": checkpoint,
        "beam_size": beam_size,
        "model": dataclasses.asdict(model.config),
    }
    arrays = {f"w {n}": w for n, w in checkpoints.weights_of(model.keras_model).items()}
    np.savez(
        file,
        allow_pickle=False,
        settings=json.dumps(settings),
        texts=np.array(sources),
        some=np.array([sources[i] for i in spread_out(len(sources), few)]),
        ids=np.concatenate(ids),
        lengths=[len(i) for i in ids],
        **arrays,
    )


def spread_out(count: int, few: int) -> list[int]:
    """Returns `few` of `count` places, evenly spread.

    >>> spread_out(9, 3), spread_out(2, 3)
    ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, count - 1, min(few, count)).astype(int).tolist()


def compete(
    checkpoint: str,
    pairs: Sequence[tuple[str, str]],
    contestants: dict[str, str],
    few: int = 20,
    beam_size: int = 5,
    rounds: int = 5,
) -> dict[str, Any]:
    """Lets the contestants translate by turns.

    Args:
        checkpoint: a name of the zoo, a run directory or a checkpoint.
        pairs: sources, and the targets for BLEU.
        contestants: the Python of each by its name, the zoo's among them.
        few: how many sentences are translated one by one.
        beam_size: hypotheses of a beam.
        rounds: how often each search is timed after its first time.

    Returns:
        `versions` of PyTorch and JoeyNMT, the `words` of a source in the mean, of all
        and of the few, and a list of `searches`.

    Raises:
        ValueError: if the checkpoint is none that all contestants can be, or one of
            them fails; says what it said last.
    """
    model = load(checkpoint)
    sources = [source for source, _ in pairs]
    with tempfile.TemporaryDirectory() as directory:
        file = str(Path(directory, "data.npz"))
        export(file, model, checkpoint, sources, few, beam_size)
        versions, seconds, found = _race(contestants, file, rounds)
    texts = {
        case: [t if isinstance(t, str) else model.decode(t) for t in answers]
        for case, answers in found.items()
    }
    some = [sources[i] for i in spread_out(len(sources), few)]
    return {
        "versions": versions,
        "words": {"all": _words(sources), "few": _words(some)},
        "searches": [_figures(case, seconds, texts, pairs) for case in seconds],
    }


def _race(
    contestants: dict[str, str], file: str, rounds: int
) -> tuple[dict[str, str], dict[Case, list[float]], dict[Case, list[Any]]]:
    """Returns versions, and of every search its seconds and what it found at last."""
    racing: dict[str, timing.Contestant] = {}
    versions: dict[str, str] = {}
    try:
        for name, python in contestants.items():
            module, arguments = f"{name}_search", [file]
            if name in (ZOO, KERAS):
                module, arguments = "keras_search", [name, file]
            racing[name] = timing.Contestant(module, *arguments, python=python)
            versions |= racing[name].ready
        cases = [(name, search) for name in racing for search in SEARCHES[name]]
        seconds: dict[Case, list[float]] = {case: [] for case in cases}
        found: dict[Case, list[Any]] = {}
        for i in range(rounds + 1):
            for name, search in reversed(cases) if i % 2 else cases:
                answer = racing[name].ask(search)
                seconds[name, search].append(answer["seconds"])
                found[name, search] = answer["found"]
        return versions, seconds, found
    finally:
        for contestant in racing.values():
            contestant.close()


def _words(texts: list[str]) -> float:
    """Returns how many words a text has in the mean."""
    return sum(len(text.split()) for text in texts) / len(texts)


def _figures(
    case: Case,
    seconds: dict[Case, list[float]],
    texts: dict[Case, list[str]],
    pairs: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Returns the figures of a search; BLEU is of all sentences only."""
    name, search = case

    def each(case: Case) -> list[float]:
        """Returns the seconds of a sentence, the first round left out."""
        return [s / len(texts[case]) for s in seconds[case][1:]]

    ours = texts[ZOO, search]
    at_once = (ZOO, "greedy" if search == "one by one" else search)
    bleu = None
    if len(texts[case]) == len(pairs):
        bleu = metrics.bleu(texts[case], [target for _, target in pairs])[0]

    def times(other: Case) -> dict[str, float]:
        both = {"ours": each(other), "theirs": each(case)}
        return timing.times_as_fast(both, "ours", "theirs")

    return {
        "contestant": name,
        "search": search,
        "sentences": len(texts[case]),
        "first_round_seconds": seconds[case][0],
        "seconds": seconds[case][1:],
        "seconds_a_sentence": timing.spread(each(case)),
        "zoo_times_as_fast": times((ZOO, search)),
        "zoo_at_once_times_as_fast": times(at_once),
        "bleu": bleu,
        "as_the_zoo": sum(map(str.__eq__, texts[case], ours)) / len(ours),
    }


def rows(searches: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Returns the table."""
    table = []
    for figures in searches:
        each, at_once = figures["seconds_a_sentence"], ""
        if figures["search"] == "one by one":
            at_once = f"{figures['zoo_at_once_times_as_fast']['median']:.1f} x"
        low, high = 1e3 * each["low"], 1e3 * each["high"]
        table.append(
            {
                "contestant": figures["contestant"],
                "search": figures["search"],
                "sentences": f"{figures['sentences']:,}",
                "ms a sentence": f"{1e3 * each['median']:.3g} ({low:.3g}-{high:.3g})",
                "zoo is faster": f"{figures['zoo_times_as_fast']['median']:.2f} x",
                "zoo at once is faster": at_once,
                "first round, s": f"{figures['first_round_seconds']:.0f}",
                "BLEU": "" if figures["bleu"] is None else f"{figures['bleu']:.2f}",
                "as the zoo": f"{figures['as_the_zoo']:.1%}",
            }
        )
    return table


def main() -> None:
    """Lets all compete and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--model", default="multi30k-de-en", help="a checkpoint or a name of the zoo"
    )
    parser.add_argument("--data", default="../shared/data/multi30k/raw")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--lines", type=int, help="of the test set; all by default")
    parser.add_argument("--few", type=int, default=20, help="sentences one by one")
    parser.add_argument("--beam_size", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", nargs="*", default=[], choices=(KERAS, TORCH))
    parser.add_argument("--joeynmt", metavar="PYTHON", help="that can import joeynmt")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    for name, least in (("lines", 1), ("few", 1), ("beam_size", 2), ("rounds", 2)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise ValueError(f"--{name}: expected at least {least}, got {value}")
    names = [n for n in (ZOO, KERAS, TORCH) if n not in options.without]
    contestants = dict.fromkeys(names, sys.executable)
    if options.joeynmt:
        contestants[JOEYNMT] = options.joeynmt
    splits = corpora.parallel(
        options.data, source=options.source, target=options.target
    )
    pairs = list(splits["test"])[: options.lines]
    result = compete(
        options.model,
        pairs,
        contestants,
        options.few,
        options.beam_size,
        options.rounds,
    )
    facts = {
        "model": options.model,
        "data": options.data,
        "beam_size": options.beam_size,
        "rounds": options.rounds,
        "device": hardware.device(),
        "versions": hardware.versions() | result.pop("versions"),
    }
    print(timing.markdown(rows(result["searches"])), "\n")
    print({**facts, "words": result["words"]})
    timing.write(options.json, {**facts, **result})


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(main)
