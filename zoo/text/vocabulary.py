"""Vocabularies: tokens to ids and back, labels to classes and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from zoo.text.normalization import normalize

PAD, UNKNOWN, START, END = range(4)
UNSEEN = -1  # class of a label that the training data do not have
SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")


class Vocabulary:
    """The tokens a model knows; ids 0 to 3 are padding, unknown, start and end.

    In a text, `"<unk>"` and `"</s>"` are recognized, which corpora use for the same
    purpose; `"<pad>"` and `"<s>"` are ordinary unknown tokens. A token of another form
    than `normalize` gives, as earlier checkpoints have some, is found by that form too.

    Args:
        tokens: the ordinary tokens, distinct, in the order of their ids from 4 on.
        lower_unknown: whether an unknown token is looked up in lower case.

    Raises:
        ValueError: if a token is listed twice or is a special one.

    >>> vocabulary = Vocabulary(["dog", "ran"])
    >>> vocabulary.encode(["dog", "sat"]).tolist()
    [4, 1]
    >>> vocabulary.decode([4, 5, 3])
    ['dog', 'ran', '</s>']
    >>> Vocabulary(["dog", "Ran"], lower_unknown=True).encode(["Dog", "ran"]).tolist()
    [4, 1]
    """

    def __init__(self, tokens: Iterable[str], lower_unknown: bool = False):
        self.tokens = [*SPECIAL_TOKENS, *tokens]
        self.lower_unknown = lower_unknown
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"vocabulary: the token {twice!r} is listed twice")
        del self._ids["<pad>"], self._ids["<s>"]
        for i, token in enumerate(self.tokens):
            if not token.isascii() and (form := normalize(token)):
                self._ids.setdefault(form, i)

    @property
    def entries(self) -> list[str]:
        """The tokens without the special ones, as a checkpoint stores them."""
        return self.tokens[len(SPECIAL_TOKENS) :]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return self._ids.get(token, UNKNOWN) != UNKNOWN

    @classmethod
    def build(
        cls,
        sequences: Iterable[Iterable[str]],
        min_count: int = 1,
        max_size: int | None = None,
    ) -> Vocabulary:
        """Collects the tokens of a corpus, the most frequent first.

        Args:
            sequences: tokens of each example; read once.
            min_count: tokens that occur less often stay unknown.
            max_size: largest number of ordinary tokens, or None for no limit.

        Returns:
            A vocabulary; tokens of equal count are in alphabetical order.
        """
        counts: Counter[str] = Counter()
        for tokens in sequences:
            counts.update(tokens)
        return cls(rank(counts, min_count)[:max_size])

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Returns the ids of `tokens`, int32 `[time]`; unknown tokens become 1."""
        if self.lower_unknown:
            tokens = (t if t in self else t.lower() for t in tokens)
        return np.fromiter((self._ids.get(t, UNKNOWN) for t in tokens), np.int32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Returns the tokens of `ids`, the special ones by their names."""
        return [self.tokens[i] for i in ids]


def rank(counts: Mapping[str, int], min_count: int = 1) -> list[str]:
    """Returns tokens by falling count, those of equal count in alphabetical order.

    Args:
        counts: of each token; special ones are left out.
        min_count: tokens with a smaller count are left out.

    >>> rank({"b": 1, "a": 1, "c": 2, "<unk>": 9})
    ['c', 'a', 'b']
    """
    kept = [
        token
        for token, count in counts.items()
        if count >= min_count and token not in SPECIAL_TOKENS
    ]
    return sorted(kept, key=lambda token: (-counts[token], token))


class Labels:
    """The classes of a task, in the order of the model's outputs.

    Args:
        names: the class names; class `i` is `names[i]`.

    Raises:
        ValueError: if a name is listed twice.
    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self._classes = {name: i for i, name in enumerate(self.names)}
        if len(self._classes) != len(self.names):
            raise ValueError(f"labels: expected distinct names, got {self.names}")

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def build(cls, labels: Iterable[str], place: str) -> Labels:
        """Collects the classes of the training data, in alphabetical order.

        Args:
            labels: every label of the training data.
            place: what to name in an error message.

        Raises:
            ValueError: if there are fewer than two classes.
        """
        names = sorted(set(labels))
        if len(names) < 2:
            raise ValueError(
                f"{place}: all labels are {names[0]!r}; expected at least two classes"
                if names
                else f"{place}: no labels; expected at least two classes"
            )
        return cls(names)

    def encode(self, label: str, place: str) -> int:
        """Returns the class of `label`.

        Raises:
            ValueError: if the training data held no such label; `place` is named.
        """
        if label not in self._classes:
            known = ", ".join(self.names[:8]) + (", ..." if len(self) > 8 else "")
            raise ValueError(
                f"{place}: the label {label!r} does not occur in the training data; "
                f"expected one of {known}"
            )
        return self._classes[label]

    def __contains__(self, label: str) -> bool:
        return label in self._classes

    def encode_all(self, labels: Iterable[str]) -> np.ndarray:
        """Returns the classes of `labels`, int32 `[time]`; of unknown ones `UNSEEN`."""
        return np.array([self._classes.get(x, UNSEEN) for x in labels], np.int32)

    def decode(self, classes: Iterable[int]) -> list[str]:
        """Returns the names of `classes`."""
        return [self.names[i] for i in classes]
