"""One contestant of `recipes.benchmarks.search`: beam search in plain PyTorch.

Written as the beam searches of PyTorch's toolkits are: the memory is repeated for every
beam, each step is one call of the decoder over all open hypotheses and a `topk` over
their words, sentences are sorted by length, and those that are done leave the batch. It
takes the weights of a checkpoint and follows the rules of `zoo.decoding.beam_search`
with a length penalty of 1, so both find the same up to rounding. Greedy search is a
beam of one. The process follows `timing.serve_actions`.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import rnn

from recipes.benchmarks import timing, torch_epochs
from recipes.benchmarks.torch_epochs import END, START

BATCH = 32  # sentences, as many as the zoo takes


class Translator(torch_epochs.Translator):
    """The translator of the recipe, a step at a time."""

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reads sources.

        Args:
            source: int64 `[batch, time]`, 0 behind the end.

        Returns:
            The memory `[batch, time, 2 units]`, its keys `[batch, time, units]` and the
            decoder's first state `[1, batch, units]`.
        """
        lengths = (source != 0).sum(1).cpu()
        memory, state = self.encoder(self.source(source), lengths)
        state = torch.tanh(self.bridge(torch.cat([state[0], state[1]], -1)))
        return memory, self.keys(memory), state[None]

    def step(
        self, ids: Tensor, state: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns logits `[rows, vocabulary]` behind ids `[rows]`, and the state."""
        x, state = self.decoder(self.target(ids)[:, None], state)
        hidden = torch.tanh(self.query(x) + keys)
        scores = self.score(hidden)[..., 0].masked_fill(~mask, -1e9)
        x = torch.cat([x, scores.softmax(-1)[:, None] @ memory], -1)
        x = torch.tanh(self.hidden(x))[:, 0]
        return x @ self.target.weight.T + self.bias, state


def read(file: str) -> tuple[dict[str, Any], dict[str, Tensor], list[np.ndarray]]:
    """Reads what `search.export` has written.

    Returns:
        The settings; the weights under the names of `Translator`; the ids of each
        source.
    """
    arrays = dict(np.load(file))
    settings = json.loads(str(arrays["settings"]))
    weights = {n[2:]: array for n, array in arrays.items() if n.startswith("w ")}
    sources = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
    return settings, torch_weights(weights), sources


def torch_weights(weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Returns the weights of the zoo's translator under the names of PyTorch's.

    Args:
        weights: by the path of the variable, as a checkpoint has them.
    """
    target = weights["target_embedding/embeddings"]
    found = {
        "source.weight": weights["source_embedding/embeddings"],
        "target.weight": target,
        "bridge.weight": weights["bridge_0_0/kernel"].T,
        "bridge.bias": weights["bridge_0_0/bias"],
        "keys.weight": weights["attention_keys/kernel"].T,
        "query.weight": weights["attention/kernel"].T,
        "score.weight": weights["attention/score"].T,
        "hidden.weight": weights["output_hidden/kernel"].T,
        "hidden.bias": weights["output_hidden/bias"],
        "bias": np.zeros(len(target), np.float32),
    }
    for layer, suffix, path in (
        ("encoder.layer", "l0", "encoder_0/forward_encoder_0"),
        ("encoder.layer", "l0_reverse", "encoder_0/backward_encoder_0"),
        ("decoder", "l0", "decoder_0"),
    ):
        kernel, recurrent, biases = (
            weights[f"{path}/gru_cell/{name}"]
            for name in ("kernel", "recurrent_kernel", "bias")
        )
        found |= {
            f"{layer}.weight_ih_{suffix}": _gates(kernel).T,
            f"{layer}.weight_hh_{suffix}": _gates(recurrent).T,
            f"{layer}.bias_ih_{suffix}": _gates(biases[0]),
            f"{layer}.bias_hh_{suffix}": _gates(biases[1]),
        }
    return {name: torch.from_numpy(array) for name, array in found.items()}


def _gates(array: np.ndarray) -> np.ndarray:
    """Returns Keras's update, reset and candidate in PyTorch's order."""
    update, reset, candidate = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, candidate], axis=-1)


def translate(
    model: Translator, sources: list[np.ndarray], beam_size: int
) -> list[list[int]]:
    """Returns the target ids of every source."""
    answers: list[list[int]] = [[] for _ in sources]
    device = model.target.weight.device
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = [torch.from_numpy(sources[i]).long() for i in rows]
        batch = rnn.pad_sequence(batch, batch_first=True).to(device)
        for i, ids in zip(rows, beam_search(model, batch, beam_size)):
            answers[i] = ids
    return answers


@torch.inference_mode()
def beam_search(model: Translator, source: Tensor, beam_size: int) -> list[list[int]]:
    """Finds the best translation of each row.

    Args:
        model: from source ids to target ids.
        source: int64 `[batch, time]`, 0 behind the end.
        beam_size: how many open hypotheses are extended at each step.

    Returns:
        The target ids of each row, with their end.
    """
    memory, keys, state = model.encode(source)
    mask = source != 0
    limits = 2 * mask.sum(1) + 10
    memory, keys, mask = (
        x.repeat_interleave(beam_size, 0) for x in (memory, keys, mask)
    )
    state = state.repeat_interleave(beam_size, 1)
    rows = torch.arange(len(source), device=source.device)  # those that go on
    beams = torch.arange(beam_size, device=source.device)
    ids = torch.full_like(rows, START).repeat_interleave(beam_size)
    sums = torch.where(beams == 0, 0.0, -math.inf).repeat(len(rows), 1)
    out = ids.new_zeros(len(rows), beam_size, 0)
    best, count = torch.full_like(sums[:, 0], -math.inf), torch.zeros_like(rows)
    answers: list[list[int]] = [[] for _ in rows]
    length = 0
    while len(rows):
        length += 1
        logits, state = model.step(ids, state, memory, keys, mask)
        logs = logits.log_softmax(-1)
        logs[:, :END] = -math.inf  # padding, unknown and start are not written
        logs = logs.view(len(rows), beam_size, -1) + sums[:, :, None]
        sums, chosen = logs.flatten(1).topk(2 * beam_size)
        parents = chosen.div(logs.shape[-1], rounding_mode="floor")
        tokens = chosen % logs.shape[-1]
        out = torch.cat([_pick(out, parents), tokens[:, :, None]], -1)

        complete = (tokens == END) | (length >= limits)[:, None]
        scores = (sums / ((5 + length) / 6)).masked_fill(~complete, -math.inf)
        scores = scores[:, :beam_size]
        count += (scores > -math.inf).sum(1)
        score, place = scores.max(1)
        for row in (score > best).nonzero()[:, 0].tolist():
            answers[rows[row]] = out[row, place[row]].tolist()
        best = torch.maximum(best, score)

        sums, kept = sums.masked_fill(complete, -math.inf).topk(beam_size)
        parents, tokens, out = (
            parents.gather(1, kept), tokens.gather(1, kept), _pick(out, kept)
        )  # fmt: skip
        lost = sums[:, 0] / ((5 + limits) / 6) <= best
        left = (~(lost | (count >= beam_size))).nonzero()[:, 0]
        ids = tokens[left].flatten()
        state = state[:, (left[:, None] * beam_size + parents[left]).flatten()]
        if len(left) < len(rows):  # the beams of a row share their memory
            same = (left[:, None] * beam_size + beams).flatten()
            memory, keys, mask = memory[same], keys[same], mask[same]
        rows, limits, sums, out = rows[left], limits[left], sums[left], out[left]
        best, count = best[left], count[left]
    return answers


def _pick(values: Tensor, chosen: Tensor) -> Tensor:
    """Returns of `[rows, some, time]` those at `[rows, count]`."""
    return values.gather(1, chosen[:, :, None].expand(-1, -1, values.shape[2]))


def main() -> None:
    """Translates for each line of standard input, which names the search."""
    file = json.loads(sys.argv[1])
    settings, weights, sources = read(file)
    model = Translator(settings["model"])
    model.load_state_dict(weights)
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    actions = {
        "greedy": lambda: translate(model, sources, 1),
        "beam": lambda: translate(model, sources, settings["beam_size"]),
    }
    timing.serve_actions(actions, sys.stdout, torch=torch.__version__)


if __name__ == "__main__":
    main()
