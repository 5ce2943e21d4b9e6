# The public names of this package; __init__.py imports each when it is first used.

from . import corpora as corpora
from . import default_corpora as default_corpora
from .assembly import Batch as Batch
from .assembly import classification_batch as classification_batch
from .assembly import tagging_batch as tagging_batch
from .assembly import translation_batch as translation_batch
from .batches import Batches as Batches
from .bucketing import bucket_length as bucket_length
from .bucketing import choose_bucket_lengths as choose_bucket_lengths
from .corpus_files import Corpus as Corpus
from .corpus_files import CorpusError as CorpusError
from .corpus_files import Splits as Splits
from .prefetching import Prefetcher as Prefetcher
from .prefetching import prefetch as prefetch
from .ragged import Ragged as Ragged
from .splits import SplitFiles as SplitFiles
from .streams import Streams as Streams

__all__ = [
    "Batch",
    "Batches",
    "Corpus",
    "CorpusError",
    "Prefetcher",
    "Ragged",
    "SplitFiles",
    "Splits",
    "Streams",
    "bucket_length",
    "choose_bucket_lengths",
    "classification_batch",
    "corpora",
    "default_corpora",
    "prefetch",
    "tagging_batch",
    "translation_batch",
]
