"""Check that evaluation clips and speakers are not those of the training."""

import json
import os
import warnings

import numpy as np
import pandas as pd

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.paths import beside
from audw2s.errors import DataWarning
from audw2s.files import stamp
from audw2s.model.find import sha256
from audw2s.tables import write_table

RECORD = "clips.parquet"
"""Table of the training clips beside ``config.json``, with the sha256 of each file, so
that a file is recognised under any path."""

MISSING = -1
"""Size of a missing file."""

SPLITS = frozenset(
    "train training test testing dev devel development val valid validation eval "
    "evaluation".split()
)
"""Names of folders that are parts of one corpus, and so may share speakers."""


def check_disjoint(tables: dict[str, pd.DataFrame], config: str) -> set[str]:
    """Make sure that a training had none of the clips and none of their speakers.

    Clips are the same if their files have the same path or content. Speakers are the
    same if folder and name are, as two corpora may both have a speaker 1; folders of
    :data:`SPLITS` don't count. There is a warning if a speaker in another folder has
    the same name.

    Args:
        tables: tables of clips by name of the corpus
        config: ``config.json`` of the training

    Returns:
        names of the corpora from whose folders the training had other clips

    Raises:
        FileNotFoundError: if the configuration or a corpus of it isn't there
        ValueError: if a clip or a speaker is in the training

    """
    learnt = learnt_from(config)
    learnt_people = _people(learnt)
    folders = set(map(_folder, learnt["file"]))
    in_part = set()
    for name, table in tables.items():
        clips = _same_files(table, learnt)
        if clips:
            raise ValueError(
                f"{len(clips)} of {len(table)} clips of '{name}' were trained on, "
                f"among them '{clips[0]}': evaluate on others."
            )
        both = sorted(speaker for _, speaker in learnt_people & _people(table))
        if both:
            raise ValueError(
                f"{len(both)} speakers of '{name}' are in the training "
                f"({', '.join(both[:5])}): evaluate on others."
            )
        _warn_of_names(name, table, learnt_people)
        if not folders.isdisjoint(map(_folder, table["file"])):
            in_part.add(name)
    return in_part


def not_learnt(table: pd.DataFrame, config: str) -> np.ndarray:
    """Mask of clips that are not in a training, nor their speakers.

    Args:
        table: clips
        config: ``config.json`` of the training

    """
    learnt = learnt_from(config)
    files, learnt_people = _same_files(table, learnt), _people(learnt)
    known = np.array([who in learnt_people for who in people(table)])
    return ~(table["file"].isin(files).to_numpy() | known)


def _same_files(table: pd.DataFrame, learnt: pd.DataFrame) -> list[str]:
    """Files of clips in a table that are in the training."""
    paths = set(map(os.path.realpath, learnt["file"]))
    sizes = {file: stamp(file).size for file in table["file"].unique()}
    # Only files of the same size can be the same: few have to be read
    alike = learnt[learnt["size"].isin(set(sizes.values()) - {MISSING})]
    hashes = set(hashed(alike)["sha256"])
    possible = set(alike["size"])
    same = {
        file
        for file, size in sizes.items()
        if os.path.realpath(file) in paths
        or (size in possible and sha256(file) in hashes)
    }
    return [file for file in table["file"] if file in same]


def people(clips: pd.DataFrame) -> list[tuple[str, str]]:
    """Folder and name of each clip's speaker; its file where that isn't known."""
    known = clips["speaker"].notna()
    rows = zip(clips["file"], clips["speaker"], known, strict=True)
    return [
        (_folder(file), name) if is_known else (os.path.realpath(file), "")
        for file, name, is_known in rows
    ]


def _people(clips: pd.DataFrame) -> set[tuple[str, str]]:
    """Folder and name of each known speaker."""
    return set(people(clips[clips["speaker"].notna()]))


def _folder(file: str) -> str:
    """Folder of a file, without names of :data:`SPLITS`.

    Examples:
        >>> _folder("/emodb/test/a.wav") == _folder("/emodb/train/b.wav")
        True

    """
    folder = os.path.dirname(os.path.realpath(file))
    return os.sep.join(p for p in folder.split(os.sep) if p.lower() not in SPLITS)


def _warn_of_names(
    name: str, table: pd.DataFrame, learnt: set[tuple[str, str]]
) -> None:
    """Warn of speakers in other folders with the same names, who may be the same."""
    folders = {speaker: folder for folder, speaker in learnt}
    # The first of several folders
    here = {speaker: folder for folder, speaker in sorted(_people(table), reverse=True)}
    if both := sorted(here.keys() & folders.keys()):
        warnings.warn(
            f"{len(both)} speakers of '{name}' have the names of speakers in the "
            f"training ({', '.join(both[:5])}). They are taken for others, as "
            f"'{here[both[0]]}' and '{folders[both[0]]}' are two folders.",
            DataWarning,
            stacklevel=4,
        )


def learnt_from(config: str) -> pd.DataFrame:
    """Clips of a training, and of the earlier training that it started from.

    Args:
        config: ``config.json`` of the training; the :data:`RECORD` beside it is read
            if there is one, or else the corpora that it names

    Raises:
        FileNotFoundError: if the configuration or a corpus of it isn't there
        ValueError: if it is no configuration

    """
    with open(config, encoding="utf-8") as file:
        values = json.load(file)
    if not isinstance(values, dict) or "corpora" not in values:
        raise ValueError(f"'{config}' isn't the config.json of a training.")
    folder = os.path.dirname(os.path.abspath(config))
    record = os.path.join(folder, RECORD)
    if os.path.isfile(record):
        return pd.read_parquet(record)
    held_out = values.get("held_out_speakers", {})
    if values.get("keep") == "best":
        # They chose the weights
        held_out = {}
    # Columns are those of corpora with labels, not of noise
    columns = dict.fromkeys(values.get("noise", ()))
    columns |= dict.fromkeys(values["corpora"], values.get("columns"))
    tables = []
    for path, names in columns.items():
        table = read_corpus(beside(config, path), names)
        is_held_out = table["speaker"].isin(held_out.get(path, ()))
        tables.append(files_of(table[~is_held_out]))
    if values.get("start"):
        earlier = os.path.join(folder, values["start"], "config.json")
        tables.append(learnt_from(earlier))
    return pd.concat(tables, ignore_index=True)


def files_of(table: pd.DataFrame) -> pd.DataFrame:
    """Files of a table with speaker and size, which don't need to be read."""
    clips = table.drop(columns=table.columns.difference(["file", "speaker", "name"]))
    clips = clips.drop_duplicates(ignore_index=True)
    return clips.assign(size=[stamp(file).size for file in clips["file"]], sha256=None)


def write_record(files: pd.DataFrame, folder: str, start: str | None = None) -> None:
    """Write the table of the training clips beside ``config.json``.

    Args:
        files: see :func:`hashed`
        folder: folder of the training
        start: folder of the earlier training that this one started from

    """
    if start:
        files = pd.concat([files, _learnt_earlier(start)], ignore_index=True)
    write_table(hashed(files), os.path.join(folder, RECORD))


def hashed(files: pd.DataFrame) -> pd.DataFrame:
    """Files of :func:`files_of` that exist, with their sha256.

    A known hash isn't computed again.
    """
    files = files[files["size"] != MISSING]
    known = zip(files["file"], files["sha256"], strict=True)
    hashes = [old if isinstance(old, str) else sha256(file) for file, old in known]
    return files.assign(sha256=hashes)


def _learnt_earlier(folder: str) -> pd.DataFrame:
    """Clips of an earlier training, with a warning if they aren't known."""
    config = os.path.join(folder, "config.json")
    if os.path.isfile(config):
        return learnt_from(config)
    warnings.warn(
        f"'{config}' isn't there: what the weights in '{folder}' were trained on isn't "
        "known.",
        DataWarning,
        stacklevel=3,
    )
    return pd.DataFrame()
