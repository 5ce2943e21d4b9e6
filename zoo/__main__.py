"""python -m zoo: list and inspect trained models, and use them from the shell.

    python -m zoo list
    python -m zoo info MODEL
    python -m zoo predict MODEL [TEXT ...]      # classify or tag
    python -m zoo translate MODEL [TEXT ...] [--beam_size N] [--rerank LM] [...]
    python -m zoo score MODEL [TEXT ...]
    python -m zoo generate MODEL [PROMPT] [--tokens N] [--temperature T] [...]

MODEL is a name from the list, a run directory or a checkpoint. Without TEXT, lines are
read from standard input, and each gives one line of output.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
from collections.abc import Iterable, Iterator

from zoo.data.corpus_files import check_characters
from zoo.keras_compat import import_keras

CHUNK = 512  # lines of standard input that are predicted together


class Parser(argparse.ArgumentParser):
    """Raises ValueError where argparse prints its usage and exits."""

    def error(self, message):
        raise ValueError(f"{message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Makes the parser of the command line."""
    top = Parser(
        prog="python -m zoo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name the models that came along")
    command = commands.add_parser("info", help="print a model's card and its paths")
    command.add_argument("model")
    for name, what in [
        ("predict", "classify or tag texts"),
        ("translate", "translate texts"),
        ("score", "print each text's nats, perplexity and bits per character"),
    ]:
        command = commands.add_parser(name, help=what)
        command.add_argument("model")
        command.add_argument("text", nargs="*")
        command.add_argument(
            "--json", action="store_true", help="print one JSON object a line"
        )
        if name == "translate":
            _add_beam_options(command)
    command = commands.add_parser("generate", help="write text")
    command.add_argument("model")
    command.add_argument("text", nargs="*", metavar="prompt")
    command.add_argument("--tokens", type=int, default=200, metavar="N")
    command.add_argument("--temperature", type=float, default=0.8, metavar="T")
    command.add_argument("--seed", type=int, default=0, metavar="S")
    command.add_argument("--top_k", type=int, default=0, metavar="K")
    command.add_argument("--top_p", type=float, default=1.0, metavar="P")
    command.add_argument("--repetition_penalty", type=float, default=1.0, metavar="R")
    return top


def _add_beam_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--beam_size", type=int, default=1, metavar="N")
    command.add_argument("--n_best", type=int, default=1, metavar="N")
    command.add_argument("--length_penalty", type=float, default=1.0, metavar="X")
    command.add_argument("--coverage_penalty", type=float, default=0.0, metavar="X")
    command.add_argument("--min_length", type=int, default=1, metavar="N")
    command.add_argument("--max_length", type=int, metavar="N")
    command.add_argument("--blocked_ngrams", type=int, default=0, metavar="N")
    command.add_argument("--replace_unknown", action="store_true")
    command.add_argument(
        "--rerank", metavar="LM", help="choose by this language model of the target too"
    )
    command.add_argument("--rerank_weight", type=float, default=0.2, metavar="X")


def run(arguments: list[str] | None = None) -> None:
    """Runs one command.

    Args:
        arguments: of the command line; those of this process if None.

    Raises:
        ValueError: if the command, the model or the text is not as expected.
    """
    options = _parse(arguments)
    if options.command == "list":
        return _list()
    import_keras()
    if options.command == "info":
        return _info(options.model)
    import zoo

    for number, text in enumerate(options.text, 1):
        check_characters(text, f"text {number}")
    model = zoo.load(options.model)
    takes = {
        "predict": ("classifier", "tagger"),
        "translate": ("translator",),
        "score": ("language_model",),
        "generate": ("language_model",),
    }
    if model.task not in takes[options.command]:
        right = next(c for c, tasks in takes.items() if model.task in tasks)
        raise ValueError(
            f"{options.model}: is a {model.task}, which cannot {options.command}; "
            f"use python -m zoo {right}"
        )
    if options.command == "generate":
        print(
            model.generate(
                " ".join(options.text),
                options.tokens,
                options.temperature,
                options.seed,
                top_k=options.top_k,
                top_p=options.top_p,
                repetition_penalty=options.repetition_penalty,
            )
        )
        return None
    lm = None
    if options.command == "translate" and options.rerank:
        from zoo.inference import check_rerank

        lm = zoo.load(options.rerank)
        check_rerank(lm, options.rerank_weight, options.beam_size)
    for chunk in _chunks(options.text or _lines()):
        for line in _answers(model, chunk, options, lm):
            print(line)
        sys.stdout.flush()
    return None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line; texts may stand behind the options as well."""
    top = parser()
    options, rest = top.parse_known_args(arguments)
    # Before Python 3.12 argparse fills `text` with nothing when an option comes first.
    takes_text = getattr(options, "text", None) == []
    if rest and (not takes_text or any(r.startswith("-") for r in rest)):
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    if takes_text:
        options.text = rest
    return options


def _list() -> None:
    from zoo.inference import catalog

    for name in catalog.list_models():
        card = catalog.card(name)
        print(f"{name:<20} {card['score']}")


def _info(name: str) -> None:
    """Prints the card, and the path of every recurrent layer on this machine."""
    import zoo
    from zoo.inference import catalog

    for key, value in catalog.card(name).items():
        text = value if isinstance(value, str) else json.dumps(value)
        print(f"{key}: {text}")
    for layer, (path, reason, remedy) in zoo.explain(zoo.load(name)).items():
        print(f"{layer}: {path}: {reason}" + (f"; {remedy}" if remedy else ""))


def _lines() -> Iterator[str]:
    """Yields the lines of standard input."""
    if sys.stdin is None:
        raise ValueError("standard input is closed; expected lines, or give texts")
    for number, line in enumerate(sys.stdin.buffer, 1):
        encoding = "utf-8-sig" if number == 1 else "utf-8"
        text = line.decode(encoding, errors="surrogateescape")
        check_characters(text, f"standard input:{number}")
        yield text.rstrip("\r\n")


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yields lists of lines; one line each where a person types them."""
    size = 1 if sys.stdin and sys.stdin.isatty() else CHUNK
    lines = iter(lines)
    while chunk := list(itertools.islice(lines, size)):
        yield chunk


def _translations(model, texts: list[str], options, lm=None) -> Iterator[str]:
    """Yields one line for each text, or for each of its `n_best` translations."""
    names = "length_penalty coverage_penalty min_length max_length blocked_ngrams"
    how = {name: getattr(options, name) for name in names.split()}
    how.update(beam_size=options.beam_size, replace_unknown=options.replace_unknown)
    if lm is None and options.n_best == 1:
        best = model.translate(texts, **how)
    else:
        if lm is None:
            answers = model.n_best(texts, options.n_best, **how)
        else:
            from zoo.inference import n_best_by_lm

            weight = options.rerank_weight
            answers = n_best_by_lm(model, texts, lm, weight, options.n_best, **how)
        best = [found[0].text if found else "" for found in answers]
    if options.n_best == 1:
        for text, answer in zip(texts, best):
            yield _json(text, translation=answer) if options.json else answer
        return
    for text, found in zip(texts, answers):
        if options.json:
            yield _json(text, translations=[dataclasses.asdict(h) for h in found])
        else:
            yield from (f"{h.score:.4f}\t{h.text}" for h in found)


def _answers(model, texts: list[str], options, lm=None) -> Iterator[str]:
    """Yields one line for each text."""
    as_json = options.json
    if model.task == "translator":
        yield from _translations(model, texts, options, lm)
    elif model.task == "tagger":
        for text, pairs in zip(texts, model.predict(texts)):
            plain = " ".join(f"{word}/{tag}" for word, tag in pairs)
            yield _json(text, tags=pairs) if as_json else plain
    elif model.task == "classifier":
        for text, p in zip(texts, model.predict(texts)):
            if as_json:
                yield _json(text, label=p.label, probabilities=p.probabilities)
            else:
                yield _plain(p)
    else:
        for text, s in zip(texts, model.score(texts)):
            total = sum(s.log_probabilities)
            if as_json:
                yield _json(
                    text,
                    tokens=s.tokens,
                    log_probabilities=s.log_probabilities,
                    perplexity=s.perplexity if s.tokens else None,
                    bits_per_character=s.bits_per_character if s.tokens else None,
                )
            else:
                numbers = total, s.perplexity, s.bits_per_character
                yield "\t".join([*(f"{number:.4f}" for number in numbers), text])


def _plain(prediction) -> str:
    """Returns the label and its probability, or the labels, or the value."""
    label, probabilities = prediction.label, prediction.probabilities
    if isinstance(label, tuple):
        return ",".join(f"{name} ({probabilities[name]:.3f})" for name in label)
    if not probabilities:
        return f"{label:.6g}"
    return f"{label}\t{probabilities[label]:.3f}"


def _json(text: str, **entries) -> str:
    return json.dumps({"text": text, **entries}, ensure_ascii=False)


if __name__ == "__main__":
    from zoo.command_line import end_cleanly

    end_cleanly(run)
