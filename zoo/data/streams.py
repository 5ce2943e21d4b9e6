"""One long text as contiguous streams."""

from __future__ import annotations

import keras
import numpy as np

from zoo.data.assembly import Batch


class Streams(keras.utils.PyDataset):
    """One long text as `batch_size` contiguous streams, cut into steps.

    Row `r` of batch `i + 1` continues where row `r` of batch `i` ended, so that a model
    that carries its state reads every stream from its beginning (truncated
    back-propagation through time).

    Args:
        token_ids: int32 `[total]`, at least two.
        batch_size: the number of streams.
        steps: the length of a batch, and of back-propagation.
        random_steps: whether that length varies, so that each epoch cuts the text in
            other places (Merity et al. 2018): every cut is moved by up to a quarter of
            `steps`, in eighths; the number of batches stays the same.
        seed: of the cuts, which are a function of it and the epoch.

    Raises:
        ValueError: if there are fewer than two tokens.
    """

    def __init__(
        self,
        token_ids: np.ndarray,
        batch_size: int = 32,
        steps: int = 64,
        random_steps: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        if len(token_ids) < 2:
            raise ValueError(f"expected at least 2 tokens, got {len(token_ids)}")
        self.token_ids, self.batch_size, self.steps = token_ids, batch_size, steps
        self.stream_length = -(-(len(token_ids) - 1) // batch_size)
        self.random_steps, self.seed, self.epoch = random_steps, seed, 0
        self._cut()

    def _cut(self) -> None:
        """Chooses where the batches of this epoch begin."""
        starts = np.arange(0, self.stream_length, self.steps)
        if self.random_steps:
            unit = max(1, self.steps // 8)
            random = np.random.default_rng((self.seed, self.epoch))
            reach = min(2, (self.steps - 1) // (2 * unit))  # so that no two cuts meet
            starts[1:] += unit * random.integers(-reach, reach + 1, len(starts) - 1)
            starts[1:] = np.minimum(starts[1:], self.stream_length - 1)
        self._starts = np.append(starts, self.stream_length)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._cut()

    def _width(self, index: int) -> int:
        """Returns the length of a batch; only the last has padding."""
        size = int(self._starts[index + 1] - self._starts[index])
        if not self.random_steps:
            return self.steps
        unit = max(1, self.steps // 8)
        return -(-size // unit) * unit

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Batch:
        x = np.zeros((self.batch_size, self._width(index)), np.int32)  # [batch, steps]
        y, weights = np.zeros_like(x), np.zeros(x.shape, np.float32)
        begin, size = self._starts[index], self._starts[index + 1] - self._starts[index]
        for row in range(self.batch_size):
            start = row * self.stream_length + begin
            piece = self.token_ids[start : start + size + 1]
            if len(piece) > 1:
                n = len(piece) - 1
                x[row, :n], y[row, :n], weights[row, :n] = piece[:-1], piece[1:], 1
        return x, y, weights

    def num_tokens(self) -> int:
        """Returns the number of predicted tokens of an epoch."""
        return len(self.token_ids) - 1

    def padding_waste(self) -> float:
        """Returns the share of an epoch's tokens that are padding."""
        cells = self.batch_size * sum(map(self._width, range(len(self))))
        return 1 - self.num_tokens() / cells

    def num_shapes(self) -> int:
        """Returns the number of shapes that this epoch's batches take."""
        return len({self._width(index) for index in range(len(self))})
