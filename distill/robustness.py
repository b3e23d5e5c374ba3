"""How much a model's values change with the recording, and from take to take."""

from collections.abc import Callable
from collections.abc import Mapping

import numpy as np
import pandas as pd

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.evaluate import corpus_name
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill import augment
from audw2s.distill.clips import usable_clips
from audw2s.distill.codec import encode
from audw2s.distill.codec import telephone
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS
from audw2s.progress import progress_bar

CHANGES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "-40 dB": lambda clip, babble: 0.01 * clip,
    "telephone, 300 to 3400 Hz, µ-law": lambda clip, babble: telephone(clip),
    "Opus, 16 kbit/s": lambda clip, babble: encode(clip, "libopus", 16000),
    "MP3, 32 kbit/s": lambda clip, babble: encode(clip, "libmp3lame", 32000),
    "babble, 10 dB below": lambda clip, babble: augment.mix(clip, babble, 10),
    "2 s of silence before": lambda clip, babble: np.pad(clip, (2 * SAMPLING_RATE, 0)),
}
"""Changes of a clip by name, given the clip and babble of the same length."""

CROPS = "two crops of a clip"
TAKES = "two takes of a sentence"

TAKE = ("speaker", "emotion", "intensity")
"""Columns in which two takes agree, besides ``sentence`` or ``text``."""

NUM_VOICES = 5


def robustness(
    model: str,
    corpus: str,
    *,
    columns: Mapping[str, str] | None = None,
    verbose: bool = True,
) -> dict:
    """Compare the values of changed clips with those of the clips as they are.

    All clips are held in memory.

    Args:
        model: name or folder of a model, see :func:`audw2s.load`
        corpus: path, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        verbose: show progress bars

    Returns:
        ``model``, ``sha256``, ``version`` and ``corpus``; and ``changes``: CCC by
        dimension, and ``num_clips``, for each of :data:`CHANGES`; for two random crops
        of a clip, each half as long; and, if the corpus has a column ``sentence`` or
        ``text``, for the first two takes of the same sentence that agree in all columns
        of :data:`TAKE`

    Raises:
        ValueError: if no clip can be read

    """
    # A clip that is listed twice, as by raters in rows, would be two takes
    table = read_corpus(corpus, columns).drop_duplicates(["file", "start", "end"])
    table, clips = usable_clips(table, verbose=verbose)
    if not clips:
        raise ValueError("There is no clip that can be read.")
    predictor = Predictor(model)
    rng = np.random.default_rng(0)
    rows = [
        _values(clip, _babble(clips, number, rng), predictor, rng)
        for number, clip in enumerate(progress_bar(clips, desc=model, verbose=verbose))
    ]
    clean, *changed, first, second = np.array(rows).swapaxes(0, 1)
    pairs = {name: (clean, v) for name, v in zip(CHANGES, changed, strict=True)}
    pairs[CROPS] = first, second
    takes = two_takes(table)
    if len(takes):
        pairs[TAKES] = clean[takes[:, 0]], clean[takes[:, 1]]
    return {
        **predictor.network.provenance,
        "corpus": corpus_name(corpus),
        "changes": {name: _agreement(*pair) for name, pair in pairs.items()},
    }


def _values(
    clip: np.ndarray, babble: np.ndarray, predictor: Predictor, rng: np.random.Generator
) -> list[np.ndarray]:
    """Values of a clip, of all its changes, and of two crops."""
    signals = [clip, *(change(clip, babble) for change in CHANGES.values())]
    signals += [augment.crop(clip, max(1, len(clip) // 2), rng) for _ in range(2)]
    rows = [predictor.signal(s.astype(np.float32), SAMPLING_RATE)[0] for s in signals]
    return [row.values[0] for row in rows]


def _babble(
    clips: list[np.ndarray], number: int, rng: np.random.Generator
) -> np.ndarray:
    """Several other clips at once."""
    others = (number + rng.integers(1, max(2, len(clips)), NUM_VOICES)) % len(clips)
    voices = [augment.crop(clips[n], len(clips[number]), rng) for n in others]
    return augment.babble(voices)


def two_takes(table: pd.DataFrame) -> np.ndarray:
    """Positions of the first two takes of each sentence, ``(num_sentences, 2)``.

    Examples:
        >>> who = {"speaker": ["A", "B", "A", "A"], "text": ["hi", "hi", "hi", "no"]}
        >>> two_takes(pd.DataFrame(who)).tolist()
        [[0, 2]]

    """
    words = [name for name in ("sentence", "text") if name in table]
    names = [name for name in TAKE if name in table] + words
    # Neutral speech may have no intensity, but unknown speakers may be several
    needed = [name for name in names if name in ("speaker", "emotion")]
    known = table[needed].notna().all(axis=1) & table[words].notna().any(axis=1)
    if not known.any():
        return np.zeros((0, 2), int)
    groups = table[known].groupby(names, sort=False, dropna=False).indices.values()
    takes = [group[:2] for group in groups if len(group) > 1]
    return np.flatnonzero(known)[np.array(takes, int).reshape(-1, 2)]


def _agreement(first: np.ndarray, second: np.ndarray) -> dict:
    num_clips = int(np.isfinite(first + second).all(axis=1).sum())
    return {"num_clips": num_clips, **ccc_by_dimension(first, second)}


def to_markdown(result: dict) -> str:
    """Render a result of :func:`robustness` as a table."""
    rows = [
        [name, str(row["num_clips"]), *(number(row[d]) for d in DIMENSIONS)]
        for name, row in result["changes"].items()
    ]
    return markdown_table(["CCC", "clips", *DIMENSIONS], rows)
