"""Reading given translations by a translator: their probabilities and attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from zoo.inference.long_texts import check_length
from zoo.inference.trained_model import batches_by_length, chosen_log_probabilities
from zoo.text.vocabulary import END, PAD, START

MOST_TOKENS = 4096  # of a text with its end, as attention compares all with all
MAX_ATTENTION_WEIGHTS = 2**18  # of a batch that are held at once


class TeacherForcing:
    """Reads sources and given targets.

    Args:
        encoder: from `source_ids` to the decoder's states and context.
        decoder: from `[target_ids, *states, *context]` to `[logits, *states]`, with
            attention followed by its weights.
        num_states: how many of the encoder's outputs are states.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, num_states: int):
        self.encoder, self.decoder, self.num_states = encoder, decoder, num_states

    def read(
        self, source_ids: np.ndarray, target_ids: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray, list[np.ndarray]]]:
        """Reads targets in pieces whose attention fits into memory.

        Args:
            source_ids: int32 `[batch, source]`.
            target_ids: int32 `[batch, target]`.

        Yields:
            A slice of the target; its logits, float32 `[batch, piece, vocabulary]`;
            and with attention a list of its weights, float32 `[batch, piece, source]`.
        """
        encoded = keras.tree.flatten(self.encoder.predict_on_batch(source_ids))
        states, context = encoded[: self.num_states], encoded[self.num_states :]
        before = np.roll(target_ids, 1, axis=1)  # [batch, target]
        before[:, 0] = START
        steps = max(1, MAX_ATTENTION_WEIGHTS // source_ids.size)
        for begin in range(0, before.shape[1], steps):
            piece = slice(begin, begin + steps)
            inputs = [before[:, piece], *states, *context]
            logits, *rest = self.decoder.predict_on_batch(inputs)
            states = rest[: self.num_states]
            yield piece, logits, rest[self.num_states :]

    def totals(
        self, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray]
    ) -> list[float]:
        """Returns the log-probability of each target given its source, in nats.

        Args:
            sources: ids with their end, int32 `[time]` each.
            targets: the same, as many.

        Raises:
            ValueError: if one has more than `MOST_TOKENS`.
        """
        for name, listed in (("sources", sources), ("targets", targets)):
            check_length(name, max(map(len, listed), default=0), MOST_TOKENS)
        pairs = []
        for source, target in zip(sources, targets):
            pair = np.zeros((max(len(source), len(target)), 2), np.int32)
            pair[: len(source), 0], pair[: len(target), 1] = source, target
            pairs.append(pair)  # [time, 2]
        totals = [0.0] * len(pairs)
        for rows, batch in batches_by_length(pairs):  # [batch, time, 2]
            logs = self.log_probabilities(batch[..., 0], batch[..., 1])
            for row, i in enumerate(rows):
                totals[i] = float(logs[row, : len(targets[i])].sum())
        return totals

    def log_probabilities(
        self, source_ids: np.ndarray, target_ids: np.ndarray
    ) -> np.ndarray:
        """Returns the log-probability of each target id, float64 `[batch, target]`."""
        logs = [
            chosen_log_probabilities(logits, target_ids[:, piece])
            for piece, logits, _ in self.read(source_ids, target_ids)
        ]
        return np.concatenate(logs, axis=1)

    def attention(self, source_ids: np.ndarray, target_ids: np.ndarray) -> np.ndarray:
        """Returns the attention that led to each target id.

        Args:
            source_ids: int32 `[batch, source]`.
            target_ids: int32 `[batch, target]`.

        Returns:
            float32 `[batch, target, source]`.
        """
        pieces = self.read(source_ids, target_ids)
        return np.concatenate([weights[0] for _, _, weights in pieces], axis=1)

    def attended(self, source_ids: np.ndarray, target_ids: np.ndarray) -> np.ndarray:
        """Returns the place in the source that each target id attends to most.

        The source's end is left out.

        Args:
            source_ids: int32 `[batch, source]`.
            target_ids: int32 `[batch, target]`.

        Returns:
            Integers `[batch, target]`.
        """
        weights = self.attention(source_ids, target_ids)
        tokens = (source_ids != PAD) & (source_ids != END)  # [batch, source]
        return np.where(tokens[:, None], weights, -1).argmax(-1)
