"""One contestant of `recipes.benchmarks.recipes`: the same models in plain PyTorch.

Written as PyTorch's tutorials are: a `DataLoader` that shuffles and pads each batch to
its longest sequence, packed sequences through `torch.nn`'s recurrent layers, Adam,
gradients clipped by their norm, a learning rate that `LambdaLR` scales. `torch.nn` has
no dropout inside the recurrence, so there is none here.

The data are ids that the recipe has encoded. The process follows `timing.serve`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import rnn

from recipes.benchmarks import timing

START, END = 2, 3  # ids of the zoo's vocabularies
Spec = dict
Batch = tuple[dict[str, Tensor], Tensor]  # the columns, and the lengths of the first


class Packed(nn.Module):
    """A recurrent layer over padded sequences of given lengths."""

    def __init__(self, spec: Spec, size: int):
        super().__init__()
        self.layer = recurrent(spec, size, spec["bidirectional"])

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the outputs `[batch, time, width]` and the final states."""
        packed = rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        outputs, state = self.layer(packed)
        return rnn.pad_packed_sequence(outputs, True)[0], state


def recurrent(spec: Spec, size: int, bidirectional: bool) -> nn.Module:
    """Makes the stacked recurrent layers."""
    return {"lstm": nn.LSTM, "gru": nn.GRU}[spec["cell"]](
        size,
        spec["units"],
        spec["num_layers"],
        batch_first=True,
        bidirectional=bidirectional,
        dropout=spec["output_dropout"] if spec["num_layers"] > 1 else 0.0,
    )


class Classifier(nn.Module):
    """A bidirectional layer, the maximum over time, one logit."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.embedding = nn.Embedding(spec["vocabulary_size"], spec["embedding_size"])
        self.dropouts = dropouts(spec)
        self.recurrent = Packed(spec, spec["embedding_size"])
        self.head = nn.Linear(2 * spec["units"], 1)

    def forward(self, columns: dict[str, Tensor], lengths: Tensor):
        """Returns the logits, the targets, and None: all of them count."""
        ids = columns["token_ids"]
        x, _ = self.recurrent(self.dropouts[0](self.embedding(ids)), lengths)
        x = self.dropouts[1](x).masked_fill((ids == 0)[..., None], -1e9)
        return self.head(x.amax(1))[:, 0], columns["targets"][:, 0, 0], None

    loss = staticmethod(
        lambda logits, y: functional.binary_cross_entropy_with_logits(logits, y.float())
    )
    predict = staticmethod(lambda logits: (logits > 0).long())


class Tagger(nn.Module):
    """Words and their letters, a bidirectional layer, a tag for each word."""

    def __init__(self, spec: Spec):
        super().__init__()
        filters = spec["character_filters"]
        self.embedding = nn.Embedding(spec["vocabulary_size"], spec["embedding_size"])
        self.letters = nn.Embedding(spec["character_vocabulary_size"], 32, 0)
        self.convolution = nn.Conv1d(32, filters, 3, padding=1)
        self.dropouts = dropouts(spec)
        self.recurrent = Packed(spec, spec["embedding_size"] + filters)
        self.head = nn.Linear(2 * spec["units"], spec["num_classes"])

    def forward(self, columns: dict[str, Tensor], lengths: Tensor):
        """Returns the logits, the tags, and which of them count."""
        words, letters = columns["token_ids"][..., 0], columns["token_ids"][..., 1:]
        x = self.letters(letters.flatten(0, 1)).transpose(1, 2)
        x = functional.relu(self.convolution(x)).amax(2).view(*words.shape, -1)
        x = torch.cat([self.embedding(words), x], -1)
        x, _ = self.recurrent(self.dropouts[0](x), lengths)
        return self.head(self.dropouts[1](x)), columns["tags"], words != 0

    loss = staticmethod(functional.cross_entropy)
    predict = staticmethod(lambda logits: logits.argmax(-1))


class LanguageModel(nn.Module):
    """Stacked layers whose state is carried from batch to batch."""

    def __init__(self, spec: Spec):
        super().__init__()
        size = spec["embedding_size"]
        self.state: tuple[Tensor, ...] | None = None
        self.embedding = nn.Embedding(spec["vocabulary_size"], size)
        self.dropouts = dropouts(spec)
        self.recurrent = recurrent(spec, size, False)
        self.projection = nn.Linear(spec["units"], size)
        self.head = nn.Linear(size, spec["vocabulary_size"], bias=False)

    def forward(self, columns: dict[str, Tensor], lengths: Tensor):
        """Returns the logits, the next ids, and which of them count."""
        x = self.dropouts[0](self.embedding(columns["x"]))
        x, state = self.recurrent(x, self.state)
        self.state = tuple(s.detach() for s in state)
        logits = self.head(self.projection(self.dropouts[1](x)))
        return logits, columns["y"], columns["y"] != 0

    loss = staticmethod(functional.cross_entropy)
    predict = staticmethod(lambda logits: logits.argmax(-1))


class Translator(nn.Module):
    """A bidirectional encoder, a decoder, additive attention, a tied output layer."""

    def __init__(self, spec: Spec):
        super().__init__()
        size, units = spec["embedding_size"], spec["units"]
        self.source = nn.Embedding(spec["source_vocabulary_size"], size)
        self.target = nn.Embedding(spec["target_vocabulary_size"], size)
        self.dropouts = dropouts(spec)
        self.encoder = Packed(spec, size)
        self.bridge = nn.Linear(2 * units, units)
        self.decoder = recurrent(spec, size, False)
        self.keys = nn.Linear(2 * units, units, bias=False)
        self.query = nn.Linear(units, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)
        self.hidden = nn.Linear(3 * units, size)
        self.bias = nn.Parameter(torch.zeros(spec["target_vocabulary_size"]))
        nn.init.uniform_(self.target.weight, -0.05, 0.05)

    def forward(self, columns: dict[str, Tensor], lengths: Tensor):
        """Returns the logits, the target, and which of its ids count."""
        source, target = columns["source_ids"], columns["target_ids"]
        drop, drop_output = self.dropouts
        memory, state = self.encoder(drop(self.source(source)), lengths)
        memory = drop_output(memory) * (source != 0)[..., None]
        state = torch.tanh(self.bridge(torch.cat([state[0], state[1]], -1)))
        begin = torch.full_like(target[:, :1], START)
        shifted = torch.cat([begin, target.where(target != END, 0)[:, :-1]], 1)
        x, _ = self.decoder(drop(self.target(shifted)), state[None])
        x = drop_output(x)
        hidden = torch.tanh(self.query(x)[:, :, None] + self.keys(memory)[:, None])
        scores = self.score(hidden)[..., 0].masked_fill((source == 0)[:, None], -1e9)
        x = torch.cat([x, scores.softmax(-1) @ memory], -1)
        x = drop_output(torch.tanh(self.hidden(x)))
        return x @ self.target.weight.T + self.bias, target, target != 0

    loss = staticmethod(functional.cross_entropy)
    predict = staticmethod(lambda logits: logits.argmax(-1))


def dropouts(spec: Spec) -> nn.ModuleList:
    """Makes the dropout of what goes into the recurrent layers and what comes out."""
    rates = spec["input_dropout"], spec["output_dropout"]
    return nn.ModuleList(map(nn.Dropout, rates))


def examples(arrays: dict[str, np.ndarray], split: str) -> list[dict[str, Tensor]]:
    """Returns the examples of a split, by columns."""
    names = [k.split()[1] for k in arrays if k.startswith(f"{split} ")]
    columns = {}
    for name in dict.fromkeys(names):
        values = torch.from_numpy(arrays[f"{split} {name} values"]).long()
        lengths = np.diff(arrays[f"{split} {name} offsets"]).tolist()
        columns[name] = values.split(lengths)
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def collate(rows: list[dict[str, Tensor]]) -> Batch:
    """Pads each column to its longest example."""
    columns = {
        name: rnn.pad_sequence([row[name] for row in rows], batch_first=True)
        for name in rows[0]
    }
    return columns, torch.tensor([len(next(iter(row.values()))) for row in rows])


def loader(arrays: dict[str, np.ndarray], split: str, spec: Spec) -> Callable:
    """Returns a function that goes through the batches of a split once."""
    name = f"{split} token_ids values"
    if len([k for k in arrays if k.startswith(split)]) > 1:
        data = torch.utils.data.DataLoader(
            examples(arrays, split),
            spec["batch_size"],
            shuffle=split == "train",
            collate_fn=collate,
        )
        return lambda: iter(data)
    ids = torch.from_numpy(arrays[name]).long()
    count = (len(ids) - 1) // spec["batch_size"]
    x, y = (
        ids[i : i + count * spec["batch_size"]].view(spec["batch_size"], -1)
        for i in (0, 1)
    )

    def streams() -> Iterator[Batch]:
        for begin in range(0, count, spec["bptt_steps"]):
            part = slice(begin, begin + spec["bptt_steps"])
            yield {"x": x[:, part], "y": y[:, part]}, torch.tensor(0)

    return streams


class Runner:
    """Trains and evaluates a model."""

    def __init__(self, file: str):
        arrays = dict(np.load(file))
        self.spec = spec = json.loads(str(arrays.pop("spec")))
        torch.manual_seed(0)
        kinds: dict[str, type[nn.Module]] = {
            "classifier": Classifier,
            "tagger": Tagger,
            "language_model": LanguageModel,
            "translator": Translator,
        }
        self.batches = {s: loader(arrays, s, spec) for s in ("train", "dev")}
        steps = sum(1 for _ in self.batches["train"]()) * spec["epochs"]
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model: Any = kinds[spec["task"]](spec).to(self.device)
        parameters, rate = self.model.parameters(), spec["learning_rate"]
        self.optimizer = torch.optim.Adam(parameters, rate)
        warmup = spec["warmup_steps"]

        def scale(step: int) -> float:
            done = min(max(0, (step - warmup) / max(1, steps - warmup)), 1)
            fall = {
                "linear": 1 - done,
                "cosine": 0.5 * (1 + math.cos(math.pi * done)),
                "constant": 1.0,
            }
            return min((step + 1) / max(1, warmup), fall[spec["decay"]])

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, scale)

    def _results(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the logits and targets that count, of each batch."""
        if isinstance(self.model, LanguageModel):
            self.model.state = None
        for columns, lengths in self.batches[split]():
            columns = {name: c.to(self.device) for name, c in columns.items()}
            logits, y, mask = self.model(columns, lengths)
            yield (logits, y) if mask is None else (logits[mask], y[mask])

    def train(self) -> None:
        """Trains an epoch."""
        self.model.train()
        for logits, y in self._results("train"):
            self.optimizer.zero_grad()
            self.model.loss(logits, y).backward()
            if self.spec["clip_norm"]:
                nn.utils.clip_grad_norm_(
                    self.model.parameters(), self.spec["clip_norm"]
                )
            self.optimizer.step()
            self.schedule.step()
        if self.device == "cuda":
            torch.cuda.synchronize()

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Returns the loss and the accuracy on the development split."""
        self.model.eval()
        loss, right, count = 0.0, 0, 0
        for logits, y in self._results("dev"):
            loss += float(self.model.loss(logits, y)) * len(y)
            right += int((self.model.predict(logits) == y).sum())
            count += len(y)
        return {"loss": loss / count, "accuracy": right / count}


def main() -> None:
    """Trains an epoch for each line of standard input."""
    timing.serve(Runner(*map(json.loads, sys.argv[1:])), sys.stdout)


if __name__ == "__main__":
    main()
