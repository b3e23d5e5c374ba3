"""Recordings are decoded as FFmpeg's own program decodes them."""

import pathlib
import shutil
import subprocess

import formats
import numpy as np
import pytest
from full import FULL
from full import sample

from audw2s.audio.preprocess import load_as_found
from audw2s.audio.quality import Report
from audw2s.audio.statuses import UNUSABLE
from audw2s.inference.pipeline import Predictor

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="needs FFmpeg's program"
)

DIFFERENT = {
    "big_endian.wav": "FFmpeg reads RIFX as if it were RIFF",
    "chained.flac": "FFmpeg 5 leaves out frames where the second stream begins",
    "free_format.mp3": "FFmpeg doesn't decode MP3 without a bit rate",
    "free_format_id3.mp3": "FFmpeg doesn't decode MP3 without a bit rate",
    "aac.mkv": "FFmpeg 5 leaves in what the encoder put before",
    "mp3.mkv": "FFmpeg 5 leaves in what the encoder put before",
}
"""Recordings that FFmpeg's program decodes differently, and why."""

MAX_DIFFERENCE = 0.03
"""Largest difference of durations in seconds; some FFmpeg leave in the padding."""


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("wav2small")


def by_ffmpeg(path: pathlib.Path, target: pathlib.Path) -> None:
    stream = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-y", str(target)]
    command = ["ffmpeg", "-v", "error", "-i", str(path), *stream]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def compared(path, predictor, folder) -> tuple[float, float]:
    """Duration by FFmpeg, and largest difference of A/D/V of what both decode."""
    by_ffmpeg(path, folder / "ffmpeg.wav")
    report = Report()
    ours = load_as_found(str(path), Report())
    theirs = load_as_found(str(folder / "ffmpeg.wav"), report)
    size = min(len(ours), len(theirs))
    (first,), (second,) = (predictor.signal(s[:size], 16000) for s in (ours, theirs))
    return report.duration, float(np.abs(first.values - second.values).max())


@pytest.mark.parametrize("name", sample(formats.FILES, 6))
def test_formats_against_the_program_of_ffmpeg(tmp_path, predictor, tables, name):
    path = tmp_path / "recording"
    path.write_bytes(formats.recording(name))
    (row,) = predictor.file(path)
    cells, note = ["", ""], DIFFERENT.get(name, row.message)
    if name not in DIFFERENT:
        duration, difference = compared(path, predictor, tmp_path)
        cells = [f"{duration:.3f}", f"{difference:.4f}"]
    tables.add("Against FFmpeg's program", name, f"{row.duration:.3f}", *cells, note)
    assert row.status == "ok"
    if name not in DIFFERENT:
        assert abs(row.duration - duration) < MAX_DIFFERENCE
        assert difference < 0.01


def test_recordings_that_went_wrong_against_the_program_of_ffmpeg(
    tmp_path, cases, predictor
):
    count = 0
    paths = sorted(cases.glob("[!1]*.*")) + sorted(cases.glob("folder*/*"))
    for path in sample(paths, 3):
        (row,) = predictor.file(path)
        if row.status in UNUSABLE or not path.is_file():
            continue
        duration, difference = compared(path, predictor, tmp_path)
        assert abs(row.duration - duration) < MAX_DIFFERENCE, path
        assert difference < 0.01, path
        count += 1
    assert count > (20 if FULL else 6)
