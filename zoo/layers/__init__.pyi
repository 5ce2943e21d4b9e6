from .attention import AdditiveAttention as AdditiveAttention
from .attention import Attention as Attention
from .attention import DotAttention as DotAttention
from .attentional_decoder import AttentionalDecoder as AttentionalDecoder
from .attentional_decoder import FirstState as FirstState
from .characters import CharacterConvolution as CharacterConvolution
from .characters import CharacterLSTM as CharacterLSTM
from .compiled_scan import CompiledScanMixin as CompiledScanMixin
from .compiled_scan import Explanation as Explanation
from .config import CellName as CellName
from .config import EmbeddingConfig as EmbeddingConfig
from .config import EmbeddingOptions as EmbeddingOptions
from .config import InitializerName as InitializerName
from .config import PrecisionName as PrecisionName
from .config import RecurrentConfig as RecurrentConfig
from .config import RecurrentOptions as RecurrentOptions
from .crf import CRF as CRF
from .crf import ChainLogits as ChainLogits
from .crf_algorithms import log_backward as log_backward
from .crf_algorithms import log_partition_terms as log_partition_terms
from .crf_algorithms import marginals as marginals
from .crf_algorithms import viterbi_paths as viterbi_paths
from .embedding import PartlyFrozenEmbedding as PartlyFrozenEmbedding
from .embedding import WordDropout as WordDropout
from .embedding import embed_tokens as embed_tokens
from .embedding import unit_vectors as unit_vectors
from .paths import explain as explain
from .paths import to_keras as to_keras
from .pooling import AttentionPooling as AttentionPooling
from .pooling import MaskedPooling as MaskedPooling
from .pooling import MaxPooling as MaxPooling
from .pooling import MeanPooling as MeanPooling
from .pooling import PaddingMask as PaddingMask
from .pooling import ZeroPadding as ZeroPadding
from .recurrent import GRU as GRU
from .recurrent import LSTM as LSTM
from .recurrent import Bidirectional as Bidirectional
from .recurrent import SimpleRNN as SimpleRNN
from .regularizers import ActivationPenalty as ActivationPenalty
from .regularizers import EmbeddingDropout as EmbeddingDropout
from .stacks import RECURRENT_LAYERS as RECURRENT_LAYERS
from .stacks import StackedIdentity as StackedIdentity
from .stacks import dropout as dropout
from .stacks import recurrent_layer as recurrent_layer
from .stacks import recurrent_stack as recurrent_stack

__all__ = [
    "ActivationPenalty",
    "AdditiveAttention",
    "Attention",
    "AttentionPooling",
    "AttentionalDecoder",
    "Bidirectional",
    "CRF",
    "CellName",
    "ChainLogits",
    "CharacterConvolution",
    "CharacterLSTM",
    "CompiledScanMixin",
    "DotAttention",
    "EmbeddingConfig",
    "EmbeddingDropout",
    "EmbeddingOptions",
    "Explanation",
    "FirstState",
    "GRU",
    "InitializerName",
    "LSTM",
    "MaskedPooling",
    "MaxPooling",
    "MeanPooling",
    "PaddingMask",
    "PartlyFrozenEmbedding",
    "PrecisionName",
    "RECURRENT_LAYERS",
    "RecurrentConfig",
    "RecurrentOptions",
    "SimpleRNN",
    "StackedIdentity",
    "WordDropout",
    "ZeroPadding",
    "dropout",
    "embed_tokens",
    "explain",
    "log_backward",
    "log_partition_terms",
    "marginals",
    "recurrent_layer",
    "recurrent_stack",
    "to_keras",
    "unit_vectors",
    "viterbi_paths",
]
