"""Options of the layers: stacks of recurrent layers, and embeddings."""

from __future__ import annotations

from typing import Literal

from zoo.configuration import REQUIRED, Configuration, configuration, option, share

CellName = Literal["simple", "lstm", "gru"]
InitializerName = Literal["orthogonal", "identity"]
PrecisionName = Literal["float32", "mixed_bfloat16"]


@configuration
class RecurrentOptions(Configuration):
    """A stack of recurrent layers.

    The simple cell is Elman's; with the identity as its recurrent initializer it is
    the IRNN of Le et al. (2015), with ReLU in place of tanh. `recurrent_dropout` drops
    the same units of the state at every step (Gal and Ghahramani 2016), `weight_drop`
    the same recurrent weights at every step of a batch (Merity et al. 2018); on a GPU
    both keep the layers off cuDNN.
    """

    cell: CellName = option("lstm", "recurrent cell")
    units: int = option(128, "size of the state, of each direction", at_least=1)
    num_layers: int = option(1, "recurrent layers", at_least=1)
    input_dropout: float = share(0.0, "share of the embeddings' features dropped")
    output_dropout: float = share(0.0, "share of each layer's outputs dropped")
    recurrent_dropout: float = share(0.0, "share of the state dropped at every step")
    weight_drop: float = share(0.0, "share of the recurrent weights dropped")
    variational_dropout: bool = option(
        False, "drop the same features at every step of a sequence"
    )
    recurrent_initializer: InitializerName = option(
        "orthogonal", "start of the recurrent weights"
    )
    dtype: PrecisionName = option("float32", "precision of the layers")


@configuration
class RecurrentConfig(RecurrentOptions):
    """A stack of recurrent layers that may read in both directions."""

    bidirectional: bool = option(True, "also read the sequence backwards")

    @property
    def num_states(self) -> int:
        """How many state tensors one layer carries in one direction."""
        return 2 if self.cell == "lstm" else 1


@configuration
class EmbeddingOptions(Configuration):
    """The vectors of tokens.

    Word dropout makes other words unknown at every training step, so that the model
    learns to do without them (Iyyer et al. 2015).
    """

    embedding_size: int = option(
        128, "size of a token's vector; that of --vectors if given", at_least=1
    )
    word_dropout: float = share(0.0, "share of the words made unknown in training")


@configuration
class EmbeddingConfig(EmbeddingOptions, RecurrentConfig):
    """The vectors of tokens, and the recurrent layers that read them."""

    vocabulary_size: int = option(
        REQUIRED, "number of token ids, with the special ones", at_least=1
    )
    num_frozen: int | None = option(
        None, "how many of the last ids have given vectors that stay", at_least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_frozen and self.num_frozen >= self.vocabulary_size:
            raise ValueError(
                f"num_frozen: expected less than vocabulary_size, which is "
                f"{self.vocabulary_size}, got {self.num_frozen}"
            )
