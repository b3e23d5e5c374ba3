"""Speakers of clips, or files where speakers are unknown, as units of a split."""

import numpy as np
import pandas as pd

UNKNOWN = "\1"
"""Begins what stands for a speaker who isn't known; no name begins like this."""


def speaker_or_file(table: pd.DataFrame) -> np.ndarray:
    r"""Name what clips have in common that aren't independent of each other.

    Args:
        table: a row per clip with a column ``speaker``, and maybe ``file`` and
            ``corpus``, as speakers of two corpora are never the same

    Returns:
        for each clip the name of its speaker; where that isn't known,
        :data:`UNKNOWN` and its file, or its number in a table without files

    Examples:
        >>> table = pd.DataFrame({"file": ["a.wav", "b.wav"], "speaker": ["x", None]})
        >>> speaker_or_file(table).tolist()
        ['x', '\x01b.wav']

    """
    files = table["file"] if "file" in table else pd.Series(table.index, table.index)
    corpora = table["corpus"].astype(str) + "/" if "corpus" in table else ""
    known = corpora + table["speaker"].astype(str)
    unknown = UNKNOWN + corpora + files.astype(str)
    return np.where(table["speaker"].notna(), known, unknown).astype(str)


def unit(names: np.ndarray) -> str:
    r"""Tell what is kept apart by names: speakers, where they are known.

    Args:
        names: see :func:`speaker_or_file`

    Examples:
        >>> unit(np.array(["x", "x"])), unit(np.array(["\1a", "\1b"]))
        ('speakers', 'clips')
        >>> unit(np.array(["\1a", "\1a"])), unit(np.array(["x", "\1b"]))
        ('files', 'speakers or files')

    """
    unknown = np.char.startswith(names, UNKNOWN)
    if not unknown.any():
        return "speakers"
    if not unknown.all():
        return "speakers or files"
    return "clips" if len(np.unique(names)) == len(names) else "files"


def count_speakers(names: np.ndarray) -> dict[str, int]:
    r"""Count the speakers who are known, and the clips of others.

    Args:
        names: see :func:`speaker_or_file`

    Examples:
        >>> count_speakers(np.array(["x", "x", "\1b"]))
        {'num_speakers': 1, 'num_unknown': 1}

    """
    unknown = np.char.startswith(names, UNKNOWN)
    return {
        "num_speakers": len(np.unique(names[~unknown])),
        "num_unknown": int(unknown.sum()),
    }


def clips_and_speakers(counts: dict, noun: str = "") -> str:
    """Say how many clips there are, and of how many speakers.

    Args:
        counts: with ``num_clips`` and what :func:`count_speakers` gives
        noun: follows the number of clips

    Examples:
        >>> counts = {"num_clips": 12, "num_speakers": 3, "num_unknown": 0}
        >>> clips_and_speakers(counts, " clips")
        '12 clips of 3 speakers'
        >>> clips_and_speakers(counts | {"num_unknown": 2})
        '12 of 3 speakers, speakers of 2 unknown'
        >>> clips_and_speakers(counts | {"num_speakers": 0, "num_unknown": 12})
        '12, speakers unknown'

    """
    text, unknown = f"{counts['num_clips']}{noun}", counts.get("num_unknown", 0)
    if unknown and not counts["num_speakers"]:
        return f"{text}, speakers unknown"
    text += f" of {counts['num_speakers']} speaker"
    text += "s" if counts["num_speakers"] != 1 else ""
    return f"{text}, speakers of {unknown} unknown" if unknown else text


def first_share(names: np.ndarray, share: float) -> np.ndarray:
    """First of some names: a share of them, at least one, never all.

    Examples:
        >>> names = np.array(["a", "b", "c"])
        >>> [len(first_share(names, share)) for share in (0.0, 0.5, 1.0)]
        [1, 2, 2]

    """
    return names[: min(max(1, round(share * len(names))), len(names) - 1)]


def folds_by_speaker(
    speakers: np.ndarray,
    num_folds: int = 10,
    seed: int = 0,
) -> list[np.ndarray]:
    """Split clips into folds that share no speaker.

    Args:
        speakers: name of the speaker of each clip, see :func:`speaker_or_file`
        num_folds: number of folds, at most one per speaker
        seed: seed of the assignment of speakers to folds

    Returns:
        for each fold, a mask of the clips in it

    Raises:
        ValueError: if there are fewer than two speakers

    Examples:
        >>> folds = folds_by_speaker(np.array(["a", "b", "a"]))
        >>> sorted(fold.tolist() for fold in folds)
        [[False, True, False], [True, False, True]]

    """
    return [np.isin(speakers, names) for names in deal(speakers, num_folds, seed)]


def deal(speakers: np.ndarray, num_folds: int, seed: int) -> list[np.ndarray]:
    """Names of the speakers of each fold, see :func:`folds_by_speaker`."""
    names = np.unique(speakers)
    if len(names) < 2:
        raise ValueError(
            f"Folds by speaker need two speakers, or files, found {len(names)}."
        )
    names = np.random.default_rng(seed).permutation(names)
    return np.array_split(names, min(num_folds, len(names)))
