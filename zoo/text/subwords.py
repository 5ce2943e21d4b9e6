"""Subwords: pieces of words, found by sentencepiece in the training text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Literal

Algorithm = Literal["bpe", "unigram"]
ERRORS = RuntimeError, ValueError, IndexError, OSError  # what sentencepiece raises
SPACE = "▁"  # sentencepiece's mark of a piece that begins a word
LONE = re.compile("[\ud800-\udfff]")  # lone surrogates, which are not Unicode text


class SubwordTokenizer:
    """Cuts text into the pieces of a sentencepiece model.

    `detokenize` inverts `tokenize`, except for sentencepiece's normalization, which
    unifies variants of characters and white space. A piece that begins a word is marked
    by U+2581. A character that the model does not know is a piece by itself, as is a
    lone surrogate, which is read as U+FFFD.

    Args:
        model: a sentencepiece model, as `train` returns it.

    Raises:
        ValueError: if it is not one.
    """

    def __init__(self, model: bytes):
        from sentencepiece import SentencePieceProcessor

        self.model = model
        try:
            self._processor = SentencePieceProcessor.from_proto(model)
        except ERRORS:
            raise ValueError("not a sentencepiece model") from None
        if not len(self):
            raise ValueError("not a sentencepiece model")

    @classmethod
    def train(
        cls, texts: Iterable[str], size: int, algorithm: Algorithm = "bpe"
    ) -> SubwordTokenizer:
        """Trains a tokenizer on texts.

        Args:
            texts: read once.
            size: number of pieces, which include all characters of the texts.
            algorithm: `"bpe"` (Sennrich et al. 2016), which joins the most frequent
                pairs, or `"unigram"` (Kudo 2018), which prunes by likelihood and may
                end with fewer pieces.

        Raises:
            ValueError: if the texts are too short for this number of pieces, or have
                more characters.
        """
        from sentencepiece import SentencePieceTrainer

        model = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=iter(texts),
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
        return cls(model.getvalue())

    @property
    def settings(self) -> dict[str, str]:
        """The settings in a checkpoint's configuration; the model is its own file."""
        return {"kind": "subwords"}

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def __contains__(self, piece: str) -> bool:
        return not self._processor.is_unknown(self._processor.piece_to_id(piece))

    def tokenize(self, text: str) -> list[str]:
        """Returns the pieces of `text`; none if it is only white space."""
        return self._processor.encode(LONE.sub("\ufffd", text), out_type=str)

    def detokenize(self, tokens: list[str]) -> str:
        """Returns the text that pieces spell."""
        return "".join(tokens).replace(SPACE, " ").removeprefix(" ")
