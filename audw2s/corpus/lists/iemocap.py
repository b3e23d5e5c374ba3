"""IEMOCAP, as USC hands it out: a text per dialog, and a file per turn."""

import os
import re
from collections.abc import Iterable
from collections.abc import Iterator

import pandas as pd

from audw2s.corpus.lists.checks import check_audio
from audw2s.corpus.lists.checks import check_part
from audw2s.model.registry import DIMENSIONS

SCALE = (1, 5)
"""Lowest and highest rating; a few of the published ones leave it."""

SESSIONS = tuple(f"Session{number}" for number in range(1, 6))

ORDER = ("valence", "arousal", "dominance")
"""The corpus has another order than this package."""

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_TURN = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\s+(((Ses\d+)[FM]_\w+)_([FM])\w+)\s+(\w+)\s+"
    rf"\[{_NUMBER}, {_NUMBER}, {_NUMBER}\]"
)
_RATING = re.compile(
    r"A-E(\d+):"
    rf"\s*val\s*{_NUMBER}?\s*;\s*act\s*{_NUMBER}?\s*;\s*dom\s*{_NUMBER}?\s*;.*"
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
        FileNotFoundError: if there is no session
        ValueError: if audio is missing, a line is malformed, or there is no such
            session

    """
    root = os.path.abspath(root)
    sessions = _sessions(root)
    if not sessions:
        raise FileNotFoundError(f"'{root}' has no '{_evaluations('', 'Session1')}'.")
    check_part(root, part, sessions)
    if part:
        sessions = [part]
    turns = [turn for session in sessions for turn in _read_session(root, session)]
    columns = ["file", "speaker", "gender", "split", "emotion"]
    table = pd.DataFrame(turns)
    if turns:
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
    """Read what people say of the turns of a dialog.

    Left out are classes that single raters chose, and what actors say of themselves
    (``A-F1``, ``A-M1``), as the published means do.

    Args:
        lines: of the text
        path: where it is, for messages

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
    _, _, turn, dialog, session, letter, emotion, *means = match.groups()
    return {
        "turn": turn,
        "dialog": dialog,
        "speaker": session + letter,
        "gender": {"F": "female", "M": "male"}[letter],
        "emotion": emotion,
    } | dict(zip(ORDER, map(float, means), strict=True))


def _rating(match: re.Match) -> dict[str, float]:
    rater, *values = match.groups()
    names = [f"rater{rater}_{name}" for name in ORDER]
    return {k: float(v or "nan") for k, v in zip(names, values, strict=True)}


def _rating_columns(table: pd.DataFrame) -> list[str]:
    """Columns of the raters, of the published means where those say less."""
    last = f"_{DIMENSIONS[0]}"
    raters = sorted(c.removesuffix(last) for c in table if c.endswith(last))
    by_dimension = [[f"{rater}_{d}" for rater in raters] for d in DIMENSIONS]
    if not all(table[columns].notna().any(axis=1).all() for columns in by_dimension):
        return list(DIMENSIONS)
    return [f"{rater}_{d}" for rater in raters for d in DIMENSIONS]
