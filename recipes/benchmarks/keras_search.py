"""Two contestants of `recipes.benchmarks.search`, on Keras.

`zoo` translates as its users do. `keras` does it by the loop of keras.io's example
`lstm_seq2seq`, around the same encoder and decoder. The process follows
`timing.serve_actions`.
"""

from __future__ import annotations

import contextlib
import json
import sys

import numpy as np

import zoo
from recipes.benchmarks import timing
from zoo.inference import Translator
from zoo.text.vocabulary import END, START


def loop(translator: Translator, text: str) -> str:
    """Translates greedily by a call of `predict` for every token.

    It is `decode_sequence` of keras.io's `lstm_seq2seq`, but for what an attention
    needs, and for the zoo's rules: which tokens may be written, and how many.

    Args:
        translator: the model.
        text: one text.
    """
    source = translator.encode(text)
    encoder, decoder = translator.search.encoder, translator.search.decoder
    count = translator.config.num_carried
    encoded = encoder.predict(source[None], verbose=0)
    states, context = encoded[:count], encoded[count:]
    ids: list[int] = []
    last = START
    while last != END and len(ids) < 2 * len(source) + 10:
        target = np.array([[last]], np.int32)
        outputs = decoder.predict([target, *states, *context], verbose=0)
        states = outputs[1 : 1 + count]
        last = END + int(np.argmax(outputs[0][0, -1, END:]))
        ids.append(last)
    return translator.decode(ids)


def main() -> None:
    """Translates for each line of standard input, which names the search."""
    name, file = map(json.loads, sys.argv[1:])
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        arrays = np.load(file)
        settings = json.loads(str(arrays["settings"]))
        texts, some = arrays["texts"].tolist(), arrays["some"].tolist()
        model = zoo.load(settings["checkpoint"])
        beam_size = settings["beam_size"]
        actions = {
            "zoo": {
                "greedy": lambda: model.translate(texts),
                "beam": lambda: model.translate(texts, beam_size=beam_size),
                "one by one": lambda: [model.translate(text) for text in some],
            },
            "keras": {"one by one": lambda: [loop(model, text) for text in some]},
        }
        timing.serve_actions(actions[name], answers)


if __name__ == "__main__":
    main()
