"""Checks of corpora in the layout of their publishers."""

import os
from collections.abc import Collection


def select_parts(root: str, part: str, parts: Collection[str]) -> Collection[str]:
    """Parts of a corpus that are meant: a single one, or all.

    Args:
        root: root folder of the corpus
        part: name of a part, empty for all
        parts: names of the parts of the corpus

    Raises:
        ValueError: if there is no such part

    Examples:
        >>> select_parts("corpus", "", ["Train", "Test1"])
        ['Train', 'Test1']
        >>> select_parts("corpus", "Test", ["Train", "Test1"])
        Traceback (most recent call last):
        ValueError: 'corpus' has no part 'Test', it has Train, Test1.

    """
    if not part:
        return parts
    if part in parts:
        return [part]
    raise ValueError(f"'{root}' has no part '{part}', it has {', '.join(parts)}.")


def check_audio(root: str, files: Collection[str]) -> None:
    """Make sure that the audio of a corpus' labels exists.

    Args:
        root: root folder of the corpus
        files: absolute paths

    Raises:
        ValueError: if a file is missing

    """
    missing = [file for file in files if not os.path.isfile(file)]
    if missing:
        raise ValueError(
            f"The labels of '{root}' name audio that isn't there: {len(missing)} of "
            f"{len(files)} files, among them '{missing[0]}'."
        )
