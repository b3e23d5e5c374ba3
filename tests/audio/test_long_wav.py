"""WAV of more than 2 and 4 GB, whose sizes don't fit into 32 bits."""

import io
import os
import struct

import formats
import numpy as np
import pytest

from audw2s.audio.decode import facts
from audw2s.audio.preprocess import load_as_found
from audw2s.audio.quality import Report
from audw2s.audio.sndfile import chunks

LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + bytes(14)


def written(path, size: int, num_bytes: int, speech: np.ndarray, rest: bytes = b""):
    """WAV of 16 bits at 16 kHz: silence, which takes no disk, and speech."""
    samples = (speech * 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    head = b"RIFF" + struct.pack("<I", (size + 36) % 2**32) + b"WAVE"
    head += b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size)
    with open(path, "wb") as file:
        file.write(head)
        file.seek(len(head) + num_bytes - len(samples))
        file.write(samples + rest)
    return num_bytes / 32000


@pytest.mark.skipif(os.name == "nt", reason="needs files with holes")
@pytest.mark.parametrize(
    ("size", "num_bytes", "rest"),
    [
        # As sox and FFmpeg write to a pipe
        (2**31 - 4096, 2_200_000_000, b""),
        (2**32 - 1, 4_400_000_000, b""),
        # As libsndfile writes to a file
        (4_400_000_000 % 2**32, 4_400_000_000, b""),
        (9_000_000_000 % 2**32, 9_000_000_000, LIST),
        # As recorders split
        (2**31 - 100, 2**31 - 100, LIST),
    ],
)
def test_all_samples_of_a_long_wav_are_read(tmp_path, original, size, num_bytes, rest):
    path = str(tmp_path / "long.wav")
    seconds = written(path, size, num_bytes, original, rest)
    report = Report()
    start = seconds - len(original) / 16000
    found = load_as_found(path, report, start=start)
    assert np.abs(found - original).max() < 1e-4
    assert report.status(0.0)[0] == "ok"
    assert facts(path).duration == pytest.approx(seconds, abs=1e-4)


def test_silence_of_a_recorder_that_died_is_not_searched_for_chunks(original):
    wav = bytearray(formats.unpatched_wav(np.append(np.zeros(16000), original)))
    assert [chunk.name for chunk in chunks(io.BytesIO(wav), wav)] == [b"fmt ", b"data"]
