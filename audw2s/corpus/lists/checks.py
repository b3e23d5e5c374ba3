"""What every corpus in its official layout has to fulfil."""

import os
from collections.abc import Collection


def check_part(root: str, part: str, parts: Collection[str]) -> None:
    """Make sure that a corpus has the part that is asked for.

    Args:
        root: of the corpus
        part: its name, empty for all
        parts: names of those that there are

    Raises:
        ValueError: if there is no such part

    Examples:
        >>> check_part("corpus", "Test", ["Train", "Test1"])
        Traceback (most recent call last):
        ValueError: 'corpus' has no part 'Test', it has Train, Test1.

    """
    if part and part not in parts:
        raise ValueError(f"'{root}' has no part '{part}', it has {', '.join(parts)}.")


def check_audio(root: str, files: Collection[str]) -> None:
    """Make sure that the audio is there that a corpus' labels speak of.

    Args:
        root: of the corpus
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
