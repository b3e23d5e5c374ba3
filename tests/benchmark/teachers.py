"""Agreement of both Whisper teachers, and of their mean, by folds of speakers.

No head was fitted to a speaker that it is evaluated on; settings are those of the
packaged teachers, see their cards.

    python tests/benchmark/teachers.py emotale.csv whisper-tiny.en-encoder.safetensors \
        whisper-base-encoder.safetensors --categories examples/teacher_categories.toml
"""

import argparse

import numpy as np

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.distill.teachers.categories import Categories
from audw2s.distill.teachers.fit import make_heads
from audw2s.distill.teachers.whisper import SIZES
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.distill.teachers.whisper import load_encoder
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.model.registry import DIMENSIONS

LAYERS = {"tiny": (1, 2, 3), "base": (1, 2, 3, 4)}
PENALTY = 6000.0


def held_out(
    size: str, encoder: str, corpus: str, categories: Categories
) -> tuple[np.ndarray, np.ndarray]:
    """Mean ratings of clips, and values of heads for other speakers."""
    network = WhisperTeacher(load_encoder(encoder, SIZES[size]), LAYERS[size])
    table = raters_as_columns(read_corpus(corpus))
    scale = rating_scale(table, None)
    _, heads = make_heads(network, table, scale, PENALTY, categories, verbose=True)
    return heads.targets, heads.cross_validate()[:, 0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", help="rated corpus")
    parser.add_argument("tiny", help="encoder of Whisper tiny.en")
    parser.add_argument("base", help="encoder of Whisper base")
    parser.add_argument("--categories", required=True, help="settings, TOML")
    arguments = parser.parse_args()
    settings = Categories.from_toml(arguments.categories)
    values = {}
    for size in LAYERS:
        encoder = getattr(arguments, size)
        targets, values[size] = held_out(size, encoder, arguments.corpus, settings)
    values["mean"] = np.mean(list(values.values()), axis=0)
    arousal, valence = DIMENSIONS.index("arousal"), DIMENSIONS.index("valence")
    rows = []
    for name, found in values.items():
        agreement = ccc_by_dimension(targets, found)
        both = np.corrcoef(found.T)[arousal, valence]
        rows.append([name, *(number(agreement[d]) for d in DIMENSIONS), number(both)])
    header = ["CCC by folds", *DIMENSIONS, "correlation of arousal with valence"]
    print(markdown_table(header, rows))
