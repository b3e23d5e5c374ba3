"""DEMoS, in the layout of its publishers: labels are in the names of clips."""

import os
import re

import pandas as pd

from audw2s.corpus.lists.checks import select_parts

FOLDERS = ("DEMOS", "NEU")
"""Emotional and neutral clips."""

EMOTIONS = {
    "col": "guilt",
    "dis": "disgust",
    "gio": "happiness",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
    "neu": "neutral",
}
"""Classes by the first letters of their Italian names; the paper drops neutral."""

_NAME = re.compile(r"(?:(\w+)_)?([fm])_(\w+)_([a-z]{3})\w*\.wav", re.I)


def is_demos(root: str) -> bool:
    """Whether a folder holds DEMoS."""
    folder = os.path.join(root, FOLDERS[0])
    return os.path.isdir(folder) and any(map(_NAME.fullmatch, os.listdir(folder)))


def read_demos(root: str, part: str = "") -> pd.DataFrame:
    """Read the clips of DEMoS.

    There are no official lists of a split.

    Args:
        root: folder of the release
        part: ``"DEMOS"`` without the neutral clips, or ``"NEU"``; empty for both

    Returns:
        a row per clip with ``file`` (absolute path), ``speaker`` (such as ``f_01``),
        ``gender`` (``female`` or ``male``), ``emotion``, and ``prototypical``

    Raises:
        ValueError: if a name is malformed, or there is no such part

    """
    root = os.path.abspath(root)
    folders = [name for name in FOLDERS if os.path.isdir(os.path.join(root, name))]
    paths = [os.path.join(root, name) for name in select_parts(root, part, folders)]
    return pd.DataFrame(
        [
            {"file": os.path.join(path, name), **parse_name(name, path)}
            for path in paths
            for name in sorted(os.listdir(path))
            # Copies made on macOS hold files called ._PR_…
            if name.lower().endswith(".wav") and not name.startswith(".")
        ]
    )


def parse_name(name: str, folder: str = "") -> dict:
    """Parse the name of a clip.

    Args:
        name: name of the clip
        folder: folder of the clip, for messages

    Raises:
        ValueError: if it is malformed

    Examples:
        >>> parse_name("PR_f_01_tri01.wav")
        {'speaker': 'f_01', 'gender': 'female', 'emotion': 'sadness',
        'prototypical': True}

    """
    match = _NAME.fullmatch(name)
    if match is None or match[4].lower() not in EMOTIONS:
        raise ValueError(
            f"'{os.path.join(folder, name)}' isn't named as DEMoS names clips, such as "
            "PR_f_01_tri01.wav."
        )
    kind, gender, number, emotion = match.groups()
    return {
        "speaker": f"{gender.lower()}_{number}",
        "gender": {"f": "female", "m": "male"}[gender.lower()],
        "emotion": EMOTIONS[emotion.lower()],
        "prototypical": (kind or "").upper() == "PR",
    }
