"""MSP-Podcast, as UT Dallas hands it out: a table of consensus labels, and audio."""

import csv
import os
import warnings
from collections.abc import Iterator

import pandas as pd

from audw2s.corpus.lists.checks import check_audio
from audw2s.corpus.lists.checks import check_part
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

RATINGS = dict(zip(DIMENSIONS, ("EmoAct", "EmoDom", "EmoVal"), strict=True))
COLUMNS = (
    *("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom"),
    *("SpkrID", "Gender", "Split_Set"),
)


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
        FileNotFoundError: if there are no labels
        ValueError: if a column or audio is missing, a line is malformed, or there
            is no such part

    """
    root = os.path.abspath(root)
    path = _find_labels(root)
    if path is None:
        raise FileNotFoundError(f"'{root}' holds none of {', '.join(LABELS)}.")
    folders = [os.path.join(root, name) for name in AUDIO]
    audio = next(filter(os.path.isdir, folders), folders[0])
    clips = [_clip(row, audio, place) for row, place in _read_rows(path)]
    columns = ["file", "speaker", "gender", "split", "emotion", *DIMENSIONS]
    table = pd.DataFrame(clips, columns=columns)
    check_part(root, part, table["split"].unique())
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


def _read_rows(path: str) -> Iterator[tuple[dict[str, str], str]]:
    """Rows of a table, and where each of them stands."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        try:
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(f"'{path}' has no column {', '.join(missing)}.")
            for row in reader:
                yield row, f"'{path}', line {reader.line_num}"
        except (csv.Error, UnicodeDecodeError) as error:
            line = reader.line_num + 1
            raise ValueError(f"'{path}', line {line}: {error}") from None


def _clip(row: dict, audio: str, place: str) -> dict:
    # The module csv fills up lines that are too short, and keeps what is too much
    if None in row or None in row.values() or not row["FileName"]:
        raise ValueError(f"{place}: not a value for each column, but {row}.")
    file = os.path.join(audio, row["FileName"])
    speaker, gender = row["SpkrID"], row["Gender"].lower()
    return {
        "file": file,
        "speaker": None if speaker.lower() in ("", "unknown") else speaker,
        "gender": gender if gender in ("female", "male") else None,
        "split": row["Split_Set"],
        "emotion": row["EmoClass"],
    } | {name: _rating(row[column], place) for name, column in RATINGS.items()}


def _rating(text: str, place: str) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        raise ValueError(f"{place}: '{text}' isn't a rating.") from None
