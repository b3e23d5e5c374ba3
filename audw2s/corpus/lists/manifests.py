"""Lists of files as texts: paths, JSON lines, Kaldi, RTTM."""

import json
import os
from collections.abc import Iterator

import pandas as pd

from audw2s.corpus.lists.columns import rename
from audw2s.corpus.lists.folder import MEDIA


def read_paths(path: str) -> pd.DataFrame:
    """Read a text with a path a line."""
    return _table([line] for _, line in _lines(path))


def read_jsonl(path: str) -> pd.DataFrame:
    """Read a manifest of NeMo: an object a line.

    ``audio_filepath`` is the path, ``offset`` the start in seconds. Other keys are
    columns.

    Raises:
        ValueError: if a line isn't an object

    """
    rows = []
    for where, line in _lines(path):
        try:
            rows.append({**json.loads(line)})
        except (ValueError, TypeError) as error:
            text = f"{where}: it has to be an object such as {{…}}, {error}."
            raise ValueError(text) from None
    table = pd.DataFrame(rows, dtype=object)
    names = {"file": "audio_filepath", "start": "offset"}
    return rename(table, {k: v for k, v in names.items() if v in table}, path)


def read_scp(path: str) -> pd.DataFrame:
    """Read Kaldi's ``wav.scp``, and ``segments`` where it lies beside it.

    Raises:
        ValueError: if a line is malformed, or contains a command

    """
    files: dict[str, str] = {}
    for where, line in _lines(path):
        name, file = (*line.strip().split(maxsplit=1), "")[:2]
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
    segments = os.path.join(os.path.dirname(path), "segments")
    if os.path.isfile(segments):
        return _read_segments(segments, files)
    return _table([file] for file in files.values())


def _read_segments(path: str, files: dict[str, str]) -> pd.DataFrame:
    rows = []
    for where, line in _lines(path):
        fields = line.split()
        if len(fields) != 4 or fields[1] not in files:
            raise ValueError(
                f"{where}: it has to be a segment, a name in 'wav.scp', start and end; "
                f"got '{line}'."
            )
        _, name, start, end = fields
        # Kaldi writes -1 for the end of the recording
        rows.append([files[name], start, None if end.startswith("-1") else end])
    return _table(rows, "start", "end")


def read_rttm(path: str) -> pd.DataFrame:
    """Read speaker turns of RTTM; recordings lie beside it, or are named by paths.

    Raises:
        ValueError: if a line is malformed, or a recording is missing or ambiguous

    """
    rows, files = [], {}
    for where, line in _lines(path):
        kind, *fields = line.split()
        if kind != "SPEAKER":
            continue
        if len(fields) < 7:
            raise ValueError(
                f"{where}: a turn has 8 fields or more, SPEAKER, recording, channel, "
                f"start, duration and so on; got '{line}'."
            )
        name, _, start, duration, _, _, speaker, *_ = fields
        if name not in files:
            files[name] = _recording(os.path.dirname(path), name, where)
        rows.append([files[name], start, duration, speaker])
    return _table(rows, "start", "duration", "speaker")


def _recording(folder: str, name: str, where: str) -> str:
    """Find the file of a recording, which RTTM names without its extension."""
    found: dict[int, str] = {}
    for file in [name, *(f"{name}.{end}" for k in MEDIA for end in (k, k.upper()))]:
        path = os.path.join(folder, file)
        if os.path.isfile(path):
            # Where the case of names doesn't count, a file has several
            found.setdefault(os.stat(path).st_ino, file)
    files = list(found.values())
    if len(files) == 1:
        return files[0]
    kinds = f"{' and '.join(files)} do" if files else "no audio file of this name does"
    raise ValueError(
        f"{where}: one recording '{name}' has to lie beside the list, {kinds}."
    )


def _table(rows: Iterator[list] | list[list], *columns: str) -> pd.DataFrame:
    # Names that aren't UTF-8 fit into objects only
    return pd.DataFrame(list(rows), columns=["file", *columns], dtype=object)


def _lines(path: str) -> Iterator[tuple[str, str]]:
    """Position of each line that isn't empty, for messages, and the line."""
    # Names of files may hold any bytes
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"'{path}', line {number}", line.rstrip("\r\n")
