"""IEMOCAP, in the layout of USC: a text per dialog, and a file per turn."""

import os
import re
from collections.abc import Iterable
from collections.abc import Iterator

import pandas as pd

from audw2s.corpus.lists.checks import check_audio
from audw2s.corpus.lists.checks import select_parts
from audw2s.corpus.lists.ratings import rating_columns
from audw2s.model.registry import DIMENSIONS

SCALE = (1, 5)
"""Lowest and highest rating; a few of the published ones leave it."""

SESSIONS = tuple(f"Session{number}" for number in range(1, 6))

_NUMBER = r"-?\d+(?:\.\d+)?"
_TURN = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\s+"
    r"(?P<turn>(?P<dialog>(?P<session>Ses\d+)[FM]_\w+)_(?P<gender>[FM])\w+)\s+"
    rf"(?P<emotion>\w+)\s+\[(?P<valence>{_NUMBER}), (?P<arousal>{_NUMBER}), "
    rf"(?P<dominance>{_NUMBER})\]"
)
_RATING = re.compile(
    rf"A-E(?P<rater>\d+):\s*val\s*(?P<valence>{_NUMBER})?\s*;"
    rf"\s*act\s*(?P<arousal>{_NUMBER})?\s*;\s*dom\s*(?P<dominance>{_NUMBER})?\s*;.*"
)


def is_iemocap(root: str) -> bool:
    """Whether a folder holds a session of IEMOCAP."""
    return bool(_sessions(root))


def _sessions(root: str) -> list[str]:
    return [name for name in SESSIONS if os.path.isdir(_evaluations(root, name))]


def _evaluations(root: str, session: str) -> str:
    return os.path.join(root, session, "dialog", "EmoEvaluation")


def read_iemocap(root: str, part: str = "") -> pd.DataFrame:
    """Read the turns of IEMOCAP and their ratings.

    Args:
        root: folder of the release
        part: ``"Session1"`` to ``"Session5"``; empty for all that are there

    Returns:
        a row per turn with ``file`` (absolute path), ``speaker`` (such as
        ``Ses01F``), ``gender`` (``female`` or ``male``), ``split`` (the session),
        ``emotion`` (such as ``neu``), and ratings from 1 to 5, see
        ``attrs["scale"]``: those of each of the raters, ``rater1_arousal`` and so
        on, or the published means, ``arousal``, ``dominance``, ``valence``, if for
        some turn the raters' own aren't there

    Raises:
        ValueError: if audio is missing, a line is malformed, or there is no such
            session

    """
    root = os.path.abspath(root)
    sessions = select_parts(root, part, _sessions(root))
    turns = [turn for session in sessions for turn in _read_session(root, session)]
    table = pd.DataFrame(turns)
    if turns:
        columns = ["file", "speaker", "gender", "split", "emotion"]
        table = table[columns + _rating_columns(table)]
        check_audio(root, table["file"])
    table.attrs |= {"scale": SCALE, "outliers": True}
    return table


def _read_session(root: str, session: str) -> Iterator[dict]:
    folder = _evaluations(root, session)
    audio = os.path.join(root, session, "sentences", "wav")
    for name in sorted(os.listdir(folder)):
        # The release holds files of macOS as well, called ._Ses…
        if not (name.startswith("Ses") and name.endswith(".txt")):
            continue
        path = os.path.join(folder, name)
        # In this encoding raters' comments may hold any byte
        with open(path, encoding="latin-1") as file:
            turns = parse_turns(file, path)
        for turn in turns:
            wav = os.path.join(audio, turn["dialog"], f"{turn['turn']}.wav")
            yield {**turn, "file": wav, "split": session}


def parse_turns(lines: Iterable[str], path: str) -> list[dict]:
    """Parse the ratings of the turns of a dialog.

    Classes of single raters, and the ratings of actors of themselves (``A-F1``,
    ``A-M1``) are left out, as in the published means.

    Args:
        lines: lines of the text
        path: path of the text, for messages

    Returns:
        for each turn its name, dialog, speaker, gender, emotion, the published
        means of its ratings, and the ratings of each rater, NaN where one gave none

    Raises:
        ValueError: if a turn or a rating is malformed

    Examples:
        >>> lines = [
        ...     "[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5000, 2.0000, 3.0000]",
        ...     "A-E3: val 2; act 2; dom  ; ()",
        ... ]
        >>> (turn,) = parse_turns(lines, "Ses01F_impro01.txt")
        >>> turn["speaker"], turn["arousal"], turn["rater3_arousal"]
        ('Ses01F', 2.0, 2.0)

    """
    turns: list[dict] = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if turn := _TURN.fullmatch(line):
            turns.append(_turn(turn))
        elif turns and (rating := _RATING.fullmatch(line)):
            turns[-1] |= _rating(rating)
        elif line.startswith(("[", "A-E")):
            raise ValueError(
                f"'{path}', line {number}: neither a turn, as [START - END] TURN "
                f"EMOTION [V, A, D], nor a rating of one: '{line}'."
            )
    return turns


def _turn(match: re.Match) -> dict:
    values = match.groupdict()
    return values | {
        "speaker": values["session"] + values["gender"],
        "gender": {"F": "female", "M": "male"}[values["gender"]],
        **{name: float(values[name]) for name in DIMENSIONS},
    }


def _rating(match: re.Match) -> dict[str, float]:
    return {
        f"rater{match['rater']}_{name}": float(match[name] or "nan")
        for name in DIMENSIONS
    }


def _rating_columns(table: pd.DataFrame) -> list[str]:
    """Columns of the raters; of the published means if some turn has no rater."""
    raters = sorted(rating_columns(table))
    for columns in zip(*raters, strict=True):
        if not table[list(columns)].notna().any(axis=1).all():
            return list(DIMENSIONS)
    return [name for rater in raters for name in rater]
