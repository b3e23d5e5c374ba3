"""Model folders with early exits: one ONNX file per exit, and an index."""

import dataclasses
import hashlib
import json
import os
import re
from numbers import Integral

INDEX = "exits.json"
"""Name of the index of a folder with exits."""

Choice = int | str | None
"""Layer of an exit, ``"auto"``, ``"auto(0.5)"`` with a margin, or ``None`` for the
deepest exit."""


@dataclasses.dataclass(frozen=True)
class Exits:
    """Index of a folder with exits.

    Args:
        folder: folder of the model
        labels: names of the outputs
        of_classes: whether the outputs are classes
        margin: default margin of ``exit="auto"``
        files: name and sha256 of the ONNX file of each exit, from the signal on
        parts: name and sha256 of the ONNX file of each exit, from the previous exit on

    """

    folder: str
    labels: tuple[str, ...]
    of_classes: bool
    margin: float
    files: dict[int, tuple[str, str]]
    parts: dict[int, tuple[str, str]]

    @property
    def deepest(self) -> int:
        """Layer of the deepest exit."""
        return max(self.files)

    def file(self, choice: int | None) -> tuple[str, str]:
        """Path and sha256 of an exit's ONNX file.

        Raises:
            FileNotFoundError: if the file doesn't exist
            ValueError: if there is no such exit

        """
        depth = self.deepest if choice is None else choice
        if depth not in self.files:
            raise ValueError(
                f"'{self.folder}' has no exit {depth!r}, it has "
                f"{', '.join(map(str, sorted(self.files)))}"
                f"{' and auto' if self.of_classes else ''}."
            )
        name, sha256 = self.files[depth]
        return self._path(name), sha256

    def chain(self) -> list[tuple[int, str, str]]:
        """Layer, path and sha256 of each part, in order.

        Raises:
            FileNotFoundError: if a file doesn't exist
            ValueError: if the outputs aren't classes

        """
        if not self.of_classes:
            raise ValueError(
                f"exit='auto' needs scores of classes, and '{self.folder}' gives "
                "values: choose an exit by its number."
            )
        return [
            (depth, self._path(name), sha256)
            for depth, (name, sha256) in sorted(self.parts.items())
        ]

    def _path(self, name: str) -> str:
        path = os.path.join(self.folder, name)
        if not os.path.isfile(path):
            raise FileNotFoundError(f"'{path}' isn't there. Export the model again.")
        return path

    def margin_of(self, choice: str) -> float:
        """Margin of a choice, or the default of the model."""
        margin = parse(choice)[1]
        return self.margin if margin is None else margin

    def identity(self, choice: Choice) -> str:
        """Hash that identifies the results of an exit."""
        if not is_adaptive(choice):
            return self.file(choice)[1]
        hashes = [sha256 for _, _, sha256 in self.chain()]
        text = "\n".join([*hashes, f"{self.margin_of(choice):g}"])
        return hashlib.sha256(text.encode()).hexdigest()


def is_adaptive(choice: Choice) -> bool:
    """Whether the exit depends on the signal.

    Examples:
        >>> is_adaptive("auto(0.5)"), is_adaptive(3)
        (True, False)

    """
    return isinstance(choice, str)


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
            margin = match[1] and float(match[1])
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
        found = Exits(
            folder,
            tuple(map(str, content["labels"])),
            bool(content["classes"]),
            float(content["margin"]),
            _files(content["exits"]),
            _files(content["parts"]),
        )
        if not found.files or set(found.parts) != set(found.files):
            raise ValueError("exits and parts differ")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"'{path}' is damaged: {error}. Export the model again."
        ) from (error)
    return found


def _files(entries: dict) -> dict[int, tuple[str, str]]:
    files = {}
    for depth, entry in entries.items():
        name, sha256 = str(entry["file"]), str(entry["sha256"])
        if os.path.basename(name) != name:
            raise ValueError(f"'{name}' isn't in the same folder")
        files[int(depth)] = (name, sha256)
    return files
