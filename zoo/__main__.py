"""List and inspect trained models, and use them from the shell.

MODEL is a name from the list, a run directory or a checkpoint. Without TEXT, lines are
read from standard input, and each gives one line of output.

    {prog} list
    {prog} predict sst2-glove "a gorgeous, witty, seductive movie"
    {prog} translate multi30k-de-en --beam_size 5 < german.txt > english.txt
    {prog} generate tinyshakespeare "The king" --tokens 300
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from zoo import tasks
from zoo.command_line import ending_at_once
from zoo.data.corpus_files import check_characters
from zoo.evaluation.plain_numbers import json_text
from zoo.keras_compat import import_keras

CHUNK = 512  # lines of standard input that are answered together, unless they are long
CHUNK_CHARACTERS = 2**20  # of such lines
MOST_BYTES = 2**24  # of one line
TEXT = "\0"  # marks what follows "--" on the command line, where it cannot occur


class Parser(argparse.ArgumentParser):
    """Raises ValueError where argparse prints its usage and exits."""

    def error(self, message: str) -> NoReturn:
        """Raises a ValueError of one line."""
        raise ValueError(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    """Makes the parser of the command line."""
    program = Path(sys.argv[0]).name
    program = program if program == "recurrent-zoo" else "python -m zoo"
    top = Parser(
        prog=program,
        usage=f"{program} COMMAND [OPTIONS] [MODEL [TEXT ...]]",
        description=__doc__.format(prog=program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    longest = max(map(len, tasks.COMMANDS))
    commands = top.add_subparsers(
        dest="command",
        title="commands",
        prog=program,
        metavar="COMMAND".ljust(longest + 2),  # argparse forgets that it indents them
    )
    text = "list the trained models that come with the package"
    commands.add_parser("list", help=text, description=_sentence(text))
    text = "print a model's card and how its recurrent layers run on this machine"
    _add_model(commands.add_parser("info", help=text, description=_sentence(text)))
    for command in tasks.COMMANDS.values():
        sub = commands.add_parser(
            command.name, help=command.help, description=_sentence(command.help)
        )
        _add_model(sub)
        sub.add_argument(
            "text",
            nargs="*",
            default=[],
            metavar=command.takes.upper(),
            help="lines of standard input if none is given"
            if command.line_by_line
            else "what the text begins with; words are joined by spaces",
        )
        if command.line_by_line:
            sub.add_argument(
                "--json", action="store_true", help="print one JSON object per text"
            )
        command.add_options(sub)
    return top


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model",
        metavar="MODEL",
        help="a name from the list, a run directory or a checkpoint",
    )
    command.add_argument(
        "--vectors",
        metavar="FILE",
        help="word vectors that the checkpoint leaves out: a file or a name",
    )


def run(arguments: list[str] | None = None) -> None:
    """Runs one command.

    Args:
        arguments: of the command line; those of this process if None.

    Raises:
        ValueError: if the command, the model or the text is not as expected.
    """
    options = _parse(arguments)
    if options.command is None:
        parser().print_help()
    elif options.command == "list":
        _list()
    elif options.command == "info":
        _info(options.model, options.vectors)
    else:
        _use(tasks.COMMANDS[options.command], options)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line; texts may also follow the options, or `--`."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--" in given:  # argparse would read a text that begins with a dash
        place = given.index("--")
        given = given[:place] + [TEXT + text for text in given[place + 1 :]]
    top = parser()
    options, rest = top.parse_known_args(given)
    # Texts on both sides of an option; before Python 3.12 also those after it.
    takes_text = hasattr(options, "text")
    if rest and (not takes_text or any(r.startswith("-") for r in rest)):
        hint = "; texts that begin with a dash follow --" if takes_text else ""
        top.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
    if takes_text:
        texts = [*options.text, *rest]
        options.text = [_as_utf8(text.removeprefix(TEXT)) for text in texts]
        options.model = options.model.removeprefix(TEXT)
    return options


def _as_utf8(argument: str) -> str:
    """Returns what an argument is in UTF-8, whatever the locale says."""
    return os.fsencode(argument).decode("utf-8", errors="surrogateescape")


def _list() -> None:
    """Prints the table of the models that come with the package."""
    from zoo.inference import catalog

    table = [catalog.COLUMNS, *map(catalog.summary, catalog.list_models())]
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        cells = [
            f"{cell:>{width}}" if name in catalog.NUMBERS else f"{cell:<{width}}"
            for name, cell, width in zip(catalog.COLUMNS, row, widths)
        ]
        print("  ".join(cells).rstrip())


def _info(name: str, vectors: str | None) -> None:
    """Prints the card, and the path of every recurrent layer on this machine."""
    with ending_at_once():
        import_keras()
    import zoo
    from zoo.inference import catalog

    for key, value in catalog.card(name).items():
        text = value if isinstance(value, str) else json.dumps(value)
        print(f"{key}: {text}")
    for layer, (path, reason, remedy) in zoo.explain(zoo.load(name, vectors)).items():
        print(f"{layer}: {path}: {reason}" + (f"; {remedy}" if remedy else ""))


def _use(command: tasks.Command, options: argparse.Namespace) -> None:
    """Loads a model, and prints its answer to each text."""
    for number, text in enumerate(options.text, 1):
        check_characters(text, f"text {number}")
    with ending_at_once():
        import_keras()
        from zoo.inference.loading import load
    model = load(options.model, options.vectors)
    task = tasks.find(model.task)
    if command.name not in task.commands:
        raise ValueError(
            f"{options.model}: is a {task.noun}, which cannot {command.name}; "
            f"use python -m zoo {task.commands[0]}"
        )
    answer = command.prepare(model, options)
    if not command.line_by_line:
        print(*answer([" ".join(options.text) if options.text else _prompt()]))
        return
    too_long: list[int] = []
    for chunk in _chunks(options.text or _lines(too_long)):
        for text, found in zip(chunk, answer(chunk)):
            for line in _output(task, text, found, options.json):
                print(line)
        sys.stdout.flush()
    if too_long:
        raise SystemExit(2)  # each has been told


def _output(task: tasks.Task, text: str, answer: Any, as_json: bool) -> Iterator[str]:
    """Yields the lines of an answer."""
    if as_json:
        yield json_text({"text": text, **task.json(answer)})
    else:
        yield from task.plain(text, answer)


def _prompt() -> str:
    """Returns standard input as one text, unless a person would have to type it."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"standard input: expected at most {MOST_BYTES:,} bytes")
    text = content.decode("utf-8-sig", errors="surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        check_characters(line, f"standard input:{number}")
    text = text.replace("\r\n", "\n")
    return text.removesuffix("\n")


def _lines(too_long: list[int]) -> Iterator[str]:
    """Yields the lines of standard input.

    Args:
        too_long: gets the numbers of lines of more than `MOST_BYTES`; they are not
            read, and an empty line is yielded for each.
    """
    if sys.stdin is None:
        raise ValueError("standard input is closed; expected lines, or give texts")
    stream = sys.stdin.buffer
    for number in itertools.count(1):
        line = stream.readline(MOST_BYTES + 1)
        if not line:
            return
        if len(line) > MOST_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(MOST_BYTES)
            too_long.append(number)
            message = f"more than {MOST_BYTES:,} bytes; read as an empty line"
            print(f"error: standard input:{number}: {message}", file=sys.stderr)
            yield ""
            continue
        encoding = "utf-8-sig" if number == 1 else "utf-8"
        text = line.decode(encoding, errors="surrogateescape")
        check_characters(text, f"standard input:{number}")
        yield text.rstrip("\r\n")


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yields lists of lines; one line each where a person types them.

    What comes before a line that cannot be read is yielded first.
    """
    size = 1 if sys.stdin and sys.stdin.isatty() else CHUNK
    chunk: list[str] = []
    total = 0
    try:
        for line in lines:
            chunk.append(line)
            total += len(line)
            if len(chunk) >= size or total >= CHUNK_CHARACTERS:
                yield chunk
                chunk, total = [], 0
    except ValueError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def main() -> None:
    """Runs the command of this process, and ends it with its exit status."""
    from zoo.command_line import end_cleanly, is_open, start

    start()
    end_cleanly(run if is_open(sys.stdout) else _say_closed)


def _say_closed() -> None:
    raise ValueError("standard output is closed; expected where to print answers")


if __name__ == "__main__":
    main()
