"""Lists of files as toolkits for speech write them: JSON lines, Kaldi, RTTM."""

import json
import math
import os
from collections.abc import Callable
from collections.abc import Iterator

import pandas as pd

from audw2s.corpus.lists.folder import MEDIA

COLUMNS = ["file", "start", "end", "speaker"]
"""What RTTM says of speaker turns."""


def read_jsonl(path: str) -> pd.DataFrame:
    """Read a manifest of NeMo: an object a line.

    ``audio_filepath`` (or ``file``) is the path; with an ``offset`` in any line, lines
    are segments of ``duration`` seconds, else whole files. Other keys are columns.

    Raises:
        ValueError: if a line isn't an object with a path, or times make no sense

    """
    rows = []
    for where, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{where}: {error}.") from None
        if not isinstance(row, dict):
            raise ValueError(f"{where}: it has to be an object such as {{…}}.")
        file = row.pop("audio_filepath", row.pop("file", None))
        if not isinstance(file, str) or not file:
            raise ValueError(
                f"{where}: 'audio_filepath' has to be a path, got {file!r}."
            )
        rows.append({"file": file, **row})
    if any("offset" in row for row in rows):
        for row, (where, _) in zip(rows, _lines(path), strict=True):
            start = _seconds(row.pop("offset", 0), where)
            row["start"] = start
            row["end"] = None
            if row.get("duration") is not None:
                row["end"] = start + _seconds(row["duration"], where)
    # Names that aren't UTF-8 fit into objects only
    return pd.DataFrame(rows, dtype=object)


def read_scp(path: str) -> pd.DataFrame:
    """Read Kaldi's ``wav.scp``, and ``segments`` where it lies beside it.

    Raises:
        ValueError: if a line can't be understood, or holds a command

    """
    files = {}
    for where, line in _lines(path):
        name, _, file = line.strip().partition(" ")
        file = file.strip()
        if not file:
            raise ValueError(f"{where}: it has to be a name and a path, got '{line}'.")
        if file.endswith("|"):
            raise ValueError(
                f"{where}: '{file}' is a command, which isn't run. Write its output "
                "into files, and name them."
            )
        if name in files:
            raise ValueError(f"{where}: '{name}' is listed twice.")
        files[name] = file
    beside = os.path.join(os.path.dirname(path), "segments")
    if not os.path.isfile(beside):
        return pd.DataFrame({"file": list(files.values())}, dtype=object)
    rows = []
    for where, line in _lines(beside):
        fields = line.split()
        if len(fields) != 4 or fields[1] not in files:
            raise ValueError(
                f"{where}: it has to be a segment, a name in '{path}', start and end; "
                f"got '{line}'."
            )
        start, end = (_seconds(field, where, lowest=-1) for field in fields[2:])
        # Kaldi writes -1 for the end of the recording
        rows.append((files[fields[1]], start, None if end == -1 else end))
    return pd.DataFrame(rows, columns=["file", "start", "end"], dtype=object)


def read_rttm(path: str) -> pd.DataFrame:
    """Read speaker turns of RTTM; recordings lie beside it, or are named by paths.

    Raises:
        ValueError: if a line can't be understood, or a recording isn't there, or not
            clear

    """
    rows, files = [], {}
    for where, line in _lines(path):
        fields = line.split()
        if fields[0].startswith(";;") or fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise ValueError(
                f"{where}: a turn has 8 fields or more, SPEAKER, recording, channel, "
                f"start, duration and so on; got '{line}'."
            )
        name = fields[1]
        if name not in files:
            files[name] = _recording(os.path.dirname(path), name, where)
        start, length = (_seconds(field, where) for field in fields[3:5])
        rows.append((files[name], start, start + length, fields[7]))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


READERS: dict[str, Callable[[str], pd.DataFrame]] = {
    ".jsonl": read_jsonl,
    ".scp": read_scp,
    ".rttm": read_rttm,
}
"""How a list is read, by its extension."""


def _lines(path: str) -> Iterator[tuple[str, str]]:
    """Where each line that isn't empty stands, and the line."""
    # Names of files may hold any bytes
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"'{path}', line {number}", line.rstrip("\r\n")


def _seconds(value: object, where: str, lowest: float = 0) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not lowest <= seconds < math.inf:
        raise ValueError(f"{where}: '{value}' has to be a number of seconds.")
    return seconds


def _recording(folder: str, name: str, where: str) -> str:
    """Find the file of a recording, which RTTM names without its extension."""
    names = [name, *(f"{name}.{end}" for k in MEDIA for end in (k, k.upper()))]
    found = [n for n in names if os.path.isfile(os.path.join(folder, n))]
    if len(found) == 1:
        return found[0]
    kinds = f"{' and '.join(found)} do" if found else "no audio file of this name does"
    raise ValueError(
        f"{where}: one recording '{name}' has to lie beside the list, {kinds}."
    )
