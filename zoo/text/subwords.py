"""Subwords: pieces of words, found by sentencepiece in the training text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any, Literal

from zoo.text.normalization import normalize
from zoo.text.vocabulary import Vocabulary

Algorithm = Literal["bpe", "unigram"]
ERRORS = RuntimeError, ValueError, IndexError, OSError  # what sentencepiece raises
SPACE = "▁"  # sentencepiece's mark of a piece that begins a word
LONE = re.compile("[\ud800-\udfff]")  # lone surrogates, which are not Unicode text


class SubwordTokenizer:
    """Cuts text into the pieces of a sentencepiece model, after `normalize`.

    `detokenize` inverts `tokenize`, except for sentencepiece's normalization, which
    unifies variants of characters and white space. A piece that begins a word is marked
    by U+2581. A character that the model does not know is a piece by itself, as is a
    lone surrogate, which is read as U+FFFD.

    Args:
        model: a sentencepiece model, as `train` returns it.
        lowercase: whether to convert the text to lower case first.

    Raises:
        ValueError: if it is not one.
    """

    def __init__(self, model: bytes, lowercase: bool = False):
        from sentencepiece import SentencePieceProcessor

        self.model, self.lowercase = model, lowercase
        try:
            self._processor = SentencePieceProcessor.from_proto(model)
        except ERRORS:
            raise ValueError("not a sentencepiece model") from None
        if not len(self):
            raise ValueError("not a sentencepiece model")

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        size: int,
        algorithm: Algorithm = "bpe",
        lowercase: bool = False,
    ) -> SubwordTokenizer:
        """Trains a tokenizer on texts.

        Args:
            texts: read once.
            size: number of pieces, which include all characters of the texts.
            algorithm: `"bpe"` (Sennrich et al. 2016), which joins the most frequent
                pairs, or `"unigram"` (Kudo 2018), which prunes by likelihood and may
                end with fewer pieces.
            lowercase: whether to convert texts to lower case first, then and always.

        Raises:
            ValueError: if the texts are too short for this number of pieces, or have
                more characters.
        """
        from sentencepiece import SentencePieceTrainer

        model = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=(_prepared(text, lowercase) for text in texts),
                model_writer=model,
                vocab_size=size,
                model_type=algorithm,
                character_coverage=1.0,
                hard_vocab_limit=algorithm == "bpe",
                num_threads=1,  # for the same pieces each time
                minloglevel=2,
            )
        except ERRORS as error:
            reason = " ".join(str(error).split("] ")[-1].split())
            message = f"num_subwords: {size} do not fit the text: {reason}"
            raise ValueError(message) from None
        return cls(model.getvalue(), lowercase)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in a checkpoint's configuration; the model is its own file."""
        return {"kind": "subwords", "lowercase": self.lowercase}

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def __contains__(self, piece: str) -> bool:
        return not self._processor.is_unknown(self._processor.piece_to_id(piece))

    def vocabulary(self, texts: Iterable[str]) -> Vocabulary:
        """Returns the pieces that occur in texts; some characters may be no pieces."""
        found = Vocabulary.build(map(self.tokenize, texts))
        return Vocabulary(piece for piece in found.entries if piece in self)

    def tokenize(self, text: str) -> list[str]:
        """Returns the pieces of `text`; none if nothing of it is visible."""
        text = LONE.sub("\ufffd", _prepared(text, self.lowercase))
        return self._processor.encode(text, out_type=str)

    def detokenize(self, tokens: list[str]) -> str:
        """Returns the text that pieces spell."""
        return "".join(tokens).replace(SPACE, " ").removeprefix(" ")


def _prepared(text: str, lowercase: bool) -> str:
    text = normalize(text)
    return normalize(text.lower()) if lowercase else text
