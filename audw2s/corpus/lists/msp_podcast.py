"""MSP-Podcast, in the layout of UT Dallas: a table of consensus labels, and audio."""

import os
import warnings

import pandas as pd

from audw2s.corpus.lists.checks import check_audio
from audw2s.corpus.lists.checks import select_parts
from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.table import read_list
from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS

SCALE = (1, 7)
"""Lowest and highest rating."""

# Older releases misspelt the name, and had their audio in another folder
LABELS = [
    os.path.join(folder, name)
    for folder in ("Labels", "")
    for name in ("labels_consensus.csv", "labels_concensus.csv")
]
AUDIO = ("Audios", "Audio")

COLUMNS = {
    "file": "FileName",
    "speaker": "SpkrID",
    "gender": "Gender",
    "split": "Split_Set",
    "emotion": "EmoClass",
    "arousal": "EmoAct",
    "dominance": "EmoDom",
    "valence": "EmoVal",
}
"""Columns of the labels by names in this package."""


def is_msp_podcast(root: str) -> bool:
    """Whether a folder holds MSP-Podcast's labels."""
    return _find_labels(root) is not None


def _find_labels(root: str) -> str | None:
    paths = [os.path.join(root, name) for name in LABELS]
    return next(filter(os.path.isfile, paths), None)


def read_msp_podcast(root: str, part: str = "") -> pd.DataFrame:
    """Read the consensus labels of MSP-Podcast.

    Args:
        root: folder of a release
        part: a value of ``Split_Set``, such as ``"Train"``, ``"Development"`` or
            ``"Test1"``, for all of its clips; empty for all clips of the corpus
            that have ratings (the test files of challenges have none)

    Returns:
        a row per clip with ``file`` (absolute path), ``speaker`` (missing where
        the corpus doesn't know it), ``gender`` (``female``, ``male`` or missing),
        ``split``, ``emotion`` (a letter) and ``arousal``, ``dominance``,
        ``valence`` from 1 to 7, see ``attrs["scale"]``

    Raises:
        ValueError: if a column or audio is missing, the table is malformed, or there is
            no such part

    """
    root = os.path.abspath(root)
    path = _find_labels(root) or ""
    table = read_list(path, COLUMNS)[list(COLUMNS)]
    select_parts(root, part, table["split"].unique())
    try:
        table = table.assign(**{name: as_numbers(table[name]) for name in DIMENSIONS})
    except ValueError as error:
        raise ValueError(f"'{path}', {error}.") from None
    folders = [os.path.join(root, name) for name in AUDIO]
    audio = next(filter(os.path.isdir, folders), folders[0])
    table["file"] = [os.path.join(audio, file) for file in table["file"]]
    table["speaker"] = table["speaker"].mask(table["speaker"].str.lower() == "unknown")
    gender = table["gender"].str.lower()
    table["gender"] = gender.where(gender.isin(["female", "male"]))
    is_rated = table[list(DIMENSIONS)].notna().all(axis=1)
    table = table[table["split"] == part if part else is_rated]
    check_audio(root, table["file"])
    table.attrs["scale"] = SCALE
    if not part and not is_rated.all():
        warnings.warn(
            f"{(~is_rated).sum()} clips of '{root}' have no ratings and are left out; "
            f"those of a part are all read, such as '{root}:Test3'.",
            DataWarning,
            stacklevel=4,
        )
    return table.reset_index(drop=True)
