"""Early exits: the index of a model folder that has them, and margins of scores."""

import dataclasses
import hashlib
import json
import os
import re
from numbers import Integral

import numpy as np

INDEX = "exits.json"
"""Name of the index of a folder with exits."""

Choice = int | str | None
"""Layer of an exit, ``"auto"``, ``"auto(0.5)"`` with a margin, or ``None`` for the
deepest exit."""


@dataclasses.dataclass(frozen=True)
class ExitFile:
    """ONNX file of an exit."""

    depth: int
    path: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Exits:
    """Index of a folder with exits.

    Args:
        folder: folder of the model
        labels: names of the outputs
        of_classes: whether the outputs are classes
        margin: default margin of ``exit="auto"``
        files: ONNX file of each exit, from the signal on
        parts: ONNX file of each exit, from the previous exit on

    """

    folder: str
    labels: tuple[str, ...]
    of_classes: bool
    margin: float
    files: dict[int, ExitFile]
    parts: dict[int, ExitFile]

    def file(self, choice: int | None) -> ExitFile:
        """ONNX file of an exit.

        Raises:
            FileNotFoundError: if the file doesn't exist
            ValueError: if there is no such exit

        """
        depth = max(self.files) if choice is None else choice
        if depth not in self.files:
            raise ValueError(
                f"'{self.folder}' has no exit {depth!r}, it has "
                f"{', '.join(map(str, sorted(self.files)))}"
                f"{' and auto' if self.of_classes else ''}."
            )
        return _existing(self.files[depth])

    def chain(self) -> list[ExitFile]:
        """Parts in order.

        Raises:
            FileNotFoundError: if a file doesn't exist
            ValueError: if the outputs aren't classes

        """
        if not self.of_classes:
            raise ValueError(
                f"exit='auto' needs scores of classes, and '{self.folder}' gives "
                "values: choose an exit by its number."
            )
        return [_existing(part) for _, part in sorted(self.parts.items())]

    def margin_of(self, choice: str) -> float:
        """Margin of a choice, or the default of the model."""
        margin = parse(choice)[1]
        return self.margin if margin is None else margin

    def identity(self, choice: Choice) -> str:
        """Hash that identifies the results of an exit."""
        if not isinstance(choice, str):
            return self.file(choice).sha256
        hashes = [part.sha256 for part in self.chain()]
        text = "\n".join([*hashes, f"{self.margin_of(choice):g}"])
        return hashlib.sha256(text.encode()).hexdigest()


def _existing(file: ExitFile) -> ExitFile:
    if not os.path.isfile(file.path):
        raise FileNotFoundError(f"'{file.path}' isn't there. Export the model again.")
    return file


def parse(choice: int | str) -> tuple[int | str, float | None]:
    """Parse an exit and its margin, as given by users.

    Raises:
        ValueError: if it is invalid

    Examples:
        >>> parse("3"), parse("auto"), parse("auto(0.5)")
        ((3, None), ('auto', None), ('auto', 0.5))

    """
    if isinstance(choice, Integral) and not isinstance(choice, bool):
        return int(choice), None
    if isinstance(choice, str):
        if re.fullmatch(r"\d+", choice):
            return int(choice), None
        if match := re.fullmatch(r"auto(?:\((\d*\.?\d+)\))?", choice):
            margin = float(match[1]) if match[1] else None
            if margin is None or margin <= 1:
                return "auto", margin
    raise ValueError(
        f"An exit is a layer such as 3, 'auto', or 'auto(0.5)' with a margin of 0 to "
        f"1, not {choice!r}."
    )


def normalised(choice: Choice) -> Choice:
    """Convert a choice to its canonical form.

    Raises:
        ValueError: if it is invalid

    Examples:
        >>> normalised("3"), normalised("auto(.5)"), normalised(None)
        (3, 'auto(0.5)', None)

    """
    if choice is None:
        return None
    kind, margin = parse(choice)
    return kind if margin is None else f"auto({margin:g})"


def read(folder: str) -> Exits | None:
    """Read the index of a folder with exits; ``None`` for other folders.

    Raises:
        ValueError: if the index is damaged

    """
    path = os.path.join(folder, INDEX)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        index = Exits(
            folder,
            labels=tuple(map(str, content["labels"])),
            of_classes=bool(content["classes"]),
            margin=float(content["margin"]),
            files=_files(folder, content["exits"]),
            parts=_files(folder, content["parts"]),
        )
        if not index.files or set(index.parts) != set(index.files):
            raise ValueError("exits and parts differ")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"'{path}' is damaged: {error}. Export the model again."
        ) from error
    return index


def _files(folder: str, entries: dict) -> dict[int, ExitFile]:
    files = {}
    for depth, entry in entries.items():
        name, sha256 = str(entry["file"]), str(entry["sha256"])
        if os.path.basename(name) != name:
            raise ValueError(f"'{name}' isn't in the same folder")
        path = os.path.join(folder, name)
        files[int(depth)] = ExitFile(int(depth), path, sha256)
    return files


def softmax(logits: np.ndarray) -> np.ndarray:
    """Scores of classes, which are positive and add up to one.

    Args:
        logits: logits ``(..., num_classes)``

    Examples:
        >>> softmax(np.zeros((1, 4)))
        array([[0.25, 0.25, 0.25, 0.25]])

    """
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def margins(logits: np.ndarray) -> np.ndarray:
    """Difference between the highest and the second highest score.

    Args:
        logits: logits ``(..., num_classes)``

    Returns:
        margins ``(...)``, 0…1

    Examples:
        >>> margins(np.log([[0.25, 0.5, 0.25]])).round(3)
        array([0.25])

    """
    ordered = np.sort(softmax(logits), axis=-1)
    return ordered[..., -1] - ordered[..., -2]
