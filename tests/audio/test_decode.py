"""Each recording is read whole, whatever its format and its name."""

import io
import os
import subprocess
import sys

import formats
import numpy as np
import pytest
from decoding import MIN_DUR
from decoding import read
from decoding import similarity

from audw2s.audio import container
from audw2s.audio import decode
from audw2s.audio.preprocess import load_as_found
from audw2s.audio.quality import Report

LIKENESS = {"a.3gp": 0.85, "a.amr": 0.85, "a.mp2": 0.96}
LIKENESS |= dict.fromkeys(["chained.ogg", "joined.mp3"], 0.7)
"""How alike what is decoded is to the original, where it isn't by 0.97.

FFmpeg leaves in what encoders put before the second of two streams.
"""


@pytest.mark.parametrize("name", formats.FILES)
def test_formats(tmp_path, original, name):
    # A name that says nothing
    path = tmp_path / "recording.bin"
    path.write_bytes(formats.recording(name))
    report = Report()
    signal = load_as_found(str(path), report)
    status, message = report.status(MIN_DUR)
    assert status == "ok"
    assert (message == "the first of 2 audio streams") == (name == "two_streams.m4a")
    # Some don't say how long encoder and decoder take
    assert -0.04 < report.duration - 2.048 < 0.13
    alike, delay = similarity(signal, original)
    assert alike > LIKENESS.get(name, 0.97)
    assert -0.04 < delay / 16000 < 0.12


@pytest.mark.parametrize(
    "name", ["s16.wav", "a.flac", "vorbis.ogg", "a.m4a", "cbr.mp3"]
)
@pytest.mark.parametrize("kind", ["path", "file", "bytes", "name"])
def test_paths_and_file_objects(tmp_path, name, kind):
    content = formats.recording(name)
    path = tmp_path / "misleading.txt"
    path.write_bytes(content)
    expected, _ = read(str(path))
    assert expected.shape[1] > 30000
    if kind == "file":
        with open(path, "rb") as file:
            for _ in range(2):
                np.testing.assert_array_equal(read(file)[0], expected)
            assert not file.closed
        return
    source = {"path": path, "bytes": io.BytesIO(content), "name": str(path)}[kind]
    for _ in range(2):
        np.testing.assert_array_equal(read(source)[0], expected)


@pytest.mark.parametrize("name", formats.FILES)
def test_segments_lie_where_they_are_in_the_whole(tmp_path, name, monkeypatch):
    monkeypatch.setattr(container, "SEEK_DUR", 0.6)
    monkeypatch.setattr(container, "WARM_UP_DUR", 0.4)
    path = tmp_path / "recording"
    path.write_bytes(formats.recording(name))
    whole, report = read(path)
    rate = report.sampling_rate
    for start, end in [(0.25, 0.5), (0.7, 1.1), (1.234, 1.777), (1.5, None)]:
        found, own = read(path, start=start, end=end)
        last = None if end is None else round(end * rate)
        expected = whole[:, round(start * rate) : last]
        assert found.shape == expected.shape
        # AAC fills bands with noise, which depends on where decoding begins
        np.testing.assert_allclose(found, expected, atol=0.03)
        alike, delay = similarity(found.mean(axis=0), expected.mean(axis=0))
        assert (alike > 0.999, delay) == (True, 0)
        assert own.status(MIN_DUR)[0] in ("ok", "short")


def test_highest_rate_and_most_channels(original):
    wav = bytearray(formats.recording("s16.wav"))
    for rate, status in [(768_000, "short"), (768_001, "sampling_rate")]:
        wav[24:28] = rate.to_bytes(4, "little")
        assert read(io.BytesIO(wav))[1].status(MIN_DUR)[0] == status
    for count, status in [(64, "ok"), (65, "channels")]:
        content = formats.channels(count)(original)
        found = read(io.BytesIO(content))[1].status(MIN_DUR)
        assert found[0] == status
    assert found[1] == "65 channels, a file may have 64"


def test_blocks_are_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(decode, "BLOCK_SIZE", 100_000)
    for name in ("six_channels.wav", "six_channels.m4a"):
        file = io.BytesIO(formats.recording(name))
        blocks = list(decode.file_blocks(file, Report()))
        # What PyAV decodes comes in frames
        assert max(block.nbytes for block in blocks) < 100_000 + 4 * 6 * 1024
        assert len(blocks) > 7


@pytest.mark.parametrize("name", ["opus.webm", "video.webm", "mp3.mkv", "aac.mkv"])
def test_far_segments_are_reached_by_seeking(original, name, monkeypatch):
    content = formats.FILES[name](np.tile(original, 20))
    whole, report = read(io.BytesIO(content))
    decoded = []
    convert = container.planes

    def counted(frame):
        decoded.append(frame.samples)
        return convert(frame)

    monkeypatch.setattr(container, "planes", counted)
    rate = report.sampling_rate
    for start in (20.123, 37.5):
        decoded.clear()
        samples, _ = read(io.BytesIO(content), start=start, end=start + 0.5)
        expected = whole[:, round(start * rate) : round((start + 0.5) * rate)]
        np.testing.assert_allclose(samples, expected, atol=0.03)
        # Matroska is sought by clusters of at most 5 s
        assert sum(decoded) < 7 * rate


def test_declared_durations_are_counted():
    wav, m4a = (formats.recording(name) for name in ("s16.wav", "a.m4a"))
    assert decode.facts(io.BytesIO(wav)) == (16000, 1, 2.048, True)
    assert decode.facts(io.BytesIO(m4a))[:2] == (44100, 1)
    flac = bytearray(formats.recording("a.flac"))
    flac[22:26] = (2**31).to_bytes(4, "big")
    assert decode.facts(io.BytesIO(flac)).duration > 100_000
    assert decode.duration(io.BytesIO(flac)) == 2.048
    assert decode.duration(io.BytesIO(flac), 1.0) > 100_000
    assert decode.duration(io.BytesIO(wav)) == 2.048
    streamed = formats.recording("unknown_length.flac")
    assert decode.facts(io.BytesIO(streamed)).duration is None
    assert decode.duration(io.BytesIO(streamed)) == 2.048


NO_PROGRAM = """
import resource, sys, warnings
# No byte can be written, as on a disk that is full
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import audw2s
print(audw2s.Feature().process_files(sys.argv[1:]).notna().all(axis=None))
"""


def test_no_program_no_temporary_file_no_chatter(tmp_path):
    names = [*formats.FILES]
    for name in names:
        (tmp_path / name).write_bytes(formats.recording(name))
    done = subprocess.run(
        [sys.executable, "-B", "-c", NO_PROGRAM, *map(str, tmp_path.iterdir())],
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
