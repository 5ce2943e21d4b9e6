from .callbacks import BestWeights as BestWeights
from .callbacks import TrainingDiverged as TrainingDiverged
from .config import TrainingConfig as TrainingConfig
from .config import VectorsConfig as VectorsConfig
from .losses import SmoothedCrossentropy as SmoothedCrossentropy
from .objectives import Objective as Objective
from .objectives import classification_objective as classification_objective
from .objectives import language_modeling_objective as language_modeling_objective
from .objectives import tagging_objective as tagging_objective
from .objectives import translation_objective as translation_objective
from .optimizers import DelayedTraining as DelayedTraining
from .optimizers import FusedAdam as FusedAdam
from .optimizers import WarmupDecay as WarmupDecay
from .optimizers import make_optimizer as make_optimizer
from .pretrained_embeddings import InitialEmbeddings as InitialEmbeddings
from .pretrained_embeddings import initial_embeddings as initial_embeddings

__all__ = [
    "BestWeights",
    "DelayedTraining",
    "FusedAdam",
    "InitialEmbeddings",
    "Objective",
    "SmoothedCrossentropy",
    "TrainingConfig",
    "TrainingDiverged",
    "VectorsConfig",
    "WarmupDecay",
    "classification_objective",
    "initial_embeddings",
    "language_modeling_objective",
    "make_optimizer",
    "tagging_objective",
    "translation_objective",
]
