"""One contestant of `recipes.benchmarks.search`: JoeyNMT's model and search.

It runs under a Python that can import JoeyNMT (`pip install joeynmt` into a virtual
environment of its own) from a checkout of this repository, and takes the weights of a
checkpoint: without input feeding JoeyNMT's recurrent model is the zoo's, as long as the
embeddings are as wide as the states. Its search ends by another rule (all hypotheses of
the beam must have ended, and those that have keep their places in it), so it may find
something else. The process follows `timing.serve_actions`.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import joeynmt
import numpy as np
import torch
from joeynmt.batch import Batch
from joeynmt.model import Model, build_model
from joeynmt.search import search
from joeynmt.vocabulary import Vocabulary
from torch import Tensor
from torch.nn.utils import rnn

from recipes.benchmarks import timing
from recipes.benchmarks.torch_search import BATCH, read

SPECIAL = SimpleNamespace(
    unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>",
    unk_id=0, pad_id=1, bos_id=2, eos_id=3, sep_token=None, sep_id=None, lang_tags=[],
)  # fmt: skip


def build(sizes: dict[str, Any], weights: dict[str, Tensor]) -> Model:
    """Builds JoeyNMT's model with the weights of the zoo's.

    Args:
        sizes: the fields of the zoo's configuration.
        weights: as `torch_search.read` returns them.

    Raises:
        ValueError: if embeddings and states differ in size.
    """
    size, units = sizes["embedding_size"], sizes["units"]
    if size != units:
        raise ValueError(f"embedding_size: expected {units}, the units, got {size}")
    layers = {
        "type": "recurrent",
        "rnn_type": "gru",
        "num_layers": 1,
        "hidden_size": units,
        "embeddings": {"embedding_dim": size},
    }
    options = {"attention": "bahdanau", "init_hidden": "bridge", "input_feeding": False}
    model = build_model(
        {
            "encoder": {**layers, "bidirectional": True},
            "decoder": {**layers, **options},
        },
        *(
            Vocabulary([str(i) for i in range(4, sizes[name])], SPECIAL)
            for name in ("source_vocabulary_size", "target_vocabulary_size")
        ),
    )
    names = {
        "source.weight": "src_embed.lut.weight",
        "target.weight": "trg_embed.lut.weight",
        "bridge": "decoder.bridge_layer",
        "keys": "decoder.attention.key_layer",
        "query": "decoder.attention.query_layer",
        "score": "decoder.attention.energy_layer",
        "hidden": "decoder.att_vector_layer",
        "encoder.layer": "encoder.rnn",
        "decoder": "decoder.rnn",
    }
    found = {}
    for name, weight in weights.items():
        if name in ("source.weight", "target.weight"):
            found[names[name]] = swapped(weight)
        elif name != "bias":  # which is zero
            layer, kind = name.rsplit(".", 1)
            found[f"{names[layer]}.{kind}"] = weight
    found["decoder.output_layer.weight"] = found["trg_embed.lut.weight"]
    model.load_state_dict(found)
    return model.eval()


def swapped(array: Tensor) -> Tensor:
    """Returns an array with padding and unknown, its first two rows, swapped.

    The zoo's padding is 0 and its unknown token 1; JoeyNMT has it the other way round.
    """
    return torch.cat([array[1:2], array[:1], array[2:]])


def translate(
    model: Model, sources: list[np.ndarray], beam_size: int
) -> list[list[int]]:
    """Returns the target ids of every source, as the zoo numbers them."""
    answers: list[list[int]] = [[] for _ in sources]
    order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        ids = [torch.from_numpy(sources[i]).long() for i in rows]
        ids = rnn.pad_sequence([x.where(x != 1, 0) for x in ids], True, SPECIAL.pad_id)
        lengths = torch.tensor([len(sources[i]) for i in rows])
        batch = Batch(
            src=ids,
            src_length=lengths,
            src_prompt_mask=None,
            trg=None,
            trg_prompt_mask=None,
            indices=torch.tensor(rows),
            device=model.src_embed.lut.weight.device,
            pad_index=SPECIAL.pad_id,
            eos_index=SPECIAL.eos_id,
            is_train=False,
        )
        found, *_ = search(
            model,
            batch,
            max_output_length=2 * int(lengths.max()) + 10,
            beam_size=beam_size,
            beam_alpha=1.0,
            generate_unk=False,
            min_output_length=0,
        )
        for i, row in zip(rows, found.tolist()):
            answers[i] = [x for x in row if x != SPECIAL.pad_id]
    return answers


def main() -> None:
    """Translates for each line of standard input, which names the search."""
    settings, weights, sources = read(json.loads(sys.argv[1]))
    model = build(settings["model"], weights)
    actions = {
        "greedy": lambda: translate(model, sources, 1),
        "beam": lambda: translate(model, sources, settings["beam_size"]),
    }
    versions = {"joeynmt": joeynmt.__version__, "torch of joeynmt": torch.__version__}
    timing.serve_actions(actions, sys.stdout, **versions)


if __name__ == "__main__":
    main()
